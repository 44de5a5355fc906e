"""The transcript of a conversation as staff read it: entries page by page, each with what became of it.

Owns what stands beside an entry's content: how far it got, why it did not, what it waits for. Call within the tenant's
scope, for people who may read messages. Must not render, nor change a row.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Q

from assistant.evaluations.marks import marks_of
from channels_app.health import State, health_row
from channels_app.models import Channel
from channels_app.registry import platform_of
from conversations.files.media_links import content_with_links, media_link
from conversations.models import Attachment, Conversation, Message
from conversations.safety import WHY
from messaging.models import Delivery
from messaging.outbox.reasons import FAULTS, fault_words
from messaging.rules.changes import changes_of
from tenants.console.pages.shown import shortened
from tenants.staff import face_of
from tenants.storage.db import now
from tenants.tenant_settings import FLAGS

PAGE = 60  # entries; a scroll upwards fetches as many again
MOST_NAMED = 200  # entries that are asked for by number
Status = Delivery.Status
#: of a delivery: the symbol and what it means
TICKS: dict[str, tuple[str, str]] = {
    Status.QUEUED: ("schedule", "on its way"),
    Status.SENDING: ("schedule", "on its way"),
    Status.SENT: ("done", "sent"),
    Status.DELIVERED: ("done_all", "delivered"),
    Status.READ: ("done_all", "read"),
    Status.FAILED: ("error", "not delivered"),
}
#: what the person asked the answer to be (MSG-7)
EXPECTED = {
    "text": "words only", "quick_reply": "choices to pick from", "list": "a list to pick from", "image": "a picture",
    "file": "a file", "audio": "a voice message", "video": "a video", "location": "a place", "carousel": "cards",
    "template": "a template",
}  # fmt: skip


@dataclass(frozen=True)
class Page:
    """Entries, the oldest first. ``more``: there are older ones. ``last``: the number of the last one that was looked at,
    0 for none."""

    entries: Sequence[Any]
    more: bool = False
    last: int = 0


def newest(conversation: Conversation, *, before: int | None = None) -> Page:
    """The last entries, or those before ``before``. Five statements."""
    rows = Message.objects.filter(conversation=conversation)
    rows = rows.filter(seq__lt=before) if before is not None else rows
    found = list(_read(rows).order_by("-seq")[: PAGE + 1])
    return Page(_shown(conversation, found[:PAGE][::-1]), len(found) > PAGE)


def since(conversation: Conversation, after: int, changed: Collection[int] = ()) -> Page:
    """Those after ``after``, and older ones that were edited since or that ``changed`` names by number, as they are by now.
    ``more``: behind the last of them there are newer ones."""
    rows = Message.objects.filter(conversation=conversation)
    new = list(_read(rows.filter(seq__gt=after)).order_by("seq")[: PAGE + 1])
    wanted = sorted({seq for seq in changed if seq <= after})[:MOST_NAMED]
    revised = [entry.reply_to for entry in new[:PAGE] if entry.change]
    named = Q(seq__in=wanted) | Q(id__in=revised, seq__lte=after)
    old = list(_read(rows.filter(named)).order_by("seq")) if wanted or revised else []
    told = {entry.reply_to for entry in old if entry.change} - {entry.id for entry in old}
    old += _read(rows.filter(id__in=told, seq__lte=after)) if told else []
    old.sort(key=lambda entry: entry.seq)
    last = new[:PAGE][-1].seq if new else 0
    return Page(_shown(conversation, [*old, *new[:PAGE]]), len(new) > PAGE, last)


def _read(rows: Any) -> Any:
    return rows.select_related("author").prefetch_related("attachments", "reactions")


def _shown(conversation: Conversation, found: Sequence[Message]) -> list[Message]:
    """Entries that tell of a change are left out: the message itself shows it."""
    entries = [entry for entry in found if not entry.change]
    sent = [entry.id for entry in entries if entry.direction == Message.Direction.OUTBOUND]
    deliveries = {row.message_id: row for row in Delivery.objects.filter(message__in=sent)} if sent else {}
    ways = Waits(conversation, [row for row in deliveries.values() if row.status in Delivery.UNFINISHED])
    changes = _changes(conversation, entries)
    marks = marks_of([entry.id for entry in entries if entry.role == Message.Role.BOT])
    for entry in entries:
        _furnish(entry, conversation, deliveries.get(entry.id), ways, marks.get(entry.id))
        _furnish_change(entry, deliveries.get(entry.id), changes.get(entry.id), conversation.channel)
    return entries


def _changes(conversation: Conversation, entries: Sequence[Message]) -> dict[Any, Delivery]:
    """Of messages of ours that were edited or deleted, the last change that goes or went out. One statement where some
    were."""
    ours = Message.Direction.OUTBOUND
    changed = [one.id for one in entries if one.direction == ours and (one.edited_at or one.deleted_at)]
    return {row.message.reply_to: row for row in changes_of(changed, conversation.id)} if changed else {}


def _furnish_change(entry: Any, sent: Delivery | None, change: Delivery | None, channel: Channel) -> None:
    """Whether the person reads what we have: members for the template, as below."""
    entry.change_fault = fault_of(change, channel.kind) if change and change.status == Status.FAILED else ""
    entry.change_seq = change.seq if change else None
    entry.change_waits = change is not None and change.status in Delivery.UNFINISHED
    entry.still_there = bool(
        entry.deleted_at and sent and not change and sent.parts_sent and not channel.adapter.instant
    )
    if entry.change_waits:
        entry.way = str(Status.QUEUED)  # to be asked for again


def _furnish(entry: Any, conversation: Conversation, delivery: Delivery | None, ways: Waits, good: bool | None) -> None:
    """The members that the template shows beside those of a message."""
    status = _status(entry, conversation, delivery)
    entry.shown = content_with_links(entry.content)
    entry.files = [_file(entry, file) for file in entry.attachments.all()]
    entry.emojis = " ".join(reaction.emoji for reaction in entry.reactions.all() if reaction.emoji)
    entry.tick, entry.tick_word = TICKS.get(status, ("", ""))
    entry.way = status
    entry.fault = fault_of(delivery, conversation.channel.kind) if delivery and status == Status.FAILED else ""
    entry.waits = ways.reason(delivery) if delivery else ""
    entry.by = _author(entry)
    entry.told = _told(entry)
    entry.flagged = [FLAGS.get(flag, flag) for flag in entry.analysis.get("flags", ())]
    entry.hidden = bool(entry.analysis.get("masked"))
    entry.explained = bool(entry.analysis.get(WHY))
    entry.expects = EXPECTED.get(entry.hints.get("expected_response_type", ""), "")
    entry.urgency = entry.hints.get("priority", "") if entry.hints.get("priority") in ("high", "urgent") else ""
    entry.judged = "" if good is None else "good" if good else "bad"
    entry.beginning = shortened(entry.text, 80)


def _status(entry: Message, conversation: Conversation, delivery: Delivery | None) -> str:
    """How far it got; the web chat tells that the visitor has read by number, not by message."""
    if delivery is None:
        return ""
    reached = delivery.status in (Status.SENT, Status.DELIVERED)
    return str(Status.READ if reached and entry.seq <= conversation.visitor_read_seq else delivery.status)


def _told(entry: Message) -> str:
    """What an entry of the system tells: to staff with the name of the colleague who has joined."""
    joined = entry.metadata.get("state") == "assigned" and entry.author is not None
    return f"{_name(entry)} has joined the conversation." if joined else entry.text


def _author(entry: Message) -> str:
    if entry.role != Message.Role.AGENT or entry.author is None:
        return {"visitor": "", "bot": "Assistant", "agent": "A colleague"}.get(entry.role, "")
    return _name(entry)


def _name(entry: Any) -> str:
    return str(entry.author.get_full_name() or face_of(entry.tenant_id, entry.author_id).name or entry.author)


def _file(entry: Message, file: Attachment) -> dict[str, Any]:
    """A file of a message that the content does not show already, or what is wrong with it."""
    main = str(file.id) in str((entry.content.get("media") or {}).get("url", ""))
    stored = file.state == Attachment.State.STORED
    trouble = {
        Attachment.State.REFUSED: f"The file was not kept: {file.reason.replace('_', ' ')}.",
        Attachment.State.FAILED: f"The file could not be fetched: {file.reason.replace('_', ' ')}.",
        Attachment.State.REMOTE: "The file is on its way …",
    }.get(Attachment.State(file.state), "")
    return {
        "name": file.name or file.kind,
        "url": media_link(file.id) if stored and not main else "",
        "trouble": trouble,
        "lost": file.state in Attachment.LOST,
        "transcript": file.transcript,
    }


# ------------------------------------------------------------------------ what became of it


def fault_of(delivery: Delivery, kind: str) -> str:
    """Why a message did not arrive, in words for the member of staff."""
    detail = delivery.error_detail.strip()
    if not detail or delivery.error_code in FAULTS:
        return fault_words(delivery.error_code, kind)
    return f"{detail[:1].upper()}{detail[1:]}{'' if detail.endswith(('.', '!', '?')) else '.'}"


class Waits:
    """What the messages of a conversation that are on their way wait for. One statement where some are."""

    def __init__(self, conversation: Conversation, waiting: Sequence[Delivery]):
        self.at = now()
        self.channel: Channel = conversation.channel
        self.head: int | None = None
        if waiting:
            lane = Delivery.objects.filter(conversation=conversation, status__in=Delivery.UNFINISHED)
            self.head = lane.order_by("seq").values_list("seq", flat=True).first()

    def reason(self, delivery: Delivery) -> str:
        """ "" for one that is finished, or is being sent as it should."""
        if delivery.status not in Delivery.UNFINISHED:
            return ""
        why = self._why(delivery)
        return f"waits since {_span(delivery.created_at, self.at)}: {why}" if why else ""

    def _why(self, delivery: Delivery) -> str:
        if self.head is not None and delivery.seq > self.head:
            return "an earlier message has to go first"
        platform = platform_of(self.channel.kind)
        if not self.channel.enabled:
            return "the channel is switched off"
        health = health_row(self.channel)
        if health.held_until and health.held_until > self.at:
            if health.state == State.CREDENTIAL_REFUSED:
                return f"{platform} refuses the channel's credentials; your administrators can correct them"
            return f"{platform} does not answer"
        if not delivery.attempts or not delivery.error_code:
            return ""
        again = f", next try in {_span(self.at, delivery.due_at)}" if delivery.due_at > self.at else ""
        return f"{fault_of(delivery, self.channel.kind).rstrip('.')}{again}"


def _span(since: datetime, until: datetime) -> str:
    minutes = int((until - since).total_seconds() // 60)
    if minutes < 60:
        return f"{max(1, minutes)} min"
    return f"{minutes // 60} h" if minutes < 48 * 60 else f"{minutes // 1440} days"
