"""Who is asking: turns a credential into a Principal, for REST and for sockets.

Owns Principal, authentication and the issuing of tokens to others. Must not decide what a principal
may do (tenants/access/permissions.py) nor open the tenant scope (tenants/api/views.py).
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from tenants.access.api_keys import api_key_verify, key_facts
from tenants.access.grants.clients import client_facts, held_by
from tenants.access.grants.families import Step, family_advance, family_begin, family_end
from tenants.access.permissions import (
    PERMISSIONS,
    expand,
    limited_to_learners,
    limited_to_subject,
    permissions_of_role,
)
from tenants.access.signing.issuers import foreign_claims
from tenants.access.tokens import LONGEST, Claims, Use, is_foreign, token_issue, token_read, token_revoke, token_verify
from tenants.errors import Forbidden, NotAuthenticated, Unprocessable
from tenants.models import Tenant
from tenants.storage.db import new_id
from tenants.storage.json_values import unstorable
from tenants.tenant_settings import tenant_state

Kind = Literal["key", "token", "visitor"]
LONGEST_SUBJECT = 200  # characters
HUB_KINDS = ("", "token", "visitor", "key")  # as tenants/access/security_hub.proto has them


@dataclass(frozen=True)
class Principal:
    """Who acts, for which tenant, with which permissions. ``request.user`` of every API view.

    ``key_prefix``: the API key it is, or came from. ``extra``: facts put into a token by its issuer. ``client_id``: the OAuth
    client that acts, for the member of staff ``user_id`` where there is one. A "visitor" is its ``subject`` and acts for
    no other user: it reaches views that obey that, and nothing else. ``learners``: the only ones whose threads it
    reaches, and it reaches nothing else; None: it is not limited.
    """

    tenant_id: uuid.UUID
    subject: str
    kind: Kind
    permissions: frozenset[str]
    key_prefix: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)
    client_id: str = ""
    user_id: str = ""
    learners: frozenset[str] | None = None
    is_authenticated: ClassVar[bool] = True
    is_active: ClassVar[bool] = True

    def may(self, permission: str) -> bool:
        return permission in self.permissions


class BearerAuthentication(BaseAuthentication):
    """``Authorization: Bearer <access token or API key>``, or ``X-API-Key: <API key>``."""

    def authenticate(self, request: Request) -> tuple[Principal, str] | None:
        credential = credential_of(request.headers)
        if credential is None:
            return None
        principal = principal_for(credential, limited=True)  # DeclaredPermission asks the view
        named = request.headers.get("X-Tenant-ID")  # one that is empty names none: a variable of the caller was not set
        if named is not None and named.strip().lower() not in (str(principal.tenant_id), principal.tenant_id.hex):
            raise Forbidden("X-Tenant-ID names another tenant than the credential.", code="tenant_mismatch")
        return principal, credential

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="chatsvc"'


def credential_of(headers: Mapping[str, str]) -> str | None:
    """The token or key in the headers; None without one. Raises NotAuthenticated for another scheme."""
    authorization = headers.get("Authorization", "").strip()
    if not authorization:
        return headers.get("X-API-Key", "").strip() or None
    scheme, _, credential = authorization.partition(" ")
    if scheme.lower() != "bearer" or not credential.strip():
        raise NotAuthenticated("Use `Authorization: Bearer <token or API key>`.", code="invalid_token")
    return credential.strip()


def principal_for(credential: str, *, limited: bool = False) -> Principal:
    """Who holds this access token or API key. No database access while everything is remembered. ``limited``: the caller
    obeys `Principal.learners`, and lets visitors act for themselves alone.

    Tokens are judged by the security hub where there is one, API keys always here. Raises NotAuthenticated, Forbidden
    with ``tenant_suspended`` or, unless ``limited``, ``limited_to_learners`` or ``limited_to_subject``, or Unavailable while
    the hub is away.
    """
    if settings.ENV["SECURITY_HUB_URL"] and not credential.startswith("csk_"):
        principal = _from_hub(credential)
        require_active(principal.tenant_id)
    else:
        principal = local_principal(credential)
    if principal.learners is not None and not limited:
        raise limited_to_learners()
    if principal.kind == "visitor" and not limited:
        raise limited_to_subject()
    return principal


def local_principal(credential: str) -> Principal:
    """`principal_for` by our own keys and rows, whatever hub there is."""
    if credential.startswith("csk_"):
        principal = _from_key(credential)
    elif is_foreign(credential):
        principal = _from_claims(foreign_claims(credential))
    else:
        principal = _from_claims(token_verify(credential, "access"))
    require_active(principal.tenant_id)
    return principal


def require_active(tenant_id: uuid.UUID) -> None:
    """Raises Forbidden (``tenant_suspended``), or NotAuthenticated when the tenant is gone."""
    state = tenant_state(tenant_id)
    if state is None:
        raise NotAuthenticated("The credential's tenant does not exist.", code="invalid_token")
    if not state.active:
        raise Forbidden("This tenant is suspended.", code="tenant_suspended")


def issue_access_token(tenant: Tenant | uuid.UUID, subject: str, **options: Any) -> str:
    """A token for ``Authorization: Bearer``. Options as for issue_refresh_token; ``ttl`` defaults to ACCESS_TOKEN_TTL."""
    return _issue("access", tenant, subject, **options)


def issue_refresh_token(tenant: Tenant | uuid.UUID, subject: str, **options: Any) -> str:
    """A token that can be exchanged once for a new pair.

    Options: ``permissions`` (names) or ``role`` (name), ``ttl`` (seconds; default REFRESH_TOKEN_TTL),
    ``kind`` ("token" or "visitor"), ``key_prefix``, ``extra``, ``learners``. Raises Unprocessable ``too_many_learners``.
    """
    return _issue("refresh", tenant, subject, **options)


def tokens_refresh(refresh_token: str, *, client_id: str = "") -> tuple[str, str]:
    """A new access and refresh token for a refresh token, which is used up by this; the same pair for one that comes again
    within seconds. Later it is in two hands, and all that came from the same exchange ends."""
    claims = token_read(refresh_token, "refresh")
    principal = _from_claims(claims)
    if principal.client_id != client_id:  # RFC 6749, 6: a client's own, which it proves
        raise NotAuthenticated("The token is not valid.", code="invalid_token")
    require_active(principal.tenant_id)
    ends_at = claims.get("end")
    step = family_advance(claims, _refresh_ends(time.time(), ends_at))
    return _pair(principal, step, ends_at)


def token_pair(principal: Principal, ttl: int | None = None, *, family: uuid.UUID | None = None) -> tuple[str, str]:
    """Access and refresh token that stand for a principal, of a new family. ``ttl``: seconds that the access token lives,
    and all that is ever refreshed from the pair. ``family``: its id, where that was given out before."""
    at = time.time()
    ends_at = int(at) + ttl if ttl is not None else None
    step = family_begin(
        principal.tenant_id,
        principal.subject,
        principal.permissions,
        principal.key_prefix,
        _refresh_ends(at, ends_at),
        family,
    )
    return _pair(principal, step, ends_at, ttl)


def _refresh_ends(at: float, ends_at: int | None) -> int:
    usual = int(at) + int(settings.ENV["REFRESH_TOKEN_TTL"])
    return usual if ends_at is None else min(usual, ends_at)


def _pair(principal: Principal, step: Step, ends_at: int | None, ttl: int | None = None) -> tuple[str, str]:
    """The pair of a step: the same claims whenever it is asked for."""
    options: dict[str, Any] = {
        "permissions": principal.permissions,
        "kind": "visitor" if principal.kind == "visitor" else "token",
        "key_prefix": principal.key_prefix,
        "extra": principal.extra,
        "client_id": principal.client_id,
        "user_id": principal.user_id,
        "learners": principal.learners,
        "family": str(step.family),
        "ends_at": ends_at,
        "issued_at": int(step.at.timestamp()),
    }
    access_jti = str(uuid.uuid5(uuid.UUID(step.jti), "access"))
    access = issue_access_token(principal.tenant_id, principal.subject, jti=access_jti, ttl=ttl, **options)
    return access, issue_refresh_token(principal.tenant_id, principal.subject, jti=step.jti, **options)


def revoke(token: str) -> bool:
    """Refuse an access token, or a refresh token with all of its family (RFC 7009, 2.1), from now on; False when it was no
    longer good anyway."""
    try:
        return token_revoke(token_verify(token, "access"))
    except NotAuthenticated:
        pass
    try:
        return family_end(uuid.UUID(token_verify(token, "refresh")["fam"]), "revoked")
    except NotAuthenticated:
        return False


def _issue(
    use: Use,
    tenant: Tenant | uuid.UUID,
    subject: str,
    *,
    permissions: Iterable[str] = (),
    role: str = "",
    ttl: int | None = None,
    kind: Kind = "token",
    **facts: Any,
) -> str:
    if use == "refresh":
        facts["family"] = facts.get("family") or str(new_id())
    tenant_id = tenant.id if isinstance(tenant, Tenant) else tenant
    granted = permissions_of_role(tenant_id, role) if role else expand(permissions)
    default_s: int = settings.ENV["ACCESS_TOKEN_TTL" if use == "access" else "REFRESH_TOKEN_TTL"]
    token = token_issue(
        use,
        tenant_id=tenant_id,
        subject=subject,
        kind=kind,
        permissions=granted,
        ttl_s=default_s if ttl is None else ttl,
        **facts,
    )
    if len(token) > LONGEST:  # it would be refused wherever it is shown
        raise Unprocessable("These learners do not fit into a token.", code="too_many_learners")
    return token


def _from_key(plaintext: str) -> Principal:
    facts = api_key_verify(plaintext)
    return Principal(
        tenant_id=facts.tenant_id,
        subject=f"key:{facts.prefix}",
        kind="key",
        permissions=facts.permissions,
        key_prefix=facts.prefix,
    )


def _from_hub(token: str) -> Principal:
    """The hub's answer, read as the claims of a token of ours."""
    from tenants.access.hub.client import hub  # gRPC takes 15 MB, and most deployments have no hub

    known = hub().known(token, PERMISSIONS)
    user = known.user
    claims: Claims = {
        "tid": user.tenant_id,
        "sub": user.subject,
        "kind": user.kind,
        "perms": sorted(known.granted),
        "key": user.key_prefix,
        "ext": dict(user.extra),
    }
    if user.HasField("learners"):
        claims["learners"] = list(user.learners.ids)
    try:
        uuid.UUID(user.tenant_id)
    except ValueError:
        raise NotAuthenticated("The token is not valid.", code="invalid_token") from None
    told = 0 < len(user.subject) <= LONGEST_SUBJECT and user.kind in HUB_KINDS  # "Visitor" may not do what a token may
    if not told or unstorable([user.subject, claims.get("learners", [])]):
        raise NotAuthenticated("The token is not valid.", code="invalid_token")
    return _from_claims(claims)


def _from_claims(claims: Claims) -> Principal:
    prefix = str(claims.get("key", ""))
    permissions = expand(claims["perms"])
    if prefix:
        key = key_facts(prefix)
        if key is None or not key.usable:
            raise NotAuthenticated("The API key behind this token has ended.", code="token_revoked")
        permissions &= key.permissions  # a key that was narrowed narrows its tokens
    tenant_id, client_id, user_id = uuid.UUID(claims["tid"]), str(claims.get("cid", "")), str(claims.get("usr", ""))
    permissions &= _held_through(tenant_id, client_id, user_id)
    return Principal(
        tenant_id=tenant_id,
        subject=str(claims["sub"]),
        kind="visitor" if claims["kind"] == "visitor" else "token",
        permissions=permissions,
        key_prefix=prefix,
        extra=claims.get("ext", {}),
        client_id=client_id,
        user_id=user_id,
        learners=frozenset(claims["learners"]) if "learners" in claims else None,
    )


def _held_through(tenant_id: uuid.UUID, client_id: str, user_id: str) -> frozenset[str]:
    """What the OAuth client and the member of staff behind a token may still do; all where there is none of them. Raises
    NotAuthenticated ``token_revoked``."""
    held = frozenset(PERMISSIONS)
    if client_id:
        client = client_facts(client_id)
        if client is None or client.tenant_id != tenant_id:
            raise NotAuthenticated("The client behind this token has ended.", code="token_revoked")
        held &= client.permissions
    if user_id:
        member = held_by(tenant_id, uuid.UUID(user_id))
        if member is None:
            raise NotAuthenticated("The person behind this token may not act there any more.", code="token_revoked")
        held &= member
    return held
