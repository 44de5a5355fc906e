"""WhatsApp: the check of the webhook address, media, typing and read marks, health."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from channels_app.adapters.whatsapp import WhatsAppConfig
from channels_app.contract import BadSignature, MediaRef, RawRequest, Recipient, Rejected, Reply
from tests.adapters.kit import RecordingHttp, answer
from tests.adapters.test_whatsapp import KIT

ADAPTER, CONFIG = KIT.adapter, KIT.configured
BEARER = {"Authorization": "Bearer SECRET-access"}
ASKED = {"hub.mode": "subscribe", "hub.challenge": "1158201444", "hub.verify_token": "SECRET-verify"}


def get(query: dict[str, str]) -> RawRequest:
    return RawRequest("GET", "/", query=query)


def test_the_handshake_answers_the_challenge_as_text():
    reply = ADAPTER.handshake(get(ASKED), CONFIG)
    assert reply == Reply(200, "1158201444", "text/plain; charset=utf-8")


@pytest.mark.parametrize(
    "change",
    [{"hub.verify_token": "wrong"}, {"hub.verify_token": "é"}, {"hub.verify_token": ""}, {"hub.mode": "unsubscribe"}],
)
def test_a_wrong_handshake_is_refused(change):
    with pytest.raises(BadSignature):
        ADAPTER.handshake(get({**ASKED, **change}), CONFIG)


def test_a_handshake_without_token_is_refused():
    with pytest.raises(BadSignature):
        ADAPTER.handshake(get({"hub.mode": "subscribe"}), CONFIG)


@pytest.mark.parametrize("raw", [RawRequest("POST", "/", query=ASKED), get({})], ids=["post", "bare get"])
def test_other_requests_are_no_handshake(raw):
    assert ADAPTER.handshake(raw, CONFIG) is None


@pytest.mark.parametrize(
    ("action", "more"), [("read", {}), ("typing", {"typing_indicator": {"type": "text"}})], ids=["read", "typing"]
)
def test_signals_name_the_last_message(action, more):
    payload = ADAPTER.signal(action, Recipient("+15550107777", last_inbound_id="wamid.A1"), CONFIG)
    assert payload.json == {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.A1", **more}
    http = RecordingHttp([answer({"success": True})])
    assert ADAPTER.send(payload, CONFIG, http).platform_id == ""
    assert http.requests[0]["url"] == "https://graph.example/v25.0/400000000000001/messages"


@pytest.mark.parametrize(("action", "last"), [("read", ""), ("typing", ""), ("wave", "wamid.A1")])
def test_signals_that_cannot_be_shown(action, last):
    assert ADAPTER.signal(action, Recipient("+15550107777", last_inbound_id=last), CONFIG) is None


def test_media_is_located_with_the_token():
    http = RecordingHttp([answer({"url": "https://lookaside.example/m", "mime_type": "image/jpeg"})])
    assert ADAPTER.locate(MediaRef("image", id="900"), CONFIG, http) == ("https://lookaside.example/m", BEARER)
    assert http.requests == [
        {"method": "GET", "url": "https://graph.example/v25.0/900?phone_number_id=400000000000001", "headers": BEARER}
    ]


def test_media_without_an_address_is_rejected():
    with pytest.raises(Rejected):
        ADAPTER.locate(MediaRef("image", id="900"), CONFIG, RecordingHttp([answer({})]))


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (answer({"verified_name": "Shop", "quality_rating": "GREEN"}), "healthy"),
        (answer({"verified_name": "Shop", "quality_rating": "RED"}), "degraded"),
        (answer({"error": {"code": 190, "message": "expired"}}, 401), "credential_refused"),
        (answer({"error": {"code": 131016, "message": "maintenance"}}, 503), "unknown"),
    ],
    ids=["healthy", "low quality", "token refused", "fault"],
)
def test_check(reply, state):
    http = RecordingHttp([reply])
    assert ADAPTER.check(CONFIG, http).state == state
    http.finish()
    assert http.requests[0]["url"].endswith("/v25.0/400000000000001?fields=verified_name,quality_rating,status")


@pytest.mark.parametrize(
    "wrong",
    [
        {"phone_number_id": "../me"},
        {"api_version": "25"},
        {"api_base": "file:///etc"},
        {"access_token": ""},
        {"app_secret": ""},
        {"verify_token": ""},
        {"list_label": "x" * 21},
        {"typo": "x"},
    ],
    ids=lambda wrong: next(iter(wrong)),
)
def test_wrong_configuration_is_refused(wrong):
    with pytest.raises(ValidationError):
        WhatsAppConfig(**{**KIT.config, **wrong})
