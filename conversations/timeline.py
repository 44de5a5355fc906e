"""The timeline: event types with their versions, and how events and transcript entries get numbers.

Owns `conversation_advance`, the only way to take a number. Must not publish anything.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import structlog
from django.conf import settings
from django.db.models import F, IntegerField, Value

from conversations.event_schemas import event_check
from conversations.models import Contact, Conversation, Event, correlation_id
from tenants.storage import prepared
from tenants.storage.db import on_commit

log = structlog.get_logger(__name__)

#: type → version of its payload; schemas: conversations/event_schemas/
VERSIONS: dict[str, int] = {
    "chat.message.received": 1,
    "chat.message.sent": 1,
    "chat.message.delivered": 1,
    "chat.message.read": 1,
    "chat.message.processed": 1,
    "chat.message.failed": 1,
    "chat.message.updated": 1,
    "chat.message.deleted": 1,
    "chat.message.reacted": 1,
    "chat.message.flagged": 1,
    "chat.contact.stopped": 1,
    "chat.contact.resumed": 1,
    "chat.contact.joined": 1,
    "chat.contact.left": 1,
    "chat.contact.identity_changed": 1,
    "chat.contact.merged": 1,
    "chat.contact.parted": 1,
    "chat.attachment.stored": 1,
    "chat.attachment.refused": 1,
    "chat.attachment.transcribed": 1,
    "chat.conversation.started": 1,
    "chat.conversation.updated": 1,
    "chat.conversation.ended": 1,
    "chat.conversation.deleted": 1,
    "chat.session.started": 1,
    "chat.session.ended": 1,
    "chat.intent.classified": 1,
    "chat.response.generated": 1,
    "chat.system.channel_degraded": 1,
    "chat.system.channel_recovered": 1,
    "chat.system.engine_recovered": 1,
    "chat.system.webhook_malformed": 1,
    "chat.system.webhook_paused": 1,
    "chat.system.work_given_up": 1,
    "chat.system.budget_reached": 1,
    "chat.system.model_changed": 1,
    "chat.system.training_ended": 1,
    "CHAT_THREAD_CREATED": 1,
    "CHAT_THREAD_DELETED": 1,
    "CHAT_MESSAGE_CREATED": 1,
    "CHAT_PRIVACY_EXPORT_REQUESTED": 1,
    "CHAT_PRIVACY_DELETION_REQUESTED": 1,
}


#: types whose schema is published and which nothing writes yet, by what will; subscribing to one is refused
AWAITED: dict[str, str] = {}


#: called after the commit of what may have changed a conversation, with its tenant's id and its own; must neither raise
#: nor take long
on_change: list[Callable[[uuid.UUID, uuid.UUID], None]] = []
#: the same of what may have changed the order of those who wait for a human, or how many a colleague has: with the tenant's id
on_queue: list[Callable[[uuid.UUID], None]] = []
#: the same of what is known of a person: with the tenant's id and the contact's
on_contact: list[Callable[[uuid.UUID, uuid.UUID], None]] = []


_HANDS, _ORDER = frozenset({"held_by", "is_open"}), frozenset({"rank", "snoozed_until", "team_id"})


@dataclass(frozen=True)
class NewEvent:
    """An event that is about to happen; ``payload`` is JSON-safe."""

    type: str
    payload: Mapping[str, Any]


def conversation_advance(
    where: Mapping[str, Any], *, messages: int = 0, events: int = 0, **changes: Any
) -> Conversation | None:
    """Take ``messages`` transcript and ``events`` timeline numbers of the conversation that matches
    ``where``, and apply ``changes``. Returns it afterwards, or None when nothing matches.

    The UPDATE comes first and locks the row until the commit: the second writer waits here, reads
    what the first has written, and numbers have neither gaps nor doubles. A change of ``control_owner`` takes a number
    of the transcript for the entry that tells it: so an answer that was begun before it is void by ``last_seq`` alone.
    """
    assert messages or "control_owner" not in changes, "no change of control is silent"
    if messages:
        changes |= {"last_seq": _plus("last_seq", messages), "message_count": _plus("message_count", messages)}
    if events:
        changes["event_seq"] = _plus("event_seq", events)
    if not changes:
        changes["event_seq"] = F("event_seq")
    conversation = prepared.update_where(Conversation, where, changes)
    if conversation:
        conversation_touched(conversation.tenant_id, conversation.id)
        if _in_queue(conversation, changes):
            queue_touched(conversation.tenant_id)
    return conversation


def _in_queue(conversation: Conversation, changes: Mapping[str, Any]) -> bool:
    """Whether one came, left or has another place. Since when a person waits is no sign: each message of theirs says it."""
    if not _HANDS.isdisjoint(changes):
        return True
    return conversation.held_by == Conversation.Holder.QUEUE and not _ORDER.isdisjoint(changes)


def conversation_touched(tenant_id: uuid.UUID, conversation_id: uuid.UUID) -> None:
    """It may have changed, or is gone: told after the commit."""
    for tell in on_change:
        on_commit(partial(tell, tenant_id, conversation_id))


def queue_touched(tenant_id: uuid.UUID) -> None:
    """Who waits for a human, or their order, may be another: told after the commit."""
    for tell in on_queue:
        on_commit(partial(tell, tenant_id))


def contact_touched(contact: Contact) -> None:
    """What is known of a person has changed: told after the commit."""
    for tell in on_contact:
        on_commit(partial(tell, contact.tenant_id, contact.id))


@lru_cache(maxsize=256)
def _plus(name: str, count: int) -> Any:
    """An expression, which no use of it changes: a value without its field would keep the one that it is first used for,
    and be of another shape then."""
    return F(name) + Value(count, output_field=IntegerField())


def events_append(conversation: Conversation, news: Sequence[NewEvent]) -> list[Event]:
    """Write events whose numbers were taken by `conversation_advance(events=len(news))` just before."""
    first, began = conversation.event_seq - len(news) + 1, correlation_id()
    places = {"conversation_id": str(conversation.id), "channel_id": str(conversation.channel_id)}
    events = [_event(conversation, first + index, new, places, began) for index, new in enumerate(news)]
    prepared.insert(events)
    return events


def _event(conversation: Conversation, seq: int, new: NewEvent, places: Mapping[str, str], began: str) -> Event:
    payload, version = {**places, **new.payload}, VERSIONS[new.type]
    event_check(new.type, version, payload, strict=not settings.PRODUCTION)
    return Event(
        tenant_id=conversation.tenant_id,
        conversation=conversation,
        seq=seq,
        type=new.type,
        version=version,
        payload=payload,
        correlation_id=began,
    )


def system_event(tenant_id: Any, type: str, payload: Mapping[str, Any]) -> Event:
    """Write an event that belongs to no conversation."""
    return system_events(tenant_id, [NewEvent(type, payload)])[0]


def system_events(tenant_id: Any, news: Sequence[NewEvent]) -> list[Event]:
    """Write events of one tenant that belong to no conversation."""
    for new in news:
        event_check(new.type, VERSIONS[new.type], new.payload, strict=not settings.PRODUCTION)
    events = [
        Event(tenant_id=tenant_id, type=new.type, version=VERSIONS[new.type], payload=new.payload) for new in news
    ]
    prepared.insert(events)
    return events


def work_given_up(work: str, row: Any, reason: str) -> Event:
    """Tell that a row of the register's table ``work`` is tried no longer. Call in the transaction that gave it up."""
    log.error("work_given_up", work=work, row=str(row.id), reason=reason, attempts=row.attempts)
    facts = {"work": work, "row_id": str(row.id), "reason": reason[:300]}
    return system_event(row.tenant_id, "chat.system.work_given_up", facts)
