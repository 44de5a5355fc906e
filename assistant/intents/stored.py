"""Trainings in the database: who trains, and what was learnt, for every process.

Owns the rows TrainedModel and LearntNumbers. A change is learnt once: the process whose compare-and-set wins
trains, the others go on with the former model until the numbers are there. Must not train. Works on the tenant in
scope and on no other.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog
from django.db import IntegrityError

from assistant.models import LearntNumbers, TrainedModel
from tenants.scope import current_tenant_id
from tenants.storage.db import atomic, now, retried

log = structlog.get_logger(__name__)

TRAINING = timedelta(seconds=60)  # then a process that trains is taken for dead; 3,000 examples take a second
KEPT = 3  # versions whose numbers are kept: this, the former, and that of another release while one is rolled out
MOST_VERSIONS = 50
MOST_BYTES = 12 * 1024 * 1024  # of one model; MongoDB keeps no more in a document. What is larger is not kept


def trainings() -> list[TrainedModel]:
    """The newest first."""
    return list(TrainedModel.objects.order_by("-version").defer("state", "metrics")[:MOST_VERSIONS])


def training_for(rows: Sequence[TrainedModel], digest: str) -> TrainedModel | None:
    return next((row for row in rows if row.examples_digest == digest), None)


def numbers_of(row: TrainedModel) -> bytes | None:
    """What was learnt there, unless that is not known yet or any more."""
    data = LearntNumbers.objects.filter(trained=row).values_list("npz", flat=True).first()
    return None if data is None else bytes(data)


def former_numbers() -> bytes | None:
    """What was learnt last."""
    data = LearntNumbers.objects.order_by("-trained__version").values_list("npz", flat=True).first()
    return None if data is None else bytes(data)


def training_claim(rows: Sequence[TrainedModel], digest: str, state: dict[str, Any]) -> TrainedModel | None:
    """The training that is now the caller's to do, for TRAINING; None when another process does it. ``rows`` are
    `trainings`, read before."""
    at = now()
    row = training_for(rows, digest)
    if row is None:
        return _training_create(rows, digest, state)
    former = row.training_until
    if former and at < former <= at + TRAINING:  # one that ends later was made before the clock went back
        return None
    row.training_until = at + TRAINING
    won = TrainedModel.objects.filter(id=row.id, training_until=former).update(training_until=row.training_until)
    return row if won else None


def _training_create(rows: Sequence[TrainedModel], digest: str, state: dict[str, Any]) -> TrainedModel | None:
    """The unique number decides between two that begin at once."""
    version = rows[0].version + 1 if rows else 1
    lease = now() + TRAINING
    try:
        with atomic():
            return TrainedModel.objects.create(
                tenant_id=current_tenant_id(),
                version=version,
                examples_digest=digest,
                state=state,
                training_until=lease,
            )
    except IntegrityError:
        return None


def training_release(row: TrainedModel) -> None:
    """It failed: another process may try."""
    TrainedModel.objects.filter(id=row.id, training_until=row.training_until).update(training_until=None)


@retried
def numbers_keep(row: TrainedModel, npz: bytes) -> bool:
    """Keep what ``row``'s training has learnt, and forget old ones. False when its lease is another's by now."""
    if len(npz) > MOST_BYTES:
        log.warning("assistant_too_large_to_keep", bytes=len(npz))
        npz = b""
    with atomic():
        ours = TrainedModel.objects.filter(id=row.id, training_until=row.training_until)
        if not ours.update(training_until=None, trained_at=now()):
            return False
        LearntNumbers.objects.filter(trained=row).delete()
        if npz:
            LearntNumbers.objects.create(tenant_id=row.tenant_id, trained=row, npz=npz)
        ids = list(TrainedModel.objects.order_by("-version").values_list("id", flat=True)[: MOST_VERSIONS * 2])
        LearntNumbers.objects.filter(trained_id__in=ids[KEPT:]).exclude(trained=row).delete()
        TrainedModel.objects.filter(id__in=ids[MOST_VERSIONS:]).exclude(id=row.id).delete()
    return True
