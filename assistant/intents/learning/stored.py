"""Trainings in the database: who trains, and what was learnt, for every process.

Owns the rows TrainedModel and LearntNumbers. A change is learnt once: the process whose compare-and-set wins
trains, the others go on with the former model until the numbers are there. Must not train. Works on the tenant in
scope and on no other.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog
from django.db import IntegrityError

from assistant.intents.learning.training import FORMAT
from assistant.intents.versions.models import TrainingLane
from assistant.models import LearntNumbers, TrainedModel
from tenants.scope import current_tenant_id
from tenants.storage.db import atomic, now, retried

log = structlog.get_logger(__name__)

TRAINING = timedelta(seconds=60)  # then a process that trains is taken for dead; 3,000 examples take a second
MEANING = timedelta(minutes=15)  # the same of the second look, which takes 15,000 examples minutes
KEPT = (
    10  # versions whose numbers are kept, and can be gone back to; that of another release while one is rolled out, too
)
MOST_VERSIONS = 50
TOO_LARGE = "too_large_bytes"  # in a training's state: how large what could not be kept was
MOST_BYTES = 12 * 1024 * 1024  # of one model; MongoDB keeps no more in a document. What is larger is refused


def trainings() -> list[TrainedModel]:
    """The newest first."""
    return list(TrainedModel.objects.order_by("-version").defer("state", "metrics")[:MOST_VERSIONS])


def training_for(rows: Sequence[TrainedModel], digest: str) -> TrainedModel | None:
    return next((row for row in rows if row.examples_digest == digest), None)


def numbers_of(row: TrainedModel) -> bytes | None:
    """What was learnt there, unless that is not known yet or any more."""
    data = LearntNumbers.objects.filter(trained=row).values_list("npz", flat=True).first()
    return None if data is None else bytes(data)


def training_state(row: TrainedModel) -> str:
    """ "learning", "ready", or "too_large": its numbers passed MOST_BYTES, and what was kept before them, if anything, is
    all that other processes have of it."""
    if row.training_until:
        return "learning"
    return "too_large" if row.state.get(TOO_LARGE) else "ready"


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


def meaning_claim(version: uuid.UUID) -> TrainedModel | None:
    """The second look of a training is now the caller's to learn, for MEANING; None when another process does it, or has
    done so since, or it was refused as too large: it would be so again."""
    at = now()
    row = TrainedModel.objects.filter(id=version).defer("metrics").first()
    if row is None or row.state.get(TOO_LARGE) or (row.training_until and at < row.training_until <= at + MEANING):
        return None
    former, row.training_until = row.training_until, at + MEANING
    won = TrainedModel.objects.filter(id=row.id, training_until=former, trained_at=row.trained_at)
    return row if won.update(training_until=row.training_until) else None


def training_release(row: TrainedModel) -> None:
    """It failed: another process may try."""
    TrainedModel.objects.filter(id=row.id, training_until=row.training_until).update(training_until=None)


@retried
def numbers_keep(row: TrainedModel, npz: bytes) -> bool:
    """Keep what ``row``'s training has learnt, and forget old ones. False when its lease is another's by now. More than
    MOST_BYTES is refused: the training says so from then on, and what was kept of it before stays (the first look, where
    the second is too much)."""
    fits = len(npz) <= MOST_BYTES
    state = {**row.state, "format": FORMAT}
    if not fits:
        log.warning("assistant_too_large_to_keep", bytes=len(npz))
        state[TOO_LARGE] = len(npz)
    told = {"training_until": None, "trained_at": now(), "state": state}
    with atomic():
        ours = TrainedModel.objects.filter(id=row.id, training_until=row.training_until)
        if not ours.update(**told):
            return False
        if fits:
            LearntNumbers.objects.filter(trained=row).delete()
            LearntNumbers.objects.create(tenant_id=row.tenant_id, trained=row, npz=npz)
        ids = list(TrainedModel.objects.order_by("-version").values_list("id", flat=True)[: MOST_VERSIONS * 2])
        chosen = TrainingLane.objects.values_list("held_id", "against_id").first() or ()
        wanted = [row.id, *(one for one in chosen if one)]
        LearntNumbers.objects.filter(trained_id__in=ids[KEPT:]).exclude(trained_id__in=wanted).delete()
        TrainedModel.objects.filter(id__in=ids[MOST_VERSIONS:]).exclude(id__in=wanted).delete()
    return True
