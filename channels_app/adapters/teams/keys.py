"""Whether an activity comes from the platform: its token, checked with the keys the platform publishes.

Owns the check and the memory of the keys. Must not let an outside caller make us fetch keys at will, and
must not believe any word of a token before its signature is proven.
https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication
"""

from __future__ import annotations

import math
import re
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import jwt

from channels_app.adapters.base import constant_time_equal, require
from channels_app.adapters.teams.config import TeamsConfig
from channels_app.adapters.wire import array, string
from channels_app.contract import BadPayload, BadSignature, Http, OutcomeUnknown, RawRequest, SendError, Unreachable

ALGORITHM = "RS256"  # never the one the token names
SKEW_S = 300
TOKEN_MOST_S = 24 * 3600  # the platform's tokens live an hour; one that is good for longer than this is not taken
PLATFORM = "msteams"
WAIT_S = 0.5  # for another thread's fetch: a server that is slow on purpose must not hold every thread
FRESH_S, USABLE_S = 12 * 3600, 24 * 3600  # keys are renewed after the first, and not used after the second
PAUSE_S, COLD_PAUSE_S = 300, 5  # between two fetches; the second while there are no keys at all
TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
MAX_TOKEN = 16_000  # characters


@dataclass(frozen=True)
class Key:
    public: jwt.PyJWK
    endorsements: frozenset[str]


@dataclass
class _Published:
    lock: threading.Lock = field(default_factory=threading.Lock)
    keys: Mapping[str, Key] = field(default_factory=dict)
    fetched_at: float = -math.inf  # monotonic, as is the next
    tried_at: float = -math.inf


_published: dict[str, _Published] = {}


def verify_caller(raw: RawRequest, config: TeamsConfig, http: Http) -> None:
    """Raise BadSignature unless the bearer token of ``raw`` proves the platform, our app as the one it is
    meant for, and the serviceUrl of the very activity. Raises a SendError when keys cannot be had."""
    scheme, _, token = raw.headers.get("authorization", "").partition(" ")
    require(scheme.lower() == "bearer", "no bearer token")
    require(len(token) <= MAX_TOKEN and bool(TOKEN.fullmatch(token)), "the bearer token is no JWT")
    key = _key_of(token, config.openid_url, http)
    claims = _claims(token, key, config)
    require(
        claims["exp"] <= datetime.now(UTC).timestamp() + TOKEN_MOST_S + SKEW_S,
        "the token is good for longer than a day",
    )
    activity = _activity(raw)
    require(string(activity, "channelId") == PLATFORM, "the activity is of another channel")
    require(PLATFORM in key.endorsements, "the key is not endorsed for Teams")
    claimed = string(claims, "serviceurl") or string(claims, "serviceUrl")
    service_url = string(activity, "serviceUrl")
    require(bool(claimed), "the token names no serviceurl")
    require(constant_time_equal(claimed.rstrip("/"), service_url.rstrip("/")), "the token is for another serviceUrl")


def _key_of(token: str, openid_url: str, http: Http) -> Key:
    try:
        header = jwt.get_unverified_header(token)
    except (jwt.PyJWTError, ValueError, RecursionError) as error:
        raise BadSignature("the header of the token cannot be read") from error
    require(header.get("alg") == ALGORITHM, f"the token is not signed with {ALGORITHM}")
    kid = header.get("kid")
    key = find_key(openid_url, kid, http) if isinstance(kid, str) else None
    if key is None:
        raise BadSignature("the token is signed with a key that the platform does not publish")
    return key


def _claims(token: str, key: Key, config: TeamsConfig) -> dict[str, Any]:
    try:
        return jwt.decode(
            token,
            key.public,
            algorithms=[ALGORITHM],
            audience=config.app_id,
            issuer=config.issuer,
            leeway=SKEW_S,
            options={"require": ["exp", "iss", "aud"], "strict_aud": True},
        )
    except (jwt.PyJWTError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise BadSignature(f"the token does not hold: {type(error).__name__}") from error


def _activity(raw: RawRequest) -> Any:
    try:
        return raw.json()
    except BadPayload as error:
        raise BadSignature("the body is no activity, so the token cannot be meant for it") from error


# ------------------------------------------------------------------------------ keys


def find_key(openid_url: str, kid: str, http: Http) -> Key | None:
    """The published key ``kid``. Keys are fetched when they are old or ``kid`` is not among them, but
    never twice within PAUSE_S; old ones serve on while new ones cannot be had. Raises a SendError when
    there are none."""
    known = _published.setdefault(openid_url, _Published())
    if kid in known.keys and time.monotonic() - known.fetched_at < FRESH_S:
        return known.keys[kid]
    if not known.lock.acquire(timeout=WAIT_S):
        raise Unreachable("keys_unavailable", "the platform's keys are being fetched")
    try:
        _refresh(known, kid, openid_url, http)
        return known.keys.get(kid)
    finally:
        known.lock.release()


def keys_forget() -> None:
    """Forget every key."""
    _published.clear()


def _refresh(known: _Published, kid: str, openid_url: str, http: Http) -> None:
    now = time.monotonic()
    usable = bool(known.keys) and now - known.fetched_at < USABLE_S
    if kid in known.keys and now - known.fetched_at < FRESH_S:
        return  # another thread fetched them while this one waited
    if now - known.tried_at < (PAUSE_S if usable else COLD_PAUSE_S):
        if usable:
            return
        raise Unreachable("keys_unavailable", "the platform's keys could not be fetched a moment ago")
    known.tried_at = now
    try:
        known.keys, known.fetched_at = published_keys(openid_url, http), now
    except SendError:
        if not usable:
            raise


def published_keys(openid_url: str, http: Http) -> Mapping[str, Key]:
    """The platform's keys by id, as it publishes them now. Raises a SendError."""
    address = string(_document(openid_url, http), "jwks_uri", limit=2000)
    entries = array(_document(address, http), "keys") if address else []
    keys = {string(entry, "kid"): key for entry in entries if (key := _key(entry))}
    if not keys:
        raise Unreachable("keys_unavailable", "the platform publishes no keys at the configured address")
    return keys


def _document(url: str, http: Http) -> Any:
    try:
        answer = http.request("GET", url)
    except OutcomeUnknown as error:
        raise Unreachable(error.code, "no answer to the request for keys", status=error.status) from error
    if answer.status != 200:
        raise Unreachable("keys_unavailable", "the platform's keys cannot be fetched", status=answer.status)
    return answer.json()


def _key(entry: Any) -> Key | None:
    """None for an entry that makes no RSA key."""
    if string(entry, "kty") != "RSA" or not string(entry, "kid"):
        return None
    try:
        public = jwt.PyJWK.from_dict(entry, algorithm=ALGORITHM)
    except (jwt.PyJWTError, ValueError, TypeError):
        return None
    return Key(public, frozenset(string(one) for one in array(entry, "endorsements")))
