"""How a conversation looks in a list of the inbox: one line that says who, what, since when and whose.

Owns what a row shows. Call within the tenant's scope; the statements are those of a page, not of a row.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, F

from conversations.models import Conversation, Message
from messaging.admin.conversations import PRIORITY
from messaging.admin.inbox.asked import Asked
from messaging.admin.inbox.listed import view_of
from messaging.hours.late import late_at
from messaging.models import Delivery
from tenants.console.pages import shortened
from tenants.models import User
from tenants.storage.db import now

#: symbols of unfold's font
ICONS: Mapping[str, str] = {
    "web": "language", "whatsapp": "chat", "messenger": "forum", "sms": "sms", "voice": "call", "slack": "tag",
    "teams": "groups", "webhook": "webhook",
}  # fmt: skip


@dataclass(frozen=True)
class Row:
    """``late_at``: when the person will have waited too long, or has. ``found``: the part of a message that was
    searched for, as pieces ``{"text": …, "mark": …}``."""

    id: uuid.UUID
    view: str
    name: str
    initials: str
    preview: str
    kind: str
    icon: str
    channel: str
    last_at: datetime | None
    waiting_since: datetime | None
    late_at: datetime | None
    late: bool
    unread: int
    owner: str
    owner_initials: str
    priority: str
    status: str
    failed: bool
    rank: int
    version: int  # grows with each event
    found: Sequence[Mapping[str, Any]] = field(default=())

    @property
    def waits(self) -> bool:
        return self.waiting_since is not None and self.view in ("waiting", "mine", "colleagues")

    @property
    def urgency(self) -> bool:
        return self.priority in ("urgent", "high")

    @property
    def shown_at(self) -> datetime | None:
        """Since when the person waits, else when the last message was."""
        return self.waiting_since if self.waits else self.last_at

    @property
    def age(self) -> str:
        return age(self.shown_at, now()) if self.shown_at else ""


def rows_of(asked: Asked, page: Sequence[Conversation], found: Mapping[uuid.UUID, Any] | None = None) -> list[Row]:
    """Two statements for a page. ``found``: snippets of messages by conversation."""
    ids = [row.id for row in page]
    unread, failed = (_unread(ids), _failed(ids)) if ids else ({}, set())
    return [_row(asked, row, unread.get(row.id, 0), row.id in failed, (found or {}).get(row.id, ())) for row in page]


def _row(asked: Asked, row: Conversation, unread: int, failed: bool, found: Sequence[Mapping[str, Any]]) -> Row:
    late, name = late_at(row), str(row.contact)
    return Row(
        id=row.id,
        view=view_of(row, asked.member_id),
        name=name,
        initials=initials(name),
        preview=shortened(row.last_message_preview, 120) if asked.words else "",
        kind=row.channel.kind,
        icon=ICONS.get(row.channel.kind, "chat"),
        channel=row.channel.name,
        last_at=row.last_message_at,
        waiting_since=row.waiting_since,
        late_at=late,
        late=late is not None and late <= now(),
        unread=unread,
        owner=member_name(row.assignee) if row.assignee else "",
        owner_initials=initials(member_name(row.assignee)) if row.assignee else "",
        priority=row.priority,
        status=row.status,
        failed=failed,
        version=row.event_seq,
        rank=list(PRIORITY).index(row.priority) if row.priority in PRIORITY else 2,
        found=found,
    )


def age(since: datetime, at: datetime) -> str:
    """How long ago, as short as can be; static/console/list.js goes on counting in the same words."""
    minutes = max(0, int((at - since).total_seconds() // 60))
    if minutes < 60:
        return f"{minutes} min" if minutes else "now"
    return f"{minutes // 60} h" if minutes < 24 * 60 else f"{minutes // (24 * 60)} d"


def member_name(user: User) -> str:
    return user.get_full_name() or user.get_username()


def initials(name: str) -> str:
    words = [word for word in name.split() if word[0].isalnum()]
    return "".join(word[0] for word in (words[:1] + words[-1:] if len(words) > 1 else words)).upper() or "?"


def _unread(ids: Iterable[uuid.UUID]) -> dict[uuid.UUID, int]:
    """What people wrote that no member of staff has seen."""
    theirs = Message.objects.filter(conversation__in=ids, role=Message.Role.VISITOR, deleted_at=None)
    new = theirs.filter(seq__gt=F("conversation__agent_read_seq"))
    return dict(new.order_by().values_list("conversation_id").annotate(number=Count("id")))


def _failed(ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    lost = Delivery.objects.filter(conversation__in=ids, status=Delivery.Status.FAILED)
    return set(lost.order_by().values_list("conversation_id", flat=True).distinct())
