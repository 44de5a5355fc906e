"""Access and refresh tokens: JWTs signed by JWT_SECRET_KEY with JWT_ALGORITHM, and their revocation.

Owns the claims. Must not know HTTP. Claims: ``iss aud use tid sub kind perms jti iat exp`` and, where
given, ``key`` (prefix of the API key it came from), ``ext`` (text values), ``fam`` (the exchange it came
from) and ``end`` (Unix seconds beyond which nothing refreshed from it lives).
"""

from __future__ import annotations

import base64
import datetime
import hashlib
import re
import time
import uuid
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Literal

import jwt
from django.conf import settings
from django.db import IntegrityError

from tenants.errors import NotAuthenticated
from tenants.models import RevokedToken
from tenants.storage.db import key_taken, new_id
from tenants.storage.memo import Memo

ISSUER = "chatsvc"
AUDIENCE = "chatsvc-api"
LEEWAY_S = 1
REMEMBER_S = 60  # for so long a verified token is not verified again
LONGEST = 4096  # characters
LAST_TIME = 4_133_980_800  # Unix seconds of the year 2101
REQUIRED = ["iss", "aud", "use", "tid", "sub", "kind", "perms", "jti", "iat", "exp"]

Use = Literal["access", "refresh"]
Claims = dict[str, Any]

FORM = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+")


def _segment(header: bytes) -> str:
    return base64.urlsafe_b64encode(header).rstrip(b"=").decode()


#: The only headers taken, byte for byte: no other algorithm, no key id or key address to be led by,
#: and nothing unverified is ever parsed.
HEADERS = {
    algorithm: frozenset(
        _segment(header.replace("HS", algorithm).encode())
        for header in ('{"alg":"HS","typ":"JWT"}', '{"typ":"JWT","alg":"HS"}', '{"alg":"HS"}')
    )
    for algorithm in ("HS256", "HS384", "HS512")
}

#: what a signature says never changes; whether the token still stands is remembered apart, by its ``jti``
_verified: Memo[Claims] = Memo("tokens", ttl=REMEMBER_S)
_standing: Memo[bool] = Memo("tokens-standing", ttl=REMEMBER_S)


def token_issue(
    use: Use,
    *,
    tenant_id: uuid.UUID,
    subject: str,
    kind: str,
    permissions: Iterable[str],
    ttl_s: int,
    key_prefix: str = "",
    extra: Mapping[str, str] | None = None,
    family: str = "",
    ends_at: int | None = None,
) -> str:
    """A signed token that lives ``ttl_s`` seconds, and not beyond ``ends_at`` (Unix seconds), which all that is
    refreshed from it keep. ``family``: the id that a refresh token shares with all that came from it."""
    at = int(time.time())
    claims: Claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "use": use,
        "tid": str(tenant_id),
        "sub": subject,
        "kind": kind,
        "perms": sorted(permissions),
        "jti": str(new_id()),
        "iat": at,
        "exp": at + ttl_s if ends_at is None else min(at + ttl_s, ends_at),
    }
    if family:
        claims["fam"] = family
    if ends_at is not None:
        claims["end"] = ends_at
    if key_prefix:
        claims["key"] = key_prefix
    if extra:
        claims["ext"] = dict(extra)
    return jwt.encode(claims, settings.JWT_SECRET_KEY, algorithm=settings.JWT_ALGORITHM)


def token_verify(token: str, use: Use) -> Claims:
    """The claims of a good token. Raises NotAuthenticated (``invalid_token``, ``token_expired``, ``token_revoked``).

    Costs one look-up the first time, another of its exchange, and none while it is remembered; only successes are.
    """
    if len(token) > LONGEST or not FORM.fullmatch(token):
        raise _invalid()
    claims = _verified.get(hashlib.sha256(token.encode()).digest(), lambda: _decode(token))
    assert claims is not None
    if claims["exp"] + LEEWAY_S <= time.time():
        raise _expired()
    for name in {claims["jti"], claims.get("fam", claims["jti"])}:  # itself, and all of its exchange
        _standing.get(name, partial(_stands, name))
    if claims["use"] != use:
        raise _invalid()
    return claims


def token_revoke(claims: Claims) -> bool:
    """Refuse the token from now on, here at once and elsewhere within a second (60 s without Redis).

    True when this call did it, False when it was revoked already. Call outside a transaction.
    """
    try:
        RevokedToken.objects.create(
            jti=claims["jti"], expires_at=datetime.datetime.fromtimestamp(claims["exp"] + LEEWAY_S, datetime.UTC)
        )
    except IntegrityError as error:
        if not key_taken(error):
            raise
        return False
    _standing.forget(claims["jti"])
    return True


def family_revoke(claims: Claims) -> None:
    """Refuse all tokens that came from the same exchange, as `token_revoke`: one of them is in wrong hands."""
    if claims.get("fam"):
        ends_at = int(time.time()) + settings.ENV["REFRESH_TOKEN_TTL"]  # no descendant lives longer
        token_revoke({"jti": claims["fam"], "exp": max(ends_at, claims["exp"])})


def token_read(token: str, use: Use) -> Claims:
    """The claims of a token that we have signed and that has not expired, revoked or not. Raises NotAuthenticated."""
    if len(token) > LONGEST or not FORM.fullmatch(token):
        raise _invalid()
    claims = _decode(token)
    if claims["use"] != use:
        raise _invalid()
    return claims


def _decode(token: str) -> Claims:
    if token.partition(".")[0] not in HEADERS[settings.JWT_ALGORITHM]:
        raise _invalid()
    try:
        claims: Claims = jwt.decode(
            token,
            settings.JWT_SECRET_KEY,
            algorithms=[settings.JWT_ALGORITHM],
            audience=AUDIENCE,
            issuer=ISSUER,
            leeway=LEEWAY_S,
            options={"require": REQUIRED},
        )
        if not _well_formed(claims):
            raise _invalid()
    except jwt.ExpiredSignatureError:
        raise _expired() from None
    except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, OverflowError):
        raise _invalid() from None
    return claims


def _stands(jti: str) -> bool:
    if RevokedToken.objects.filter(jti=jti).exists():
        raise NotAuthenticated("This token was revoked.", code="token_revoked")
    return True


def _well_formed(claims: Claims) -> bool:
    """Whether each claim is of its type: who signs with our key may still write what we never do. Raises ValueError."""
    uuid.UUID(claims["tid"])
    texts = all(isinstance(claims.get(name, ""), str) for name in ("use", "tid", "sub", "kind", "jti", "key", "fam"))
    times = all(type(claims.get(name, 0)) is int for name in ("iat", "exp", "end"))
    perms, extra = claims["perms"], claims.get("ext", {})
    lists = isinstance(perms, list) and all(isinstance(name, str) for name in perms)
    facts = isinstance(extra, dict) and all(isinstance(value, str) for value in extra.values())
    in_time = 0 <= claims["exp"] <= LAST_TIME if times else False
    return texts and times and lists and facts and in_time and len(claims["jti"]) <= 64


def _invalid() -> NotAuthenticated:
    return NotAuthenticated("The token is not valid.", code="invalid_token")


def _expired() -> NotAuthenticated:
    return NotAuthenticated("The token has expired.", code="token_expired")
