"""The table of what Slack is sent, and of what its errors mean."""

from __future__ import annotations

from typing import Any

from channels_app.adapters.slack.errors import ERRORS
from channels_app.content.types import Button, Card, Content, ListRow, ListSection, Media, QuickReply, text
from channels_app.contract import (
    ConfigError,
    ContactBlocked,
    HttpAnswer,
    OutboundMessage,
    OutcomeUnknown,
    Recipient,
    Rejected,
    SendResult,
    Throttled,
    Unreachable,
)
from tests.adapters.kit import OutboundCase, answer

API = "https://slack.example/api"
BEARER = {"Authorization": "Bearer xoxb-SECRET-token"}
DM = "D0DDD4444"
HOOK = "https://hooks.slack.com/commands/T0AAA1111/1/x"
PNG = Media(url="https://cdn.example/i.png", type="image/png", alt_text="A room")
PDF = Media(url="https://cdn.example/my%20offer.pdf", type="application/pdf")
YES = Button(type="postback", title="Yes", payload="yes")
OPEN = Button(type="url", title="Open", url="https://example.org/i/7")


def call(
    part: dict[str, Any], ref: str = "ref-1", channel: str = DM, method: str = "chat.postMessage", **more: Any
) -> dict[str, Any]:
    body = {"channel": channel, "unfurl_links": False, **part, **more}
    body |= {"metadata": {"event_type": "chat_message", "event_payload": {"client_ref": ref}}} if ref else {}
    return {"method": "POST", "url": f"{API}/{method}", "headers": BEARER, "json": body}


def sent(label: str, content: Content, *parts: dict[str, Any]) -> OutboundCase:
    """``content`` goes out as these bodies; the second and further ones carry their place."""
    marks = ["ref-1", *(f"ref-1#{place}" for place in range(2, len(parts) + 1))]
    return OutboundCase(label, content, [call(part, mark) for part, mark in zip(parts, marks, strict=True)])


SAY_HELLO = {"text": "hello", "mrkdwn": False}


def addressed(label: str, recipient: Recipient, **more: Any) -> OutboundCase:
    return OutboundCase(label, OutboundMessage("ref-1", recipient, text("hello")), [call(SAY_HELLO, **more)])


def label(words: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": words, "emoji": True}


def words(*elements: dict[str, Any]) -> dict[str, Any]:
    section = {"type": "rich_text_section", "elements": list(elements)}
    return {"type": "rich_text", "elements": [section]}


def plain(said: str) -> dict[str, Any]:
    return words({"type": "text", "text": said})


def section(said: str, **more: Any) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": said}, **more}


def pick(number: int, title: str, value: str) -> dict[str, Any]:
    return {"type": "button", "action_id": f"pick:{number}", "text": label(title), "value": value}


def link(number: int) -> dict[str, Any]:
    return {"type": "button", "action_id": f"open:{number}", "text": label("Open"), "url": "https://example.org/i/7"}


def actions(*elements: dict[str, Any]) -> dict[str, Any]:
    return {"type": "actions", "elements": list(elements)}


def menu(**options: Any) -> dict[str, Any]:
    return {"type": "static_select", "action_id": "pick:list", "placeholder": label("Choose…"), **options}


IMAGE = {"type": "image", "image_url": PNG.url, "alt_text": "A room"}
LISBON = ListRow(title="Lisbon", payload="lis", description="Rua A 1")
OSLO = ListRow(title="Oslo", payload="osl")
LISBON_OPTION = {"text": label("Lisbon"), "value": "lis", "description": label("Rua A 1")}
OSLO_OPTION = {"text": label("Oslo"), "value": "osl"}

SENT = [
    sent("text", text("hello"), SAY_HELLO),
    sent(
        "text that looks like marks",
        text("*a* <!channel> & b"),
        {"text": "*a* &lt;!channel&gt; &amp; b", "mrkdwn": False},
    ),
    sent(
        "native text",
        Content(type="text", text="*a* &amp; <https://x.example|b>", format="native"),
        {"text": "*a* &amp; <https://x.example|b>", "mrkdwn": True},
    ),
    sent(
        "buttons of both kinds",
        text("Paid? See https://example.org/a.", buttons=(YES, OPEN)),
        {
            "text": "Paid? See https://example.org/a.",
            "blocks": [
                words(
                    {"type": "text", "text": "Paid? See "},
                    {"type": "link", "url": "https://example.org/a"},
                    {"type": "text", "text": "."},
                ),
                actions(pick(0, "Yes", "yes"), link(1)),
            ],
        },
    ),
    sent(
        "native text over quick replies, longer than a section",
        Content(
            type="quick_reply",
            text="x" * 2000 + "\n\n" + "y" * 1500,
            format="native",
            quick_replies=(QuickReply(title="No", payload="no"),),
        ),
        {
            "text": "x" * 2000 + "\n\n" + "y" * 1500,
            "blocks": [section("x" * 2000), section("y" * 1500), actions(pick(0, "No", "no"))],
        },
    ),
    sent("image", Content(type="image", media=PNG), {"text": "A room", "blocks": [IMAGE]}),
    sent(
        "image with words and buttons",
        Content(type="image", media=PNG, text="Take it?", buttons=(YES,)),
        {"text": "Take it?", "blocks": [plain("Take it?"), IMAGE, actions(pick(0, "Yes", "yes"))]},
    ),
    sent(
        "list",
        Content(type="list", text="Where?", sections=(ListSection(rows=(LISBON, OSLO)),), buttons=(YES,)),
        {
            "text": "Where?",
            "blocks": [
                plain("Where?"),
                actions(menu(options=[LISBON_OPTION, OSLO_OPTION])),
                actions(pick(0, "Yes", "yes")),
            ],
        },
    ),
    sent(
        "list of sections without words",
        Content(type="list", sections=(ListSection(title="t" * 80, rows=(LISBON,)), ListSection(rows=(OSLO,)))),
        {
            "text": "Choose…",
            "blocks": [
                actions(
                    menu(
                        option_groups=[
                            {"label": label("t" * 75), "options": [LISBON_OPTION]},
                            {"label": label("2"), "options": [OSLO_OPTION]},
                        ]
                    )
                )
            ],
        },
    ),
    sent(
        "carousel",
        Content(
            type="carousel",
            text="Rooms",
            cards=(
                Card(
                    title="A & B", subtitle="sea", image_url=PNG.url, url="https://example.org/a", buttons=(YES, OPEN)
                ),
                Card(title="C"),
            ),
            quick_replies=(QuickReply(title="None", payload="none"),),
        ),
        {
            "text": "Rooms\nA &amp; B\nC",
            "blocks": [
                plain("Rooms"),
                section(
                    "*<https://example.org/a|A &amp; B>*\nsea",
                    accessory={"type": "image", "image_url": PNG.url, "alt_text": "A & B"},
                ),
                actions(pick(0, "Yes", "yes"), link(1)),
                {"type": "divider"},
                section("*C*"),
                actions(pick(4, "None", "none")),
            ],
        },
    ),
    addressed("to a person without a direct channel yet", Recipient("U0EEE5555"), channel="U0EEE5555"),
    addressed("into a thread", Recipient(DM, thread="C0GGG7777:17.02"), channel="C0GGG7777", thread_ts="17.02"),
    addressed("into a thread of the direct channel", Recipient(DM, thread=f"{DM}:17.02"), thread_ts="17.02"),
    addressed("after a command in a channel", Recipient("U0EEE5555", thread="C0GGG7777"), channel="C0GGG7777"),
    OutboundCase(
        "for one person alone",
        OutboundMessage(
            "ref-1", Recipient("U0EEE5555", thread="C0GGG7777", reference={"ephemeral_for": "U0EEE5555"}), text("hello")
        ),
        [call(SAY_HELLO, "", "C0GGG7777", "chat.postEphemeral", user="U0EEE5555")],
        [answer({"ok": True, "message_ts": "17.03"})],
        [SendResult()],  # no later call can name it
    ),
    OutboundCase(
        "media that is not public",
        Content(type="image", media=Media(url="media:7", type="image/png")),
        expect=Rejected,
        code="media_not_public",
    ),
    sent(
        "rows with payloads longer than a menu carries",
        Content(
            type="list",
            text="Where?",
            sections=(ListSection(title="South & east", rows=(LISBON, ListRow(title="Oslo", payload="x" * 151))),),
            buttons=(YES,),
        ),
        {
            "text": "Where?\nLisbon\nOslo",
            "blocks": [
                plain("Where?"),
                section("*South &amp; east*"),
                section("Rua A 1", accessory=pick(0, "Lisbon", "lis")),
                section("Oslo", accessory=pick(1, "Oslo", "x" * 151)),
                actions(pick(2, "Yes", "yes")),
            ],
        },
    ),
]


# ----------------------------------------------------------------- more than one request

UPLOAD = "https://slack.example/upload/1"
GRANTED = answer({"ok": True, "upload_url": UPLOAD, "file_id": "F0HHH8888"})
SHARED = answer({"ok": True, "files": [{"id": "F0HHH8888"}]})
BYTES = HttpAnswer(200, {"content-type": "application/pdf"}, b"%PDF")
FETCH = {"method": "GET", "url": PDF.url}
ASK = {"method": "POST", "url": f"{API}/files.getUploadURLExternal", "headers": BEARER,
       "data": {"filename": "my offer.pdf", "length": "4"}}  # fmt: skip
PUT = {"method": "POST", "url": UPLOAD, "headers": {}, "content": b"%PDF"}


def share(channel: str = DM, **more: Any) -> dict[str, Any]:
    body = {"channel_id": channel, "files": [{"id": "F0HHH8888", "title": "my offer.pdf"}], **more}
    return {"method": "POST", "url": f"{API}/files.completeUploadExternal", "headers": BEARER, "json": body}


def file(label: str, requests: list, replies: list, content: Content | None = None, **more: Any) -> OutboundCase:
    content = content or Content(type="file", media=PDF, text="Offer & more")
    return OutboundCase(label, content, requests, replies, **more)


COMMENT = {"initial_comment": "Offer &amp; more"}
IN_THREAD = OutboundMessage("ref-1", Recipient(DM, thread="C0GGG7777:17.02"), Content(type="file", media=PDF))
TO_A_USER = OutboundMessage("ref-1", Recipient("U0EEE5555"), Content(type="file", media=PDF))
OPENING = {"method": "POST", "url": f"{API}/conversations.open", "json": {"users": "U0EEE5555"}}
FILES = [
    file("file", [FETCH, ASK, PUT, share(**COMMENT)], [BYTES, GRANTED, HttpAnswer(200, {}, b"OK - 4"), SHARED],
         expect=[SendResult()]),
    OutboundCase("file into a thread", IN_THREAD, [FETCH, ASK, PUT, share("C0GGG7777", thread_ts="17.02")],
                 [BYTES, GRANTED, HttpAnswer(200, {}, b"OK"), SHARED], [SendResult()]),
    OutboundCase("file to a user id", TO_A_USER, [OPENING, FETCH, ASK, PUT, share("D0NEW")],
                 [answer({"ok": True, "channel": {"id": "D0NEW"}}), BYTES, GRANTED, HttpAnswer(200, {}, b""), SHARED],
                 [SendResult()]),
    file("file with buttons", [FETCH, ASK, PUT, share(), call({"text": "Take it?",
         "blocks": [plain("Take it?"), actions(pick(0, "Yes", "yes"))]}, "ref-1#2")],
         [BYTES, GRANTED, HttpAnswer(200, {}, b""), SHARED, answer({"ok": True, "channel": DM, "ts": "17.04"})],
         Content(type="file", media=PDF, text="Take it?", buttons=(YES,)),
         expect=[SendResult(), SendResult(f"{DM}:17.04")]),
    file("file is not there", [FETCH], [HttpAnswer(404, {}, b"no")], expect=Rejected, code="media_unavailable"),
    file("file is empty", [FETCH], [HttpAnswer(200, {}, b"")], expect=Rejected, code="media_unavailable"),
    file("store is down", [FETCH], [HttpAnswer(503, {}, b"")], expect=Unreachable, code="media_unavailable"),
    file("store is silent", [FETCH], [OutcomeUnknown("read_timeout")], expect=Unreachable, code="read_timeout"),
    file("no scope for files", [FETCH, ASK], [BYTES, answer({"ok": False, "error": "missing_scope"})],
         expect=ConfigError, code="missing_scope"),
    file("upload elsewhere", [FETCH, ASK], [BYTES, answer({"ok": True, "upload_url": "https://evil.example/", "file_id": "F"})],
         expect=Rejected, code="no_upload_url"),
    file("upload fails", [FETCH, ASK, PUT], [BYTES, GRANTED, HttpAnswer(500, {}, b"")],
         expect=Unreachable, code="upload_failed"),
    file("last answer is lost", [FETCH, ASK, PUT, share(**COMMENT)],
         [BYTES, GRANTED, HttpAnswer(200, {}, b""), OutcomeUnknown("read_timeout")],
         expect=OutcomeUnknown, code="read_timeout"),
]  # fmt: skip


def aside(label: str, refusal: str, replies: list, url: str = HOOK, alone: str = "", **more: Any) -> OutboundCase:
    """A command's answer where the bot is no member: the post, then the address that came with the command."""
    reference = {"response_url": url} | ({"ephemeral_for": alone} if alone else {})
    message = OutboundMessage("ref-1", Recipient("U0EEE5555", thread="C0GGG7777", reference=reference), text("hello"))
    post = call(SAY_HELLO, "" if alone else "ref-1", "C0GGG7777", "chat.postEphemeral" if alone else "chat.postMessage",
                **({"user": alone} if alone else {}))  # fmt: skip
    kind = "ephemeral" if alone else "in_channel"
    hook = {"method": "POST", "url": url, "headers": {},
            "json": {"response_type": kind, "replace_original": False, **SAY_HELLO, "unfurl_links": False}}  # fmt: skip
    refused = answer({"ok": False, "error": refusal})
    return OutboundCase(label, message, [post, hook][: 1 + len(replies)], [refused, *replies], **more)


ASIDE = [
    aside("no member", "not_in_channel", [HttpAnswer(200, {}, b"ok")], expect=[SendResult()]),
    aside("no member, for one alone", "channel_not_found", [HttpAnswer(200, {}, b"ok")], alone="U0EEE5555",
          expect=[SendResult()]),
    aside("address has expired", "not_in_channel", [HttpAnswer(404, {}, b"expired_url")], expect=Rejected,
          code="not_in_channel"),
    aside("address of another host", "not_in_channel", [], url="https://evil.example/x", expect=Rejected,
          code="not_in_channel"),
    aside("refused for another reason", "is_archived", [], expect=Rejected, code="is_archived"),
]  # fmt: skip


# -------------------------------------------------------------------------------- errors


def failing(label: str, reply: Any, error: type, code: str, retry_after: float | None = None) -> OutboundCase:
    return OutboundCase(
        label, text("hello"), [call(SAY_HELLO)], [reply], expect=error, code=code, retry_after=retry_after
    )


def no(code: str, status: int = 200, **headers: str) -> HttpAnswer:
    body = {"ok": False, "error": code, "response_metadata": {"messages": ["[ERROR] why"]}}
    return answer(body, status, **headers)


FAILED = [
    failing("token revoked", no("token_revoked"), ConfigError, "token_revoked"),
    failing("scope missing", answer({"ok": False, "error": "missing_scope", "needed": "chat:write"}), ConfigError, "missing_scope"),
    failing("too fast", no("ratelimited", 429, retry_after="7"), Throttled, "ratelimited", 7.0),
    failing("too fast, without a pause", no("rate_limited"), Throttled, "rate_limited"),
    failing("may have been taken", no("fatal_error"), OutcomeUnknown, "fatal_error"),
    failing("user is gone", no("user_not_found"), ContactBlocked, "user_not_found"),
    failing("unknown word", no("brand_new_error"), Rejected, "brand_new_error"),
    failing("unknown word, server fault", no("brand_new_error", 500), Unreachable, "brand_new_error"),
    failing("success without an id", answer({"ok": True}), OutcomeUnknown, "no_message_id"),
    failing("success that is not JSON", answer(), OutcomeUnknown, "no_answer"),
]  # fmt: skip
EVERY_CODE = [
    failing(f"code {code}", no(code, 418, retry_after="1"), error, code, 1.0) for code, error in ERRORS.items()
]
OUTBOUND = [*SENT, *FILES, *ASIDE, *FAILED, *EVERY_CODE]
