"""Phone calls: each webhook and each reply as a row of a table. What the caller hears in between, and the
words themselves, follow in test_voice_calls.py."""

from __future__ import annotations

import hashlib
from xml.sax.saxutils import escape

import pytest

from channels_app.adapters.voice.config import VoiceConfig
from channels_app.adapters.voice.speech import spoken
from channels_app.content.types import Content, Media, text
from channels_app.contract import (
    BadPayload,
    Ignored,
    InboundMessage,
    OutboundMessage,
    Recipient,
    Rejected,
    Sender,
    SendResult,
    Signal,
    StatusUpdate,
)
from tests.adapters.kit import InboundCase, Kit, OutboundCase, answer
from tests.adapters.twilio_signing import TOKEN, sign

WEBHOOK = "https://chat.example/api/v2/webhooks/voice/key-1"
ANA = Sender("phone", "+15005550006", profile={"country": "US"})
NAMED = Sender("phone", "+15005550006", name="Ana Lima", profile={"country": "US"})
HIDDEN = Sender("call", "CA01")
HEARD = StatusUpdate("CA01.ref-1", "delivered", client_ref="ref-1", sender=ANA)
BASIC = {"Authorization": "Basic U0swMTpTRUNSRVQtYXBpLWtleQ=="}
LEGS = "https://twilio.example/2010-04-01/Accounts/AC01/Calls.json?ParentCallSid=CA01"
URL = "https://twilio.example/2010-04-01/Accounts/AC01/Calls/CA01.json"


def said(words: str, platform_id: str, language: str = "", **facts: str) -> InboundMessage:
    return InboundMessage(
        platform_id=f"{platform_id}.{hashlib.sha256(words.encode()).hexdigest()[:12]}",
        sender=ANA,
        content=text(words, language=language or "en"),
        thread="CA01",
        reference={"webhook": WEBHOOK, "language": language},
        metadata=facts,
    )


def signal(kind: str, sender: Sender = ANA, **data: str) -> Signal:
    return Signal(kind, sender, f"CA01.{kind}", thread="CA01", data=data)


def joined(sender: Sender = ANA, direction: str = "inbound", to: str = "+15005550001") -> Signal:
    return signal("joined", sender, direction=direction, to=to)


MISSED = [
    InboundMessage(
        platform_id="CA01.missed",
        sender=ANA,
        content=text("[missed call: no-answer]"),
        thread="CA01",
        reference={"webhook": WEBHOOK, "language": ""},
        metadata={"call": "missed", "dial_status": "no-answer"},
    ),
    signal("human_wanted", reason="missed", status="no-answer"),
]
INBOUND = [
    InboundCase("a call comes in", "incoming", [joined(NAMED)]),
    InboundCase("a hidden number", "incoming_hidden", [joined(HIDDEN)]),
    InboundCase("only Caller names the number", "incoming_without_from", [joined()]),
    InboundCase(
        "a call we made", "outbound", [joined(Sender("phone", "+15005550006"), "outbound-api", "+15005550006")]
    ),
    InboundCase(
        "speech",
        "speech",
        [HEARD, said("I need two tickets.", "CA01.ref-1.0", input="speech", confidence="0.91")],
    ),
    InboundCase(
        "the first words",
        "speech_to_greeting",
        [said("Hello", "CA01.greeting.1", input="speech", confidence="0.91")],
    ),
    InboundCase(
        "another language",
        "speech_in_portuguese",
        [HEARD, said("Sim", "CA01.ref-1.0", "pt", input="speech", confidence="0.8")],
    ),
    InboundCase(
        "a model without confidence",
        "speech_without_confidence",
        [HEARD, said("Yes", "CA01.ref-1.0", input="speech", confidence="0.0")],
    ),
    InboundCase("unclear", "speech_unclear", [HEARD]),
    InboundCase("unclear too often", "speech_unclear_again", [HEARD, signal("human_wanted", reason="unclear")]),
    InboundCase("a key", "digits", [HEARD, said("2", "CA01.ref-1.0", input="dtmf")]),
    InboundCase(
        "the operator's key",
        "digits_operator",
        [HEARD, said("0", "CA01.ref-1.0", input="dtmf"), signal("human_wanted", reason="operator")],
    ),
    InboundCase("an empty answer", "answer_empty", [HEARD]),
    InboundCase("silence", "silent", [HEARD]),
    InboundCase("silence too often", "silent_too_often", [HEARD, signal("human_wanted", reason="silent")]),
    InboundCase("waiting", "waiting", [Ignored("call:waiting")]),
    InboundCase("waited too long", "waiting_too_long", [signal("human_wanted", reason="waiting")]),
    InboundCase("a colleague answers", "answered", [signal("human_took_over", status="answered")]),
    InboundCase("it rings at the colleague's", "answered_not_yet", [Ignored("call:other")]),
    InboundCase("a transfer ends", "dialled_completed", [signal("human_took_over", status="completed")]),
    InboundCase("a transfer fails", "dialled_no_answer", MISSED),
    InboundCase("an event of no known type", "event_unknown", [Ignored("call:other")]),
    InboundCase("hung up", "status_completed", [signal("ended", status="completed", duration_s="42")]),
    InboundCase("busy", "status_busy", [signal("ended", status="busy")]),
    InboundCase("progress", "status_ringing", [Ignored("call:other")]),
    InboundCase("unknown status", "status_unknown", [Ignored("call:other")]),
    InboundCase("the colleague's leg", "status_of_the_other_leg", [Ignored("call:other")]),
    InboundCase(
        "last words",
        "hung_up_while_speaking",
        [
            said("Bye then", "CA01.ref-1.0", input="speech", confidence="0.9"),
            signal("human_wanted", reason="last_words"),
            signal("ended", status="completed"),
        ],
    ),
    InboundCase("no call", "call_without_sid", BadPayload),
    InboundCase("a path for a call", "call_of_odd_sid", BadPayload),
]

GATHER = (
    '<Gather input="dtmf speech" action="{webhook}?event=answer&amp;turn={ref}{lang}&amp;miss={miss}" method="POST" '
    'timeout="6" speechTimeout="2" speechModel="default" language="{language}" profanityFilter="false" '
    'bargeIn="true"{more}>{inner}</Gather>'
)


def question(
    *said_as: str, language: str = "en-US", voice: str = "Polly.Joanna", lang: str = "", more: str = "",
    ref: str = "ref-1",
) -> str:  # fmt: skip
    """The document that asks ``said_as`` one after another (each is the inside of a Gather)."""
    lang = f"&amp;lang={lang}" if lang else ""
    facts = {"webhook": WEBHOOK, "lang": lang, "language": language, "more": more, "ref": ref}
    inside = [
        one if one.startswith("<") else f'<Say voice="{voice}" language="{language}">{one}</Say>' for one in said_as
    ]
    asked = "".join(GATHER.format(miss=miss, inner=inner, **facts) for miss, inner in enumerate(inside))
    again = f"{WEBHOOK}?event=silent&amp;turn={ref}{lang}&amp;miss={len(said_as) - 1}"
    redirect = f'<Redirect method="POST">{again}</Redirect>'
    return f'<?xml version="1.0" encoding="UTF-8"?><Response>{asked}{redirect}</Response>'


def call(document: str) -> dict:
    return {"method": "POST", "url": URL, "headers": BASIC, "data": {"Twiml": document}}


def twice(words: str) -> tuple[str, str]:
    return words, f"I did not hear anything. {words}"


def to(recipient: Recipient) -> OutboundMessage:
    return OutboundMessage("ref-1", recipient, text("hello"))


def refused(label: str, body: dict, status: int, error: type, code: str) -> OutboundCase:
    return OutboundCase(label, text("hello"), replies=[answer(body, status)], expect=error, code=code)


OUTBOUND = [
    OutboundCase("words", text("hello"), [call(question(*twice("hello.")))], expect=[SendResult("CA01.ref-1", {"status": "in-progress"}, 0.4)]),
    OutboundCase("words that XML must escape", text("1 < 2 & \"3\"?"), [call(question(*twice('1 &lt; 2 &amp; "3"?')))], expect=[SendResult("CA01.ref-1", {"status": "in-progress"}, 0.9)]),
    OutboundCase(
        "another language",
        text("Olá!", language="pt"),
        [call(question("Olá!", "Não ouvi. Olá!", language="pt-PT", voice="Polly.Ines", lang="pt"))],
        expect=[SendResult("CA01.ref-1", {"status": "in-progress"}, 0.3)],
    ),
    OutboundCase(
        "one key answers a choice",
        text("Well?\n\n1. Yes\n2. No"),
        [call(question(*twice("Well? For Yes, press 1. For No, press 2."), more=' numDigits="1"'))],
        expect=[SendResult("CA01.ref-1", {"status": "in-progress"}, 2.9)],
    ),
    OutboundCase(
        "too long to be said twice",
        text("x" * 1300 + "&" * 100),
        [call(question("x" * 1300 + "&amp;" * 100))],
        expect=[SendResult("CA01.ref-1", {"status": "in-progress"}, 100.0)],
    ),
    OutboundCase(
        "more signs than a document may have",
        text("&" * 1400),
        [call(question("&amp;" * 700)), call(question("&amp;" * 700, ref="ref-1%232"))],
        expect=[SendResult(id, {"status": "in-progress"}, 50.0) for id in ("CA01.ref-1", "CA01.ref-1#2")],
    ),
    OutboundCase(
        "a sound",
        Content(type="audio", media=Media(url="https://cdn.example/a.mp3", type="audio/mpeg")),
        [call(question("<Play>https://cdn.example/a.mp3</Play>"))],
        expect=[SendResult("CA01.ref-1", {"status": "in-progress"})],
    ),
    OutboundCase(
        "a sound that is not public",
        Content(type="audio", media=Media(url="media:1", type="audio/mpeg")),
        replies=[],
        expect=Rejected,
        code="media_not_public",
    ),
    OutboundCase("no call", to(Recipient("+15005550006", reference={"webhook": WEBHOOK})), replies=[], expect=Rejected, code="no_call"),
    OutboundCase("no webhook", to(Recipient("+15005550006", thread="CA01")), replies=[], expect=Rejected, code="no_call"),
    OutboundCase("a path for a call", to(Recipient("", thread="../x", reference={"webhook": WEBHOOK})), replies=[], expect=Rejected, code="no_call"),
    refused("the caller has hung up", {"code": 21220, "message": "Call is not in-progress"}, 400, Rejected, "call_ended"),
    refused("no such call", {"code": 20404, "message": "not found"}, 404, Rejected, "call_ended"),
    refused("wrong document", {"code": 32018, "message": "too long"}, 400, Rejected, "32018"),
]  # fmt: skip

PORTUGUESE = {
    "language": "pt-PT",
    "voice": "Polly.Ines",
    "greeting": "Olá.",
    "no_input": "Não ouvi.",
    "unclear": "Não percebi.",
}
CONFIG = {
    "account_sid": "AC01",
    "auth_token": TOKEN,
    "api_key_sid": "SK01",
    "api_key_secret": "SECRET-api-key",
    "number": "+15005550001",
    "handover_number": "+15005550002",
    "other_languages": {"pt": PORTUGUESE},
    "api_base": "https://twilio.example",
}

KIT = Kit(
    kind="voice",
    config=CONFIG,
    inbound=INBOUND,
    outbound=OUTBOUND,
    sign=sign,
    signature="x-twilio-signature",
    recipient=Recipient("+15005550006", "phone", thread="CA01", reference={"webhook": WEBHOOK, "language": ""}),
    success=answer({"sid": "CA01", "status": "in-progress"}),
    aside={LEGS: answer({"calls": []})},
    said_as=lambda words: escape(spoken(words, VoiceConfig(**CONFIG))),
)


@pytest.mark.parametrize("case", KIT.inbound, ids=str)
def test_inbound(case):
    KIT.run_inbound(case)


@pytest.mark.parametrize("case", KIT.outbound, ids=str)
def test_outbound(case):
    KIT.run_outbound(case)
