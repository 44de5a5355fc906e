"""Which version answers: the newest, or one that people chose instead and may have pinned.

Owns that decision, its event and its entry in the audit trail. Must not train, nor load what was learnt. Works on the tenant
in scope; every process sees a decision with its next look at the rows (assistant/intents/lessons.py).
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from django.db import IntegrityError

from assistant.intents.learning.training import FORMAT
from assistant.intents.skills import digest_of, read_facts, read_skills
from assistant.intents.versions.models import TrainingLane
from assistant.models import LearntNumbers, TrainedModel
from conversations.timeline import system_event
from tenants.errors import Conflict, NotFound
from tenants.scope import current_tenant_id
from tenants.storage.db import atomic, key_taken, now, retried
from tenants.trail.audit import audit

CHANGED = "chat.system.model_changed"
NOTHING_HELD: dict[str, Any] = {"held": None, "held_since": None, "pinned": False, "instead_of": ""}


@dataclass(frozen=True)
class Held:
    """A version that was chosen; ``since`` when, ``usable`` False where this release cannot read it: the newest answers."""

    row: TrainedModel
    since: datetime
    pinned: bool
    instead_of: str

    @property
    def usable(self) -> bool:
        return is_readable(self.row)


def held() -> Held | None:
    """One statement."""
    lane = TrainingLane.objects.filter(held__isnull=False).select_related("held").first()
    if lane is None or lane.held is None:
        return None
    return Held(lane.held, lane.held_since or lane.held.trained_at, lane.pinned, lane.instead_of)


def held_stamp() -> Any:
    """Changes with every decision; None where the newest answers."""
    return TrainingLane.objects.filter(held__isnull=False).values_list("held_id", "held_since", "pinned").first()


def held_for(digest: str) -> TrainedModel | None:
    """The version to answer from where the rows teach ``digest``; None: the newest. What was chosen until something else is
    taught is over with that."""
    found = held()
    if found is None:
        return None
    if not found.pinned and found.instead_of != digest:
        _replaced(found)
        return None
    return found.row if found.usable else None


def is_readable(row: TrainedModel) -> bool:
    """Whether this release takes its numbers for what they are."""
    return row.state.get("format") == FORMAT


def version_get(training_id: uuid.UUID) -> TrainedModel:
    """Raises NotFound ``training_not_found``."""
    row: TrainedModel | None = TrainedModel.objects.filter(id=training_id).first()
    if row is None:
        raise NotFound("There is no such training.", code="training_not_found")
    return row


def version_learnt(row: TrainedModel) -> None:
    """Raises Conflict ``training_not_kept`` where what it learnt is kept no longer, ``training_other_release`` where another
    release learnt it."""
    if not LearntNumbers.objects.filter(trained=row).exists():
        raise Conflict("What this version learnt is not kept: train anew.", code="training_not_kept")
    if not is_readable(row):
        raise Conflict("Another release has learnt this version: train anew.", code="training_other_release")


@retried
def version_activate(row: TrainedModel, *, pinned: bool) -> None:
    """Let it answer from now on, in every process. Raises Conflict as `version_learnt`.

    The newest needs no decision to answer: unless it is to be pinned, the one before is taken back.
    """
    version_learnt(row)
    taught = digest_of(read_skills(), read_facts())
    if row.examples_digest == taught and not pinned:
        version_release()
        return
    chosen = {"held": row, "held_since": now(), "pinned": pinned, "instead_of": "" if pinned else taught}
    lane_open()
    with atomic():
        TrainingLane.objects.update(**chosen)
        _tell(row, pinned, "activated")


@retried
def version_release() -> bool:
    """Back to the newest. False where that is so already."""
    with atomic():
        lane = TrainingLane.objects.filter(held__isnull=False).select_related("held").first()
        if lane is None or lane.held is None:
            return False
        if not TrainingLane.objects.filter(held=lane.held, held_since=lane.held_since).update(**NOTHING_HELD):
            return False
        _tell(lane.held, lane.pinned, "released")
    return True


def lane_open() -> None:
    """The tenant's row, for statements that change it."""
    if TrainingLane.objects.exists():
        return
    try:
        with atomic():
            TrainingLane.objects.create(tenant_id=current_tenant_id())
    except IntegrityError as error:
        if not key_taken(error):
            raise


@retried
def _replaced(found: Held) -> None:
    """One process tells it."""
    with atomic():
        same = TrainingLane.objects.filter(
            held=found.row, held_since=found.since, pinned=False, instead_of=found.instead_of
        )
        if same.update(**NOTHING_HELD):
            _tell(found.row, False, "replaced")
            audit("system", "trainedmodel.replaced", found.row, {"version": found.row.version})


def _tell(row: TrainedModel, pinned: bool, why: Literal["activated", "released", "replaced"]) -> None:
    facts = {"training_id": str(row.id), "version": row.version, "pinned": pinned, "why": why}
    system_event(row.tenant_id, CHANGED, facts)
