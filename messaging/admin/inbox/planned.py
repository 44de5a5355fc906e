"""Replies that staff plan from the reply box: to go at a time, and taken back until then.

Owns how the box asks for one, and what stands above it. Must not decide whether one goes: messaging/agents/scheduled.py
does. Call within the tenant's scope.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.db.models import Q
from pydantic import AwareDatetime

from conversations.models import Conversation, Message
from messaging.admin.inbox.composer import Draft, contents_of
from messaging.agents.models import ScheduledReply
from messaging.agents.scheduled import schedule, scheduled_cancel, scheduled_get, scheduled_of, shut_by
from tenants.errors import Invalid, NotFound
from tenants.models import User
from tenants.staff import face_of
from tenants.storage.db import now

KEPT = timedelta(days=1)


class Plan(Draft):
    """What the reply box holds, to go ``at`` a time; ``unless_person_writes``: not if the person writes before."""

    at: AwareDatetime
    unless_person_writes: bool = False


def reply_plan(conversation: Conversation, agent: User, plan: Plan) -> ScheduledReply:
    """Raises Invalid ``one_message``, and what `contents_of` and `schedule` raise."""
    contents = contents_of(conversation, agent, plan)
    if len(contents) > 1:
        raise Invalid("A planned reply is one message: words, with one file at most.", code="one_message")
    return schedule(conversation.id, agent, contents[0], plan.at, unless_person_writes=plan.unless_person_writes)


def reply_unplan(conversation: Conversation, row_id: str) -> ScheduledReply:
    """Raises NotFound, and what `scheduled_cancel` raises."""
    try:
        row = scheduled_get(uuid.UUID(row_id))
    except ValueError as error:
        raise NotFound("There is no such scheduled reply.") from error
    if row.conversation_id != conversation.id:
        raise NotFound("There is no such scheduled reply.")
    return scheduled_cancel(row.id)


def planned_shown(conversation: Conversation) -> list[dict[str, Any]]:
    """Those that wait, the next one first; ``void``: the person has written, so that it will not go. For a day also what was
    refused, whose words are not lost. One statement, two where some go only unless they write."""
    refused = Q(status=ScheduledReply.Status.REFUSED, at__gt=now() - KEPT)
    rows = list(scheduled_of(conversation.id).filter(Q(status__in=ScheduledReply.OPEN) | refused))
    wrote = _last_said(conversation) if any(row.unless_after is not None for row in rows) else 0
    return [
        {
            "id": row.id, "at": row.at, "text": row.content.get("text") or "", "words": said_in(row), "by": _author(row),
            "unless": row.unless_after is not None, "refused": row.status == ScheduledReply.Status.REFUSED,
            "void": row.unless_after is not None and wrote > row.unless_after,
            "late": shut_by(conversation, row.content.get("type", ""), row.at),
        }
        for row in rows
    ]  # fmt: skip


def _last_said(conversation: Conversation) -> int:
    """The number of the person's last message."""
    theirs = Message.objects.filter(conversation=conversation, role=Message.Role.VISITOR)
    return theirs.order_by("-seq").values_list("seq", flat=True).first() or 0


def said_in(row: ScheduledReply) -> str:
    """What a person reads of a planned reply: its words, or what it is."""
    template = row.content.get("template") or {}
    named = (row.content.get("media") or {}).get("name") or template.get("name") or row.content.get("type")
    return str(row.content.get("text") or f"[{named}]")


def _author(row: ScheduledReply) -> str:
    if row.author is None:
        return ""
    return str(row.author.get_full_name() or face_of(row.tenant_id, row.author_id).name or row.author)
