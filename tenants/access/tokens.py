"""Access and refresh tokens: JWTs signed by a key of tenants/access/signing, and their revocation.

Owns the claims. Must not know HTTP or keys. Claims: ``iss aud use tid sub kind perms jti iat exp`` and, where
given, ``key`` (prefix of the API key it came from), ``cid`` and ``usr`` (OAuth client and member of staff), ``learners``
(the only ones it reaches), ``ext`` (text values), ``fam`` (the exchange it came from) and ``end`` (Unix seconds beyond
which nothing refreshed from it lives).
"""

from __future__ import annotations

import datetime
import hashlib
import re
import time
import uuid
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Literal

import jwt
from django.db import IntegrityError

from tenants.access.signing.keys import keyring
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
    client_id: str = "",
    user_id: str = "",
    extra: Mapping[str, str] | None = None,
    learners: Iterable[str] | None = None,
    family: str = "",
    ends_at: int | None = None,
    jti: str = "",
    issued_at: int | None = None,
) -> str:
    """A signed token that lives ``ttl_s`` seconds, and not beyond ``ends_at`` (Unix seconds), which all that is
    refreshed from it keep. ``family``: the id that a refresh token shares with all that came from it. ``jti`` and
    ``issued_at`` (Unix seconds): of a token that may be issued again."""
    at = int(time.time()) if issued_at is None else issued_at
    claims: Claims = {
        "iss": ISSUER,
        "aud": AUDIENCE,
        "use": use,
        "tid": str(tenant_id),
        "sub": subject,
        "kind": kind,
        "perms": sorted(permissions),
        "jti": jti or str(new_id()),
        "iat": at,
        "exp": at + ttl_s if ends_at is None else min(at + ttl_s, ends_at),
    }
    if family:
        claims["fam"] = family
    if ends_at is not None:
        claims["end"] = ends_at
    if key_prefix:
        claims["key"] = key_prefix
    if client_id:
        claims["cid"] = client_id
    if user_id:
        claims["usr"] = user_id
    if extra:
        claims["ext"] = dict(extra)
    if learners is not None:
        claims["learners"] = sorted(set(learners))
    return keyring().signed(claims)


def is_foreign(token: str) -> bool:
    """Whether it has the form of a token that no key of ours has signed."""
    shaped = len(token) <= LONGEST and FORM.fullmatch(token)
    return bool(shaped) and token.partition(".")[0] not in keyring().taken


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


def token_read(token: str, use: Use) -> Claims:
    """The claims of a token that we have signed and that has not expired, revoked or not. Raises NotAuthenticated."""
    if len(token) > LONGEST or not FORM.fullmatch(token):
        raise _invalid()
    claims = _decode(token)
    if claims["use"] != use:
        raise _invalid()
    return claims


def _decode(token: str) -> Claims:
    """The claims, if one of the keys for exactly this header has signed them. Nothing is parsed before."""
    for taken in keyring().taken.get(token.partition(".")[0], ()):
        try:
            return _checked(token, taken.key, taken.algorithm)
        except jwt.InvalidSignatureError:
            continue
        except jwt.ExpiredSignatureError:
            raise _expired() from None
        except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, OverflowError):
            break
    raise _invalid()


def _checked(token: str, key: Any, algorithm: str) -> Claims:
    claims: Claims = jwt.decode(
        token,
        key,
        algorithms=[algorithm],
        audience=AUDIENCE,
        issuer=ISSUER,
        leeway=LEEWAY_S,
        options={"require": REQUIRED},
    )
    if not _well_formed(claims):
        raise _invalid()
    return claims


def _stands(jti: str) -> bool:
    if RevokedToken.objects.filter(jti=jti).exists():
        raise NotAuthenticated("This token was revoked.", code="token_revoked")
    return True


def _well_formed(claims: Claims) -> bool:
    """Whether each claim is of its type: who signs with our key may still write what we never do. Raises ValueError."""
    uuid.UUID(claims["tid"])
    uuid.UUID(claims.get("usr", claims["tid"]))
    texts = all(
        isinstance(claims.get(name, ""), str) for name in ("use", "tid", "sub", "kind", "jti", "key", "fam", "cid")
    )
    times = all(type(claims.get(name, 0)) is int for name in ("iat", "exp", "end"))
    perms, extra = claims["perms"], claims.get("ext", {})
    lists = isinstance(perms, list) and all(isinstance(name, str) for name in perms)
    learners = claims.get("learners", [])
    lists = lists and isinstance(learners, list) and all(isinstance(name, str) for name in learners)
    facts = isinstance(extra, dict) and all(isinstance(value, str) for value in extra.values())
    in_time = 0 <= claims["exp"] <= LAST_TIME if times else False
    return texts and times and lists and facts and in_time and len(claims["jti"]) <= 64


def _invalid() -> NotAuthenticated:
    return NotAuthenticated("The token is not valid.", code="invalid_token")


def _expired() -> NotAuthenticated:
    return NotAuthenticated("The token has expired.", code="token_expired")
