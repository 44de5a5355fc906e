"""How a conversation looks in a list of the inbox: one line that says who, what, since when and whose.

Owns what a row shows. Call within the tenant's scope; the statements are those of a page, not of a row. A row that
changes while the page is open is filled by static/console/row.js, in the same words.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.http import HttpRequest

from channels_app.registry import icon_of
from conversations.models import Conversation
from messaging.admin.inbox.lists.asked import Asked
from messaging.agents.inbox.rows import inbox_shapes
from messaging.hours.late import late_at
from tenants.console.pages.shown import shortened
from tenants.models import User
from tenants.storage.db import now

#: forms of answer that the person's system expects, in words; a text goes without saying
EXPECTS: Mapping[str, str] = {
    "image": "Expects a picture", "audio": "Expects a voice message", "video": "Expects a video", "file": "Expects a file",
    "location": "Expects a place", "quick_reply": "Expects a choice", "list": "Expects a list", "carousel": "Expects cards",
}  # fmt: skip
Holder, Rank = Conversation.Holder, Conversation.Rank


@dataclass(frozen=True)
class Row:
    """``late_at``: when the person will have waited too long, or has; ``version`` grows with each event; ``found``: the
    part of a message that was searched for, as pieces ``{"text": …, "mark": …}``."""

    id: uuid.UUID
    view: str
    name: str
    preview: str
    kind: str
    channel: str
    last_at: datetime | None
    waiting_since: datetime | None
    late_at: datetime | None
    snoozed_until: datetime | None
    ended_at: datetime | None
    unread: int
    owner: str
    team: str
    priority: str
    rank: int
    version: int
    failed: bool
    flags: Sequence[str]
    expects: str
    labels: Sequence[Mapping[str, Any]]
    found: Sequence[Mapping[str, Any]]

    @property
    def icon(self) -> str:
        return icon_of(self.kind)

    @property
    def initials(self) -> str:
        return initials(self.name)

    @property
    def owner_initials(self) -> str:
        return initials(self.owner) if self.owner else ""

    @property
    def flagged(self) -> str:
        return f"Look at what was said: {', '.join(self.flags)}".replace("_", " ") if self.flags else ""

    @property
    def late(self) -> bool:
        return self.late_at is not None and self.late_at <= now()

    @property
    def urgency(self) -> bool:
        return self.priority in ("urgent", "high")

    @property
    def waits(self) -> bool:
        return self.waiting_since is not None and self.view in ("waiting", "mine", "colleagues")

    @property
    def shown_at(self) -> datetime | None:
        """Since when the person waits, else when the last message was."""
        return self.waiting_since if self.waits else self.last_at

    @property
    def age(self) -> str:
        return age(self.shown_at, now()) if self.shown_at else ""


def rows_of(asked: Asked, page: Sequence[Conversation], found: Mapping[uuid.UUID, Any] | None = None) -> list[Row]:
    """Three statements for a page. ``found``: snippets of messages by conversation."""
    shapes = inbox_shapes(page, words=asked.words)
    return [
        Row(
            id=row.id,
            view=view_of(row, asked.member.id),
            name=str(row.contact),
            preview=shortened(shape["last_message"] or "", 120),
            kind=row.channel.kind,
            channel=row.channel.name,
            last_at=row.last_message_at,
            waiting_since=row.waiting_since,
            late_at=late_at(row),
            snoozed_until=row.snoozed_until,
            ended_at=row.ended_at,
            unread=shape["unread"],
            owner=member_name(row.assignee) if row.assignee else "",
            team=row.team.name if row.team else "",
            priority=row.priority,
            rank=Rank.NORMAL if row.rank is None else row.rank,
            version=row.event_seq,
            failed=shape["failed"],
            flags=shape["flags"],
            expects=EXPECTS.get(shape["expected_response_type"] or "", ""),
            labels=shape["labels"],
            found=(found or {}).get(row.id, ()),
        )
        for row, shape in zip(page, shapes, strict=True)
    ]


def view_of(row: Conversation, member_id: uuid.UUID) -> str:
    """The list that holds a conversation."""
    if not row.is_open:
        return "closed"
    if row.snoozed_until and row.snoozed_until > now():
        return "snoozed"
    if row.held_by in (Holder.QUEUE, Holder.BOT):
        return "waiting" if row.held_by == Holder.QUEUE else "bot"
    return "mine" if row.assignee_id == member_id else "colleagues"


def age(since: datetime, at: datetime) -> str:
    """How long ago, as short as can be."""
    minutes = max(0, int((at - since).total_seconds() // 60))
    if minutes < 60:
        return f"{minutes} min" if minutes else "now"
    return f"{minutes // 60} h" if minutes < 24 * 60 else f"{minutes // (24 * 60)} d"


def member_name(user: User) -> str:
    return user.get_full_name() or user.get_username()


def initials(name: str) -> str:
    words = [word for word in name.split() if word[0].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper() or "?"


def stands_of(row: Conversation, request: HttpRequest) -> dict[str, Any]:
    """Who answers, in words; ``waits``: a person does, and none of us has come."""
    if not row.is_open:
        return {"words": "ended", "waits": False}
    if row.held_by == Holder.QUEUE:
        return {"words": f"waiting for {row.team}" if row.team else "waiting for one of us", "waits": True}
    if row.held_by == Holder.BOT:
        return {"words": "the bot answers", "waits": False}
    if row.assignee_id == request.user.pk:
        return {"words": "you answer", "waits": False}
    who = member_name(row.assignee) if row.assignee else "a colleague"
    return {"words": f"{who} answers", "waits": False}
