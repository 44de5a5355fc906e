"""How far the vectors of each tenant are: whose turn it is, and the messages that were written since.

Nothing is written when a message is accepted: a worker looks at what has come. It may look at the same message again, and
makes no vector twice. Owns the lanes' leases. What articles are made of: assistant/knowledge/indexed.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import IntegrityError
from django.db.models import Q

from assistant.models import Vector, VectorLane
from assistant.vectors import texts
from assistant.vectors.port import StoreAway
from assistant.vectors.rows import Text, vectors_forget, vectors_keep
from conversations.models import Message
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.storage.batches import Failures, More
from tenants.storage.db import atomic, key_taken, now
from tenants.work.leases import claim_by_id, lease_longer, settle

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=2)
BATCH = 64  # texts that are made into vectors together: 0.1 s
SOON, LATER, AWAY = timedelta(seconds=15), timedelta(seconds=60), timedelta(minutes=2)  # the next look at a tenant
COMMITTED = timedelta(seconds=5)  # by then a message that has its time is there for all to see
AGAIN = timedelta(minutes=2)  # that are looked at once more, for one that took longer
LETTERS, WORDS = 12, 3  # a text that has fewer says too little to be like another

#: the part of a lane's work that other rooms do: called in the tenant's scope; how many vectors it made
Step = Callable[[VectorLane, More], int]


def vectors_go_on(more: More, steps: Sequence[Step]) -> int:
    """Make the vectors that are due, tenant by tenant; how many. What a store that is away holds up is tried again."""
    if not texts.available():
        return 0
    lanes_open()
    count, failures = 0, Failures()
    # unscoped: of all tenants; each goes on inside its own scope
    due = VectorLane.objects.unscoped().filter(model=texts.MODEL, due_at__lte=now()).order_by("due_at")
    for row_id, tenant_id in list(due.values_list("id", "tenant_id")[:500]):
        if more():
            with failures.apart(tenant=str(tenant_id)), tenant_scope(tenant_id), suppress(StoreAway):
                count += lane_go_on(row_id, more, steps)
    failures.tell()
    return count


def lane_go_on(lane_id: uuid.UUID, more: More, steps: Sequence[Step]) -> int:
    """How many vectors were made: 0 when the lane is not due or another worker's, or all is done. Raises StoreAway."""
    lane = claim_by_id(VectorLane, lane_id, LEASE)
    if lane is None:
        return 0
    try:
        count = sum(step(lane, more) for step in (_remade, _messages, *steps))
    except StoreAway as error:
        log.warning("vector_store_away", reason=str(error))
        settle(lane, due_at=now() + AWAY)
        raise
    except BaseException:
        settle(lane, due_at=now() + AWAY)
        raise
    settle(lane, due_at=now() + (SOON if count else LATER) if more() else now())
    return count


def kept(lane: VectorLane, **changes: object) -> bool:
    """Write down how far it is, and keep the lease. False when the lane is another worker's by now."""
    for name, value in changes.items():
        setattr(lane, name, value)
    if changes and not VectorLane.objects.filter(id=lane.id, claim=lane.claim).update(**changes):
        return False
    return lease_longer(lane, LEASE)


def lanes_open() -> None:
    """A lane for every active tenant."""
    # unscoped: which tenants have none yet
    known = set(VectorLane.objects.unscoped().filter(model=texts.MODEL).values_list("tenant_id", flat=True))
    active = Tenant.objects.filter(status=Tenant.Status.ACTIVE).values_list("id", flat=True)
    for tenant_id in [one for one in active if one not in known]:
        try:
            with tenant_scope(tenant_id), atomic():
                VectorLane.objects.create(tenant_id=tenant_id, model=texts.MODEL)
        except IntegrityError as error:
            if not key_taken(error):
                raise


def spoken() -> Any:
    """The messages of which there are vectors, as far as they say enough: what people and staff wrote."""
    rows = Message.objects.filter(conversation__kind="chat", deleted_at=None)
    return rows.filter(role__in=[Message.Role.VISITOR, Message.Role.AGENT])


def _messages(lane: VectorLane, more: More) -> int:
    """Of what people and staff wrote since the last look, the oldest first; at the beginning of all that is kept."""
    count, until, after = 0, now() - COMMITTED, None
    since = lane.messages_to - AGAIN if lane.messages_to else datetime.min.replace(tzinfo=until.tzinfo)
    while settings.ENV["VECTORS_OF_MESSAGES"] and more():
        rows = spoken().filter(created_at__gte=since, created_at__lte=until)
        if after:
            rows = rows.filter(Q(created_at__gt=after[0]) | Q(id__gt=after[1]))
        found = list(
            rows.order_by("created_at", "id").values_list("created_at", "id", "text", "conversation_id")[:BATCH]
        )
        count += _batch([Text(id, text, 0, talk) for _, id, text, talk in found if _says_enough(text)])
        if len(found) < BATCH:
            kept(lane, messages_to=until)
            break
        after = since, _ = found[-1][:2]
        if not kept(lane, messages_to=max(since, lane.messages_to or since)):
            break
    return count


def _batch(given: Sequence[Text]) -> int:
    refs = [one.ref_id for one in given]
    there = Vector.objects.filter(model=texts.MODEL, kind=Vector.Kind.MESSAGE, ref_id__in=refs)
    made = set(there.values_list("ref_id", flat=True)) if refs else set()
    count = vectors_keep(Vector.Kind.MESSAGE, [one for one in given if one.ref_id not in made])
    if count:
        _gone_forget(refs)
    return count


def _gone_forget(refs: Sequence[uuid.UUID]) -> None:
    """Messages that were deleted while their vectors were made."""
    left = set(Message.objects.filter(id__in=refs, deleted_at=None).values_list("id", flat=True))
    if gone := [one for one in refs if one not in left]:
        vectors_forget(Vector.objects.filter(ref_id__in=gone, kind=Vector.Kind.MESSAGE))


def _remade(lane: VectorLane, more: More) -> int:
    """What was edited or deleted since its vector was made, and what a worker that was lost has begun."""
    count = 0
    while more():
        waiting = Vector.objects.filter(stored=False, kind=Vector.Kind.MESSAGE)
        refs = list(waiting.values_list("ref_id", flat=True)[:BATCH])
        if not refs:
            break
        vectors_forget(Vector.objects.filter(ref_id__in=refs, kind=Vector.Kind.MESSAGE))
        rows = Message.objects.filter(id__in=refs, deleted_at=None).values_list("id", "text", "conversation_id")
        count += vectors_keep(
            Vector.Kind.MESSAGE, [Text(id, text, 0, talk) for id, text, talk in rows if _says_enough(text)]
        )
        _gone_forget(refs)
        if not kept(lane):
            break
    return count


def _says_enough(text: str) -> bool:
    return len(text) >= LETTERS and (len(text.split()) >= WORDS or not text.isascii())
