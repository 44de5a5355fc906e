"""Verb four, publish: what was committed is told, at once to those who watch, in order to those who count.

Owns the live push (best effort) and the outbox (at least once). The timeline itself is written by
the transactions that make things happen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import structlog
from django.conf import settings

from conversations.media_links import shown
from conversations.models import Attachment, Event, Message, Reaction
from messaging import wake
from messaging.frames import change_frame, message_frame
from messaging.handlers import events_handle
from messaging.hub import conversation_group, hub, tenant_group
from messaging.integrators import events_queue
from messaging.measures import STAGES
from messaging.outbox import BATCH, PUBLISHED, STREAMED, drain, lag, mark
from tenants.scope import tenant_scope
from tenants.tenant_settings import settings_for

log = structlog.get_logger(__name__)

#: those who are told of every event, at least once and in order per conversation; Kafka has an outbox
#: of its own (messaging/kafka.py), so that it holds up nobody when it is away
Sink = Callable[[Sequence[Event]], None]
SINKS: list[Sink] = [events_queue, events_handle]


def push_message(message: Message) -> None:
    """Show a new transcript entry to the visitor's widgets and to staff."""
    with tenant_scope(message.tenant_id):
        frame = message_frame(message, bot_name=settings_for(message.tenant_id).bot_name)
    hub.push(conversation_group(message.conversation_id), frame)
    hub.push(tenant_group(message.tenant_id), {**frame, "conversation": str(message.conversation_id)})
    wake.publish_soon()


def push_status(message: Message, status: str) -> None:
    """Show how far a message got."""
    frame = {"t": "status", "of": str(message.id), "of_seq": message.seq, "status": str(status)}
    hub.push(tenant_group(message.tenant_id), {**frame, "conversation": str(message.conversation_id)})
    wake.publish_soon()


def push_media(message: Message, attachment: Attachment) -> None:
    """Show anew what a message says: its file has come, was refused, or was put into words."""
    frame = {
        "t": "media",
        "of": str(message.id),
        "of_seq": message.seq,
        "state": attachment.state,
        "content": shown(message.content),
    }
    hub.push(conversation_group(message.conversation_id), frame)
    hub.push(tenant_group(message.tenant_id), {**frame, "conversation": str(message.conversation_id)})
    wake.publish_soon()


def push_change(entry: Message, message: Message) -> None:
    """Show that a message was edited or deleted. ``entry`` is what the transcript says of it."""
    frame = change_frame(entry, message)
    hub.push(conversation_group(message.conversation_id), frame)
    hub.push(tenant_group(message.tenant_id), {**frame, "conversation": str(message.conversation_id)})
    wake.publish_soon()


def push_reaction(reaction: Reaction, message: Message) -> None:
    """Show a person's emoji on a message; "" when it was taken back."""
    frame = {"t": "reaction", "of": str(message.id), "of_seq": message.seq, "by": {"role": "visitor"}}
    frame |= {"emoji": reaction.emoji}
    hub.push(conversation_group(message.conversation_id), frame)
    hub.push(tenant_group(message.tenant_id), {**frame, "conversation": str(message.conversation_id)})
    wake.publish_soon()


def push_typing(conversation_id: object, tenant_id: object, role: str, *, on: bool) -> None:
    """Somebody is writing; forgotten after five seconds."""
    frame = {"t": "typing", "from": {"role": role}, "on": on, "ttl_s": 5}
    hub.push(conversation_group(conversation_id), frame)
    hub.push(tenant_group(tenant_id), {**frame, "conversation": str(conversation_id)})


def publish_events(limit: int = BATCH) -> int:
    """Hand the oldest unpublished events to every sink and mark them. Returns how many.

    Several may do this at once: a conversation is always in one hand. A publisher that dies in the
    middle is followed by one that hands the same events out again, under the same ids.
    """
    with STAGES.labels("publish").time():
        return drain(PUBLISHED, _tell_sinks, limit)


def _tell_sinks(events: Sequence[Event]) -> Sequence[Event]:
    for sink in SINKS:
        sink(events)
    if not settings.ENV["KAFKA_BROKERS"]:
        mark(STREAMED, events)  # Kafka, when it comes, begins with what happens then
    return events


def outbox_age_s() -> float:
    """Seconds the oldest unpublished event has been waiting; 0 when there is none."""
    return lag(PUBLISHED).age_s
