"""The generic channel: each event and each answer as a row of a table. What is signed and how follows
in test_webhook_signature.py."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import jsonschema
import pytest
from pydantic import ValidationError

from channels_app.adapters.webhook import Webhook, WebhookConfig
from channels_app.adapters.webhook.envelope import schema
from channels_app.content.types import Choice, Content, Location, Media, QuickReply, text
from channels_app.contract import (
    BadPayload,
    ConfigError,
    ContactBlocked,
    Ignored,
    InboundMessage,
    MediaRef,
    OutboundMessage,
    Reaction,
    Recipient,
    Rejected,
    Revision,
    Sender,
    SendResult,
    Signal,
    StatusUpdate,
    Throttled,
    Unreachable,
    WindowClosed,
)
from channels_app.http.standard_webhooks import headers_for
from tests.adapters.kit import InboundCase, Kit, OutboundCase, RecordingHttp, answer

SECRET = "whsec_U0VDUkVULWN1cnJlbnQtMDEyMzQ1Njc4OWFi"
FORMER = "whsec_U0VDUkVULWZvcm1lci0tMDEyMzQ1Njc4OWFi"
URL = "https://shop.example/chat"
NOON = datetime(2026, 10, 26, 7, 33, 20, tzinfo=UTC)  # 1793000000
ANA = Sender("user", "ana-7", name="Ana Lima")
SCHEMA = Path(__file__).parents[2] / "docs/channels/webhook.schema.json"


def said(name: str, content: Content, **more) -> InboundMessage:
    parts = {"platform_id": f"evt-{name}", "sender": ANA, "content": content, "sent_at": NOON, **more}
    return InboundMessage(**parts)


def event(name: str, *items) -> InboundCase:
    return InboundCase(name, name, items)


def notice(kind: str, **more) -> InboundCase:
    return event(kind, Signal(kind, ANA, f"evt-{kind}", "ticket-9", NOON, **more))


def sign(raw, config):
    return replace(raw, headers={**raw.headers, **headers_for("msg_1", int(time.time()), raw.body, [config.secret])})


PHOTO = Media(url="https://files.example/i.jpg?sig=1", type="image/jpeg", size_bytes=2048, name="i.jpg")
ALBUM = (
    MediaRef("image", url="https://files.example/1.png", mime="image/png", size=10, sha256="q1w2", name="1.png"),
    MediaRef("file", url="https://files.example/2"),
)
INBOUND = [
    event("message_text", said("message_text", text("hello 👋"))),
    event(
        "message_full",
        said(
            "message_full",
            text("**that** one", format="markdown", language="en"),
            sender=replace(ANA, profile={"plan": "gold", "orders": "3"}),
            thread="ticket-9",
            reply_to="out-4",
            opens_window_s=86400,
            reference={"ticket": "9", "agent": "12"},
            metadata={"source": "app"},
        ),
    ),
    event("message_least", InboundMessage("7", Sender("user", "42"), text("hello"))),
    event("message_unix_seconds", said("message_unix_seconds", text("hello"))),
    event(
        "message_image",
        said(
            "message_image",
            Content(type="image", text="look", media=PHOTO),
            media=(MediaRef("image", url=PHOTO.url, mime="image/jpeg", size=2048, name="i.jpg"),),
        ),
    ),
    event("message_album", said("message_album", text("two files"), media=ALBUM)),
    event(
        "message_choice",
        said("message_choice", Content(type="quick_reply", text="Yes", choice=Choice(value="pick:yes", title="Yes"))),
    ),
    event(
        "message_location",
        said(
            "message_location",
            Content(type="location", location=Location(latitude=38.72, longitude=-9.14, name="Office")),
        ),
    ),
    event("message_with_nul", said("message_with_nul", text("ab"))),
    event("edit", Revision("evt-edit", "evt-message_text", ANA, text("hello again"), NOON)),
    event("delete", Revision("evt-delete", "evt-message_text", ANA, None, NOON)),
    event("reaction", Reaction("evt-reaction", "out-4", ANA, "👍", NOON)),
    event("reaction_removed", Reaction("evt-reaction_removed", "out-4", ANA, "", NOON)),
    notice("typing"),
    notice("read"),
    notice("joined"),
    notice("left"),
    notice("human_took_over", data={"agent": "Rui"}),
    notice("ended"),
    notice("reopened"),
    notice("stopped"),
    event(
        "identity_changed",
        Signal(
            "identity_changed",
            replace(ANA, aliases=(("user", "", "guest-1"), ("user", "", "guest-2"))),
            "evt-identity_changed",
            at=NOON,
        ),
    ),
    event("status_sent", StatusUpdate("out-4", "sent", NOON)),
    event("status_delivered", StatusUpdate("out-4", "delivered", NOON)),
    event("status_read", StatusUpdate("out-4", "read", NOON, sender=ANA)),
    event("status_failed", StatusUpdate("", "failed", NOON, "ref-1.0", "no_credit", "The balance is used up")),
    event("status_unknown", Ignored("status:chewed", "evt-status_unknown")),
    event("status_of_nothing", Ignored("no_target", "evt-status_of_nothing")),
    event("unknown_type", Ignored("type:dance", "evt-unknown_type")),
    event("unknown_version", Ignored("version:2", "evt-unknown_version")),
    event("no_type", Ignored("type:", "evt-no_type")),
    event("own_echo", Ignored("own_echo", "ref-1.0")),
]
#: payload file → what the integrator is told
REFUSED = {
    "refused_native": "content: value_error",
    "refused_template": "content: value_error",
    "refused_media_of_ours": "content: value_error",
    "refused_long_text": "content.text: string_too_long",
    "refused_unknown_member": "content.colour: extra_forbidden",
    "refused_no_id": "id: missing",
    "refused_no_sender": "from: missing",
    "refused_no_content": "content: missing",
    "refused_time": "at: moment_out_of_range",
    "refused_time_without_zone": "at: timezone_aware",
    "refused_long_id": "id: string_too_long",
    "refused_many_facts": "from.profile: too_long",
    "refused_array": "body: an object is expected",
}
INBOUND += [InboundCase(name, name, BadPayload) for name in REFUSED]

ANA_OUT = Recipient("ana-7", "user", thread="ticket-9", last_inbound_id="evt-1", reference={"ticket": "9"})
ASKED = text("Sure?", quick_replies=(QuickReply(title="Yes", payload="pick:yes"),))
LEAST = Content(type="file", media=Media(url="media:018f", type="text/csv"))


USER = Recipient("user-1")


def posted(content: Content, recipient: Recipient = USER, ref: str = "ref-1", **parts) -> bytes:
    """The body that must go out, byte for byte: it is what is signed."""
    head = {"version": 1, "type": "message", "id": ref, "to": {"id": recipient.address}, "thread": recipient.thread}
    body = {
        **head,
        "reference": dict(recipient.reference),
        "content": content.to_json(),
        "by": "bot",
        "reply_to": "",
        **parts,
    }
    return json.dumps(body, separators=(",", ":")).encode()


def refusal(status: int, error: type[Exception], code: str, said: object = None, **headers) -> OutboundCase:
    retry_after = float(headers["retry_after"]) if headers else None
    replies = [answer(said, status, **headers)]
    return OutboundCase(
        f"{status} {code}", text("hello"), replies=replies, expect=error, code=code, retry_after=retry_after
    )


def told(code: str) -> dict:
    return {"error": {"code": code, "message": "so it is"}}


OUTBOUND = [
    OutboundCase(
        "text",
        text("hello"),
        [
            {
                "method": "POST",
                "url": URL,
                "content": posted(text("hello")),
                "headers": {"content-type": "application/json", "idempotency-key": "ref-1", "webhook-id": "ref-1"},
            }
        ],
    ),
    OutboundCase(
        "everything",
        OutboundMessage("018f.2", ANA_OUT, ASKED, reply_to="evt-1", by_human=True),
        [
            {
                "content": posted(ASKED, ANA_OUT, "018f.2", by="human", reply_to="evt-1"),
                "headers": {"idempotency-key": "018f.2", "webhook-id": "018f_2"},
            }
        ],
    ),
    OutboundCase("picture", (photo := Content(type="image", media=PHOTO)), [{"content": posted(photo)}]),
    OutboundCase("file of our own", LEAST, replies=[], expect=Rejected, code="media_not_public"),
    OutboundCase("taken without an id", text("hello"), [{"method": "POST"}], [answer(status=204)], [SendResult()]),
    OutboundCase(
        "taken, the id is a number", text("hello"), [{"method": "POST"}], [answer({"id": 9}, 201)], [SendResult("9")]
    ),
    refusal(400, Rejected, "http_400"),
    refusal(422, Rejected, "no_carousels", told("no_carousels")),
    refusal(422, ContactBlocked, "recipient_unreachable", told("recipient_unreachable")),
    refusal(404, ContactBlocked, "recipient_unreachable", told("recipient_unreachable")),
    refusal(409, WindowClosed, "window_closed", told("window_closed")),
    refusal(401, ConfigError, "http_401"),
    refusal(403, ConfigError, "wrong_key", told("wrong_key")),
    refusal(410, ConfigError, "gone"),
    refusal(404, ConfigError, "wrong_address"),
    refusal(405, ConfigError, "wrong_address"),
    refusal(308, ConfigError, "wrong_address"),
    refusal(429, Throttled, "http_429", retry_after="7"),
    refusal(503, Unreachable, "http_503", retry_after="9"),
    refusal(500, Unreachable, "http_500", ["odd"]),
]
KIT = Kit(
    kind="webhook",
    config={"api_base": URL, "secret": SECRET, "previous_secret": FORMER},
    inbound=INBOUND,
    outbound=OUTBOUND,
    sign=sign,
    signature="webhook-signature",
    recipient=USER,
    success=answer({"id": "out-1"}),
    result=SendResult("out-1"),
    own_echo="own_echo",
    any_address=True,
)


@pytest.mark.parametrize("case", KIT.inbound, ids=str)
def test_inbound(case):
    KIT.run_inbound(case)


@pytest.mark.parametrize("case", KIT.outbound, ids=str)
def test_outbound(case):
    KIT.run_outbound(case)


# ------------------------------------------------------------------- what the sender is told


def acknowledged(name: str):
    reply = Webhook().acknowledge(KIT.request(name), KIT.configured)
    return reply.status, json.loads(reply.body)


@pytest.mark.parametrize(("name", "why"), REFUSED.items(), ids=REFUSED)
def test_a_wrong_event_is_answered_with_its_place(name, why):
    assert acknowledged(name) == (422, {"error": {"code": "invalid_event", "message": why}})


def test_words_of_people_are_not_quoted_back():
    body = {"type": "message", "id": "1", "from": {"id": "1"}, "content": {"type": "text", "text": "SAID" * 2000}}
    with pytest.raises(BadPayload) as caught:
        KIT.receive(KIT.request(body))
    assert "SAID" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("message_text", {"accepted": True}),
        ("unknown_type", {"ignored": "type:dance"}),
        ("own_echo", {"ignored": "own_echo"}),
    ],
)
def test_a_good_event_is_acknowledged(name, answer):
    assert acknowledged(name) == (200, answer)


# ------------------------------------------------------------------------------- the schema


def test_the_published_schema_is_the_parser():
    assert json.loads(SCHEMA.read_text()) == schema()


#: understood out of kindness: numbers where the schema wants strings, times as Unix seconds
LENIENT = {"message_full", "message_least", "message_unix_seconds"}
UNDERSTOOD = {
    case.label for case in INBOUND if not (isinstance(case.expect, type) or isinstance(case.expect[0], Ignored))
}


@pytest.fixture(scope="module")
def published():
    """Whether the schema is one by itself is asked once, not for every body."""
    jsonschema.Draft202012Validator.check_schema(schema())
    return jsonschema.Draft202012Validator(schema())


@pytest.mark.parametrize("name", sorted(UNDERSTOOD - LENIENT))
def test_what_is_understood_is_in_the_schema(name, published):
    published.validate(KIT.stored(name)["body"])


#: these look right and mean something that must not come in
FORBIDDEN = {"refused_native", "refused_template", "refused_media_of_ours", "refused_time", "refused_time_without_zone"}


@pytest.mark.parametrize("name", sorted(set(REFUSED) - FORBIDDEN))
def test_what_is_refused_is_not_in_the_schema(name, published):
    with pytest.raises(jsonschema.ValidationError):
        published.validate(KIT.stored(name)["body"])


# ------------------------------------------------------------------------ the other calls


@pytest.mark.parametrize(
    ("reply", "state", "facts"),
    [
        (answer({"id": "ping"}), "healthy", {}),
        (answer(status=204), "healthy", {}),
        (answer(status=401), "credential_refused", {"code": "http_401"}),
        (answer(status=410), "degraded", {"code": "gone"}),
        (answer(told("what_is_a_ping"), 422), "degraded", {"code": "what_is_a_ping"}),
        (answer(status=503), "unknown", {"code": "http_503"}),
        (Unreachable("connect_failed"), "unknown", {"code": "connect_failed"}),
    ],
)
def test_check(reply, state, facts):
    http = RecordingHttp([reply])
    found = Webhook().check(KIT.configured, http)
    assert (found.state, found.facts) == (state, facts)
    assert json.loads(http.requests[0]["content"])["type"] == "ping"


@pytest.mark.parametrize("action", ["typing", "read"])
def test_signals_go_out(action):
    payload = Webhook().signal(action, ANA_OUT, KIT.configured)
    assert {name: payload.json[name] for name in ("type", "to", "thread", "target")} == {
        "type": action,
        "to": {"id": "ana-7"},
        "thread": "ticket-9",
        "target": "evt-1",
    }
    http = RecordingHttp([answer(status=202)])
    assert Webhook().send(payload, KIT.configured, http) == SendResult()
    assert http.requests[0]["headers"]["webhook-id"] == payload.json["id"]


def test_other_signals_stay_here():
    assert Webhook().signal("dance", ANA_OUT, KIT.configured) is None


# --------------------------------------------------------------------------- configuration


@pytest.mark.parametrize(
    "wrong",
    [
        {"api_base": "shop.example"},
        {"api_base": ""},
        {"secret": ""},
        {"secret": "whsec_"},
        {"secret": SECRET.removeprefix("whsec_")},
        {"secret": "whsec_dG9vLXNob3J0"},
        {"secret": "whsec_not*base64*not*base64*not*base64"},
        {"secret": "whsec_ключ"},
        {"previous_secret": "short"},
        {"colour": "red"},
    ],
    ids=str,
)
def test_wrong_configuration_is_refused(wrong):
    with pytest.raises(ValidationError):
        WebhookConfig(**{**KIT.config, **wrong})


@pytest.mark.parametrize(
    "typed", ["café", "cafe\u0301", " café ", "caf\u200bé"], ids=["NFC", "NFD", "blanks", "invisible"]
)
def test_a_person_keeps_their_lane_however_the_id_is_typed(typed: str):
    raw = KIT.signed(json.dumps({"id": "e1", "type": "typing", "from": {"id": typed}}).encode())
    assert KIT.adapter.lane(raw, KIT.configured) == "café"
    [item] = KIT.receive(raw)
    assert item.sender.value == "café"


@pytest.mark.parametrize(("count", "fits"), [(127, True), (128, False)])
def test_an_id_is_measured_once_it_is_cleaned(count: int, fits: bool):
    """Each of these letters is two in NFC."""
    raw = KIT.signed(json.dumps({"id": "e1", "type": "typing", "from": {"id": "\u0958" * count}}).encode())
    if fits:
        assert len(KIT.receive(raw)[0].sender.value) == 2 * count
    else:
        with pytest.raises(BadPayload, match="from.id: string_too_long"):
            KIT.receive(raw)
