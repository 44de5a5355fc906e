"""People who wait for one of us longer than the tenant wants: staff are told, once of each wait (EVT-5).

Owns what too long means: open time since the person began to wait. A person whom the bot answers does not count,
nor one to whom staff answer in the platform's own app, for those answers are not seen.
"""

from __future__ import annotations

import random
import uuid
from datetime import datetime
from typing import Any

from django.db.models import F, Q

from channels_app.hours import hours_on
from channels_app.words.moments import written
from conversations.models import Conversation
from conversations.timeline import NewEvent, conversation_advance, events_append
from messaging import wake
from messaging.context.changes import UPDATED
from tenants.hours import open_for, open_since
from tenants.scope import tenant_scope
from tenants.storage.batches import BATCH, Failures, More
from tenants.storage.db import atomic, now, retried
from tenants.tenant_settings import settings_for, suspended

BY_US = (Conversation.Holder.QUEUE, Conversation.Holder.STAFF)
NOT_TOLD = Q(late_told_at=None) | Q(late_told_at__lte=F("waiting_since"))


def late_since(tenant_id: uuid.UUID, channel_id: uuid.UUID, at: datetime) -> datetime | None:
    """People who have waited on the channel since then or longer have waited too long; None without a target."""
    minutes = settings_for(tenant_id).first_response_minutes
    return open_since(hours_on(tenant_id, channel_id), at, 60 * minutes) if minutes else None


def is_late(conversation: Conversation, at: datetime) -> bool:
    """Whether the person has waited too long for one of us."""
    if conversation.waiting_since is None or conversation.held_by not in BY_US or not conversation.is_open:
        return False
    since = late_since(conversation.tenant_id, conversation.channel_id, at)
    return since is not None and conversation.waiting_since <= since


def late_at(conversation: Conversation) -> datetime | None:
    """When the person will have waited too long for one of us, or has; None where that does not count."""
    if conversation.waiting_since is None or conversation.held_by not in BY_US or not conversation.is_open:
        return None
    minutes = settings_for(conversation.tenant_id).first_response_minutes
    hours = hours_on(conversation.tenant_id, conversation.channel_id)
    return open_for(hours, conversation.waiting_since, 60 * minutes) if minutes else None


def late_tell(more: More) -> int:
    """Write the event of everybody who has begun to wait too long; how many."""
    count, failures = 0, Failures()
    # unscoped: of all tenants; each conversation is told of inside its own scope
    # __in: SQLite finds no index for a bare boolean, and would read all conversations
    # last_message_at, and no DISTINCT: both keep PostgreSQL at the index of open conversations
    talking = Conversation.objects.unscoped().filter(is_open__in=[True], last_message_at__lte=now())
    waiting = talking.filter(NOT_TOLD, held_by__in=BY_US, waiting_since__lte=now())
    found = waiting.exclude(tenant_id__in=suspended()).order_by().values_list("tenant_id", "channel_id")
    places = list(set(found))
    random.shuffle(places)  # a crowd on one channel does not use up the time of the same others at every run
    for tenant_id, channel_id in places:
        with failures.apart(tenant=str(tenant_id)), tenant_scope(tenant_id):
            since = late_since(tenant_id, channel_id, now())
            count += _told_on(channel_id, since, more) if since else 0
    if count:
        wake.publish_soon()
    failures.tell()
    return count


def _told_on(channel_id: uuid.UUID, since: datetime, more: More) -> int:
    """On a channel of the tenant in scope; the next run tells of those who are left."""
    late = Conversation.objects.filter(NOT_TOLD, **_late(since), channel_id=channel_id)
    ids = list(late.order_by("waiting_since", "id").values_list("id", flat=True)[:BATCH])
    return sum(_told(conversation_id, since) for conversation_id in ids if more())


@retried
def _told(conversation_id: uuid.UUID, since: datetime) -> bool:
    """False when staff have answered by now."""
    with atomic():
        taken = conversation_advance({"id": conversation_id, **_late(since)}, events=1, late_told_at=now())
        if taken is None:
            return False
        assert taken.waiting_since is not None  # _late asks for it
        facts: dict[str, Any] = {"trigger": "late", "waiting_since": written(taken.waiting_since)}
        facts |= {"assignee_id": str(taken.assignee_id)} if taken.assignee_id else {}
        events_append(taken, [NewEvent(UPDATED, facts)])
    return True


def _late(since: datetime) -> dict[str, Any]:
    return {"is_open": True, "held_by__in": BY_US, "waiting_since__lte": since}
