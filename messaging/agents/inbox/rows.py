"""How a conversation is shown in a list of the inbox, and in a live summary of it.

Owns what staff see of it at a glance. Must not know who is shown it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db.models import Q

from channels_app.words.split import shorten
from conversations.models import Conversation, Message
from conversations.selectors import conversation_shape
from messaging.agents.labels import labels_of
from messaging.hours.late import is_late
from messaging.models import Delivery
from tenants.storage.db import now

NEAR = 10  # entries: a hand-over is a sentence or two of the bot behind what the person said
PREVIEW = 120
MOST_LOOKED_AT = 2_000  # unread messages of a page of conversations


@dataclass
class Unread:
    """What the person has said that no member of staff has read; ``flags`` and ``expects`` also of what is unanswered."""

    count: int = 0
    last: int = 0  # the number of what the person said last, of those looked at, and
    said: str = ""  # what it was
    flags: list[str] = field(default_factory=list)
    expects: str | None = None


def inbox_shapes(rows: Sequence[Conversation], *, words: bool) -> list[dict[str, Any]]:
    """Rows that have their channel, contact, assignee and team: three statements. ``words``: whether the reader may read
    messages."""
    ids, at = [row.id for row in rows], now()
    marks, unread, failed = labels_of(ids), unread_of(rows), failed_of(ids)
    return [
        {
            **conversation_shape(row, words=words),
            **({"last_message": unread[row.id].said} if words and unread[row.id].said else {}),
            "labels": [{"id": label.id, "name": label.name, "color": label.color} for label in marks.get(row.id, ())],
            "unread": unread[row.id].count,
            "flags": unread[row.id].flags,
            "expected_response_type": unread[row.id].expects,
            "failed": row.id in failed,
            "late": is_late(row, at),
            "agent_read_seq": row.agent_read_seq,
        }
        for row in rows
    ]


def failed_of(conversation_ids: Iterable[uuid.UUID]) -> set[uuid.UUID]:
    """Those with a message that could not be delivered and that staff have not started again."""
    wanted = list(conversation_ids)
    dead = Delivery.objects.filter(conversation__in=wanted, status=Delivery.Status.FAILED, dead_at__isnull=False)
    return set(dead.values_list("conversation_id", flat=True).distinct()) if wanted else set()


def unread_of(rows: Sequence[Conversation]) -> dict[uuid.UUID, Unread]:
    """Of each conversation; one statement. What the bot answers is nothing that staff have to read. Of those that wait
    for an answer of a human also what the person said last, among the last NEAR entries."""
    found = {row.id: Unread() for row in rows}
    behind = Q()
    for row in rows:
        if row.control_owner == Conversation.Owner.HUMAN and _looked_at(row) < row.last_seq:
            behind |= Q(conversation=row.id, seq__gt=min(_looked_at(row), _near(row)))
        elif _near(row) < row.last_seq:
            behind |= Q(conversation=row.id, seq__gt=_near(row))
    if not behind:
        return found
    read = {row.id: row.agent_read_seq for row in rows}
    looked_at = {row.id: _looked_at(row) for row in rows}
    waits = {row.id for row in rows if _waits(row)}
    said = Message.objects.filter(behind, role=Message.Role.VISITOR, deleted_at=None).order_by()
    of = said.values_list("conversation_id", "seq", "analysis", "hints", "text", "content_type")[:MOST_LOOKED_AT]
    for conversation_id, seq, analysis, hints, text, kind in of:
        mark = found[conversation_id]
        if conversation_id in waits and seq > mark.last:
            mark.last, mark.said = seq, shorten(" ".join(text.split()), PREVIEW) or f"[{kind}]"
        if seq <= looked_at[conversation_id]:
            continue
        mark.count += seq > read[conversation_id]
        mark.flags += [flag for flag in analysis.get("flags", ()) if flag not in mark.flags]
        mark.expects = hints.get("expected_response_type") or mark.expects
    return found


def _near(row: Conversation) -> int:
    """The entry behind which the person's last words are looked for."""
    return max(0, row.last_seq - NEAR) if _waits(row) else row.last_seq


def _waits(row: Conversation) -> bool:
    """For a colleague, or for the answer of the one who has it."""
    held = row.held_by
    return held == Conversation.Holder.QUEUE or (held == Conversation.Holder.STAFF and row.waiting_since is not None)


def _looked_at(row: Conversation) -> int:
    return min(row.agent_read_seq, row.answered_seq)
