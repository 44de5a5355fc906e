"""Conversations that are put off: until a time, or until the person writes.

Owns how long that may be and who is told at its end. The inbox needs no end: it compares the time.
"""

from __future__ import annotations

import itertools
import uuid
from datetime import datetime, timedelta

from channels_app.words.moments import written
from conversations.models import Conversation
from conversations.timeline import NewEvent, conversation_advance, events_append
from messaging import wake
from messaging.context.changes import UPDATED
from messaging.rules.control import locked_open, repeated
from tenants.errors import Conflict, Unprocessable
from tenants.scope import tenant_scope
from tenants.storage.batches import Failures, More, batches
from tenants.storage.db import atomic, now, retried
from tenants.tenant_settings import suspended

LONGEST = timedelta(days=366)
WAKE = "wake"  # the trigger of the event that it is back


@retried
def snooze(conversation_id: uuid.UUID, until: datetime) -> Conversation:
    """No list but that of snoozed ones shows the conversation before ``until``. Raises NotFound, Conflict
    ``conversation_closed`` and ``with_bot``, Unprocessable ``snooze_time``."""
    at = now()
    if not at < until <= at + LONGEST:
        raise Unprocessable("Choose a time from now on, within a year.", code="snooze_time")
    until = until.replace(microsecond=until.microsecond // 1000 * 1000)
    with atomic():
        seen = locked_open(conversation_id)
        if seen.control_owner == Conversation.Owner.BOT:
            raise Conflict("The bot answers this conversation: take it first.", code="with_bot")
        if seen.snoozed_until == until:
            return repeated(seen)
        return _told(seen, until, "snooze")


@retried
def unsnooze(conversation_id: uuid.UUID) -> Conversation:
    """It is back at once. Raises NotFound, Conflict ``conversation_closed``."""
    with atomic():
        seen = locked_open(conversation_id)
        return _told(seen, None, WAKE) if seen.snoozed_until else repeated(seen)


def snooze_break(conversation: Conversation) -> Conversation:
    """The person has written: it is back, and told. In the transaction that holds the conversation."""
    return conversation if conversation.snoozed_until is None else _told(conversation, None, WAKE)


def snoozes_end(more: More) -> int:
    """Tell of every snooze that is over; how many."""
    count, failures, at = 0, Failures(), now()
    # unscoped: of all tenants; each is told of inside its own scope
    # __in: SQLite finds no index for a bare boolean, and would read all conversations
    over = Conversation.objects.unscoped().filter(is_open__in=[True], last_message_at__lte=at, snoozed_until__lte=at)
    over = over.exclude(tenant_id__in=suspended())
    for found in batches(over, "tenant_id", by="last_message_at", more=more):
        for row in itertools.takewhile(lambda _: more(), found):
            with failures.apart(conversation=str(row.id)), tenant_scope(row.tenant_id):
                count += snooze_over(row.id)
    if count:
        wake.publish_soon()
    failures.tell()
    return count


@retried
def snooze_over(conversation_id: uuid.UUID) -> bool:
    """Its time has come: tell it. False when it was told, ended or put off again meanwhile."""
    with atomic():
        where = {"id": conversation_id, "is_open": True, "snoozed_until__lte": now()}
        taken = conversation_advance(where)
        return taken is not None and bool(_told(taken, None, WAKE))


def _told(seen: Conversation, until: datetime | None, trigger: str) -> Conversation:
    taken = conversation_advance({"id": seen.id}, events=1, snoozed_until=until)
    assert taken is not None  # locked by the caller
    facts = {"trigger": trigger, **({"snoozed_until": written(until)} if until else {})}
    events_append(taken, [NewEvent(UPDATED, facts)])
    return taken
