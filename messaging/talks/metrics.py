"""Figures of one conversation, from its rows. Must not tell what was said."""

from __future__ import annotations

import uuid
from typing import Any

from django.db.models import Avg, Count

from conversations.models import Attachment, Conversation, Message
from conversations.selectors import conversation_get
from messaging.models import Delivery, Turn


def conversation_metrics(conversation_id: uuid.UUID) -> dict[str, Any]:
    """Times in seconds. Six statements, whatever its length. Raises NotFound."""
    row = conversation_get(conversation_id)
    said, sent = Message.objects.filter(conversation=row), Delivery.objects.filter(conversation=row, action=None)
    turns = Turn.objects.filter(conversation=row)
    thought = turns.filter(latency_ms__isnull=False).aggregate(Avg("latency_ms"))["latency_ms__avg"]
    return {
        "status": row.status,
        "messages": row.message_count,
        "by_role": _counted(said, "role"),
        "deliveries": _counted(sent, "status"),
        "turns": _counted(turns, "status"),
        "answer_ms": round(thought) if thought is not None else None,
        "files": Attachment.objects.filter(message__conversation=row).count(),
        "control_changes": row.control_epoch,
        "first_reply_seconds": _seconds(row, row.first_reply_at),
        "duration_seconds": _seconds(row, row.ended_at or row.last_message_at),
        "satisfaction": row.satisfaction,
    }


def _seconds(row: Conversation, until: Any) -> int | None:
    return max(0, round((until - row.created_at).total_seconds())) if until else None


def _counted(rows: Any, column: str) -> dict[str, int]:
    return dict(rows.order_by(column).values_list(column).annotate(Count("id")))
