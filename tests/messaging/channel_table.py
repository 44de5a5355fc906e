"""What goes through each channel, seen by letting it: every sort of item that the adapters' payload files hold comes in,
and every type of content goes out.

Owns the text of docs/channels/table.md. Nothing in it is written by hand: a column says yes because the item was found
there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from django.test import Client

from assistant.port import EngineReply
from channels_app.content.surroundings import Quote
from channels_app.content.types import (
    Button,
    Card,
    Choice,
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
    ChannelNotice,
    Ignored,
    InboundItem,
    InboundMessage,
    Reaction,
    Revision,
    Sender,
    SendError,
    Signal,
    StatusUpdate,
    TemplateStatus,
)
from channels_app.models import Channel, ChannelIncident, MessageTemplate
from channels_app.outgoing import payloads_for
from channels_app.registry import adapter_for
from conversations import models as rows
from messaging.accept import accept
from messaging.models import Delivery, DeliveryPart, Turn
from messaging.receipts.applying import item_apply
from messaging.receipts.reading import timed
from messaging.respond import respond
from messaging.rules.changes import calls_of
from tenants.storage.db import now
from tests.adapters.kit import kit_for
from tests.admin.conftest import url
from tests.factories import ConversationFactory, MessageFactory

HEAD = """# What goes through each channel

Made by `make channel-table` from what was seen to happen: `tests/messaging/test_channel_table.py` lets every sort of item that the platforms' payload files hold come in, and every type of content go out, and fails when this page is not what it sees. A sort names its content type, and after it what surrounds the words (MSG-8).

- **stored**: rows that were made or changed. **console**: the page of the conversation shows it, or the channel's page does. **API**: the conversation or its messages show it. **event**: types written to the timeline. **engine**: the next question holds it.
- **sent as**: the parts that a person gets, in their order; of an edit and a deletion the platform's call, or what is told instead. **changed on the way**: what became of what the channel cannot show; empty where nothing was changed.
"""
STORED: Mapping[str, tuple[Any, tuple[str, ...]]] = {
    "message": (rows.Message, ("text", "content", "deleted_at")),
    "file": (rows.Attachment, ("state",)),
    "edit": (rows.Revision, ("message_id",)),
    "reaction": (rows.Reaction, ("emoji",)),
    "delivery status": (Delivery, ("status",)),
    "consent, identity": (rows.Identity, ("stopped_at", "contact_id")),
    "contact": (rows.Contact, ("profile",)),
    "control": (rows.Conversation, ("control_owner", "status", "identity_id")),
    "incident": (ChannelIncident, ("state",)),
    "template": (MessageTemplate, ("variants",)),
}
SURROUNDINGS = ("quote", "form", "origin", "contacts", "forwarded", "full_text")
OURS = (".quote", ".media.url", ".media.size_bytes")
LINK = "https://shop.example/a"
PICTURE = Media(url="https://shop.example/a.jpg", type="image/jpeg", alt_text="a chair")


class Listening:
    """An engine that says nothing but keeps what it was asked."""

    name = "listening"

    def __init__(self) -> None:
        self.asked: list[Any] = []

    def respond(self, request: Any) -> EngineReply:
        self.asked.append(request)
        return EngineReply(contents=(), engine=self.name)


# ------------------------------------------------------------------------------ coming in


def sorts_of(kind: str) -> dict[str, InboundItem]:
    """Sort → the first item of it among all payload files of the kind; the widget has frames of its own instead."""
    found: dict[str, InboundItem] = {}
    for item in _items(kind):
        found.setdefault(sort_of(item), item)
    found.pop("", None)
    return dict(sorted(found.items()))


def _items(kind: str) -> Iterator[InboundItem]:
    kit = kit_for(kind)
    if kind == "web":
        ana = Sender("web", "v-1")
        yield InboundMessage("", ana, text("hello"))
        yield InboundMessage("", ana, Content(type="quick_reply", text="Yes", choice=Choice(value="y", title="Yes")))
        yield InboundMessage("", ana, text("this one", quote=Quote()))
    for name in kit.payload_files():
        try:
            yield from kit.receive(kit.request(name))
        except Exception:  # noqa: BLE001, S112  a file that is malformed on purpose
            continue


def sort_of(item: InboundItem) -> str:
    if isinstance(item, InboundMessage):
        quotes = item.reply_to and not item.in_thread
        around = [name for name in SURROUNDINGS if getattr(item.content, name) or (name == "quote" and quotes)]
        return " + ".join([item.content.type, *around, *(["files"] if len(item.media) > 1 else [])])
    if isinstance(item, Revision):
        return "edit" if item.content else "deletion"
    if isinstance(item, Reaction):
        return "reaction" if item.emoji else "reaction taken back"
    if isinstance(item, Signal):
        if item.kind == "identity_changed" and not item.sender.aliases:
            return ""  # only the security key is another one
        return f"signal: {item.kind}{', with its origin' if 'origin' in item.data else ''}"
    if isinstance(item, StatusUpdate):
        return f"report: {item.status}{' up to a time' if item.up_to else ''}"
    if isinstance(item, ChannelNotice):
        return f"notice: {item.state}"
    return "template judged" if isinstance(item, TemplateStatus) else "" if isinstance(item, Ignored) else "?"


def came_in(channel: Channel, item: InboundItem, console: Client, api: Any, engine: Listening) -> dict[str, str]:
    """Let ``item`` come in where all that it needs is there already; column → what was seen."""
    of_channel = not hasattr(item, "sender")
    item, conversation = _prepared(channel, item)
    before, events, shown = (
        _rows(),
        set(rows.Event.objects.values_list("id", flat=True)),
        _shown(conversation, console, api, of_channel),
    )
    engine.asked.clear()
    item_apply(channel, timed(item, now()))
    after, now_shown = _rows(), _shown(conversation, console, api, of_channel)
    new = rows.Event.objects.exclude(id__in=events).order_by("created_at", "seq")
    types = dict.fromkeys(event.type.removeprefix("chat.") for event in new)
    if isinstance(item, InboundMessage):
        stored = rows.Message.objects.filter(role="visitor").latest("id")
        assert lost(item, stored.content) == [], ("not stored", item.content, stored.content)
        assert lost(item, api.data_of(api.get(f"/api/v2/chat/messages/{stored.id}"))["content"]) == [], (
            "not shown by API"
        )
    return {
        "stored": ", ".join(name for name in STORED if before[name] != after[name]) or "–",
        "console": _yes(shown["console"] != now_shown["console"]),
        "API": _yes(shown["api"] != now_shown["api"]),
        "event": ", ".join(types) or "–",
        "engine": _yes(_heard(item, engine)),
    }


def _prepared(channel: Channel, item: InboundItem) -> tuple[InboundItem, Any]:
    """An open conversation of the item's person, with the messages that the item speaks of."""
    sender = getattr(item, "sender", None)
    if isinstance(item, TemplateStatus):
        MessageTemplate.objects.create(
            tenant=channel.tenant, channel=channel, name=item.name,
variants={item.language: {"external": {"status": "pending", "text": "", "variables": []}}},
        )  # fmt: skip
    if sender is None:
        conversation = ConversationFactory(tenant=channel.tenant, channel=channel)
        return _sent(channel, conversation, item) if isinstance(item, StatusUpdate) else item, conversation
    former = (
        sender.aliases[0] if isinstance(item, Signal) and item.kind == "identity_changed" and sender.aliases else None
    )
    who = Sender(former[0], former[2], scope=former[1]) if former else sender
    thread = getattr(item, "thread", "")
    platform_id = "" if channel.kind == "web" else "before-1"
    first = InboundMessage(platform_id, who, text("red or blue?"), thread=thread, opens_window_s=86400)
    target = getattr(item, "target", "") or getattr(item, "reply_to", "")
    stored = accept(channel, replace(first, platform_id=target or platform_id))
    conversation = stored.conversation
    Turn.objects.update(status=Turn.Status.SILENT)
    if isinstance(item, InboundMessage):
        if channel.kind == "web" and item.content.quote:
            quote = Quote(message_id=stored.message.id)
            item = replace(item, content=item.content.model_copy(update={"quote": quote}))
        rows.Conversation.objects.filter(id=conversation.id).update(answered_seq=stored.message.seq)
    if isinstance(item, Signal):
        item = replace(item, at=None)  # now: what is told late changes nothing
    if isinstance(item, Signal) and item.kind in ("reopened", "handed_back"):
        rows.Identity.objects.update(stopped_at=now())
        rows.Conversation.objects.update(control_owner="human", held_by="outside", status="escalated")
    if isinstance(item, Reaction) and not item.emoji:
        item_apply(channel, replace(item, platform_id="", emoji="👍", at=now().replace(year=2020)))
    if isinstance(item, StatusUpdate):
        item = _sent(channel, conversation, item)
    return item, conversation


def _sent(channel: Channel, conversation: Any, item: StatusUpdate) -> StatusUpdate:
    """A message of ours that the report is about, which went out long ago."""
    message = MessageFactory(
        tenant=channel.tenant,
        conversation=conversation,
        identity=conversation.identity,
        channel=channel,
        direction="outbound",
        role="agent",
        text="hello",
        seq=9,
    )
    learnt = not item.platform_id and bool(item.client_ref)  # the platform names our own reference only
    delivery = Delivery.objects.create(
        tenant=channel.tenant, message=message, conversation=conversation, channel=channel, seq=9,
        status="queued" if learnt or item.status == "sent" else "sent", parts_sent=0 if learnt else 1,
    )  # fmt: skip
    if learnt:
        return replace(item, client_ref=f"{delivery.id}.0")
    part = DeliveryPart.objects.create(
        tenant=channel.tenant, delivery=delivery, channel=channel, index=0, platform_id=item.platform_id or "part-1"
    )
    DeliveryPart.objects.filter(id=part.id).update(created_at=now().replace(year=2020))
    return item


def _rows() -> dict[str, Any]:
    return {
        name: sorted(map(repr, model.objects.values_list("id", *fields))) for name, (model, fields) in STORED.items()
    }


def _shown(conversation: Any, console: Client, api: Any, of_channel: bool) -> dict[str, str]:
    """What staff and integrators read of the person's conversations, and, where no person is named, of the channel."""
    found = rows.Conversation.objects.filter(channel=conversation.channel_id).order_by("created_at")
    pages = [console.get(url(rows.Conversation, "change", one.id)).content.decode() for one in found]
    if of_channel:
        pages.append(console.get(url(Channel, "change", conversation.channel_id)).content.decode())
    offered = r'<details class="composer-later".*?</details>'  # times to send at, counted from now
    logs = [re.sub(rf'(?s:{offered})|(value|nonce)="[^"]*"|\?[^"]*"', "", page) for page in pages]
    paths = [path for one in found for path in (f"{one.id}", f"{one.id}/messages")]
    read = [api.data_of(api.get(f"/api/v2/chat/conversations/{path}")) for path in paths]
    return {"console": "\n".join(logs), "api": re.sub(r"sig=[^\"']*|/media/[^\"']*", "", repr(read))}


def _heard(item: InboundItem, engine: Listening) -> bool:
    """Whether the next question holds what came in."""
    for turn in Turn.objects.filter(status=Turn.Status.WAITING):
        Turn.objects.filter(id=turn.id).update(due_at=now())
        respond(turn.id)
    if not engine.asked:
        return False
    question = engine.asked[-1]
    if isinstance(item, Signal):
        return "came_from" in question.profile
    content = question.contents[-1]
    return not lost(item, content.to_json())


def lost(item: InboundItem, shown: Mapping[str, Any]) -> list[str]:
    """The members of what the item says that ``shown`` has not as they came, each by its path; those that we fill in
    ourselves are left out: what is quoted, where a file lies and how large it is."""
    said = getattr(item, "content", None)
    return list(_lost(said.to_json(), shown, "")) if said else []


def _lost(said: Any, shown: Any, path: str) -> Iterator[str]:
    if path in OURS or not said:
        return
    if isinstance(said, Mapping):
        for name, member in said.items():
            yield from _lost(member, shown.get(name) if isinstance(shown, Mapping) else None, f"{path}.{name}")
    elif isinstance(said, list):
        for place, member in enumerate(said):
            there = isinstance(shown, list) and place < len(shown)
            yield from _lost(member, shown[place] if there else None, f"{path}.{place}")
    elif said != shown:
        yield path


def _yes(seen: bool) -> str:
    return "yes" if seen else "–"


# ------------------------------------------------------------------------------- going out

BUTTONS = (Button(type="postback", title="Buy", payload="b"), Button(type="url", title="See", url=LINK))
REPLIES = (QuickReply(title="Red", payload="r"), QuickReply(title="Blue", payload="b"))
LIST = (ListSection(title="Days", rows=(ListRow(title="Monday", payload="m"), ListRow(title="Friday", payload="f"))),)
SAMPLES: Mapping[str, Content] = {
    "text": text("hello"),
    "text, longer than 2,000": text("many words " * 300),
    "text in Markdown": text("**now** [here](https://shop.example)", format="markdown"),
    "text + quote": text("blue", quote=Quote(text="red or blue?")),
    "text + buttons": text("Which?", buttons=BUTTONS),
    "quick_reply": Content(type="quick_reply", text="Which?", quick_replies=REPLIES),
    "text + a place asked for": text("Where?", quick_replies=(QuickReply(title="Here", payload="h", content_type="location"),)),
    "image": Content(type="image", text="a chair", media=PICTURE),
    "file": Content(type="file", media=Media(url="https://shop.example/a.pdf", type="application/pdf")),
    "audio": Content(type="audio", media=Media(url="https://shop.example/a.mp3", type="audio/mpeg")),
    "video": Content(type="video", media=Media(url="https://shop.example/a.mp4", type="video/mp4")),
    "location": Content(type="location", location=Location(latitude=38.7, longitude=-9.1, name="Shop")),
    "carousel": Content(type="carousel", cards=(Card(title="Chair", subtitle="of oak", buttons=BUTTONS),)),
    "list": Content(type="list", text="When?", sections=LIST),
    "template": Content(type="template", template=TemplateUse(name="hi", variables={"1": "Ana"})),
}  # fmt: skip


def went_out(channel: Channel, content: Content) -> dict[str, str]:
    """What a person on ``channel`` gets of ``content``."""
    kit = kit_for(channel.kind)
    reply_to = "quoted-1" if content.quote and channel.adapter.capabilities.quotes else ""
    try:
        outgoing = payloads_for(channel, content, kit.recipient, reference="r", by_human=True, reply_to=reply_to)
    except SendError as error:
        return {"sent as": f"not sent: {error.code}", "changed on the way": ""}
    return {
        "sent as": ", ".join(_grouped(map(_part, outgoing.parts))),
        "changed on the way": "; ".join(outgoing.cuts),
    }


def changed(channel: Channel, api: Any) -> dict[str, dict[str, str]]:
    """What becomes of a text of ours that is edited, and deleted, when it went out in one part."""
    seen = {}
    for name, action in (("text, edited later", "edit"), ("text, deleted later", "delete")):
        conversation = ConversationFactory(tenant=channel.tenant, channel=channel, thread="a:1")
        message = _sent(channel, conversation, StatusUpdate("C01:1.1", "delivered")) and rows.Message.objects.latest(
            "id"
        )
        path = f"/api/v2/chat/messages/{message.id}"
        words = {"content": {"type": "text", "text": "bye"}}
        answer = api.patch(path, words) if action == "edit" else api.delete(path)
        refused = (api.error_of(answer) or {}).get("code", "")
        change = Delivery.objects.filter(conversation=conversation, action=action).first()
        calls = calls_of(change, channel) if change else ()
        told = "changed at once" if channel.adapter.instant else refused or "gone here, shown there"
        seen[name] = {
            "sent as": ", ".join(call_name(one) for one in calls) or told,
            "changed on the way": "",
        }
    return seen


def call_name(payload: Any) -> str:
    """A call in the platform's words."""
    word = (payload.json or {}).get("type")
    return f"`{word}`" if not payload.path else f"`{payload.method if payload.method != 'POST' else payload.path}`"


def _part(content: Content) -> str:
    words = ["words"] if content.text and content.type in ("image", "file", "audio", "video") else []
    names = ["quote"] * bool(content.quote) + words + ["buttons"] * bool(content.buttons)
    return " + ".join([content.type, *names, *["quick replies"] * bool(content.quick_replies)])


def _grouped(parts: Iterator[str]) -> Iterator[str]:
    counts: dict[str, int] = {}
    for part in parts:
        counts[part] = counts.get(part, 0) + 1
    return (f"{count} × {part}" if count > 1 else part for part, count in counts.items())


# ------------------------------------------------------------------------------- the text


def table(head: tuple[str, ...], lines: Mapping[str, Mapping[str, str]]) -> str:
    top = f"| {' | '.join(head)} |\n|{'---|' * len(head)}\n"
    return top + "".join(f"| {name} | {' | '.join(seen.values())} |\n" for name, seen in lines.items())


def section(kind: str, incoming: Mapping[str, Any], outgoing: Mapping[str, Any]) -> str:
    comes = table(("comes in", "stored", "console", "API", "event", "engine"), incoming)
    goes = table(("goes out", "sent as", "changed on the way"), outgoing)
    return f"\n## {adapter_for(kind).label}\n\n{comes}\n{goes}"
