"""Keys as they stand in a PEM file, and what others see of them (RFC 7517, RFC 7638).

Owns which keys are good enough. Must not know Django or settings: chatsvc/env/kinds.py reads files with it, too.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

ALGORITHMS = ("RS256", "ES256")
LEAST_BITS = 2048  # of RSA; NIST SP 800-131A
LONGEST = 64 * 1024  # characters of a file
MOST = 20  # keys
BLOCK = re.compile(r"-----BEGIN ([A-Z ]{1,40})-----[^-]*-----END \1-----")
IGNORED = ("EC PARAMETERS",)  # which openssl writes before a key
THUMBED = {"RSA": ("e", "kty", "n"), "EC": ("crv", "kty", "x", "y")}


@dataclass(frozen=True)
class PemKey:
    """One key of a file. ``private`` is None of a key that no longer signs."""

    algorithm: str
    private: Any
    public: Any

    @property
    def jwk(self) -> dict[str, str]:
        """The public half as a JSON Web Key, with its ``kid``."""
        numbers = public_numbers(self.algorithm, self.public)
        return {**numbers, "kid": thumbprint(numbers), "alg": self.algorithm, "use": "sig"}


def keys_in(text: str) -> list[PemKey]:
    """The keys of a PEM file, in its order. Raises ValueError that says which is not good enough, without its bytes."""
    blocks = [found for found in BLOCK.finditer(text[:LONGEST]) if found[1] not in IGNORED]
    if not 0 < len(blocks) <= MOST or len(text) > LONGEST:
        raise ValueError(f"a PEM file of 1 to {MOST} keys is wanted")
    return [_key(block[0], block[1], place) for place, block in enumerate(blocks, 1)]


def public_numbers(algorithm: str, public: Any) -> dict[str, str]:
    """The members of a public key's JWK that make it, and no other."""
    kind: Any = RSAAlgorithm if algorithm == "RS256" else ECAlgorithm
    whole: dict[str, str] = kind.to_jwk(public, as_dict=True)
    return {name: whole[name] for name in THUMBED[whole["kty"]]}


def thumbprint(numbers: dict[str, str]) -> str:
    """RFC 7638: the same key has the same id everywhere."""
    canonical = json.dumps(numbers, sort_keys=True, separators=(",", ":")).encode()
    return base64.urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()


def algorithm_of(public: Any) -> str:
    """Which algorithm a public key is for. Raises ValueError for one that is too weak or of another kind."""
    if isinstance(public, rsa.RSAPublicKey):
        if public.key_size < LEAST_BITS:
            raise ValueError(f"an RSA key has {LEAST_BITS} bits or more")
        return "RS256"
    if isinstance(public, ec.EllipticCurvePublicKey) and isinstance(public.curve, ec.SECP256R1):
        return "ES256"
    raise ValueError("only RSA (RS256) and P-256 (ES256) keys are taken")


def _key(block: str, label: str, place: int) -> PemKey:
    try:
        if label.endswith("PRIVATE KEY"):
            private: Any = load_pem_private_key(block.encode(), password=None)
            public: Any = private.public_key()
        else:
            private, public = None, load_pem_public_key(block.encode())
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError(f"key {place} cannot be read; it must be PEM without a password") from None
    try:
        return PemKey(algorithm_of(public), private, public)
    except ValueError as error:
        raise ValueError(f"key {place}: {error}") from None
