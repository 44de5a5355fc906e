"""The table of what Messenger is sent, and of what its errors mean."""

from __future__ import annotations

from typing import Any

from channels_app.adapters.messenger.errors import ERRORS
from channels_app.content.types import Button, Card, Content, Media, QuickReply, TemplateUse, text
from channels_app.contract import (
    ConfigError,
    ContactRefuses,
    MediaLost,
    OutboundMessage,
    OutcomeUnknown,
    Recipient,
    Rejected,
    SendError,
    Throttled,
    Unreachable,
    WindowClosed,
)
from tests.adapters.kit import OutboundCase, answer

URL = "https://graph.example/v25.0/200000000000002/messages"
REF = "ref-1"
ANA = Recipient("6600000000000001", "psid", "200000000000002")
RESPONSE = {"messaging_type": "RESPONSE"}
PNG = Media(url="https://cdn.example/i.png", type="image/png", alt_text="A room")
OGG = Media(url="https://cdn.example/a.ogg", type="audio/ogg")
MP4 = Media(url="https://cdn.example/v.mp4", type="video/mp4")
PDF = Media(url="https://cdn.example/o.pdf", type="application/pdf", name="offer.pdf")
YES = Button(type="postback", title="Yes", payload="yes")
OPEN = Button(type="url", title="Open", url="https://example.org/i/7")
CALL = Button(type="phone", title="Call", payload="+15550100001")
RED = QuickReply(title="Red", payload="color:red")
REPLIES = [{"content_type": "text", "title": "Red", "payload": "color:red"}]
ASKING = (
    QuickReply(title="Phone", payload="p", content_type="phone"),
    QuickReply(title="E-mail", payload="e", content_type="email"),
    QuickReply(title="Plain", payload=""),
)
YES_WIRE = {"type": "postback", "title": "Yes", "payload": "yes"}
OPEN_WIRE = {"type": "web_url", "title": "Open", "url": "https://example.org/i/7"}
CALL_WIRE = {"type": "phone_number", "title": "Call", "payload": "+15550100001"}
CARDS = (
    Card(
        title="Room A",
        subtitle="2 seats",
        image_url="https://cdn.example/r.png",
        url="https://example.org/a",
        buttons=(YES, OPEN),
    ),
    Card(title="Room B"),
)
SHELF = [
    {
        "title": "Room A",
        "subtitle": "2 seats",
        "image_url": "https://cdn.example/r.png",
        "default_action": {"type": "web_url", "url": "https://example.org/a"},
        "buttons": [YES_WIRE, OPEN_WIRE],
    },
    {"title": "Room B", "subtitle": "…"},
]


def call(message: dict[str, Any], ref: str = REF, kind: dict[str, Any] = RESPONSE, **more: Any) -> dict[str, Any]:
    body = {"recipient": {"id": ANA.address}, **kind, **more, "message": {**message, "metadata": ref}}
    return {"method": "POST", "url": URL, "headers": {"Authorization": "Bearer SECRET-access"}, "json": body}


def sent(label: str, content: Content, *parts: dict[str, Any]) -> OutboundCase:
    """``content`` goes out as these messages; the second and further ones carry their place."""
    marks = [REF, *(f"{REF}#{place}" for place in range(2, len(parts) + 1))]
    return OutboundCase(label, content, [call(part, mark) for part, mark in zip(parts, marks, strict=True)])


def file(kind: str, media: Media) -> dict[str, Any]:
    return {"attachment": {"type": kind, "payload": {"url": media.url}}}


def template(kind: str, **parts: Any) -> dict[str, Any]:
    return {"attachment": {"type": "template", "payload": {"template_type": kind, **parts}}}


def buttons(words: str, *wire: dict[str, Any]) -> dict[str, Any]:
    return template("button", text=words, buttons=list(wire))


LONG = "x" * 641
SENT = [
    sent("text", text("hello"), {"text": "hello"}),
    sent("quick replies", text("Which?", quick_replies=(RED,)), {"text": "Which?", "quick_replies": REPLIES}),
    sent(
        "quick replies that ask",
        text("Who?", quick_replies=ASKING),
        {
            "text": "Who?",
            "quick_replies": [
                {"content_type": "user_phone_number"},
                {"content_type": "user_email"},
                {"content_type": "text", "title": "Plain", "payload": "Plain"},
            ],
        },
    ),
    sent(
        "buttons of all kinds",
        text("Well?", buttons=(YES, OPEN, CALL)),
        buttons("Well?", YES_WIRE, OPEN_WIRE, CALL_WIRE),
    ),
    sent("buttons under the longest text", text("x" * 640, buttons=(YES,)), buttons("x" * 640, YES_WIRE)),
    sent("buttons under a longer text", text(LONG, buttons=(YES,)), {"text": LONG}, buttons("…", YES_WIRE)),
    sent(
        "buttons and quick replies",
        text("Well?", buttons=(YES,), quick_replies=(RED,)),
        {**buttons("Well?", YES_WIRE), "quick_replies": REPLIES},
    ),
    sent("image", Content(type="image", media=PNG), file("image", PNG)),
    sent("image with words", Content(type="image", media=PNG, text="Look"), file("image", PNG), {"text": "Look"}),
    sent(
        "image with buttons",
        Content(type="image", media=PNG, buttons=(YES,)),
        file("image", PNG),
        buttons("A room", YES_WIRE),
    ),
    sent(
        "image with quick replies",
        Content(type="image", media=PNG, quick_replies=(RED,)),
        {**file("image", PNG), "quick_replies": REPLIES},
    ),
    sent("audio", Content(type="audio", media=OGG), file("audio", OGG)),
    sent("video", Content(type="video", media=MP4), file("video", MP4)),
    sent("file", Content(type="file", media=PDF), file("file", PDF)),
    sent("carousel", Content(type="carousel", cards=CARDS), template("generic", elements=SHELF)),
    sent(
        "carousel with words and quick replies",
        Content(type="carousel", cards=CARDS, text="Rooms", quick_replies=(RED,)),
        {"text": "Rooms"},
        {**template("generic", elements=SHELF), "quick_replies": REPLIES},
    ),
    OutboundCase(
        "utility template",
        Content(
            type="template",
            template=TemplateUse(name="order_update", language="de", variables={"10": "c", "2": "b", "1": "a"}),
        ),
        [
            call(
                {
                    "template": {
                        "name": "order_update",
                        "language": {"code": "de"},
                        "components": [
                            {"type": "body", "parameters": [{"type": "text", "text": value} for value in "abc"]}
                        ],
                    }
                },
                kind={"messaging_type": "UTILITY"},
            )
        ],
    ),
    OutboundCase(
        "reply to a message",
        OutboundMessage(REF, ANA, text("yes"), reply_to="m_text"),
        [call({"text": "yes"}, reply_to={"mid": "m_text"})],
    ),
    OutboundCase(
        "file that lies with us",
        Content(type="image", media=Media(url="media:abc", type="image/png")),
        replies=[],
        expect=Rejected,
        code="media_not_public",
    ),
]


def refused(code: int, subcode: int | None, expect: type[SendError], **more: Any) -> OutboundCase:
    error = {"message": "(#x) no", "type": "OAuthException", "code": code, "fbtrace_id": "A", **more}
    error |= {"error_subcode": subcode} if subcode else {}
    name = f"{code}/{subcode}" if subcode else str(code)
    return OutboundCase(
        f"error {name} {more}".replace(" {}", ""),
        text("hello"),
        [call({"text": "hello"})],
        [answer({"error": error}, 400)],
        expect,
        name,
    )


ERROR_CASES = [
    *(refused(*(int(part) for part in [*code.split("/"), 0][:2]), error) for code, error in ERRORS.items()),
    refused(10, 2018278, WindowClosed),  # complaint 16: outside the window is told, never lost
    refused(10, None, ConfigError),
    refused(100, 2018074, MediaLost),
    refused(2, 1357046, Unreachable),
    refused(200, 1545041, ContactRefuses),
    refused(4, 2018354, Throttled),
    refused(987654, None, Rejected),
    refused(987654, None, Unreachable, is_transient=True),
    OutboundCase(
        "answer without an id",
        text("hello"),
        [call({"text": "hello"})],
        [answer({"recipient_id": "6600000000000001"})],
        OutcomeUnknown,
        "no_message_id",
    ),
    OutboundCase(
        "rate limit tells when",
        text("hello"),
        [call({"text": "hello"})],
        [answer({"error": {"code": 613, "message": "slow down"}}, 400, retry_after="9")],
        Throttled,
        "613",
        9.0,
    ),
]
OUTBOUND = [*SENT, *ERROR_CASES]
