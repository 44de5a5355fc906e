"""OAuth clients and the people who let them act: what each may do at this moment (TEN-3).

Owns the making and the end of clients. Must not know the protocol: tenants/access/grants/server.py does.
"""

from __future__ import annotations

import datetime
import hashlib
import hmac
import re
import secrets
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tenants.access.permissions import ALL, PERMISSIONS, demands_more, expand, operator_closed
from tenants.errors import Conflict, Invalid
from tenants.models import Membership, OAuthClient, Tenant, User
from tenants.storage.db import now
from tenants.storage.memo import Memo

FRESH_S = 30  # that what a client or a member may do is remembered
MOST_URIS = 10
LONGEST_URI = 500
OWN_MACHINE = re.compile(
    r"(127\.0\.0\.1|\[::1\])(:[0-9]{1,5})?"
)  # RFC 8252, 7.3: a program on the person's own machine
PLACE = re.compile(
    r"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?"
)  # it stands in the policy of the page of consent
OWN_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")  # RFC 8252, 7.1: a reversed domain name
PLAIN = re.compile(r"[ !#-\[\]-~]*")
STATE = re.compile(r"[ -~]*")  # the client's own words
FORM = re.compile(r"oac_[a-z0-9]{16}")
LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True)
class ClientFacts:
    """What is remembered of a client: enough to check one."""

    tenant_id: uuid.UUID
    client_id: str
    name: str
    secret_hash: str
    permissions: frozenset[str]
    redirect_uris: tuple[str, ...]
    former_hash: str = ""
    former_until: datetime.datetime | None = None

    def knows(self, secret: str) -> bool:
        """Whether it is the secret, or the one before it while that goes on."""
        former = self.former_hash if self.former_until and self.former_until > now() else ""
        told = hashed(secret)
        return any(one and hmac.compare_digest(one, told) for one in (self.secret_hash, former))


_clients: Memo[ClientFacts] = Memo("oauth-clients", ttl=FRESH_S)
_held: Memo[frozenset[str]] = Memo("oauth-members", ttl=FRESH_S)


def client_create(
    tenant: Tenant, name: str, scopes: Sequence[str], redirect_uris: Sequence[str] = (), *, public: bool = False
) -> tuple[OAuthClient, str]:
    """A new client and its secret, which cannot be had again; "" of a ``public`` one, which could not keep it.

    Raises Invalid ``validation_error`` for a permission that there is not, an address that codes must not be sent to,
    and a public client without an address."""
    wanted = client_wanted(scopes, redirect_uris, public=public)
    secret = "" if public else _secret()
    client = OAuthClient(
        tenant=tenant, name=name, client_id="oac_" + "".join(secrets.choice(LETTERS) for _ in range(16)), scopes=wanted,
        redirect_uris=list(redirect_uris), secret_hash=hashed(secret) if secret else "",
    )  # fmt: skip
    client.save(force_insert=True)
    return client, secret


def client_change(
    client: OAuthClient,
    *,
    name: str | None = None,
    scopes: Sequence[str] | None = None,
    redirect_uris: Sequence[str] | None = None,
) -> None:
    """Call it otherwise, let it do something else, send its codes elsewhere: from now on, also for tokens that are out; here
    at once, elsewhere within a second (30 s without Redis). Raises as `client_create`, and Conflict ``client_ended``."""
    _demand_going_on(client)
    given = {"name": name, "scopes": scopes, "redirect_uris": redirect_uris}
    changes = {field: value for field, value in given.items() if value is not None}
    wanted = {field: changes.get(field, getattr(client, field)) for field in ("scopes", "redirect_uris")}
    known = client_wanted(**wanted, public=not client.secret_hash)
    if scopes is not None:
        changes["scopes"] = known
    for field, value in changes.items():
        setattr(client, field, list(value) if field == "redirect_uris" else value)
    if changes:
        client.save(update_fields=sorted(changes))
    _clients.forget(client.client_id)


def client_rotate(client: OAuthClient, *, keep_s: int = 86_400) -> str:
    """A new secret, which cannot be had again; the present one still works for ``keep_s`` seconds, one before it no more.

    Raises Conflict ``client_ended``, and ``client_without_secret`` for one that keeps none."""
    _demand_going_on(client)
    if not client.secret_hash:
        raise Conflict(f"{client} keeps no secret.", code="client_without_secret")
    secret = _secret()
    client.former_hash, client.former_until = client.secret_hash, now() + datetime.timedelta(seconds=keep_s)
    client.secret_hash = hashed(secret)
    client.save(update_fields=["secret_hash", "former_hash", "former_until"])
    _clients.forget(client.client_id)
    return secret


def client_end(client: OAuthClient) -> None:
    """End a client, and with it every token that it was given."""
    if client.revoked_at is None:
        client.revoked_at = now()
        client.save(update_fields=["revoked_at"])
    _clients.forget(client.client_id)


def client_facts(client_id: str) -> ClientFacts | None:
    """What is known of a client that has not ended, at most FRESH_S old."""
    return _clients.get(client_id, lambda: _client(client_id)) if FORM.fullmatch(client_id) else None


def held_by(tenant_id: uuid.UUID, user_id: uuid.UUID) -> frozenset[str] | None:
    """What a member of staff may do in the tenant, at most FRESH_S old; None: they are no member any more, or
    have not the second step that the tenant demands."""
    return _held.get((tenant_id, user_id), lambda: _member(tenant_id, user_id))


def uri_allowed(uri: str) -> bool:
    """Whether a code may be sent there: compared letter by letter later, so it has to be whole and plain."""
    if not 0 < len(uri) <= LONGEST_URI or not re.fullmatch(r"[!-~]+", uri) or "#" in uri or "\\" in uri:
        return False
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(host) and bool(PLACE.fullmatch(parts.netloc))
    if parts.scheme == "http":
        return bool(OWN_MACHINE.fullmatch(parts.netloc))
    return bool(OWN_SCHEME.fullmatch(parts.scheme))


def unplain(parameters: Iterable[tuple[str, Any]]) -> str:
    """The name of the first parameter of a request that is not written in the standard's characters (RFC 6749, appendix A),
    which Authlib would put into an answer of its own and fail; "" when all are."""
    return next((name for name, value in parameters if not (STATE if name == "state" else PLAIN).fullmatch(value)), "")


def hashed(secret: str) -> str:
    """SHA-256, without salt or stretching: the secrets have 256 random bits."""
    return hashlib.sha256(secret.encode()).hexdigest()


def client_wanted(scopes: Sequence[str], redirect_uris: Sequence[str], *, public: bool) -> list[str]:
    """The scopes, each once. Raises Invalid where no client can be so."""
    wanted = sorted(set(scopes))
    unknown = [scope for scope in wanted if scope != ALL and scope not in PERMISSIONS]
    wrong = {"scopes": f"Unknown: {', '.join(unknown)[:200]}" if unknown else ""}
    refused = [uri for uri in redirect_uris if not uri_allowed(uri)]
    wrong["redirect_uris"] = f"https, the scheme of an app, or http on 127.0.0.1: {refused[0][:200]}" if refused else ""
    if len(redirect_uris) > MOST_URIS:
        wrong["redirect_uris"] = f"At most {MOST_URIS}."
    if public and not redirect_uris:
        wrong["redirect_uris"] = "A client without a secret acts for people only: it needs an address."
    details = [{"field": field, "message": said, "code": f"{field}_invalid"} for field, said in wrong.items() if said]
    if details:
        raise Invalid("A client cannot be so.", details=details)
    return wanted


def _demand_going_on(client: OAuthClient) -> None:
    if client.revoked_at is not None:
        raise Conflict(f"{client} has ended: make a new client.", code="client_ended")


def _secret() -> str:
    return f"oas_{secrets.token_urlsafe(32)}"


def _client(client_id: str) -> ClientFacts | None:
    # unscoped: the client tells which tenant it is of, so there cannot be a scope yet
    row = OAuthClient.objects.unscoped().filter(client_id=client_id, revoked_at=None).first()
    if row is None:
        return None
    return ClientFacts(
        row.tenant_id, row.client_id, row.name, row.secret_hash, expand(row.scopes), tuple(row.redirect_uris),
        row.former_hash or "", row.former_until,
    )  # fmt: skip


def _member(tenant_id: uuid.UUID, user_id: uuid.UUID) -> frozenset[str] | None:
    user = User.objects.filter(id=user_id, is_active=True, is_staff=True).first()
    if user is None:
        return None
    if user.is_superuser:
        return None if operator_closed(user) else frozenset(PERMISSIONS)
    # unscoped: asked while signing in; filtered by tenant and user
    rows = Membership.objects.unscoped().filter(tenant_id=tenant_id, user_id=user_id)
    row = rows.select_related("role", "tenant").first()
    if row is None or demands_more(user, row.tenant):
        return None
    return expand(row.role.permissions)
