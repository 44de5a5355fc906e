"""How a site vouches for its visitor: by a signed line (version 1) or a JSON Web Token.

Owns what counts as a proof. Must not know sessions or rows. The site's server makes the proof with the
channel's ``identity_secret``, which never reaches a browser.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from dataclasses import dataclass, field, replace
from typing import Any

import jwt

from channels_app.adapters.base import constant_time_equal
from channels_app.content.ids import clean_id
from channels_app.models import Channel
from messaging.webchat.frames import Identity, SignedIdentity
from tenants.errors import Forbidden

LIFE_S = 24 * 3600  # of a signed line
TOKEN_LIFE_S = 3600
SKEW_S = 300
LONGEST_ID = 255
#: claim (OpenID Connect) → fact of the contact, and how much of it is taken
CLAIMS = {"email": ("email", 254), "phone_number": ("phone", 20)}


@dataclass(frozen=True)
class Proved:
    """The site's user. ``facts`` of the contact are proved as well; the name of a signed line is not."""

    user_id: str
    name: str = ""
    facts: dict[str, str] = field(default_factory=dict)


def proof_check(channel: Channel, identity: Identity | SignedIdentity) -> Proved:
    """Who the site says the visitor is. Raises Forbidden ``identity_unproved``: no secret, a wrong proof, or
    one that is too old or good for too long."""
    secret = channel.adapter_config().identity_secret
    if isinstance(identity, SignedIdentity):
        user = _by_token(secret, channel.key, identity.jwt)
    else:
        user = _by_line(secret, channel.key, identity)
    user_id = clean_id(user.user_id) if user else ""
    if not secret or user is None or not user_id:
        raise Forbidden("Who the visitor is has not been proved.", code="identity_unproved")
    return replace(user, user_id=user_id)


def identity_signature(secret: str, channel_key: str, user_id: str, ts: int) -> str:
    """What the site's server signs to vouch for its user (proof version 1), in hex."""
    signed = f"v1\n{channel_key}\n{user_id}\n{ts}".encode("utf-8", "surrogatepass")
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()


def _by_line(secret: str, channel_key: str, identity: Identity) -> Proved | None:
    expected = identity_signature(secret, channel_key, identity.user_id, identity.ts)
    fresh = -SKEW_S <= time.time() - identity.ts <= LIFE_S
    return Proved(identity.user_id, identity.name) if fresh and constant_time_equal(identity.sig, expected) else None


def _by_token(secret: str, channel_key: str, token: str) -> Proved | None:
    """HS256 and nothing else, whatever the header says; a secret under 32 bytes proves nothing (RFC 7518, 3.2)."""
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            secret.encode(),
            algorithms=["HS256"],
            audience=channel_key,
            leeway=SKEW_S,
            options={"require": ["exp", "sub", "aud"], "enforce_minimum_key_length": True},
        )
    except (jwt.PyJWTError, ValueError):  # ValueError: a number no clock reaches
        return None
    user_id = claims["sub"]
    if not 0 < len(user_id) <= LONGEST_ID or int(claims["exp"]) > time.time() + TOKEN_LIFE_S + SKEW_S:
        return None
    facts = {fact: _words(claims.get(claim), most) for claim, (fact, most) in CLAIMS.items()}
    return Proved(user_id, _words(claims.get("name"), 200), {fact: value for fact, value in facts.items() if value})


def _words(claim: Any, most: int) -> str:
    """A claim that is a text, else ""; what is too long is not half taken."""
    return claim if isinstance(claim, str) and len(claim) <= most and claim.isprintable() else ""
