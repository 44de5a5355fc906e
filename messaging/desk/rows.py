"""A conversation as a list of the inbox shows it, read from the rows: for those that are said to have changed.

Owns the members of a ``conv`` frame. Call within the tenant's scope; the statements are those of a batch, not of a row.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from channels_app.words.moments import written
from conversations.models import Conversation, Event
from messaging.agents.inbox.lists import WITH
from messaging.agents.inbox.rows import inbox_shapes
from messaging.agents.models import Mention
from messaging.hours.late import late_at
from messaging.live.hub import encoded
from messaging.models import Delivery
from tenants.storage.db import now

AT_ONCE = 500  # conversations of one statement
MOST_EVENTS = 5_000  # that are looked through for what has changed
STATUSES = 30  # of a conversation's last messages


@dataclass(frozen=True, slots=True)
class Row:
    """``shown``: members of the frame, encoded: a text, because thousands of these stay, and the collector of garbage looks
    through each object that holds others while no frame is sent; ``preview`` only for those who may read messages."""

    id: uuid.UUID
    tenant: uuid.UUID
    version: int
    shown: str
    preview: str
    view: str  # the list that holds it: of mine and colleagues "with"
    assignee: str | None
    kind: str
    channel: str
    team: str | None
    priority: str
    labels: frozenset[str]
    failed: bool
    unread: int
    last_seq: int
    mentioned: frozenset[str]  # users with a mention that is unread
    due: datetime | None  # of one that is put off: when it is back

    @property
    def is_open(self) -> bool:
        return self.view != "closed"


def rows_of(ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Row]:
    """What there is of these conversations. Six statements for AT_ONCE of them."""
    wanted, found = list(ids), {}
    for start in range(0, len(wanted), AT_ONCE):
        some = wanted[start : start + AT_ONCE]
        chats = Conversation.objects.filter(id__in=some, kind="chat")
        rows = list(chats.select_related(*WITH).prefetch_related("contact"))
        at, mentioned = now(), _mentioned(rows)
        for row, shape in zip(rows, inbox_shapes(rows, words=True), strict=True):
            found[row.id] = _row(row, shape, mentioned[row.id], at)
    return found


def open_ids(most: int) -> list[uuid.UUID]:
    """Of the tenant's open conversations; at most ``most``, in no order."""
    return list(Conversation.objects.filter(is_open=True, kind="chat").order_by().values_list("id", flat=True)[:most])


def changed_since(since: datetime) -> dict[uuid.UUID, int] | None:
    """Conversation → number of its last event, of those with an event since then; None: too many to say. One statement."""
    rows = Event.objects.filter(created_at__gte=since, conversation__isnull=False).order_by("created_at")
    events = list(rows.values_list("conversation_id", "seq")[: MOST_EVENTS + 1])
    if len(events) > MOST_EVENTS:
        return None
    found: dict[uuid.UUID, int] = {}
    for conversation_id, seq in events:
        found[conversation_id] = max(seq, found.get(conversation_id, 0))
    return found


def statuses_of(conversation_id: uuid.UUID) -> dict[str, tuple[int, str]]:
    """Message → its number and delivery status, of the last ones of ours. One statement."""
    rows = Delivery.objects.filter(conversation=conversation_id).order_by("-seq")
    return {str(id_): (seq, status) for id_, seq, status in rows.values_list("message_id", "seq", "status")[:STATUSES]}


def _mentioned(rows: Sequence[Conversation]) -> dict[uuid.UUID, set[str]]:
    found: dict[uuid.UUID, set[str]] = defaultdict(set)
    unread = Mention.objects.filter(conversation__in=[row.id for row in rows], seen_at=None)
    for conversation_id, user_id in unread.values_list("conversation_id", "user_id") if rows else ():
        found[conversation_id].add(str(user_id))
    return found


def _row(row: Conversation, shape: dict[str, Any], mentioned: set[str], at: datetime) -> Row:
    assignee, team = row.assignee, row.team
    labels = [{**label, "id": str(label["id"])} for label in shape["labels"]]
    return Row(
        id=row.id,
        tenant=row.tenant_id,
        version=row.event_seq,
        preview=shape["last_message"] or "",
        view=_view(row, at),
        assignee=str(row.assignee_id) if assignee else None,
        kind=row.channel.kind,
        channel=str(row.channel_id),
        team=str(row.team_id) if team else None,
        priority=row.priority,
        labels=frozenset(label["id"] for label in labels),
        failed=shape["failed"],
        unread=shape["unread"],
        last_seq=row.last_seq,
        mentioned=frozenset(mentioned),
        due=row.snoozed_until if _view(row, at) == "snoozed" else None,
        shown=encoded({
            "tenant": str(row.tenant_id),
            "conversation": str(row.id),
            "version": row.event_seq,
            "name": str(row.contact),
            "contact": str(row.contact_id),
            "channel": {"id": str(row.channel_id), "kind": row.channel.kind, "name": row.channel.name},
            "status": row.status,
            "is_open": row.is_open,
            "control_epoch": row.control_epoch,
            "held_by": row.held_by,
            "assignee": {
                "id": str(row.assignee_id), "name": assignee.get_username(), "full_name": assignee.get_full_name(),
            } if assignee else None,
            "team": {"id": str(row.team_id), "name": team.name} if team else None,
            "priority": row.priority,
            "rank": row.rank or Conversation.Rank.NORMAL,
            "waiting_since": _moment(row.waiting_since),
            "late_at": _moment(late_at(row)),
            "snoozed_until": _moment(row.snoozed_until),
            "last_seq": row.last_seq,
            "last_message_at": _moment(row.last_message_at),
            "unread": shape["unread"],
            "flags": shape["flags"],
            "expected_response_type": shape["expected_response_type"],
            "failed": shape["failed"],
            "labels": labels,
            "ended_at": _moment(row.ended_at),
        })[1:-1],
    )  # fmt: skip


def _view(row: Conversation, at: datetime) -> str:
    """As the lists of messaging/agents/inbox/lists.py have it."""
    if not row.is_open:
        return "closed"
    if row.snoozed_until and row.snoozed_until > at:
        return "snoozed"
    if row.held_by == Conversation.Holder.QUEUE:
        return "waiting"
    return "bot" if row.control_owner == Conversation.Owner.BOT else "with"


def _moment(at: datetime | None) -> str | None:
    return written(at) if at else None
