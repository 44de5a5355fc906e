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
from tenants.access.permissions import PERMISSIONS, expand, permissions_of_role
from tenants.access.tokens import Claims, Use, family_revoke, token_issue, token_read, token_revoke, token_verify
from tenants.errors import Forbidden, NotAuthenticated, Unprocessable
from tenants.models import Membership, Tenant, User
from tenants.storage.db import new_id
from tenants.tenant_settings import tenant_state

Kind = Literal["key", "token", "visitor", "staff"]
LEARNERS = (
    "Tokens limited to learners are not supported yet: leave `learners` out, and know that the token is not limited."
)


@dataclass(frozen=True)
class Principal:
    """Who acts, for which tenant, with which permissions. ``request.user`` of every API view.

    ``key_prefix``: the API key it is, or came from. ``extra``: facts put into a token by its issuer.
    """

    tenant_id: uuid.UUID
    subject: str
    kind: Kind
    permissions: frozenset[str]
    key_prefix: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)
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
        principal = principal_for(credential)
        named = request.headers.get("X-Tenant-ID", "").strip()
        if named and named.lower() not in (str(principal.tenant_id), principal.tenant_id.hex):
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


def principal_for(credential: str) -> Principal:
    """Who holds this access token or API key. No database access while everything is remembered.

    Raises NotAuthenticated, or Forbidden with ``tenant_suspended``.
    """
    principal = (
        _from_key(credential) if credential.startswith("csk_") else _from_claims(token_verify(credential, "access"))
    )
    require_active(principal.tenant_id)
    return principal


def staff_principal(user: User, tenant_id: uuid.UUID) -> Principal | None:
    """A signed-in member of staff acting for a tenant; None when they are not a member. One look-up."""
    if user.is_superuser:
        permissions: frozenset[str] | None = frozenset(PERMISSIONS)
    else:
        # unscoped: this is what decides whether the scope may be opened; filtered by tenant and user
        memberships = Membership.objects.unscoped().filter(tenant_id=tenant_id, user=user)
        role = memberships.values_list("role__permissions", flat=True).first()
        permissions = None if role is None else expand(role)
    if permissions is None or not user.is_active:
        return None
    return Principal(tenant_id=tenant_id, subject=f"user:{user.get_username()}", kind="staff", permissions=permissions)


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
    ``kind`` ("token" or "visitor"), ``key_prefix``, ``extra``. Raises Unprocessable
    ``learners_not_supported`` for ``learners``.
    """
    return _issue("refresh", tenant, subject, **options)


def tokens_refresh(refresh_token: str) -> tuple[str, str]:
    """A new access and refresh token for a refresh token, which is used up by this. One that comes twice is in two
    hands, and all that came from the same exchange ends (RFC 9700, 4.14.2)."""
    claims = token_read(refresh_token, "refresh")
    principal = _from_claims(claims)
    require_active(principal.tenant_id)
    try:
        token_verify(refresh_token, "refresh")
    except NotAuthenticated:
        family_revoke(claims)
        raise
    if not token_revoke(claims):
        family_revoke(claims)
        raise NotAuthenticated("This token was used already.", code="token_revoked")
    return token_pair(principal, family=claims.get("fam", ""), ends_at=claims.get("end"))


def token_pair(
    principal: Principal, ttl: int | None = None, *, family: str = "", ends_at: int | None = None
) -> tuple[str, str]:
    """Access and refresh token that stand for a principal. ``ttl``: seconds that the access token lives, and all
    that is ever refreshed from the pair."""
    ends_at = int(time.time()) + ttl if ttl is not None else ends_at
    options: dict[str, Any] = {
        "permissions": principal.permissions,
        "kind": "visitor" if principal.kind == "visitor" else "token",
        "key_prefix": principal.key_prefix,
        "extra": principal.extra,
        "family": family or str(new_id()),
        "ends_at": ends_at,
    }
    access = issue_access_token(principal.tenant_id, principal.subject, ttl=ttl, **options)
    return access, issue_refresh_token(principal.tenant_id, principal.subject, **options)


def revoke(token: str) -> bool:
    """Refuse an access or refresh token from now on; False when it was no longer good anyway."""
    for use in ("access", "refresh"):
        try:
            return token_revoke(token_verify(token, use))
        except NotAuthenticated:
            continue
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
    learners: Iterable[str] | None = None,
    **facts: Any,
) -> str:
    if learners is not None:
        raise Unprocessable(LEARNERS, code="learners_not_supported")
    if use == "refresh":
        facts["family"] = facts.get("family") or str(new_id())
    tenant_id = tenant.id if isinstance(tenant, Tenant) else tenant
    granted = permissions_of_role(tenant_id, role) if role else expand(permissions)
    default_s: int = settings.ENV["ACCESS_TOKEN_TTL" if use == "access" else "REFRESH_TOKEN_TTL"]
    return token_issue(
        use,
        tenant_id=tenant_id,
        subject=subject,
        kind=kind,
        permissions=granted,
        ttl_s=default_s if ttl is None else ttl,
        **facts,
    )


def _from_key(plaintext: str) -> Principal:
    facts = api_key_verify(plaintext)
    return Principal(
        tenant_id=facts.tenant_id,
        subject=f"key:{facts.prefix}",
        kind="key",
        permissions=facts.permissions,
        key_prefix=facts.prefix,
    )


def _from_claims(claims: Claims) -> Principal:
    if "learners" in claims:  # of an older release: a limit that nothing obeys must not open the whole tenant
        raise Forbidden(LEARNERS, code="learners_not_supported")
    prefix = str(claims.get("key", ""))
    permissions = expand(claims["perms"])
    if prefix:
        key = key_facts(prefix)
        if key is None or not key.usable:
            raise NotAuthenticated("The API key behind this token has ended.", code="token_revoked")
        permissions &= key.permissions  # a key that was narrowed narrows its tokens
    return Principal(
        tenant_id=uuid.UUID(claims["tid"]),
        subject=str(claims["sub"]),
        kind="visitor" if claims["kind"] == "visitor" else "token",
        permissions=permissions,
        key_prefix=prefix,
        extra=claims.get("ext", {}),
    )
