"""Tokens that others can check: RS256, ES256, published keys, their rotation, and everything forged (TEN-3)."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from chatsvc import env
from tenants.access import auth, tokens
from tenants.access.signing import pem
from tenants.access.signing.keys import keyring, segment
from tenants.errors import NotAuthenticated
from tenants.models import Tenant

Sign = Callable[..., None]


@cache
def pair(algorithm: str, name: str = "") -> Any:
    if algorithm == "RS256":
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


def private_pem(key: Any, password: bytes = b"") -> str:
    how = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, how).decode()


def public_pem(key: Any) -> str:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.fixture
def sign_with(settings: Any) -> Sign:
    """``sign_with("ES256", first, …)``: the deployment signs by the first of these pairs."""

    def choose(algorithm: str, *keys: Any, former: tuple[str, ...] = ()) -> None:
        settings.JWT_ALGORITHM = algorithm
        settings.JWT_KEYS = "".join(map(private_pem, keys))
        settings.JWT_FORMER_SECRET_KEYS = list(former)

    return choose


def is_good(token: str) -> bool:
    try:
        return bool(auth.principal_for(token))
    except NotAuthenticated as refusal:
        assert refusal.code == "invalid_token"
        return False


# ------------------------------------------------------------------------- signed and published


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_stranger_checks_a_token_by_what_is_published(
    tenant: Tenant, sign_with: Sign, browser: Any, algorithm: str
) -> None:
    sign_with(algorithm, pair(algorithm))
    token = auth.issue_access_token(tenant, "anna", permissions=["messages:send"])
    answer = browser.get("/.well-known/jwks.json")
    keys = jwt.PyJWKSet.from_dict(answer.json())
    key = keys[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(token, key.key, algorithms=[algorithm], audience="chatsvc-api", issuer="chatsvc")
    assert (claims["sub"], claims["perms"]) == ("anna", ["messages:send"])
    assert auth.principal_for(token).permissions == {"messages:send"}
    assert answer["Cache-Control"] == "public, max-age=300"


def test_no_private_number_is_published(sign_with: Sign, browser: Any) -> None:
    sign_with("ES256", pair("ES256"), pair("RS256"))
    keys = browser.get("/.well-known/jwks.json").json()["keys"]
    assert [sorted(key) for key in keys] == [
        ["alg", "crv", "kid", "kty", "use", "x", "y"],
        ["alg", "e", "kid", "kty", "n", "use"],
    ]
    assert browser.post("/.well-known/jwks.json").status_code == 405


def test_a_secret_publishes_nothing(browser: Any) -> None:
    assert browser.get("/.well-known/jwks.json").json() == {"keys": []}


def test_the_id_of_a_key_is_its_thumbprint() -> None:
    """The example of RFC 7638, 3.1."""
    numbers = {
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj"
        "hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5haj"
        "rn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
        "e": "AQAB",
    }
    assert pem.thumbprint(numbers) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


# ----------------------------------------------------------------------------------- rotation


def test_a_key_is_replaced_without_ending_a_token(tenant: Tenant, sign_with: Sign, browser: Any) -> None:
    old, new = pair("ES256"), pair("ES256", "new")
    taken, signed_by, published = [], [], []
    token = ""
    for keys in ([old], [old, new], [new, old], [new]):
        sign_with("ES256", *keys)
        token = token or auth.issue_access_token(tenant, "anna")
        fresh = auth.issue_access_token(tenant, "anna")
        tokens._verified.forget_here()
        taken.append((is_good(token), is_good(fresh)))
        signed_by.append(jwt.get_unverified_header(fresh)["kid"] == jwt.get_unverified_header(token)["kid"])
        published.append(len(browser.get("/.well-known/jwks.json").json()["keys"]))
    assert taken == [(True, True), (True, True), (True, True), (False, True)]
    assert (signed_by, published) == ([True, True, False, False], [1, 2, 2, 1])


@pytest.mark.parametrize("then", ["HS256", "HS512", "ES256"])
def test_a_former_secret_is_taken_while_it_is_named(tenant: Tenant, settings: Any, sign_with: Sign, then: str) -> None:
    token, former = auth.issue_access_token(tenant, "anna"), settings.JWT_SECRET_KEY
    settings.JWT_SECRET_KEY = "another" * 10
    sign_with(then, pair("ES256"), former=(former,))
    assert [is_good(token), is_good(auth.issue_access_token(tenant, "anna"))] == [True, True]
    sign_with(then, pair("ES256"))
    tokens._verified.forget_here()
    assert not is_good(token)


# ------------------------------------------------------------------------------------ forgeries


def claims_of(tenant: Tenant, **changes: Any) -> dict[str, Any]:
    token = auth.issue_access_token(tenant, "mallory", permissions=["*"])
    return {**jwt.decode(token, options={"verify_signature": False}), **changes}


def forged(header: str, tenant: Tenant, signed: Callable[[bytes], bytes] = lambda text: b"AAAA") -> str:
    """A token with exactly this header."""
    text = f"{segment(header)}.{segment(json.dumps(claims_of(tenant)))}"
    return f"{text}.{jwt.utils.base64url_encode(signed(text.encode())).decode()}"


def by_hmac(secret: str) -> Callable[[bytes], bytes]:
    algorithm = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    return lambda text: algorithm.sign(text, secret.encode())


def by_pair(key: Any, algorithm: str) -> Callable[[bytes], bytes]:
    return lambda text: jwt.get_algorithm_by_name(algorithm).sign(text, key)


OURS, RSA, STRANGE = pair("ES256"), pair("RS256"), pair("ES256", "strange")
KID = {key.algorithm: key.jwk["kid"] for key in pem.keys_in(private_pem(OURS) + private_pem(RSA))}
GOOD = f'{{"alg":"ES256","kid":"{KID["ES256"]}","typ":"JWT"}}'
FORGERIES: dict[str, Callable[[Tenant], str]] = {
    "none": lambda t: forged('{"alg":"none"}', t, lambda text: b""),
    "none with our kid": lambda t: forged(GOOD.replace("ES256", "none"), t, lambda text: b""),
    "HS256 by the public PEM": lambda t: forged('{"alg":"HS256","typ":"JWT"}', t, by_hmac(public_pem(OURS))),
    "HS256 with our kid": lambda t: forged(GOOD.replace("ES256", "HS256"), t, by_hmac(public_pem(OURS))),
    "HS256 by the secret that no longer signs": lambda t: jwt.encode(claims_of(t), keyring_secret(), "HS256"),
    "our header, HMAC by the public PEM": lambda t: forged(GOOD, t, by_hmac(public_pem(OURS))),
    "our header, a stranger's key": lambda t: forged(GOOD, t, by_pair(STRANGE, "ES256")),
    "our header, our RSA key": lambda t: forged(GOOD, t, by_pair(RSA, "RS256")),
    "RS256 by the id of the other key": lambda t: forged(GOOD.replace("ES256", "RS256"), t, by_pair(RSA, "RS256")),
    "RS384 by our RSA key": lambda t: jwt.encode(claims_of(t), RSA, "RS384", headers={"kid": KID["RS256"]}),
    "PS256 by our RSA key": lambda t: jwt.encode(claims_of(t), RSA, "PS256", headers={"kid": KID["RS256"]}),
    "no kid": lambda t: jwt.encode(claims_of(t), OURS, "ES256"),
    "unknown kid": lambda t: jwt.encode(claims_of(t), STRANGE, "ES256", headers={"kid": "strange"}),
    "kid is a path": lambda t: jwt.encode(claims_of(t), OURS, "ES256", headers={"kid": "../../dev/null"}),
    "kid is SQL": lambda t: jwt.encode(claims_of(t), OURS, "ES256", headers={"kid": "x' UNION SELECT 'a"}),
    "kid is a list": lambda t: forged(GOOD.replace(f'"{KID["ES256"]}"', '["x"]'), t, by_pair(OURS, "ES256")),
    "kid twice": lambda t: forged(GOOD.replace("}", ',"kid":"x"}'), t, by_pair(OURS, "ES256")),
    "key within": lambda t: forged(GOOD.replace("}", ',"jwk":{"kty":"oct","k":"AA"}}'), t, by_pair(OURS, "ES256")),
    "key elsewhere": lambda t: forged(GOOD.replace("}", ',"jku":"https://evil.example"}'), t, by_pair(OURS, "ES256")),
    "crit": lambda t: forged(GOOD.replace("}", ',"crit":["exp"]}'), t, by_pair(OURS, "ES256")),
    "empty signature": lambda t: forged(GOOD, t, lambda text: b""),
    "zero signature": lambda t: forged(GOOD, t, lambda text: bytes(64)),  # CVE-2022-21449
    "from the future": lambda t: keyring().signed(claims_of(t, iat=int(time.time()) + 600)),
    "of no tenant": lambda t: keyring().signed(claims_of(t, tid="0192f0d0-7b1a-7c3e-9a55-1f0a7a3c9e10")),
}


def keyring_secret() -> str:
    from django.conf import settings

    return settings.JWT_SECRET_KEY


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_token_is_refused(tenant: Tenant, sign_with: Sign, forge: Callable[[Tenant], str]) -> None:
    sign_with("ES256", OURS, RSA)
    assert not is_good(forge(tenant))


@pytest.mark.parametrize(
    ("header", "key", "algorithm"),
    [(GOOD, OURS, "ES256"), (GOOD.replace("ES256", "RS256").replace(KID["ES256"], KID["RS256"]), RSA, "RS256")],
    ids=["ES256", "RS256"],
)
def test_the_same_tokens_unforged_are_good(
    tenant: Tenant, sign_with: Sign, header: str, key: Any, algorithm: str
) -> None:
    sign_with("ES256", OURS, RSA)
    assert is_good(forged(header, tenant, by_pair(key, algorithm)))


def test_an_expired_one_has_its_own_code(tenant: Tenant, sign_with: Sign) -> None:
    sign_with("ES256", OURS)
    with pytest.raises(NotAuthenticated) as refusal:
        auth.principal_for(keyring().signed(claims_of(tenant, exp=int(time.time()) - 10)))
    assert refusal.value.code == "token_expired"


# ------------------------------------------------------------------------------- at the start

WEAK = ec.generate_private_key(ec.SECP384R1())
FILES: dict[str, tuple[str, str, str]] = {
    "no key": ("ES256", "hello", "1 to 20 keys"),
    "empty": ("ES256", "", "1 to 20 keys"),
    "another curve": ("ES256", private_pem(WEAK), "only RSA (RS256) and P-256 (ES256)"),
    "too many": ("ES256", private_pem(OURS) * 21, "1 to 20 keys"),
    "with a password": ("ES256", private_pem(OURS, b"secret"), "without a password"),
    "half a key": ("ES256", private_pem(OURS)[:80] + "\n-----END PRIVATE KEY-----", "cannot be read"),
    "of the other kind": ("RS256", private_pem(OURS), "a private one for RS256"),
    "public alone": ("ES256", public_pem(OURS), "a private one for ES256"),
    "not ASCII": ("ES256", "schlüssel", "a PEM file of keys is wanted"),
}


@pytest.mark.parametrize(("algorithm", "text", "said"), FILES.values(), ids=FILES)
def test_a_file_that_cannot_sign_is_refused_at_the_start(tmp_path: Path, algorithm: str, text: str, said: str) -> None:
    file = tmp_path / "keys.pem"
    file.write_text(text)
    with pytest.raises(env.BadSettings) as refusal:
        env.read({"JWT_ALGORITHM": algorithm, "JWT_KEYS_FILE": str(file)}, tmp_path)
    assert said in str(refusal.value)
    assert "PRIVATE" not in str(refusal.value)


def test_a_pair_without_its_file_is_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(env.BadSettings, match="name that file"):
        env.read({"JWT_ALGORITHM": "RS256"}, tmp_path)


def test_a_file_that_signs_is_taken_with_what_openssl_writes_beside(tmp_path: Path) -> None:
    file = tmp_path / "keys.pem"
    file.write_text(
        "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n" + private_pem(OURS)
    )
    assert env.read({"JWT_ALGORITHM": "ES256", "JWT_KEYS_FILE": str(file)}, tmp_path)["JWT_KEYS_FILE"] == str(file)
