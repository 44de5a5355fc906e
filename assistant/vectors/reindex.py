"""All vectors of a tenant are taken away, of whichever encoder, and its lane begins anew; or goes on where it was left."""

from __future__ import annotations

from assistant.models import Vector, VectorLane
from assistant.vectors import texts
from assistant.vectors.lanes import lanes_open, spoken
from assistant.vectors.rows import store, vectors_forget
from tenants.storage.batches import BATCH, More
from tenants.storage.db import now


def vectors_begin_anew(more: More) -> int:
    """How many were taken away. The lane is due at once, and no worker's. Raises StoreAway; again is harmless."""
    lanes_open()
    store().delete_all()  # also what no row leads to: of a database that was restored from a backup
    count = 0
    while more() and (gone := vectors_forget(Vector.objects.filter(id__in=_some()))):
        count += gone
    VectorLane.objects.exclude(model=texts.MODEL).delete()
    VectorLane.objects.update(messages_to=None, articles="")
    lane_take()
    return count


def lane_take() -> None:
    """The lane is due at once, and no worker's: one that has it stops at its next batch, one that was killed is not waited
    for."""
    lanes_open()
    VectorLane.objects.filter(model=texts.MODEL).update(claim=None, due_at=now())


def messages_left() -> int:
    """How many have yet to be looked at."""
    to = lane_of().messages_to
    return int((spoken().filter(created_at__gt=to) if to else spoken()).count())


def lane_of() -> VectorLane:
    """The lane of the tenant in scope, for the present encoder."""
    lane: VectorLane = VectorLane.objects.get(model=texts.MODEL)
    return lane


def _some() -> list[object]:
    return list(Vector.objects.order_by("id").values_list("id", flat=True)[:BATCH])
