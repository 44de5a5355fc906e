"""Conversations that are put off: until a time, or until the person writes (messaging/accept.py ends it then).

Owns how long that may be and who is told at its end. The inbox needs no end: it compares the time.
"""

from __future__ import annotations

import itertools
import uuid
from datetime import datetime, timedelta
from functools import partial

from channels_app.words.moments import written
from conversations.models import Conversation
from conversations.timeline import NewEvent, conversation_advance, events_append
from messaging import wake
from messaging.context.changes import UPDATED
from messaging.rules.control import locked_open, repeated
from tenants.errors import Conflict, Unprocessable
from tenants.scope import tenant_scope
from tenants.storage.batches import Failures, More, batches
from tenants.storage.db import atomic, now, on_commit, retried
from tenants.tenant_settings import suspended

LONGEST = timedelta(days=366)


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
        return _told(seen, None, "wake") if seen.snoozed_until else repeated(seen)


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
                count += _ended(row.id, at)
    if count:
        wake.publish_soon()
    failures.tell()
    return count


@retried
def _ended(conversation_id: uuid.UUID, at: datetime) -> bool:
    """False when it was ended or put off again meanwhile."""
    with atomic():
        where = {"id": conversation_id, "is_open": True, "snoozed_until__lte": at}
        taken = conversation_advance(where, events=1, snoozed_until=None)
        if taken is None:
            return False
        events_append(taken, [NewEvent(UPDATED, {"trigger": "wake"})])
        _queue_changed(taken)
    return True


def _queue_changed(taken: Conversation) -> None:
    """Those who wait behind it have another place, and one that is back can be given to a colleague."""
    if taken.held_by == Conversation.Holder.QUEUE:
        on_commit(partial(wake.tell_places, taken.tenant_id))
        on_commit(partial(wake.assign_waiting, taken.tenant_id))


def _told(seen: Conversation, until: datetime | None, trigger: str) -> Conversation:
    taken = conversation_advance({"id": seen.id}, events=1, snoozed_until=until)
    assert taken is not None  # locked by the caller
    _queue_changed(taken)
    facts = {"trigger": trigger, **({"snoozed_until": written(until)} if until else {})}
    events_append(taken, [NewEvent(UPDATED, facts)])
    return taken
