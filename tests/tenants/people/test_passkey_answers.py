"""Answers to a passkey's challenge that no browser gives: each is refused, and none is an error of ours (TEN-4, SEC-4)."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import cbor2
import pytest
from django.conf import settings

from tenants.errors import Unprocessable
from tenants.models import Membership, SecondFactor, User
from tenants.people.passkeys import _host, _origin, passkey_add, passkey_is_right, registration
from tests.factories import MembershipFactory

pytestmark = pytest.mark.django_db
SOUND = b"\0" * 16 + b"\0\x03aaa" + cbor2.dumps({1: 2, 3: -7, -1: 1, -2: b"\1" * 32, -3: b"\2" * 32})


def text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def said(challenge: str, shown: Any) -> str:
    client = {"type": "webauthn.create", "challenge": challenge, "origin": _origin()}
    response = {"clientDataJSON": text(json.dumps(client).encode()), "attestationObject": text(shown)}
    return json.dumps({"id": "YWFh", "rawId": "YWFh", "type": "public-key", "response": response})


def shown(form: str, statement: Any, data: bytes = SOUND) -> bytes:
    place = hashlib.sha256(_host().encode()).digest()
    return cbor2.dumps({"fmt": form, "attStmt": statement, "authData": place + b"\x41" + b"\0" * 4 + data})


#: what the challenge is answered by; bytes are what the device has shown
ANSWERS: dict[str, Any] = {
    "deep JSON": "[" * 10_000,
    "deep objects": '{"a":' * 3000,
    "no JSON": "\0",
    "a list": "[]",
    "deep CBOR": b"\x81" * 12_000,
    "half a key": lambda: shown("none", {}, SOUND[:-20]),
    "no certificate": lambda: shown("fido-u2f", {"x5c": [], "sig": b"x"}),
    "packed without one": lambda: shown("packed", {"x5c": [], "sig": b"x", "alg": -7}),
    "apple without one": lambda: shown("apple", {"x5c": []}),
    "android without one": lambda: shown("android-key", {"x5c": [], "sig": b"x", "alg": -7}),
    "a token of two parts": lambda: shown("android-safetynet", {"ver": "1", "response": b"a.b"}),
    "a statement that is a number": lambda: shown("packed", 1),
}


@pytest.fixture
def user(db: None, tenant: Any) -> User:
    member: Membership = MembershipFactory(tenant=tenant)
    return member.user


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_what_no_browser_answers_is_refused(user: User, answer: Any) -> None:
    assert settings.PUBLIC_URL
    _, challenge = registration(user)
    made = answer() if callable(answer) else answer
    given = made if isinstance(made, str) else said(challenge, made)
    with pytest.raises(Unprocessable) as refusal:
        passkey_add(user, given, challenge, "Mine")
    assert refusal.value.code == "wrong_passkey"
    secret: Any = {"id": "YWFh", "key": text(cbor2.dumps({1: 2}))}
    SecondFactor.objects.create(user=user, kind="passkey", name="Mine", handle="h", secret=secret)
    assert not passkey_is_right(user, given, challenge)


@pytest.mark.parametrize(
    ("public_url", "origin"),
    [
        ("https://chat.example.com", "https://chat.example.com"),
        ("https://Chat.Example.COM/", "https://chat.example.com"),
        ("https://chat.example.com:443", "https://chat.example.com"),
        ("http://localhost:80/", "http://localhost"),
        ("https://chat.example.com:8443", "https://chat.example.com:8443"),
        ("http://chat.example.com:443", "http://chat.example.com:443"),
    ],
)
def test_the_origin_is_what_browsers_call_it(public_url: str, origin: str, settings: Any) -> None:
    settings.PUBLIC_URL = public_url
    assert (_origin(), _host()) == (origin, origin.split("/")[2].split(":")[0])
