"""The table of what WhatsApp is sent, and of what its errors mean."""

from __future__ import annotations

from typing import Any

from channels_app.adapters.whatsapp.errors import ERRORS
from channels_app.content.types import (
    Button,
    Content,
    ListRow,
    ListSection,
    Location,
    Media,
    QuickReply,
    TemplateUse,
    text,
)
from channels_app.contract import (
    ConfigError,
    ContactBlocked,
    OutboundMessage,
    OutcomeUnknown,
    Recipient,
    Rejected,
    Throttled,
    Unreachable,
    WindowClosed,
)
from tests.adapters.kit import OutboundCase, answer

URL = "https://graph.example/v25.0/400000000000001/messages"
ANA = {"recipient_type": "individual", "to": "+15550107777"}
REF = "ref-1"
PNG = Media(url="https://cdn.example/i.png", type="image/png")
WEBP = Media(url="https://cdn.example/s.webp", type="image/webp")
OGG = Media(url="https://cdn.example/a.ogg", type="audio/ogg; codecs=opus")
MP4 = Media(url="https://cdn.example/v.mp4", type="video/mp4")
PDF = Media(url="https://cdn.example/o.pdf", type="application/pdf", name="offer.pdf")
YES = Button(type="postback", title="Yes", payload="yes")
NO = Button(type="postback", title="No", payload="no")
OPEN = Button(type="url", title="Open", url="https://example.org/i/7")
OFFICE = Location(latitude=38.72, longitude=-9.14, name="Office", address="Rua A 1")
SAY_HELLO = {"type": "text", "text": {"body": "hello", "preview_url": False}}


def call(part: dict[str, Any], ref: str = REF, to: dict[str, Any] = ANA, **more: Any) -> dict[str, Any]:
    body = {"messaging_product": "whatsapp", **to, "biz_opaque_callback_data": ref, **part, **more}
    return {"method": "POST", "url": URL, "headers": {"Authorization": "Bearer SECRET-access"}, "json": body}


def sent(label: str, content: Content, *parts: dict[str, Any]) -> OutboundCase:
    """``content`` goes out as these bodies; the second and further ones carry their place."""
    marks = [REF, *(f"{REF}#{place}" for place in range(2, len(parts) + 1))]
    return OutboundCase(label, content, [call(part, mark) for part, mark in zip(parts, marks, strict=True)])


def addressed(label: str, recipient: Recipient, to: dict[str, Any]) -> OutboundCase:
    return OutboundCase(label, OutboundMessage(REF, recipient, text("hello")), [call(SAY_HELLO, to=to)])


def interactive(kind: str, words: str, action: dict[str, Any]) -> dict[str, Any]:
    return {"type": "interactive", "interactive": {"type": kind, "body": {"text": words}, "action": action}}


def buttons(words: str, **choices: str) -> dict[str, Any]:
    replies = [{"type": "reply", "reply": {"id": payload, "title": title}} for payload, title in choices.items()]
    return interactive("button", words, {"buttons": replies})


def rows(words: str, *sections: dict[str, Any]) -> dict[str, Any]:
    return interactive("list", words, {"button": "Options", "sections": list(sections)})


def link(words: str) -> dict[str, Any]:
    parameters = {"display_text": "Open", "url": "https://example.org/i/7"}
    return interactive("cta_url", words, {"name": "cta_url", "parameters": parameters})


def numbers(first: int, last: int) -> list[dict[str, str]]:
    return [{"id": f"n{n}", "title": f"No {n}"} for n in range(first, last + 1)]


def where(words: str) -> dict[str, Any]:
    return interactive("location_request_message", words, {"name": "send_location"})


WHERE = QuickReply(title="Send location", payload="loc", content_type="location")


def long_ones(last: int) -> tuple[QuickReply, ...]:
    return tuple(QuickReply(title=f"No {n}", payload=f"{n}{'x' * 255}") for n in range(1, last + 1))


def quick(last: int) -> tuple[QuickReply, ...]:
    return tuple(QuickReply(title=f"No {n}", payload=f"n{n}") for n in range(1, last + 1))


def template(label: str, variables: dict[str, str], *components: dict[str, Any]) -> OutboundCase:
    body: dict[str, Any] = {"name": "order_update", "language": {"code": "pt_PT"}}
    body |= {"components": list(components)} if components else {}
    use = TemplateUse(name="order_update", language="pt_PT", variables=variables)
    return sent(label, Content(type="template", template=use), {"type": "template", "template": body})


def named(place: str, **values: str) -> dict[str, Any]:
    return {"type": place, "parameters": [{"type": "text", "parameter_name": n, "text": v} for n, v in values.items()]}


IMAGE = {"type": "image", "image": {"link": PNG.url}}
PLACE = {"latitude": "38.72", "longitude": "-9.14", "name": "Office", "address": "Rua A 1"}
SENT = [
    sent("text", text("hello"), SAY_HELLO),
    sent(
        "text with a link",
        text("See https://example.org"),
        {"type": "text", "text": {"body": "See https://example.org", "preview_url": True}},
    ),
    OutboundCase(
        "reply",
        OutboundMessage(REF, Recipient("+15550107777"), text("hello"), reply_to="wamid.A1"),
        [call(SAY_HELLO, context={"message_id": "wamid.A1"})],
    ),
    addressed("to a user id", Recipient("US.8123"), {"recipient_type": "individual", "recipient": "US.8123"}),
    addressed("to a group", Recipient("+1555", thread="12036"), {"recipient_type": "group", "to": "12036"}),
    sent("image", Content(type="image", media=PNG), IMAGE),
    sent(
        "image with caption",
        Content(type="image", media=PNG, text="Map"),
        {"type": "image", "image": {"link": PNG.url, "caption": "Map"}},
    ),
    sent("sticker", Content(type="image", media=WEBP), {"type": "sticker", "sticker": {"link": WEBP.url}}),
    sent(
        "sticker with words",
        Content(type="image", media=WEBP, text="hello"),
        {"type": "sticker", "sticker": {"link": WEBP.url}},
        SAY_HELLO,
    ),
    sent("audio", Content(type="audio", media=OGG), {"type": "audio", "audio": {"link": OGG.url}}),
    sent("video", Content(type="video", media=MP4), {"type": "video", "video": {"link": MP4.url}}),
    sent(
        "document",
        Content(type="file", media=PDF, text="Offer"),
        {"type": "document", "document": {"link": PDF.url, "filename": "offer.pdf", "caption": "Offer"}},
    ),
    sent(
        "document that has its name from its address",
        Content(
            type="file", media=PDF.model_copy(update={"name": None, "url": "https://cdn.example/d/a%20b.pdf?sig=1"})
        ),
        {"type": "document", "document": {"link": "https://cdn.example/d/a%20b.pdf?sig=1", "filename": "a b.pdf"}},
    ),
    sent(
        "image with buttons",
        Content(type="image", media=PNG, text="Take it?", buttons=(YES, NO)),
        IMAGE,
        buttons("Take it?", yes="Yes", no="No"),
    ),
    sent("location", Content(type="location", location=OFFICE), {"type": "location", "location": PLACE}),
    sent(
        "location with words",
        Content(type="location", location=OFFICE, text="hello"),
        {"type": "location", "location": PLACE},
        SAY_HELLO,
    ),
    sent(
        "location near nowhere",
        Content(type="location", location=Location(latitude=0.00001, longitude=-0.00002)),
        {"type": "location", "location": {"latitude": "0.00001", "longitude": "-0.00002"}},
    ),
    sent("where are you", text("Where are you?", quick_replies=(WHERE,)), where("Where are you?")),
    sent(
        "where are you, or one of our places",
        text("Where are you?", quick_replies=(*quick(2), WHERE)),
        buttons("Where are you?", n1="No 1", n2="No 2"),
        where("Send location"),
    ),
    sent(
        "where are you, with a long text",
        text("x" * 1025, quick_replies=(WHERE,)),
        {"type": "text", "text": {"body": "x" * 1025, "preview_url": False}},
        where("Send location"),
    ),
    sent(
        "payloads that no row carries",
        text("Which?", quick_replies=long_ones(4)),
        buttons("Which?", **{f"{n}{'x' * 255}": f"No {n}" for n in (1, 2, 3)}),
        buttons("…", **{f"4{'x' * 255}": "No 4"}),
    ),
    sent("buttons", text("Confirm?", buttons=(YES, NO)), buttons("Confirm?", yes="Yes", no="No")),
    sent(
        "three quick replies",
        Content(type="quick_reply", text="Which?", quick_replies=quick(3)),
        buttons("Which?", n1="No 1", n2="No 2", n3="No 3"),
    ),
    sent("four quick replies", text("Which?", quick_replies=quick(4)), rows("Which?", {"rows": numbers(1, 4)})),
    sent(
        "more choices than a list takes",
        text("Which?", quick_replies=quick(10), buttons=(YES,)),
        rows("Which?", {"rows": [{"id": "yes", "title": "Yes"}, *numbers(1, 9)]}),
        rows("…", {"rows": numbers(10, 10)}),
    ),
    sent(
        "buttons under a long text",
        text("x" * 1025, buttons=(YES, NO)),
        rows("x" * 1025, {"rows": [{"id": "yes", "title": "Yes"}, {"id": "no", "title": "No"}]}),
    ),
    sent("link button", text("Your invoice", buttons=(OPEN,)), link("Your invoice")),
    sent(
        "link button under a long text",
        text("x" * 1025, buttons=(OPEN,)),
        {"type": "text", "text": {"body": "x" * 1025, "preview_url": False}},
        link("Open"),
    ),
    sent("buttons of both kinds", text("Paid?", buttons=(YES, OPEN)), buttons("Paid?", yes="Yes"), link("Open")),
    sent(
        "list",
        Content(
            type="list",
            text="Choose a branch",
            sections=(ListSection(rows=(ListRow(title="Lisbon", payload="lis", description="Rua A 1"),)),),
        ),
        rows("Choose a branch", {"rows": [{"id": "lis", "title": "Lisbon", "description": "Rua A 1"}]}),
    ),
    sent(
        "list of sections without words",
        Content(
            type="list",
            sections=(
                ListSection(title="A title that is longer than 24", rows=(ListRow(title="Lisbon", payload="lis"),)),
                ListSection(rows=(ListRow(title="Oslo", payload="osl"),)),
            ),
        ),
        rows(
            "Options",
            {"title": "A title that is longer t", "rows": [{"id": "lis", "title": "Lisbon"}]},
            {"title": "2", "rows": [{"id": "osl", "title": "Oslo"}]},
        ),
    ),
    template("template", {}),
    template(
        "template with numbered variables",
        {"2": "7", "1": "Ana", "10": "x"},
        {"type": "body", "parameters": [{"type": "text", "text": value} for value in ("Ana", "7", "x")]},
    ),
    template(
        "template with named variables",
        {"first_name": "Ana", "header.shop": "Melo", "button.1": "i/7"},
        named("header", shop="Melo"),
        named("body", first_name="Ana"),
        {"type": "button", "sub_type": "url", "index": "1", "parameters": [{"type": "text", "text": "i/7"}]},
    ),
    OutboundCase(
        "media that is not public",
        Content(type="image", media=Media(url="media:7", type="image/png")),
        expect=Rejected,
        code="media_not_public",
    ),
    OutboundCase(
        "a payload longer than a button carries",
        text("?", buttons=(Button(type="postback", title="Yes", payload="x" * 257),)),
        expect=Rejected,
        code="payload_too_long",
    ),
]


def failing(label: str, reply: Any, error: type, code: str, retry_after: float | None = None) -> OutboundCase:
    return OutboundCase(
        label, text("hello"), [call(SAY_HELLO)], [reply], expect=error, code=code, retry_after=retry_after
    )


def graph_error(code: int, status: int = 400, **headers: str):
    error = {"message": f"(#{code}) no", "type": "OAuthException", "code": code, "error_data": {"details": "why"}}
    return answer({"error": error}, status, **headers)


FAILED = [
    failing("token expired", graph_error(190, 401), ConfigError, "190"),
    failing("token expired, odd status", graph_error(190, 400), ConfigError, "190"),
    failing("permission", graph_error(200, 403), ConfigError, "200"),
    failing("window closed", graph_error(131047), WindowClosed, "131047"),
    failing("throughput", graph_error(130429), Throttled, "130429"),
    failing("throughput served as 403", graph_error(130429, 403), Throttled, "130429"),
    failing("throughput with a pause", graph_error(130429, 429, retry_after="3"), Throttled, "130429", 3.0),
    failing("pair rate", graph_error(131056), Throttled, "131056", 6.0),
    failing("unavailable", graph_error(131016, 503), Unreachable, "131016"),
    failing("undeliverable", graph_error(131026), ContactBlocked, "131026"),
    failing("opted out", graph_error(131050), ContactBlocked, "131050"),
    failing("template missing", graph_error(132001, 404), Rejected, "132001"),
    failing("unknown code", graph_error(999999, 400), Rejected, "999999"),
    failing("unknown code, server fault", graph_error(999999, 500), Unreachable, "999999"),
    failing("unknown code, success", graph_error(999999, 200), Rejected, "999999"),
    failing("error without code", answer({"error": {"message": "no"}}, 400), Rejected, "http_400"),
    failing("success without an id", answer({"messages": []}), OutcomeUnknown, "no_message_id"),
    failing("success that is not JSON", answer(), OutcomeUnknown, "no_message_id"),
]
EVERY_CODE = [
    failing(f"code {code}", graph_error(int(code), 418, retry_after="1"), error, code, 1.0)
    for code, error in ERRORS.items()
    if not 200 < int(code) < 300
]
OUTBOUND = [*SENT, *FAILED, *EVERY_CODE]
