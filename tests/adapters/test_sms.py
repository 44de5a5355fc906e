"""SMS: each webhook and each kind of message as a row of a table. Signature, media and health follow in
test_sms_calls.py."""

from __future__ import annotations

import pytest

from channels_app.content.types import UNKNOWN_FILE, Content, Media, text
from channels_app.contract import (
    BadPayload,
    ConfigError,
    ContactRefuses,
    Ignored,
    InboundMessage,
    MediaRef,
    OutboundMessage,
    OutcomeUnknown,
    Recipient,
    Rejected,
    Sender,
    SendResult,
    Signal,
    StatusUpdate,
    Throttled,
    Unreachable,
)
from tests.adapters.kit import InboundCase, Kit, OutboundCase, answer
from tests.adapters.twilio_signing import TOKEN, sign

WEBHOOK = "https://chat.example/api/v2/webhooks/sms/key-1"
ANA = Sender("phone", "+15005550006", profile={"country": "US"})
RECEIVER = Sender("phone", "+15005550006")
BASIC = {"Authorization": "Basic U0swMTpTRUNSRVQtYXBpLWtleQ=="}
URL = "https://twilio.example/2010-04-01/Accounts/AC01/Messages.json"
CALL_BACK = f"{WEBHOOK}?ref=ref-1"
PNG = Media(url="https://cdn.example/i.png", type="image/png", alt_text="A map")


def said(content: Content, sender: Sender = ANA, platform_id: str = "SM01", **more) -> InboundMessage:
    facts = {"reference": {"webhook": WEBHOOK}, "metadata": {"to": "+15005550001"}, **more}
    return InboundMessage(platform_id=platform_id, sender=sender, content=content, **facts)


def media(kind: str, name: str, mime: str, words: str | None = None) -> dict:
    content = Content(type=kind, text=words, media=Media(url=f"media:MM02.{name}", type=mime))
    return {"content": content, "media": (MediaRef(kind, id=f"MM02.{name}", mime=mime),)}


def status(word: str, **more) -> StatusUpdate:
    return StatusUpdate("SM09", word, client_ref="ref-1", sender=RECEIVER, **more)


INBOUND = [
    InboundCase("text", "text", [said(text("Grüße 👋 a+b=c"))]),
    InboundCase("nothing said", "text_empty", [said(text("[empty message]"))]),
    InboundCase(
        "short code", "text_from_short_code", [said(text("hi"), Sender("phone", "72345", profile=ANA.profile))]
    ),
    InboundCase("messaging service", "text_to_service", [said(text("hi"), metadata={"to": "+15005550099"})]),
    InboundCase("other number", "text_to_other_number", [Ignored("other_number", "SM01")]),
    InboundCase("no sender", "text_without_sender", [Ignored("no_sender", "SM01")]),
    InboundCase("no id", "text_without_id", [Ignored("no_id")]),
    InboundCase("another channel", "text_from_whatsapp", [Ignored("address:whatsapp", "SM01")]),
    InboundCase("picture", "media_one", [said(platform_id="MM02", **media("image", "ME01", "image/jpeg", "Look"))]),
    InboundCase(
        "several media are one message (complaint 1)",
        "media_several",
        [
            said(
                media("image", "ME01", "image/png")["content"],
                platform_id="MM02",
                media=(*media("image", "ME01", "image/png")["media"], *media("audio", "ME02", "audio/amr")["media"]),
            )
        ],
    ),
    InboundCase(
        "a card of a type that we do not know",
        "media_of_other_type",
        [
            said(
                Content(type="file", text="My card", media=Media(url="media:MM02.ME03", type=UNKNOWN_FILE)),
                platform_id="MM02",
                media=(MediaRef("file", id="MM02.ME03", mime="text/x-vcard"),),
            )
        ],
    ),
    InboundCase(
        "media on another host",
        "media_elsewhere",
        [
            said(
                Content(type="image", media=Media(url="https://media.example/x.png", type="image/png")),
                platform_id="MM02",
                media=(MediaRef("image", url="https://media.example/x.png", mime="image/png"),),
            )
        ],
    ),
    InboundCase(
        "STOP",
        "stop",
        [Signal("stopped", ANA, "SM01", data={"opt_out_type": "STOP", "answered_by_platform": True})],
    ),
    InboundCase(
        "START",
        "start",
        [Signal("reopened", ANA, "SM01", data={"opt_out_type": "START", "answered_by_platform": True})],
    ),
    InboundCase("HELP", "help", [Ignored("opt_out:HELP", "SM01")]),
    InboundCase("queued proves the send", "status_queued", [status("sent")]),
    InboundCase("sent", "status_sent", [status("sent")]),
    InboundCase("delivered", "status_delivered", [status("delivered")]),
    InboundCase("read", "status_read", [StatusUpdate("SM09", "read", sender=RECEIVER)]),
    InboundCase(
        "of a message's second text",
        {
            "AccountSid": "AC01",
            "MessageSid": "SM09",
            "MessageStatus": "delivered",
            "To": "+15005550006",
            "ref": "ref-1#2",
        },
        [StatusUpdate("SM09", "delivered", client_ref="ref-1", sender=RECEIVER)],
    ),
    InboundCase("undelivered", "status_failed", [status("failed", code="30005")]),
    InboundCase("canceled", "status_canceled", [status("failed", code="canceled")]),
    InboundCase(
        "sent to a person who opted out",
        "status_opted_out",
        [status("failed", code="21610"), Signal("stopped", RECEIVER, "SM09.stopped", data={"code": "21610"})],
    ),
    InboundCase("unknown status", "status_unknown", [Ignored("status:teleported", "SM09")]),
    InboundCase("not Twilio's", "no_account", BadPayload),
]


def call(**form: str) -> dict:
    form = {"To": "+15005550006", "MessagingServiceSid": "MG01", "StatusCallback": CALL_BACK, **form}
    return {"method": "POST", "url": URL, "headers": BASIC, "data": form}


def to(address: str, words: str = "hello", **recipient) -> OutboundMessage:
    return OutboundMessage("ref-1", Recipient(address, "phone", **recipient), text(words))


def long_link(length: int) -> Media:
    url = "https://cdn.example/"
    return Media(url=url + "f" * (length - len(url)), type="application/pdf")


def refused(code: int, error: type, status: int = 400) -> OutboundCase:
    body = {"code": code, "message": "no", "more_info": "https://www.twilio.com/docs/errors/1", "status": status}
    return OutboundCase(str(code), text("hello"), replies=[answer(body, status)], expect=error, code=str(code))


OUTBOUND = [
    OutboundCase("text", text("hello"), [call(Body="hello")]),
    OutboundCase("words that a form must escape", text("a&b=c+d €"), [call(Body="a&b=c+d €")]),
    OutboundCase(
        "no address to call back",
        to("+15005550006"),
        [
            {
                "method": "POST",
                "url": URL,
                "data": {"To": "+15005550006", "MessagingServiceSid": "MG01", "Body": "hello"},
            }
        ],
    ),
    OutboundCase("a short code", to("72345", reference={"webhook": WEBHOOK}), [call(To="72345", Body="hello")]),
    OutboundCase("no number", to("ana"), replies=[], expect=Rejected, code="bad_address"),
    OutboundCase(
        "media as a link",
        Content(type="image", media=PNG, text="Here"),
        [call(Body="Here\nA map\nhttps://cdn.example/i.png")],
    ),
    OutboundCase(
        "a link that fits without the file's description and name",
        Content(
            type="file",
            media=long_link(1119).model_copy(update={"alt_text": "A map", "name": "map.pdf"}),
            text="w" * 480,
        ),
        [call(Body=f"{'w' * 480}\n{long_link(1119).url}")],
    ),
    OutboundCase(
        "a link that does not fit beside the words goes after them",
        Content(type="file", media=long_link(1600), text="w" * 480),
        [
            call(Body="w" * 480),
            call(Body=long_link(1600).url, StatusCallback=f"{CALL_BACK}%232"),
        ],
    ),
    OutboundCase(
        "a link that is too long for a text message",
        Content(type="file", media=long_link(1601), text="Here"),
        replies=[],
        expect=Rejected,
        code="link_too_long",
    ),
    OutboundCase(
        "media that is not public",
        Content(type="image", media=Media(url="media:1", type="image/png")),
        replies=[],
        expect=Rejected,
        code="media_not_public",
    ),
    OutboundCase(
        "an answer without a sid", text("hello"), replies=[answer({}, 201)], expect=OutcomeUnknown, code="no_message_id"
    ),
    OutboundCase(
        "throttled with a pause",
        text("hello"),
        replies=[answer({"code": 20429}, 429, retry_after="3")],
        expect=Throttled,
        code="20429",
        retry_after=3,
    ),
    OutboundCase(
        "queue full",
        text("hello"),
        replies=[answer({"code": 21611}, 400)],
        expect=Throttled,
        code="21611",
        retry_after=60,
    ),
    refused(20003, ConfigError, 401),
    refused(21606, ConfigError),
    refused(21211, Rejected),
    refused(21408, Rejected, 403),
    refused(21610, ContactRefuses),
    refused(20503, Unreachable, 503),
    refused(99999, Rejected),
]

KIT = Kit(
    kind="sms",
    config={
        "account_sid": "AC01",
        "auth_token": TOKEN,
        "api_key_sid": "SK01",
        "api_key_secret": "SECRET-api-key",
        "from_number": "+1 500 555 0001",
        "messaging_service_sid": "MG01",
        "api_base": "https://twilio.example",
    },
    inbound=INBOUND,
    outbound=OUTBOUND,
    sign=sign,
    signature="x-twilio-signature",
    recipient=Recipient("+15005550006", "phone", reference={"webhook": WEBHOOK}),
    success=answer({"sid": "SM09", "status": "queued", "num_segments": "1"}, 201),
    result=SendResult("SM09", {"status": "queued", "num_segments": "1"}),
)


@pytest.mark.parametrize("case", KIT.inbound, ids=str)
def test_inbound(case):
    KIT.run_inbound(case)


@pytest.mark.parametrize("case", KIT.outbound, ids=str)
def test_outbound(case):
    KIT.run_outbound(case)
