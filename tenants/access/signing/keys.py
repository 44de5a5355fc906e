"""Our own signing keys: the one that signs, those that are still taken, those that are published (TEN-3).

Owns the table from a token's header to the keys that may have signed it. Must not know claims.

With HS256, HS384 and HS512 the key is JWT_SECRET_KEY; with RS256 and ES256 the first of JWT_KEYS_FILE, and all keys of
that file are taken and published. JWT_FORMER_SECRET_KEYS are taken as well, whatever signs now.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import jwt
from django.conf import settings

from tenants.access.signing.pem import PemKey, keys_in

SECRETS = ("HS256", "HS384", "HS512")


@dataclass(frozen=True)
class Taken:
    """A key that a signature is checked by, and the one algorithm that it is checked with."""

    algorithm: str
    key: Any


@dataclass(frozen=True)
class Keyring:
    """``taken``: header of a token, as it is written, → the keys that may have signed it. A header that is not there
    is refused before anything of the token is parsed, so no token chooses an algorithm, a key or its address."""

    algorithm: str
    key: Any
    headers: Mapping[str, str]
    taken: Mapping[str, tuple[Taken, ...]]
    published: tuple[Mapping[str, str], ...]

    def signed(self, claims: Mapping[str, Any]) -> str:
        return jwt.encode(dict(claims), self.key, algorithm=self.algorithm, headers=dict(self.headers))


def keyring() -> Keyring:
    """The keys as the settings name them."""
    return _keyring(
        settings.JWT_ALGORITHM, settings.JWT_SECRET_KEY, tuple(settings.JWT_FORMER_SECRET_KEYS), settings.JWT_KEYS
    )


@lru_cache(maxsize=8)
def _keyring(algorithm: str, secret: str, former: tuple[str, ...], pem: str) -> Keyring:
    pairs = keys_in(pem) if pem else []
    taken: dict[str, tuple[Taken, ...]] = {_header(key): (Taken(key.algorithm, key.public),) for key in pairs}
    for name in SECRETS:
        secrets = ([secret] if name == algorithm else []) + list(former)
        if secrets:
            taken |= {header: tuple(Taken(name, one) for one in secrets) for header in headers_of(name)}
    published = tuple(key.jwk for key in pairs)
    if algorithm in SECRETS:
        return Keyring(algorithm, secret, {}, taken, published)
    first = pairs[0]
    return Keyring(algorithm, first.private, {"kid": first.jwk["kid"]}, taken, published)


def headers_of(algorithm: str) -> list[str]:
    """The three ways in which the header of a token signed by a secret may be written."""
    written = ('{"alg":"HS","typ":"JWT"}', '{"typ":"JWT","alg":"HS"}', '{"alg":"HS"}')
    return [segment(text.replace("HS", algorithm)) for text in written]


def segment(text: str) -> str:
    """A part of a token, as it is written there."""
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _header(key: PemKey) -> str:
    """Of a token signed by one of our pairs: the algorithm and the id of that very key, in the one way we write it."""
    return segment(f'{{"alg":"{key.algorithm}","kid":"{key.jwk["kid"]}","typ":"JWT"}}')
