"""The outboxes: unmarked events of the timeline are handed on in order per conversation, then marked.

Owns lanes, leases and marks. A lane is a fixed share of all conversations; the worker that holds its lease hands
its events on alone, so several workers share the work and a conversation keeps its order. Must not know
who is told.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import IntegrityError

from conversations.models import Event
from messaging.models import OutboxLane
from tenants.storage.db import atomic, key_taken, new_id, now, retried
from tenants.work.leases import claim

BATCH = 500  # events handed on at once: what is in memory at a time
LANES = 16
LOOK_AHEAD = 4  # times the batch: what several workers find to share out
LEASE = timedelta(seconds=60)  # longer than any sink may take
MOST_COUNTED = 10_000  # a longer outbox is shown as that long


@dataclass(frozen=True)
class Outbox:
    """One reader of the timeline. ``column`` of an Event tells when it was handed on."""

    name: str
    column: str


PUBLISHED = Outbox("published", "published_at")  # internal handlers and integrators' webhooks
STREAMED = Outbox("streamed", "streamed_at")  # Kafka

#: told events in order per conversation; returns those that were taken. What was not is handed out again.
HandOn = Callable[[Sequence[Event]], Collection[Event]]


def drain(outbox: Outbox, hand_on: HandOn, limit: int = BATCH) -> int:
    """Hand on the oldest waiting events, at most ``limit``. Returns how many were taken; 0 as well when
    others hold all lanes that have any."""
    claims: list[uuid.UUID] = []
    keys = _claim(outbox, claims, limit)
    if not keys:
        return 0
    try:
        taken = hand_on(_waiting_of(outbox, keys, limit))
        mark(outbox, taken)
    finally:
        OutboxLane.objects.filter(claim__in=claims).update(due_at=now(), claim=None)
    return len(taken)


def mark(outbox: Outbox, events: Collection[Event]) -> None:
    """These need not be handed on any more."""
    # unscoped: the outbox of all tenants goes out in one stream; these very rows were handed on
    Event.objects.unscoped().filter(id__in=[event.id for event in events]).update(**{outbox.column: now()})


@dataclass(frozen=True)
class Lag:
    """How far an outbox is behind: seconds its oldest event waits, and how many wait (at most MOST_COUNTED)."""

    age_s: float
    rows: int


def lag(outbox: Outbox) -> Lag:
    """For metrics; two statements by index."""
    waiting = _waiting(outbox).order_by("id")
    oldest = waiting.values_list("created_at", flat=True).first()
    age_s = max(0.0, (now() - oldest) / timedelta(seconds=1)) if oldest else 0.0
    return Lag(age_s, len(waiting.values_list("id", flat=True)[:MOST_COUNTED]))


def key_of(event: Event) -> uuid.UUID:
    """What keeps its order: the conversation, or the tenant for events that belong to none."""
    return event.conversation_id or event.tenant_id


# ----------------------------------------------------------------------------- claiming

Pair = tuple[uuid.UUID | None, uuid.UUID]  # conversation, tenant


def _claim(outbox: Outbox, claims: list[uuid.UUID], limit: int) -> set[Pair]:
    """Lease lanes until there is enough to do. Whose events they hold: (conversation or None, tenant)."""
    by_lane: dict[int, list[Pair]] = {}
    for pair in _waiting(outbox).order_by("id").values_list("conversation_id", "tenant_id")[: limit * LOOK_AHEAD]:
        by_lane.setdefault((pair[0] or pair[1]).int % LANES, []).append(pair)
    lanes = {lane.number: lane for lane in OutboxLane.objects.filter(outbox=outbox.name)}
    numbers = list(by_lane)
    random.shuffle(numbers)  # two workers that come at once do not try the same lanes in the same order
    found: list[Pair] = []
    for number in numbers:
        if len(found) >= limit:
            break
        if held := _lease(outbox, number, lanes.get(number)):
            claims.append(held)
            found += by_lane[number]
    return set(found[:limit])


@retried
def _lease(outbox: Outbox, number: int, lane: OutboxLane | None) -> uuid.UUID | None:
    """The claim on the lane, or None where another worker has it."""
    if lane:
        leased = claim(lane, LEASE)
        return leased.claim if leased else None
    try:
        with atomic():
            lane = OutboxLane.objects.create(outbox=outbox.name, number=number, claim=new_id(), due_at=now() + LEASE)
    except IntegrityError as error:
        if not key_taken(error):
            raise
        return None  # another worker was the first in this lane
    return lane.claim


def _waiting(outbox: Outbox) -> Any:
    # unscoped: the outbox of all tenants goes out in one stream; each event carries its tenant
    return Event.objects.unscoped().filter(**{outbox.column: None})


def _waiting_of(outbox: Outbox, keys: set[Pair], limit: int) -> list[Event]:
    """Read again under the lease, by the numbers of the conversation and not by ids: ids of two machines
    may disagree with the order in which they committed."""
    conversations = [conversation for conversation, _ in keys if conversation]
    tenants = [tenant for conversation, tenant in keys if not conversation]
    events: list[Event] = []
    if conversations:
        of_conversations = _waiting(outbox).filter(conversation_id__in=conversations)
        events += of_conversations.order_by("conversation_id", "seq")[:limit]
    if tenants:
        alone = _waiting(outbox).filter(conversation_id=None, tenant_id__in=tenants)
        events += alone.order_by("id")[: max(1, limit - len(events))]
    return events
