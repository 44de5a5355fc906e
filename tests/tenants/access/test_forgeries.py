"""Forged tokens: none of them is taken (reliability test 24)."""

from __future__ import annotations

import base64
import json
import time
import uuid

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings

from tenants.access import auth
from tenants.access.permissions import PERMISSIONS
from tenants.errors import NotAuthenticated

pytestmark = pytest.mark.django_db


def _claims(tenant_id, **changes):
    at = int(time.time())
    good = {
        "iss": "chatsvc",
        "aud": "chatsvc-api",
        "use": "access",
        "tid": str(tenant_id),
        "sub": "mallory",
        "kind": "token",
        "perms": sorted(PERMISSIONS),
        "jti": str(uuid.uuid4()),
        "iat": at,
        "exp": at + 600,
    }
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def _sign(claims, key=None, algorithm="HS256", headers=None):
    return jwt.encode(claims, key or settings.JWT_SECRET_KEY, algorithm=algorithm, headers=headers)


def _raw(header, claims, signature=b""):
    parts = [json.dumps(header).encode(), json.dumps(claims).encode(), signature]
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)


RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)

FORGERIES = {
    "alg none": lambda t: _raw({"alg": "none", "typ": "JWT"}, _claims(t)),
    "alg None": lambda t: _raw({"alg": "None", "typ": "JWT"}, _claims(t)),
    "alg NONE": lambda t: _raw({"alg": "NONE"}, _claims(t)),
    "no alg": lambda t: _raw({"typ": "JWT"}, _claims(t)),
    "alg list": lambda t: _raw({"alg": ["HS256"], "typ": "JWT"}, _claims(t)),
    "HS256 unsigned": lambda t: _raw({"alg": "HS256", "typ": "JWT"}, _claims(t)),
    "HS512 with our key": lambda t: _sign(_claims(t), algorithm="HS512"),
    "HS384 with our key": lambda t: _sign(_claims(t), algorithm="HS384"),
    "RS256": lambda t: _sign(_claims(t), key=RSA_KEY, algorithm="RS256"),
    "exp text": lambda t: _sign(_claims(t, exp=str(int(time.time()) + 600))),
    "exp huge": lambda t: _sign(_claims(t, exp=10**30)),
    "exp true": lambda t: _sign(_claims(t, exp=True)),
    "perms text": lambda t: _sign(_claims(t, perms="*")),
    "perms nested": lambda t: _sign(_claims(t, perms=[["messages:send"]])),
    "sub object": lambda t: _sign(_claims(t, sub={"a": 1})),
    "kind list": lambda t: _sign(_claims(t, kind=["token"])),
    "jti number": lambda t: _sign(_claims(t, jti=7)),
    "jti long": lambda t: _sign(_claims(t, jti="x" * 65)),
    "key list": lambda t: _sign(_claims(t, key=[1])),
    "fam list": lambda t: _sign(_claims(t, fam=[1])),
    "end text": lambda t: _sign(_claims(t, end="later")),
    "ext list": lambda t: _sign(_claims(t, ext=[1])),
    "ext nested": lambda t: _sign(_claims(t, ext={"a": {}})),
    "other key": lambda t: _sign(_claims(t), key="x" * 48),
    "kid path": lambda t: _sign(_claims(t), headers={"kid": "../../dev/null"}),
    "kid SQL": lambda t: _sign(_claims(t), headers={"kid": "x' UNION SELECT 'a"}),
    "jku": lambda t: _sign(_claims(t), headers={"jku": "https://evil.example/jwks.json"}),
    "x5u": lambda t: _sign(_claims(t), headers={"x5u": "https://evil.example/cert.pem"}),
    "jwk inside": lambda t: _sign(_claims(t), headers={"jwk": {"kty": "oct", "k": "AA"}}),
    "crit": lambda t: _sign(_claims(t), headers={"crit": ["exp"]}),
    "other audience": lambda t: _sign(_claims(t, aud="billing")),
    "no audience": lambda t: _sign(_claims(t, aud=None)),
    "other issuer": lambda t: _sign(_claims(t, iss="evil")),
    "no issuer": lambda t: _sign(_claims(t, iss=None)),
    "no expiry": lambda t: _sign(_claims(t, exp=None)),
    "expiry as text": lambda t: _sign(_claims(t, exp="soon")),
    "expired": lambda t: _sign(_claims(t, exp=int(time.time()) - 10)),
    "from the future": lambda t: _sign(_claims(t, iat=int(time.time()) + 600)),
    "not yet": lambda t: _sign(_claims(t, nbf=int(time.time()) + 600)),
    "no id": lambda t: _sign(_claims(t, jti=None)),
    "refresh as access": lambda t: auth.issue_refresh_token(t, "anna"),
    "unknown use": lambda t: _sign(_claims(t, use="admin")),
    "no tenant": lambda t: _sign(_claims(t, tid=None)),
    "tenant is no id": lambda t: _sign(_claims(t, tid="acme")),
    "tenant is a list": lambda t: _sign(_claims(t, tid=[str(t)])),
    "unknown tenant": lambda t: _sign(_claims(uuid.uuid4())),
    "unknown key": lambda t: _sign(_claims(t, key="zzzzzzzz")),
    "payload changed": lambda t: _swap_payload(_sign(_claims(t)), _claims(t, sub="admin")),
    "signature cut": lambda t: _sign(_claims(t))[:-2],
    "two parts": lambda t: _sign(_claims(t)).rsplit(".", 1)[0],
    "four parts": lambda t: _sign(_claims(t)) + ".e30",
    "padding": lambda t: _sign(_claims(t)) + "=",
    "deep header": lambda t: base64.urlsafe_b64encode(b"[" * 2000).decode().rstrip("=") + ".e30.AAAA",
    "huge": lambda t: _sign(_claims(t, sub="x" * 5000)),
    "empty": lambda t: "..",
    "not ASCII": lambda t: "é.é.é",
}


def _swap_payload(token, claims):
    header, _, signature = token.split(".")
    return f"{header}.{_raw({}, claims).split('.')[1]}.{signature}"


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_forged_tokens_are_refused(tenant, forge):
    with pytest.raises(NotAuthenticated):
        auth.principal_for(forge(tenant.id))


def test_the_same_token_unforged_is_good(tenant):
    assert auth.principal_for(_sign(_claims(tenant.id))).subject == "mallory"


@pytest.mark.parametrize("token", ["", "x", "ключ.é.x", "a.b", "a." * 5000, "x" * 5000], ids=range(6))
def test_what_is_no_token_is_no_refresh_token_either(api, token):
    answer = api().post("/api/v2/auth/refresh", {"refresh_token": token})
    assert answer.status_code in (400, 401)
