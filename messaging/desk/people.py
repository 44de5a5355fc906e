"""Who is at a window of staff, and what they may see: by the console's session, or by a token or key.

Owns the look at sessions, accounts and roles, for many windows at once: they are asked about again and again. Must not
know sockets: the headers of a handshake are handed in.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.db import SessionStore
from django.contrib.sessions.models import Session
from django.http.cookie import parse_cookie
from django.http.request import split_domain_port, validate_host
from django.utils.crypto import constant_time_compare

from tenants.access.auth import credential_of, principal_for
from tenants.access.permissions import PERMISSIONS, demands_more, expand, operator_closed
from tenants.errors import Forbidden, NotAuthenticated, ServiceError, Unprocessable
from tenants.models import Membership, Tenant, User
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tenants.tenant_settings import suspended, tenant_state
from tenants.trail.audit import actor_name

READ, WORDS, WRITE = "conversations:read", "messages:read", "conversations:write"
MOST_TENANTS = 50  # that a superuser is told of at first


@dataclass(frozen=True)
class Proof:
    """What a window showed: the key of a session, or a token or API key (and for which member of staff)."""

    session: str = ""
    credential: str = ""
    agent: str = ""


@dataclass(frozen=True)
class Person:
    """``user_id`` None: a key without a member of staff. ``tenants``: those whose conversations they may read, with all
    that they may do there. ``everywhere``: a superuser."""

    user_id: uuid.UUID | None
    name: str
    full_name: str
    tenants: Mapping[uuid.UUID, frozenset[str]]
    everywhere: bool = False
    closed: frozenset[uuid.UUID] = frozenset()  # of a superuser: tenants that are not served
    key: str = ""  # the API key's prefix, where no member of staff is named
    actor: str = ""  # as the audit trail calls who looks: an account, or the credential that names one

    def may(self, tenant_id: uuid.UUID, permission: str) -> bool:
        if self.everywhere:
            state = tenant_state(tenant_id)
            return state is not None and state.active and permission in PERMISSIONS
        return permission in self.tenants.get(tenant_id, ())

    def held(self, tenant_id: uuid.UUID) -> Collection[str]:
        """What they may do there as it was when they were looked up; asks for nothing."""
        if self.everywhere:
            return () if tenant_id in self.closed else PERMISSIONS
        return self.tenants.get(tenant_id, ())

    @property
    def shape(self) -> dict[str, str] | None:
        return {"id": str(self.user_id), "name": self.name} if self.user_id else None


def proof_shown(headers: Mapping[str, str]) -> Proof:
    """What a handshake shows; an empty one: its `hello` has to. Raises NotAuthenticated for a scheme that is none of
    ours. ``headers``: by their names, each word with a capital."""
    credential = credential_of({**headers, "X-API-Key": headers.get("X-Api-Key", "")})
    return Proof(credential=credential) if credential else Proof(session=_cookie(headers))


def own_page(headers: Mapping[str, str]) -> bool:
    """Whether the page that opens the socket is the service's own: another must not use the browser's cookie."""
    origin, host = headers.get("Origin", ""), headers.get("Host", "")
    try:
        page = urlsplit(origin)
    except ValueError:  # half an IPv6 address
        return False
    safe = page.scheme == "https" or (page.scheme == "http" and not settings.SESSION_COOKIE_SECURE)
    return safe and page.netloc == host and validate_host(split_domain_port(host)[0], settings.ALLOWED_HOSTS)


def people(proofs: Collection[Proof]) -> dict[Proof, Person | ServiceError]:
    """Whose each is; an error: the proof is none any more (NotAuthenticated), or its person reads no conversations
    (Forbidden). At most three statements for all sessions, one more where a superuser is among them, and what is not remembered for each token."""
    found = _of_sessions({proof for proof in proofs if proof.session})
    for proof in proofs:
        if not proof.session:
            found[proof] = _of_credential(proof)
    return {proof: found.get(proof, _signed_out()) for proof in proofs}


def tenants_told(person: Person) -> list[dict[str, Any]]:
    """The tenants of a person, as `ready` tells them; one statement."""
    rows = Tenant.objects.filter(status=Tenant.Status.ACTIVE).order_by("name")
    if not person.everywhere:
        rows = rows.filter(id__in=person.tenants)
    return [
        {"id": str(row.id), "name": row.name, "permissions": sorted(person.tenants.get(row.id, PERMISSIONS))}
        for row in rows[:MOST_TENANTS]
    ]


def _of_sessions(proofs: Collection[Proof]) -> dict[Proof, Person | ServiceError]:
    if not proofs:
        return {}
    keys = {proof.session: proof for proof in proofs}
    live = Session.objects.filter(session_key__in=keys, expire_date__gt=now()).values_list(
        "session_key", "session_data"
    )
    said = {key: SessionStore().decode(data) for key, data in live}
    signed_in = {keys[key]: facts for key, facts in said.items() if SESSION_KEY in facts}
    ids = {uuid.UUID(facts[SESSION_KEY]) for facts in signed_in.values()}
    users = {user.id: user for user in User.objects.filter(id__in=ids, is_active=True, is_staff=True)}
    held = _memberships(users)
    closed = frozenset(suspended() if any(user.is_superuser for user in users.values()) else ())
    return {
        proof: _member(users[user_id], held.get(user_id, {}), closed)
        for proof, facts in signed_in.items()
        if (user_id := uuid.UUID(facts[SESSION_KEY])) in users and _same_password(users[user_id], facts)
    }


def _same_password(user: User, facts: Mapping[str, Any]) -> bool:
    """A session ends with the password that it was begun by."""
    hashes = [user.get_session_auth_hash(), *user.get_session_auth_fallback_hash()]
    return any(constant_time_compare(facts.get(HASH_SESSION_KEY, ""), one) for one in hashes)


def _memberships(users: Mapping[uuid.UUID, User]) -> dict[uuid.UUID, dict[uuid.UUID, frozenset[str]]]:
    found: dict[uuid.UUID, dict[uuid.UUID, frozenset[str]]] = {}
    # unscoped: the memberships are what tells which tenants there are
    rows = Membership.objects.unscoped().filter(user_id__in=users).select_related("role", "tenant")
    for row in rows.filter(tenant__status=Tenant.Status.ACTIVE) if users else ():
        if demands_more(users[row.user_id], row.tenant):
            continue
        found.setdefault(row.user_id, {})[row.tenant_id] = expand(row.role.permissions)
    return found


def _member(
    user: User, held: Mapping[uuid.UUID, frozenset[str]], closed: frozenset[uuid.UUID]
) -> Person | ServiceError:
    reads = {tenant_id: may for tenant_id, may in held.items() if READ in may}
    everywhere = user.is_superuser and not operator_closed(user)
    if not reads and not everywhere:
        return _reads_none()
    name = user.get_username()
    return Person(
        user.id, name, user.get_full_name(), reads, everywhere=everywhere, closed=closed if everywhere else frozenset(),
        actor=actor_name(user),
    )  # fmt: skip


def _of_credential(proof: Proof) -> Person | ServiceError:
    try:
        principal = principal_for(proof.credential)
        if principal.kind == "visitor" or not principal.may(READ):
            return _reads_none()
        reads, actor = {principal.tenant_id: principal.permissions}, actor_name(principal)
        if not proof.agent:
            return Person(
                None, principal.subject, "", reads, key=principal.key_prefix or principal.subject, actor=actor
            )
        user = _agent(principal.tenant_id, proof.agent)
        return Person(user.id, user.get_username(), user.get_full_name(), reads, actor=actor)
    except ServiceError as error:
        return error


def _agent(tenant_id: uuid.UUID, name: str) -> User:
    with tenant_scope(tenant_id):
        named = Membership.objects.filter(user__username=name, user__is_active=True).select_related("user")
        member = named.first()
    if member is None:
        raise Unprocessable("This tenant has no such member of staff.", code="agent_unknown")
    user: User = member.user
    return user


def _cookie(headers: Mapping[str, str]) -> str:
    """The key of the console's session, where the browser brought one."""
    found = parse_cookie(headers.get("Cookie", "")).get(settings.SESSION_COOKIE_NAME, "")
    return found if len(found) <= 64 else ""


def _signed_out() -> NotAuthenticated:
    return NotAuthenticated("Sign in to the console, or bring a token.", code="invalid_token")


def _reads_none() -> Forbidden:
    return Forbidden("No tenant whose conversations may be read.", details={"permission": READ})
