"""Teams: who is believed. A valid activity is one step away from each of these forgeries."""

from __future__ import annotations

import base64
import json
import time
from dataclasses import replace

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from channels_app.adapters.teams.keys import keys_forget
from channels_app.contract import BadSignature, HttpAnswer, OutcomeUnknown, Unreachable
from tests.adapters.kit import RecordingHttp, answer
from tests.adapters.teams_signing import (
    KEYS,
    OPENID,
    SERVICE_URL,
    bearer,
    claims,
    jwk,
    key_pair,
    keys,
    published,
    stopped_clocks,
)
from tests.adapters.test_teams import KIT

ADAPTER, CONFIG = KIT.adapter, KIT.configured
NOW = 1_795_000_000


@pytest.fixture(autouse=True)
def cold():
    keys_forget()
    yield
    keys_forget()


def proven(proof: str, **changes):
    """The stored message with ``proof``; ``changes`` go into its activity."""
    raw = KIT.request({**KIT.stored("message")["body"], **changes})
    return replace(raw, headers={**raw.headers, "authorization": proof})


def verify(proof, http=None, **changes):
    """``proof`` is made on the spot where it depends on the time: collecting the tests may take minutes."""
    proof = proof() if callable(proof) else proof
    ADAPTER.verify(proven(proof, **changes), CONFIG, http or published())


def signed(kid="key-1", **changes):
    return bearer(claims(CONFIG, **changes), kid)


@pytest.mark.parametrize(
    "proof",
    [
        signed(),
        signed().replace("Bearer", "bearer"),
        signed(serviceurl=None, serviceUrl=SERVICE_URL),
        signed(serviceurl=SERVICE_URL.rstrip("/")),
        lambda: signed(nbf=int(time.time()) + 240),
        lambda: signed(exp=int(time.time()) - 240),
    ],
    ids=["plain", "scheme in lower case", "claim as documented", "no slash", "clock 4 min behind", "clock 4 min ahead"],
)
def test_genuine(proof):
    verify(proof)


def public_pem():
    return key_pair().public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.PKCS1)


def unsigned():
    part = [base64.urlsafe_b64encode(json.dumps(one).encode()).decode().rstrip("=") for one in HEADER_AND_CLAIMS]
    return f"Bearer {part[0]}.{part[1]}.AA"


def hmac_with_public_key():
    """Built by hand, since the library refuses to sign with a public key."""
    import hashlib
    import hmac

    head, body, _ = unsigned().removeprefix("Bearer ").split(".")
    head = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": "key-1"}).encode()).decode().rstrip("=")
    digest = hmac.new(public_pem(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"Bearer {head}.{body}.{base64.urlsafe_b64encode(digest).decode().rstrip('=')}"


HEADER_AND_CLAIMS = ({"alg": "none", "kid": "key-1"}, claims(CONFIG))
DEEP = base64.urlsafe_b64encode(b"[" * 9000).decode()
FORGED = {
    "another app": signed(aud="11111111-0000-4000-8000-000000000009"),
    "several apps": signed(aud=[CONFIG.app_id, "other"]),
    "no app": signed(aud=None),
    "another issuer": signed(iss="https://login.microsoftonline.com/common/v2.0"),
    "no issuer": signed(iss=None),
    "expired 6 minutes ago": lambda: signed(exp=int(time.time()) - 360),
    "never expires": signed(exp=None),
    "expires at no time": signed(exp="soon"),
    "good for longer than a day": lambda: signed(exp=int(time.time()) + 90_000),
    "valid in 6 minutes": lambda: signed(nbf=int(time.time()) + 360),
    "another service": signed(serviceurl="https://evil.example/"),
    "no service": signed(serviceurl=None),
    "key of another": bearer(claims(CONFIG), "key-1", key=key_pair("key-2")),
    "no algorithm": unsigned(),
    "HMAC with the public key": hmac_with_public_key(),
    "another algorithm": bearer(claims(CONFIG), algorithm="RS512"),
    "kid is no string": f"Bearer {jwt.encode(claims(CONFIG), key_pair(), 'RS256')}",
    "unknown kid": signed("key-2"),
    "two parts": signed().rpartition(".")[0],
    "header nested deep": f"Bearer {DEEP.rstrip('=')}.e30.AA",
    "too long": f"Bearer {'x' * 20_000}.e30.AA",
    "basic": "Basic dTpw",
}


@pytest.mark.parametrize("proof", FORGED.values(), ids=FORGED.keys())
def test_forged(proof):
    with pytest.raises(BadSignature):
        verify(proof)


@pytest.mark.parametrize(
    "changes",
    [{"serviceUrl": "https://evil.example/"}, {"serviceUrl": None}, {"channelId": "emulator"}, {"channelId": None}],
    ids=str,
)
def test_a_genuine_token_on_another_activity(changes):
    with pytest.raises(BadSignature):
        verify(signed(), **changes)


@pytest.mark.parametrize("endorsements", [[], ["skype"], None], ids=str)
def test_a_key_without_endorsement_for_teams(endorsements):
    with pytest.raises(BadSignature):
        verify(signed(), RecordingHttp(keys(jwk(endorsements=endorsements))))


@pytest.mark.parametrize("body", [b"", b"[", b"null"], ids=str)
def test_a_genuine_token_on_a_body_that_is_no_activity(body):
    with pytest.raises(BadSignature):
        ADAPTER.verify(replace(proven(signed()), body=body), CONFIG, published())


# ---------------------------------------------------------------------- the memory of keys


def test_keys_are_fetched_once():
    http = RecordingHttp(keys())
    verify(signed(), http)
    verify(signed(), http)
    http.finish()
    assert [sent["url"] for sent in http.requests] == [OPENID, KEYS]


def test_a_new_key_is_fetched_once_and_forgers_cannot_make_us_hammer():
    with stopped_clocks(NOW) as clock:
        http = RecordingHttp([*keys(), *keys(jwk(), jwk("key-2"))])
        verify(signed(), http)
        for _ in range(3):
            with pytest.raises(BadSignature):
                verify(signed("key-2"), http)
        clock.shift(301)
        verify(signed("key-2"), http)
        for _ in range(3):
            with pytest.raises(BadSignature):
                verify(signed("key-3"), http)
        http.finish()


def test_a_new_key_is_fetched_although_our_clock_was_set_back():
    with stopped_clocks(NOW) as clock:
        http = RecordingHttp([*keys(), *keys(jwk(), jwk("key-2"))])
        verify(signed(), http)
        clock.shift(301)
        clock.set_back(120)
        verify(signed("key-2"), http)
        http.finish()


def test_a_withdrawn_key_is_refused_within_a_day():
    with stopped_clocks(NOW) as clock:
        http = RecordingHttp([*keys(), *keys(jwk("key-2"))])
        verify(signed(), http)
        clock.shift(12 * 3600 + 1)
        with pytest.raises(BadSignature):
            verify(signed(), http)
        http.finish()


def test_old_keys_serve_while_new_ones_cannot_be_had_but_not_longer_than_a_day():
    with stopped_clocks(NOW) as clock:
        http = RecordingHttp([*keys(), Unreachable("connect"), Unreachable("connect")])
        verify(signed(), http)
        clock.shift(13 * 3600)
        verify(signed(), http)
        verify(signed(), http)
        clock.shift(12 * 3600)
        with pytest.raises(Unreachable):
            verify(signed(), http)
        http.finish()


ODD_KEYS = [
    1,
    {"kty": "EC", "kid": "e"},
    {"kty": "RSA"},
    {"kty": "RSA", "kid": "n"},
    {"kty": "RSA", "kid": "b", "n": 1},
]


@pytest.mark.parametrize(
    "replies",
    [
        [Unreachable("connect")],
        [OutcomeUnknown("read_timeout")],
        [answer(status=503)],
        [HttpAnswer(200, {}, b"<html>")],
        [answer({"jwks_uri": KEYS}), answer(status=404)],
        [answer({"jwks_uri": KEYS}), answer({"keys": []})],
        [answer({"jwks_uri": KEYS}), answer({"keys": ODD_KEYS})],
    ],
    ids=["no connection", "no answer", "503", "no JSON", "no keys there", "empty", "odd keys"],
)
def test_without_keys_the_platform_is_asked_to_come_again(replies):
    http = RecordingHttp(replies)
    for _ in range(2):  # the second time nothing is fetched: the first try is a moment ago
        with pytest.raises(Unreachable):
            verify(signed(), http)
    http.finish()


def test_odd_keys_do_not_hide_a_good_one():
    verify(signed(), RecordingHttp(keys(*ODD_KEYS, jwk())))
