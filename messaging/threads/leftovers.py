"""What is left of threads that were deleted: for a month their bare rows, for readers of their last events; and messages whose
deletion was broken off, which go on."""

from __future__ import annotations

import uuid
from collections import Counter
from datetime import timedelta
from typing import Any

from channels_app.models import Channel
from conversations.models import Conversation, Message
from messaging.privacy.holds import held_contacts
from messaging.privacy.purge import Rest, busy, talks_empty
from messaging.threads.rows import KEYS
from tenants.scope import tenant_scope
from tenants.storage.batches import Failures, More, batches
from tenants.storage.db import now

KEPT = timedelta(days=30)
UNDER_WAY = timedelta(minutes=10)  # so long the request that deletes may still be at it

rest = Rest()


def leftovers_purge(more: More) -> int:
    """Housekeeping's step; how many rows went."""
    if not rest.over:
        return 0
    counts: Counter[str] = Counter()
    failures = Failures()
    # unscoped: the channels of threads tell which tenants have any; each is looked at inside its own scope
    channels = Channel.objects.unscoped().filter(key__startswith=KEYS).values_list("id", "tenant_id")
    for channel_id, tenant_id in list(channels):
        with failures.apart(tenant=str(tenant_id)), tenant_scope(tenant_id):
            _purge(channel_id, counts, more)
    failures.tell()
    if more():
        rest.begin()
    return counts.total()


def _purge(channel_id: uuid.UUID, counts: Counter[str], more: More) -> None:
    deleted = Conversation.objects.filter(channel_id=channel_id, ended_at__lte=now() - UNDER_WAY)
    for found in batches(deleted, "contact_id", "ended_at", more=more):
        due = _due(found)
        waiting = busy(list(due), now())
        talks_empty({id: contact for id, contact in due.items() if id not in waiting}, counts, more)


def _due(found: list[Any]) -> dict[uuid.UUID, uuid.UUID]:
    """Conversation → its contact."""
    said = Message.objects.filter(conversation_id__in=[row.id for row in found]).order_by()
    broken_off, held = set(said.values_list("conversation_id", flat=True).distinct()), held_contacts()
    old = now() - KEPT
    return {
        row.id: row.contact_id
        for row in found
        if row.contact_id not in held and (row.id in broken_off or row.ended_at <= old)
    }
