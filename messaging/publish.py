"""Verb four, publish: what was committed is told, at once to those who watch, in order to those who count.

Owns the live push (best effort) and the outbox (at least once). The timeline itself is written by
the transactions that make things happen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog
from django.core.cache import cache

from conversations.models import Event, Message
from messaging.frames import message_frame
from messaging.hub import conversation_group, hub, tenant_group
from tenants.db import now
from tenants.scope import tenant_scope
from tenants.tenant_settings import settings_for

log = structlog.get_logger(__name__)

BATCH = 500
#: those who are told of every event, at least once and in order per conversation
Sink = Callable[[Sequence[Event]], None]
SINKS: list[Sink] = []


def push_message(message: Message) -> None:
    """Show a new transcript entry to the visitor's widgets and to staff."""
    with tenant_scope(message.tenant_id):
        frame = message_frame(message, bot_name=settings_for(message.tenant_id).bot_name)
    hub.push(conversation_group(message.conversation_id), frame)
    hub.push(tenant_group(message.tenant_id), {**frame, "conversation": str(message.conversation_id)})


def push_status(message: Message, status: str) -> None:
    """Show how far a message got."""
    frame = {"t": "status", "of": str(message.id), "of_seq": message.seq, "status": str(status)}
    hub.push(tenant_group(message.tenant_id), {**frame, "conversation": str(message.conversation_id)})


def push_typing(conversation_id: object, tenant_id: object, role: str, *, on: bool) -> None:
    """Somebody is writing; forgotten after five seconds."""
    frame = {"t": "typing", "from": {"role": role}, "on": on, "ttl_s": 5}
    hub.push(conversation_group(conversation_id), frame)
    hub.push(tenant_group(tenant_id), {**frame, "conversation": str(conversation_id)})


def publish_events(limit: int = BATCH) -> int:
    """Hand the oldest unpublished events to every sink and mark them. Returns how many.

    One publisher at a time, so that the order per conversation holds; a publisher that dies in the
    middle is followed by one that hands the same events out again, under the same ids.
    """
    if not cache.add("publish-events", "1", timeout=30):
        return 0
    try:
        return _publish(limit)
    finally:
        cache.delete("publish-events")


def _publish(limit: int) -> int:
    # unscoped: the outbox of all tenants goes out in one stream; each event carries its tenant
    waiting = list(Event.objects.unscoped().filter(published_at=None).order_by("id")[:limit])
    if not waiting:
        return 0
    for sink in SINKS:
        sink(waiting)
    # unscoped: the very rows read above
    Event.objects.unscoped().filter(id__in=[event.id for event in waiting]).update(published_at=now())
    return len(waiting)


def outbox_age_s() -> float:
    """Seconds the oldest unpublished event has been waiting; 0 when there is none."""
    # unscoped: a measure over all tenants
    oldest = (
        Event.objects.unscoped().filter(published_at=None).order_by("id").values_list("created_at", flat=True).first()
    )
    return max(0.0, (now() - oldest) / timedelta(seconds=1)) if oldest else 0.0
