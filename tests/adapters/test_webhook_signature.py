"""Standard Webhooks both ways: the published vector, rotation of secrets, tolerance, repeats."""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import replace

import pytest
import time_machine

from channels_app.adapters.webhook import Webhook
from channels_app.contract import BadSignature, RawRequest, Unreachable
from channels_app.http.standard_webhooks import complaint, headers_for, key_of
from tests.adapters.kit import HELLO, RecordingHttp, answer
from tests.adapters.test_webhook import FORMER, KIT, SECRET

STRANGE = "whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldCwgMzIgYnl0ZXM="
BODY = b'{"type":"typing","id":"1","from":{"id":"1"}}'
NOW = 1_793_000_000


def signed(*secrets, at=NOW, body=BODY, webhook_id="msg_1"):
    return RawRequest("POST", "/", headers_for(webhook_id, at, body, secrets), body=body)


def verify(raw, at=NOW, **config):
    with time_machine.travel(at, tick=False):
        Webhook().verify(raw, KIT.configured.model_copy(update=config), RecordingHttp([]))


def test_the_vector_of_the_specification():
    """The example of the specification's own libraries."""
    body = b'{"test": 2432232314}'
    headers = {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }
    secrets = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
    assert complaint(headers, body, secrets, 1614265330) == ""
    assert headers_for("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body, secrets) == headers


@pytest.mark.parametrize(
    "raw",
    [
        signed(SECRET),
        signed(FORMER),
        signed(STRANGE, SECRET),
        signed(FORMER, SECRET),
        signed(SECRET, at=NOW - 300),
        signed(SECRET, at=NOW + 300),
        signed(SECRET, body=b""),
        signed(SECRET, webhook_id="é \udcff.1"),
        replace(signed(SECRET), headers={**signed(SECRET).headers, "webhook-signature": "v1a,x v1, "
                + signed(SECRET).headers["webhook-signature"]}),
    ],
    ids=["present", "previous", "stranger first", "both", "oldest", "newest", "no body", "odd id", "other schemes"],
)  # fmt: skip
def test_genuine(raw):
    verify(raw)


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (signed(STRANGE), "does not match"),
        (signed(), "missing"),
        (signed(SECRET, at=NOW - 301), "300 seconds"),
        (signed(SECRET, at=NOW + 301), "300 seconds"),
        (signed(SECRET, webhook_id=""), "missing"),
        (signed(*[STRANGE] * 16, SECRET), "does not match"),
        (RawRequest("POST", "/", {}, body=BODY), "missing"),
        (replace(signed(SECRET), body=BODY + b" "), "does not match"),
        *[
            (replace(signed(SECRET), headers={**signed(SECRET).headers, name: value}), why)
            for name, value, why in [
                ("webhook-id", "msg_2", "does not match"),
                ("webhook-timestamp", str(NOW + 1), "does not match"),
                ("webhook-timestamp", "soon", "not a Unix time"),
                ("webhook-timestamp", "-1", "not a Unix time"),
                ("webhook-timestamp", "1.5", "not a Unix time"),
                ("webhook-timestamp", "١٢", "not a Unix time"),
                ("webhook-timestamp", "9" * 5000, "not a Unix time"),
                ("webhook-signature", "v1,", "does not match"),
                ("webhook-signature", signed(SECRET).headers["webhook-signature"][3:], "does not match"),
            ]
        ],
    ],
)
def test_not_genuine(raw, why):
    with pytest.raises(BadSignature, match=why):
        verify(raw)


def test_a_replaced_secret_ends():
    with pytest.raises(BadSignature):
        verify(signed(FORMER), previous_secret="")


@pytest.mark.parametrize(
    ("config", "signers"),
    [({}, [SECRET, FORMER]), ({"previous_secret": ""}, [SECRET]), ({"previous_secret": SECRET}, [SECRET])],
)
def test_what_goes_out_is_signed_with_every_valid_secret(config, signers):
    http = RecordingHttp([answer({"id": "out-1"})])
    configured = KIT.configured.model_copy(update=config)
    [payload] = Webhook().render(KIT.message(HELLO), configured)
    with time_machine.travel(NOW, tick=False):
        Webhook().send(payload, configured, http)
    headers, body = http.requests[0]["headers"], http.requests[0]["content"]
    signatures = [
        base64.b64encode(hmac.new(key_of(one), b"ref-1.1793000000." + body, hashlib.sha256).digest()).decode()
        for one in signers
    ]
    assert headers["webhook-timestamp"] == "1793000000"
    assert headers["webhook-signature"] == " ".join(f"v1,{one}" for one in signatures)


def test_a_repeat_has_the_same_id_and_its_own_time():
    """A receiver can tell a repeat, and a late one is still within tolerance."""
    http = RecordingHttp([Unreachable("connect_failed"), answer({"id": "out-1"})])
    [payload] = Webhook().render(KIT.message(HELLO), KIT.configured)
    with time_machine.travel(NOW, tick=False), pytest.raises(Unreachable):
        Webhook().send(payload, KIT.configured, http)
    with time_machine.travel(NOW + 3600, tick=False):
        Webhook().send(payload, KIT.configured, http)
    first, second = (request["headers"] for request in http.requests)
    assert first["webhook-id"] == second["webhook-id"] == "ref-1"
    assert first["idempotency-key"] == second["idempotency-key"] == "ref-1"
    assert (first["webhook-timestamp"], second["webhook-timestamp"]) == ("1793000000", "1793003600")
    assert http.requests[0]["content"] == http.requests[1]["content"]
