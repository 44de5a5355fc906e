"""Tokens of a service of the tenant's own: which issuers are trusted, and by which of their keys (TEN-3).

Owns the checks of a foreign token and the fetching of keys. What it gives are claims in our own form. Whose a token is
says the issuer's row, never the token; nothing of it is followed, neither a key in it nor an address. Issuer and audience
are the first tenant's that names them, so that no token has two meanings. Lest another be first, an audience that contains a
tenant's id is that tenant's alone.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import jwt
import structlog
from django.conf import settings
from django.db import IntegrityError
from django.db.models import Q
from django.utils.module_loading import import_string

from tenants.access.permissions import ALL, PERMISSIONS, expand
from tenants.access.signing.pem import ALGORITHMS, algorithm_of
from tenants.errors import Conflict, Invalid, NotAuthenticated, NotFound, Unavailable, Unprocessable
from tenants.models import Tenant, TrustedIssuer
from tenants.storage.db import key_taken, new_id, now
from tenants.storage.json_values import unstorable
from tenants.storage.memo import Memo

log = structlog.get_logger(__name__)

REMEMBER_S = 30  # that an issuer and a verified token are remembered
FRESH = timedelta(minutes=10)  # that keys count without a look whether they are still those
ASKED_EVERY = timedelta(minutes=1)  # at most, whatever key a token names
LAST = timedelta(hours=24)  # that keys count while their address does not answer
LEEWAY_S = 10  # between two services' clocks
LAST_TIME = 4_133_980_800  # Unix seconds of the year 2101
LONGEST_HEADER, LONGEST_KID, MOST_KEYS, MOST_AUDIENCES = 1024, 200, 50, 10
# looks ahead, so that no digits before an id hide it
IDS = re.compile(r"(?=([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}))", re.IGNORECASE)
REQUIRED = ["iss", "aud", "sub", "iat", "exp"]


def fetch(url: str) -> bytes:
    """The body of what stands at an address outside the private network. Raises Unavailable, Unprocessable."""
    body: bytes = import_string(settings.ISSUER_KEYS_FETCH)(url)
    return body


@dataclass(frozen=True)
class Issuer:
    """What is remembered of a row."""

    id: uuid.UUID
    tenant_id: uuid.UUID
    issuer: str
    audience: str
    jwks_url: str
    permissions: frozenset[str]


_issuers: Memo[Issuer] = Memo("token-issuers", ttl=REMEMBER_S)
_verified: Memo[dict[str, Any]] = Memo("foreign-tokens", ttl=REMEMBER_S)


Keys = dict[str, dict[str, str]]  # public ones, by their ids


def issuer_create(
    tenant: Tenant, *, issuer: str, audience: str, jwks_url: str, permissions: list[str], keys: Keys | None = None
) -> TrustedIssuer:
    """Trust an issuer from now on. Its keys are fetched first, unless they are given: `keys_at` this address.

    Raises Invalid for an unknown permission, Unprocessable ``issuer_keys_unusable`` when no good key stands at the
    address, Unavailable ``issuer_away``, and Conflict ``issuer_taken``: issuer and audience name one tenant, and
    an audience with a tenant's id that tenant."""
    _demand_known(permissions)
    if Tenant.objects.filter(id__in=set(map(uuid.UUID, IDS.findall(audience)))).exclude(id=tenant.id).exists():
        raise _taken()
    keys = keys or keys_at(jwks_url)
    row = TrustedIssuer(
        id=new_id(), tenant=tenant, issuer=issuer, audience=audience, place=_place(issuer, audience), jwks_url=jwks_url,
        permissions=sorted(set(permissions)), keys=keys, asked_at=now(), fetched_at=now(),
    )  # fmt: skip
    try:
        row.save(force_insert=True)
    except IntegrityError as error:
        if not key_taken(error):
            raise
        raise _taken() from None
    return row


def _taken() -> Conflict:
    return Conflict("Tokens of this issuer for this audience are another entry's.", code="issuer_taken")


def issuer_change(
    row: TrustedIssuer, *, jwks_url: str | None = None, permissions: list[str] | None = None, keys: Keys | None = None
) -> TrustedIssuer:
    """Fetch its keys elsewhere, or let its tokens do something else, from now on; here at once, elsewhere within a second
    (30 s without Redis). At another address the keys are fetched first, and those of the former one count no more. Raises as
    `issuer_create`, and NotFound where the issuer has gone meanwhile."""
    changes: dict[str, Any] = {}
    if permissions is not None:
        _demand_known(permissions)
        changes["permissions"] = sorted(set(permissions))
    if jwks_url is not None and jwks_url != row.jwks_url:
        changes |= {"jwks_url": jwks_url, "keys": keys or keys_at(jwks_url), "asked_at": now(), "fetched_at": now()}
    if changes and not TrustedIssuer.objects.filter(id=row.id).update(**changes):
        raise NotFound("There is no such issuer.", code="token_issuer_not_found")
    _issuers.forget(row.place)
    return TrustedIssuer.objects.get(id=row.id)


def _demand_known(permissions: list[str]) -> None:
    if unknown := [name for name in permissions if name != ALL and name not in PERMISSIONS]:
        details = [{"field": "permissions", "message": f"Unknown: {unknown[0][:60]}", "code": "unknown_permission"}]
        raise Invalid("There is no such permission.", details=details)


def issuer_try(row: TrustedIssuer) -> list[str]:
    """Fetch its keys now, and keep them; their ids. Raises as `keys_at`: then the last ones stay. Call outside a transaction."""
    keys = keys_at(row.jwks_url)
    _rows().filter(id=row.id, jwks_url=row.jwks_url).update(keys=keys, asked_at=now(), fetched_at=now())
    return sorted(keys)


def keys_at(jwks_url: str) -> Keys:
    """The good keys of an address. Raises Unavailable ``issuer_away``, Unprocessable ``issuer_keys_unusable``. Call outside
    a transaction: it waits for a stranger's server."""
    keys = _keys_at(jwks_url)
    if not keys:
        raise Unprocessable("There is no RSA or P-256 key with an id at this address.", code="issuer_keys_unusable")
    return keys


def issuer_end(row: TrustedIssuer) -> None:
    """Refuse its tokens from now on; here at once, elsewhere within a second (30 s without Redis)."""
    row.delete()
    _issuers.forget(row.place)


def foreign_claims(token: str) -> dict[str, Any]:
    """The claims of a good token of a trusted issuer, in our own form. Raises NotAuthenticated, or Unavailable
    ``issuer_away`` while none of its keys is known."""
    header, said = (_part(token, place) for place in (0, 1))
    issuer = _issuer(said)
    known_by = (
        issuer.id,
        issuer.jwks_url,
        hashlib.sha256(token.encode()).digest(),
    )  # keys of another address prove it anew
    claims = _verified.get(known_by, lambda: _checked(token, header, issuer))
    assert claims is not None
    if claims["exp"] + LEEWAY_S <= time.time():
        raise _expired()
    return {**claims, "perms": sorted(frozenset(claims["perms"]) & issuer.permissions)}


def _checked(token: str, header: Mapping[str, Any], issuer: Issuer) -> dict[str, Any]:
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS or not isinstance(kid, str) or not 0 < len(kid) <= LONGEST_KID or "crit" in header:
        raise _invalid()
    try:
        claims = jwt.decode(
            token, _key(issuer, kid, str(algorithm)), algorithms=[str(algorithm)], audience=issuer.audience,
            issuer=issuer.issuer, leeway=LEEWAY_S, options={"require": REQUIRED},
        )  # fmt: skip
    except jwt.ExpiredSignatureError:
        raise _expired() from None
    except (jwt.InvalidTokenError, ValueError, TypeError, AttributeError, OverflowError):
        raise _invalid() from None
    return _ours(claims, issuer)


def _ours(claims: Mapping[str, Any], issuer: Issuer) -> dict[str, Any]:
    subject, expires_at = claims["sub"], claims["exp"]
    if not isinstance(subject, str) or not 0 < len(subject) <= 200 or type(expires_at) is not int:
        raise _invalid()
    if not 0 <= expires_at <= LAST_TIME or claims.get("tid", str(issuer.tenant_id)) != str(issuer.tenant_id):
        raise _invalid()  # of another tenant, by its own words
    asked = claims.get("permissions", claims.get("scope"))
    names = asked.split() if isinstance(asked, str) else sorted(PERMISSIONS) if asked is None else asked
    learners = claims.get("learners", [])
    if any(not isinstance(some, list) or not all(isinstance(one, str) for one in some) for some in (names, learners)):
        raise _invalid()
    if unstorable([subject, learners]):  # NUL, half a character
        raise _invalid()
    ours: dict[str, Any] = {
        "tid": str(issuer.tenant_id), "sub": subject, "kind": "token", "perms": names, "exp": expires_at, "ext": {},
    }  # fmt: skip
    return {**ours, "learners": learners} if "learners" in claims else ours


# ----------------------------------------------------------------------------------------- keys


def _key(issuer: Issuer, kid: str, algorithm: str) -> Any:
    """The public key of this id. Its address is asked once a minute at most, by one process, also for an id that is not
    known; while it does not answer the last keys count for a day."""
    row = _rows().filter(id=issuer.id).first()
    if row is None:
        raise _invalid()
    if kid not in row.keys or row.fetched_at < now() - FRESH:
        _look(row)
        row.refresh_from_db()
    if row.fetched_at < now() - LAST:
        raise Unavailable("The issuer's keys cannot be had at the moment.", code="issuer_away", retry_after=60)
    known = row.keys.get(kid)
    if known is None:
        raise _invalid()
    public = _public(known)
    if algorithm_of(public) != algorithm:
        raise _invalid()
    return public


def _look(row: TrustedIssuer) -> None:
    may = Q(asked_at=None) | Q(asked_at__lte=now() - ASKED_EVERY)
    if not _rows().filter(may, id=row.id).update(asked_at=now()):
        return
    try:
        keys = _keys_at(row.jwks_url)
    except (Unavailable, Unprocessable) as error:
        log.warning("issuer_keys_not_had", tenant_id=str(row.tenant_id), issuer_id=str(row.id), code=error.code)
        return
    if keys:
        _rows().filter(id=row.id, jwks_url=row.jwks_url).update(
            keys=keys, fetched_at=now()
        )  # unless it was changed meanwhile


def _keys_at(url: str) -> Keys:
    """The good keys of a JWKS by their ids: what is too weak, of another kind, for encryption or without an id is left
    out. Raises Unavailable, and Unprocessable ``issuer_keys_unusable`` for what is no JWKS."""
    try:
        listed = json.loads(fetch(url))["keys"]
        found = {one["kid"]: one for one in listed[:MOST_KEYS] if _is_good(one)}
    except (ValueError, TypeError, KeyError, RecursionError, AttributeError):
        raise Unprocessable("There is no set of keys at this address.", code="issuer_keys_unusable") from None
    return {
        kid: {name: one[name] for name in ("kty", "n", "e", "crv", "x", "y") if name in one}
        for kid, one in found.items()
    }


def _is_good(one: Mapping[str, Any]) -> bool:
    kid = one.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= LONGEST_KID or one.get("use", "sig") != "sig":
        return False
    try:
        return one.get("alg", algorithm_of(_public(one))) == algorithm_of(_public(one))
    except (ValueError, TypeError, KeyError, jwt.PyJWTError):
        return False


def _public(one: Mapping[str, Any]) -> Any:
    return jwt.PyJWK({name: one[name] for name in ("kty", "n", "e", "crv", "x", "y") if name in one}).key


def _issuer(said: Mapping[str, Any]) -> Issuer:
    issuer, audience = said.get("iss"), said.get("aud")
    named = [audience] if isinstance(audience, str) else audience
    if not isinstance(issuer, str) or not isinstance(named, list) or not 0 < len(named) <= MOST_AUDIENCES:
        raise _invalid()
    for one in named:
        if isinstance(one, str) and (found := _issuers.get(place := _place(issuer, one), lambda: _load(place))):
            return found
    raise _invalid()


def _load(place: str) -> Issuer | None:
    row = _rows().filter(place=place).first()
    if row is None:
        return None
    return Issuer(row.id, row.tenant_id, row.issuer, row.audience, row.jwks_url, expand(row.permissions))


def _rows() -> Any:
    # unscoped: the issuer tells which tenant a token is for, so there cannot be a scope yet
    return TrustedIssuer.objects.unscoped()


def _place(issuer: str, audience: str) -> str:
    return hashlib.sha256(json.dumps([issuer, audience]).encode()).hexdigest()


def _part(token: str, place: int) -> dict[str, Any]:
    """A part of a token that is not verified yet, to find out by whose keys it is to be."""
    text = token.split(".")[place]
    if place == 0 and len(text) > LONGEST_HEADER:
        raise _invalid()
    try:
        found = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, RecursionError):
        raise _invalid() from None
    if not isinstance(found, dict):
        raise _invalid()
    return found


def _invalid() -> NotAuthenticated:
    return NotAuthenticated("The token is not valid.", code="invalid_token")


def _expired() -> NotAuthenticated:
    return NotAuthenticated("The token has expired.", code="token_expired")
