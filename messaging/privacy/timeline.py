"""The timeline under retention: what it tells of conversations that go, and its entries of no conversation, which go by age.

Must not decide what falls due: retention.py does.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime

from conversations.messages import person_told
from conversations.models import Conversation, Event, Identity
from conversations.timeline import NewEvent, system_events
from messaging.models import WebhookDelivery
from messaging.privacy.holds import held_contacts
from messaging.privacy.retention import events_due
from tenants.scope import current_tenant_id
from tenants.storage.batches import More, batches
from tenants.storage.db import atomic, retried

PLACES = ("channel_id", "contact_id", "identity_id")


def farewell_tell(ids: Collection[uuid.UUID]) -> None:
    """Tell of each of these conversations that it is gone, once for all processes. Call in the transaction that deletes
    their rows, before that."""
    here = Conversation.objects.select_for_update().filter(id__in=ids, is_open=False).order_by("id")
    # a thread that was deleted by request has told it
    rows = [row for row in here if row.kind != "thread" or row.ended_at is None]
    people = Identity.objects.in_bulk({row.identity_id for row in rows if row.kind == "thread"})
    system_events(current_tenant_id(), [farewell(row, people.get(row.identity_id)) for row in rows])


def farewell(row: Conversation, learner: Identity | None = None) -> NewEvent:
    """The event of a conversation that is deleted. ``learner``: whose it is, of a thread."""
    ids = {"conversation_id": str(row.id), **{name: str(getattr(row, name)) for name in PLACES}}
    if learner is None:
        return NewEvent("chat.conversation.deleted", {**ids, "message_count": row.message_count})
    known_as = person_told(row.tenant_id, learner.id, learner.scheme, learner.value)
    return NewEvent("CHAT_THREAD_DELETED", {**ids, "thread_id": str(row.id), "learner_id": known_as})


def events_purge(before: datetime, more: More) -> int:
    """Entries of the tenant in scope that belong to no conversation and were handed on; how many went. One that a call is
    still on its way of stays, and one that names a contact with a legal hold."""
    count, held = 0, set(map(str, held_contacts()))
    for found in batches(events_due(before), "payload", by="created_at", more=more):
        names = {row.id: {row.payload.get("contact_id"), row.payload.get("former_id")} for row in found}
        count += _events_go([id for id, named in names.items() if held.isdisjoint(named)])
    return count


@retried
def _events_go(ids: list[uuid.UUID]) -> int:
    with atomic():
        calls = WebhookDelivery.objects.filter(event_id__in=ids, status__in=WebhookDelivery.OPEN).order_by()
        going = set(ids).difference(calls.values_list("event_id", flat=True))
        Event.objects.filter(id__in=going).delete()
    return len(going)
