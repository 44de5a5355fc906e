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
from functools import partial
from typing import Any

from django.db import IntegrityError

from conversations.models import Event
from messaging.models import OutboxLane
from tenants.storage import prepared
from tenants.storage.db import atomic, key_taken, new_id, now, retried

BATCH = 500  # events handed on at once: what is in memory at a time
LANES = 16
LOOK_AHEAD = 4  # times the batch: what several workers find to share out
LEASE = timedelta(seconds=60)  # longer than any sink may take
NO_ROW = [uuid.UUID(int=number) for number in range(BATCH)].__getitem__
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


def drain(outbox: Outbox, hand_on: HandOn, limit: int = BATCH, also: Sequence[Outbox] = ()) -> int:
    """Hand on the oldest waiting events, at most ``limit``. Returns how many were taken; 0 as well when
    others hold all lanes that have any. ``also``: further outboxes in which what was taken need not wait."""
    claim = new_id()
    keys = _claim(outbox, claim, limit)
    if not keys:
        return 0
    try:
        taken = hand_on(_waiting_of(outbox, keys, limit))
        _settle((outbox, *also), taken, claim)
    except BaseException:
        _release(claim)
        raise
    return len(taken)


@retried
def _settle(outboxes: Sequence[Outbox], taken: Collection[Event], claim: uuid.UUID) -> None:
    """Marks and the end of the lease are one commit."""
    with atomic():
        _mark(outboxes, taken)
        _release(claim)


def _release(claim: uuid.UUID) -> None:
    prepared.update(OutboxLane, {"claim": claim}, {"due_at": now(), "claim": None})


def _mark(outboxes: Sequence[Outbox], events: Collection[Event]) -> None:
    """These need not be handed on any more."""
    at = now()
    # unscoped: the outbox of all tenants goes out in one stream; these very rows were handed on
    own = Event.objects.unscoped().filter(id__in=[event.id for event in events])
    own.update(**{outbox.column: at for outbox in outboxes})


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


LANES_OF = prepared.Select(OutboxLane, lambda rows, outbox: rows.filter(outbox=outbox).values_list("number", "due_at"))
#: per outbox, whose events wait, the oldest first; the events of conversations; those of no conversation
# unscoped: the outbox of all tenants goes out in one stream; each event carries its tenant
WHOSE, TOLD_IN, TOLD_APART = (
    {
        outbox: prepared.Select(Event, partial(build, outbox.column), all_tenants=True)
        for outbox in (PUBLISHED, STREAMED)
    }
    for build in (
        lambda column, rows: rows.filter(**{column: None}).order_by("id").values_list("conversation_id", "tenant_id"),
        lambda column, rows, conversations: rows.filter(**{column: None}, conversation_id__in=conversations).order_by(
            "conversation_id", "seq"
        ),
        lambda column, rows, tenants: rows.filter(
            **{column: None}, conversation_id=None, tenant_id__in=tenants
        ).order_by("id"),
    )
)
HELD_BY = prepared.Select(OutboxLane, lambda rows, claim: rows.filter(claim=claim).values_list("number", flat=True))


def _claim(outbox: Outbox, claim: uuid.UUID, limit: int) -> set[Pair]:
    """Lease free lanes with enough to do. Whose events they hold: (conversation or None, tenant)."""
    by_lane: dict[int, list[Pair]] = {}
    for pair in WHOSE[outbox].run(most=limit * LOOK_AHEAD):
        by_lane.setdefault((pair[0] or pair[1]).int % LANES, []).append(pair)
    if not by_lane:
        return set()
    free = [number for number in _free(outbox) if number in by_lane]
    random.shuffle(free)  # two workers that come at once do not choose the same lanes
    chosen: list[int] = []
    count = 0
    for number in free:
        if count >= limit:
            break
        chosen.append(number)
        count += len(by_lane[number])
    found = [pair for number in _lease(outbox, claim, chosen) for pair in by_lane[number]]
    return set(found[:limit])


def _free(outbox: Outbox) -> list[int]:
    """The lanes that no worker holds: those of others are not even tried."""
    lanes = LANES_OF.run(outbox=outbox.name)
    if len(lanes) < LANES:
        _make(outbox, set(range(LANES)) - {number for number, _ in lanes})
        lanes = LANES_OF.run(outbox=outbox.name)
    at = now()
    return [number for number, due_at in lanes if due_at <= at]


@retried
def _make(outbox: Outbox, numbers: Collection[int]) -> None:
    """The rows of lanes, once in the life of a database."""
    try:
        with atomic():
            prepared.insert([OutboxLane(outbox=outbox.name, number=number) for number in sorted(numbers)])
    except IntegrityError as error:
        if not key_taken(error):  # by another worker that makes them at this moment
            raise


@retried
def _lease(outbox: Outbox, claim: uuid.UUID, numbers: Sequence[int]) -> Sequence[int]:
    """Lease what of these lanes is still free, by one compare-and-set. Which ones were."""
    if not numbers:
        return ()
    at = now()
    free = {"outbox": outbox.name, "number__in": numbers, "due_at__lte": at}
    count = prepared.update(OutboxLane, free, {"claim": claim, "due_at": at + LEASE})
    return numbers if count == len(numbers) else HELD_BY.run(claim=claim)


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
        events += TOLD_IN[outbox].run(conversations=_filled(conversations), most=limit)
    if tenants:
        events += TOLD_APART[outbox].run(tenants=_filled(tenants), most=max(1, limit - len(events)))
    return events


def _filled(ids: list[uuid.UUID]) -> list[uuid.UUID]:
    """With ids that no row has, up to a power of two: so few shapes of the statement are kept."""
    return [*ids, *map(NO_ROW, range((1 << (len(ids) - 1).bit_length()) - len(ids)))]
