"""Verb four, publish: the timeline is handed on, at least once and in order per conversation.

Owns who is told. The timeline itself is written by the transactions that make things happen; what widgets are
shown at once is messaging/live/push.py.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog
from django.conf import settings

from conversations.models import Event
from messaging.integrators.subscribers import events_queue
from messaging.measures import STAGES
from messaging.outbox.handlers import events_handle
from messaging.outbox.lanes import BATCH, PUBLISHED, STREAMED, drain, lag

log = structlog.get_logger(__name__)

#: those who are told of every event, at least once and in order per conversation; Kafka has an outbox
#: of its own (messaging/kafka/stream.py), so that it holds up no other sink when it is away
Sink = Callable[[Sequence[Event]], None]
SINKS: list[Sink] = [events_queue, events_handle]


def publish_events(limit: int = BATCH) -> int:
    """Hand the oldest unpublished events to every sink and mark them. Returns how many.

    Several may do this at once: a conversation is always in one hand. A publisher that dies in the
    middle is followed by one that hands the same events out again, under the same ids.
    """
    # Kafka, when it comes, begins with what happens then
    also = () if settings.ENV["KAFKA_BROKERS"] else (STREAMED,)
    with STAGES.labels("publish").time():
        return drain(PUBLISHED, _tell_sinks, limit, also)


def _tell_sinks(events: Sequence[Event]) -> Sequence[Event]:
    for sink in SINKS:
        sink(events)
    return events


def outbox_age_s() -> float:
    """Seconds the oldest unpublished event has been waiting; 0 when there is none."""
    return lag(PUBLISHED).age_s
