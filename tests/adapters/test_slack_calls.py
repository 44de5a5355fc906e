"""Slack: signature and clock, the checks of the webhook address, answers, files, health and signals."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from pydantic import ValidationError

from channels_app.adapters import slack
from channels_app.adapters.slack import SlackConfig
from channels_app.content.types import Card, Content, Media, QuickReply, text
from channels_app.contract import (
    BadSignature,
    HttpAnswer,
    MediaRef,
    OutboundMessage,
    RawRequest,
    Recipient,
    Rejected,
    Reply,
    SendResult,
)
from tests.adapters.kit import RecordingHttp, answer
from tests.adapters.slack_inbound import CHANNEL, DM
from tests.adapters.test_slack import KIT, sign

ADAPTER, CONFIG = KIT.adapter, KIT.configured
BEARER = {"Authorization": "Bearer xoxb-SECRET-token"}
VECTORS = {
    "JSON": (
        b'{"type":"url_verification","token":"t","challenge":"abc123"}',
        "v0=ee2bdc7d00d5eab7fedc3bdab33de2c0166bdc95959ac7652a4b1df65bba0a9f",
    ),
    "command": (
        b"command=%2Fdesk&text=hello+w%C3%B6rld&team_id=T1&user_id=U1",
        "v0=328f107b1faedb0623eec369e4b490f16d74a05efaf6ee308fbbb84092e5cbf1",
    ),
    "interaction": (
        b"payload=%7B%22type%22%3A%22block_actions%22%7D",
        "v0=573917cff01cf3cdf48d4951d5f39a0784432126c8cbc9059251a453d9b654a8",
    ),
    "empty": (b"", "v0=3b44d4d2e243ed4d492dd38f02c15b10c1df20dbdd102f9a3df36648f55eca51"),
}
AT = 1700000000
VECTOR_CONFIG = CONFIG.model_copy(update={"signing_secret": "test-signing-secret-0001"})


@pytest.fixture
def clock(monkeypatch):
    """Sets what the adapter takes for now (Unix seconds)."""

    def at(now: float) -> None:
        monkeypatch.setattr(slack.time, "time", lambda: now)

    at(AT)
    return at


def vector(name: str, stamp: str = str(AT)) -> RawRequest:
    body, signature = VECTORS[name]
    headers = {"x-slack-request-timestamp": stamp, "x-slack-signature": signature}
    return RawRequest("POST", "/", headers, body=body)


def verify(raw: RawRequest, config=VECTOR_CONFIG) -> None:
    ADAPTER.verify(raw, config, RecordingHttp([]))


@pytest.mark.parametrize("name", VECTORS)
def test_signature_vectors(clock, name):
    verify(vector(name))


@pytest.mark.parametrize("now", [AT - 300, AT + 300])
def test_a_request_within_the_window_is_taken(clock, now):
    clock(now)
    verify(vector("JSON"))


@pytest.mark.parametrize("now", [AT - 301, AT + 301])
def test_an_old_or_early_request_is_refused(clock, now):
    clock(now)
    with pytest.raises(BadSignature):
        verify(vector("JSON"))


@pytest.mark.parametrize("stamp", ["", "abc", "-1", "１７", "9" * 400, "1700000000.5", "1700000001"])
def test_another_timestamp_is_refused(clock, stamp):
    with pytest.raises(BadSignature):
        verify(vector("JSON", stamp))


def test_a_stored_request_is_read_long_after_its_time(clock):
    raw = sign(KIT.request("dm_text"), CONFIG)
    clock(AT + 10**9)
    assert len(ADAPTER.parse(raw, CONFIG)) == 1


# --------------------------------------------------------------------- checks and answers


def test_the_challenge_is_answered(clock):
    assert ADAPTER.handshake(vector("JSON"), VECTOR_CONFIG) == Reply(200, "abc123")


def test_an_unsigned_challenge_is_refused(clock):
    with pytest.raises(BadSignature):
        ADAPTER.handshake(vector("JSON"), CONFIG)


def test_the_check_of_the_certificate_needs_no_signature():
    assert ADAPTER.handshake(RawRequest("POST", "/", body=b"ssl_check=1&token=t"), CONFIG) == Reply()


@pytest.mark.parametrize(
    "body",
    [
        b'{"type":"event_callback","event":{"text":"url_verification"}}',
        b'{"type":"url_verification"',
        b"text=url_verification",
        b"command=%2Fdesk&text=x&ssl_check=1",
        b"\xff ssl_check=1",
        b"",
    ],
)
def test_other_requests_are_no_handshake(body):
    assert ADAPTER.handshake(RawRequest("POST", "/", body=body), CONFIG) is None


ACK = {"response_type": "ephemeral", "text": "One moment …"}


@pytest.mark.parametrize(
    ("payload", "expected"),
    [
        ("dm_text", None),
        ("press_button", None),
        ("form_sent", None),
        ("slash_in_channel", ACK),
        ("slash_payload_word", ACK),
        ("form_asks_for_options", {"options": []}),
    ],
)
def test_acknowledgements(payload, expected):
    reply = ADAPTER.acknowledge(KIT.request(payload), CONFIG)
    assert reply.status == 200
    assert json.loads(reply.body or "null") == expected


@pytest.mark.parametrize("body", [b"", b"payload=", b"payload=%7B", b"\xff=1", b"[", b"command"])
def test_an_odd_body_is_acknowledged_quietly(body):
    assert ADAPTER.acknowledge(RawRequest("POST", "/", body=body), CONFIG) == Reply()


def test_a_command_may_be_acknowledged_without_words():
    config = CONFIG.model_copy(update={"command_ack": ""})
    assert ADAPTER.acknowledge(KIT.request("slash_in_channel"), config) == Reply()


# -------------------------------------------------------------------------------- signals


def test_typing_is_a_status_in_threads():
    payload = ADAPTER.signal("typing", Recipient(DM, thread=f"{CHANNEL}:17.02"), CONFIG)
    http = RecordingHttp([answer({"ok": True})])
    assert ADAPTER.send(payload, CONFIG, http) == SendResult()
    [request] = http.requests
    assert request["url"] == "https://slack.example/api/assistant.threads.setStatus"
    assert request["json"] == {"channel_id": CHANNEL, "thread_ts": "17.02", "status": "is typing…"}


@pytest.mark.parametrize(
    ("action", "thread", "status"),
    [("typing", "", "x"), ("typing", CHANNEL, "x"), ("read", "C:1", "x"), ("typing", "C:1", "")],
)
def test_signals_that_cannot_be_shown(action, thread, status):
    config = CONFIG.model_copy(update={"typing_status": status})
    assert ADAPTER.signal(action, Recipient(DM, thread=thread), config) is None


# ---------------------------------------------------------------------------------- files


@pytest.mark.parametrize(
    "file",
    [
        {"url_private_download": "https://files.slack.com/a/download", "url_private": "https://files.slack.com/a"},
        {"url_private": "https://acme.slack.com/a"},
        {"url_private": "https://slack-files.com/a"},
        {"url_private": "https://slack.example/a"},
    ],
)
def test_files_are_located_with_the_token(file):
    http = RecordingHttp([answer({"ok": True, "file": file})])
    address, headers = ADAPTER.locate(MediaRef("image", id="F1"), CONFIG, http)
    assert (address, headers) == (next(iter(file.values())), BEARER)
    assert http.requests == [
        {"method": "GET", "url": "https://slack.example/api/files.info?file=F1", "headers": BEARER}
    ]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "http://files.slack.com/a",
        "https://evil.example/files.slack.com",
        "https://files.slack.com.evil.example/a",
        "https://files.slack.com@evil.example/a",
        "https://evil.example\\.slack.com/a",
        "https://evilslack.com/a",
        "https://files.slack.com:8443/a",
        "https://[files.slack.com/a",
    ],
)
def test_the_token_goes_nowhere_else(address):
    with pytest.raises(Rejected):
        ADAPTER.locate(
            MediaRef("image", id="F1"), CONFIG, RecordingHttp([answer({"ok": True, "file": {"url_private": address}})])
        )


def test_neither_upload_nor_response_url_sees_the_token():
    pdf = Content(type="file", media=Media(url="https://cdn.example/a.pdf", type="application/pdf"))
    granted = answer({"ok": True, "upload_url": "https://files.slack.com/upload/1", "file_id": "F1"})
    ok = answer({"ok": True})
    http = RecordingHttp([HttpAnswer(200, {}, b"x"), granted, ok, ok])
    KIT.send(http, pdf)
    reference = {"response_url": "https://hooks.slack.com/commands/1"}
    aside = RecordingHttp([answer({"ok": False, "error": "not_in_channel"}), HttpAnswer(200, {}, b"ok")])
    KIT.send(aside, OutboundMessage("ref-1", Recipient("U1", thread=CHANNEL, reference=reference), text("hi")))
    for request in (http.requests[0], http.requests[2], aside.requests[1]):
        assert "SECRET" not in repr(request)


# --------------------------------------------------------------------------------- health

IDENTITY = {"ok": True, "team": "Acme", "team_id": "T0AAA1111", "user_id": "U0BOT0001", "url": "https://acme.example/"}
ALL_SCOPES = "chat:write, im:history,app_mentions:read,files:read,files:write"


@pytest.mark.parametrize(
    ("reply", "state", "detail"),
    [
        (answer(IDENTITY, x_oauth_scopes=ALL_SCOPES), "healthy", ""),
        (answer(IDENTITY), "healthy", ""),
        (answer(IDENTITY, x_oauth_scopes="chat:write,im:history"), "degraded", "files:read"),
        (answer({**IDENTITY, "team_id": "T0OTHER99"}), "degraded", "T0OTHER99"),
        (answer({"ok": False, "error": "account_inactive"}), "credential_refused", "account_inactive"),
        (answer({"ok": False, "error": "service_unavailable"}), "unknown", "fault"),
    ],
    ids=["healthy", "scopes untold", "scope missing", "other workspace", "token refused", "fault"],
)
def test_check(reply, state, detail):
    http = RecordingHttp([reply])
    found = ADAPTER.check(CONFIG, http)
    assert (found.state, detail in found.detail) == (state, True)
    assert [request["url"] for request in http.requests] == ["https://slack.example/api/auth.test"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"bot_token": ""},
        {"bot_token": "xapp-1-A0-2"},
        {"bot_token": "xoxb-with space"},
        {"signing_secret": ""},
        {"signing_secret": "short"},
        {"team_id": "acme"},
        {"api_base": "file:///etc"},
        {"command_answers": "shout"},
        {"list_label": ""},
        {"typo": "x"},
    ],
    ids=str,
)
def test_wrong_configuration_is_refused(wrong):
    with pytest.raises(ValidationError):
        SlackConfig(**{**KIT.config, **wrong})


# --------------------------------------------------------------------------------- limits


def test_what_is_too_much_for_one_message_goes_out_as_several():
    replies = tuple(QuickReply(title=f"{n}", payload="p" * 1000) for n in range(10))
    cards = tuple(Card(title=f"Card {n}", buttons=BUTTONS) for n in range(10))
    content = Content(type="carousel", text="Rooms", cards=cards, quick_replies=replies)
    bodies = [payload.json for payload in ADAPTER.render(OutboundMessage("r", KIT.recipient, content), CONFIG)]
    assert len(bodies) > 1
    assert all(len(body["blocks"]) <= 50 for body in bodies)
    assert [body["metadata"]["event_payload"]["client_ref"] for body in bodies][:2] == ["r", "r#2"]
    buttons = [e for body in bodies for block in body["blocks"] for e in block.get("elements", ()) if "value" in e]
    assert len(buttons) == 40
    for body in bodies:
        ids = [e["action_id"] for block in body["blocks"] for e in block.get("elements", ()) if "action_id" in e]
        assert len(ids) == len(set(ids))


BUTTONS = tuple({"type": "postback", "title": t, "payload": t * 900} for t in "abc")


def test_a_webp_picture_is_a_file_to_slack():
    content = Content(type="image", media=Media(url="https://cdn.example/s.webp", type="image/webp", name="s.webp"))
    [payload] = ADAPTER.render(OutboundMessage("r", KIT.recipient, content), CONFIG)
    assert payload.json["source"] == {"url": "https://cdn.example/s.webp", "name": "s.webp", "alt_text": ""}


def test_an_altered_body_of_umlauts_is_refused():
    raw = KIT.request("slash_payload_word")
    with pytest.raises(BadSignature):
        KIT.verify(replace(raw, body=raw.body.replace(b"%C3%B6", b"%C3%B7")))
