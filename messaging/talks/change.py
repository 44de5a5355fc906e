"""Subject and priority of a conversation, and the call for a human from outside. Control itself: messaging/rules/control.py."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.db.models import F, Value
from django.db.models.functions import Coalesce

from conversations.models import Conversation
from conversations.timeline import NewEvent, conversation_advance, events_append
from messaging.context.changes import UPDATED
from messaging.rules.control import hand_over, locked, locked_open, repeated
from messaging.rules.rank import RANKS
from tenants.storage.db import atomic, now, retried


@retried
def conversation_change(conversation_id: uuid.UUID, wanted: Mapping[str, str]) -> Conversation:
    """``subject`` and ``priority`` as they are wanted; who waits for a human is listed by the new priority. Raises
    NotFound."""
    with atomic():
        seen = locked(conversation_id)
        changes: dict[str, Any] = {name: value for name, value in wanted.items() if getattr(seen, name) != value}
        if not changes:
            return repeated(seen)
        facts: dict[str, Any] = {"trigger": "changed"}
        if priority := changes.get("priority"):
            changes["rank"] = int(RANKS[priority])
            facts["priority"] = priority
        taken = conversation_advance({"id": seen.id}, events=1, **changes)
        assert taken is not None  # locked above
        events_append(taken, [NewEvent(UPDATED, facts)])
        return taken


@retried
def escalate(conversation_id: uuid.UUID, reason: str) -> Conversation:
    """A human is asked for, and the bot keeps still; the person waits from now on. Nothing happens where a human is in
    control. Raises NotFound, Conflict ``conversation_closed``."""
    with atomic():
        seen = locked_open(conversation_id)
        if seen.control_owner == Conversation.Owner.HUMAN:
            return repeated(seen)
        hand_over(seen, reason)
        taken = conversation_advance({"id": seen.id}, waiting_since=Coalesce(F("waiting_since"), Value(now())))
        assert taken is not None  # locked above
        return taken
