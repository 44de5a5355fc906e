"""A training that people asked for: what is taught now is learnt, by letters and by meaning, and measured beside the version
that answers, or another.

Owns whose turn it is, how far it is, and its end; the work is done in a process of its own (assistant/intents/learning/apart.py).
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db.models import F

from assistant.embeddings.encoders import model_of, name_for
from assistant.intents import lessons
from assistant.intents.learning import stored
from assistant.intents.learning.apart import LearningFailed, Told
from assistant.intents.learning.arrays import FAULTS, taught_of
from assistant.intents.learning.training import Example
from assistant.intents.versions.held import held, is_readable, lane_open, version_get, version_learnt
from assistant.intents.versions.models import TrainingLane
from assistant.models import LearntNumbers, TrainedModel
from conversations.timeline import system_event
from tenants.errors import Conflict
from tenants.scope import current_tenant_id, tenant_scope
from tenants.storage.batches import Failures, More
from tenants.storage.db import atomic, now, retried
from tenants.tenant_settings import settings_for
from tenants.work.leases import LeaseLost, claim_by_id, put_off, settle

log = structlog.get_logger(__name__)

LEASE = timedelta(minutes=5)  # of a worker that tells nothing: more than a first look takes, and the wait for another's
MOST_TRIES = 3  # workers that end over it
LOOK_AGAIN_S = 1.0  # while another process learns the second look
ENDED = "chat.system.training_ended"
_going = threading.Lock()  # one thread of a process is enough: they would wait for each other


#: measures lessons, and others by their examples, on the same texts (assistant/builtin/evaluation.py)
Evaluate = Callable[[lessons.Lessons, Sequence[Sequence[Example]], Told], list[dict[str, Any]]]


class Stopping(Exception):
    """The worker ends: another goes on."""


def lane_of() -> TrainingLane | None:
    """The training that was asked for last in the tenant in scope; None: none ever was."""
    return TrainingLane.objects.exclude(state=TrainingLane.State.NONE).select_related("trained", "against").first()


@retried
def training_ask(against: uuid.UUID | None = None) -> TrainingLane:
    """To be begun by a worker within seconds. ``against``: the version to compare with; otherwise what answers, or answered
    before. Raises Conflict ``training_busy``; NotFound and Conflict as `version_learnt`."""
    other = version_get(against) if against else None
    if other:
        version_learnt(other)
    lane_open()
    asked = TrainingLane.objects.exclude(state__in=TrainingLane.OPEN).update(
        state=TrainingLane.State.QUEUED, stage="", percent=0, code="", tries=0, asked_at=now(), ended_at=None, trained=None,
        against=other, due_at=now(), claim=None,
    )  # fmt: skip
    if not asked:
        raise Conflict("A training is under way.", code="training_busy")
    return TrainingLane.objects.select_related("trained", "against").get()


def trainings_go_on(more: More, evaluate: Evaluate) -> int:
    """Do what is due, one training after the other. How many were brought to their end."""
    if not _going.acquire(blocking=False):
        return 0
    try:
        count, failures = 0, Failures()
        # unscoped: of all tenants; each is done inside its own scope
        rows = TrainingLane.objects.unscoped().filter(state__in=TrainingLane.OPEN, due_at__lte=now())
        for row_id, tenant_id in list(rows.order_by("due_at", "id").values_list("id", "tenant_id")[:200]):
            if more():
                with failures.apart(tenant=str(tenant_id)), tenant_scope(tenant_id):
                    count += training_go_on(row_id, more, evaluate)
        failures.tell()
        return count
    finally:
        _going.release()


def training_go_on(lane_id: uuid.UUID, more: More, evaluate: Evaluate) -> bool:
    """Whether it came to its end: not where it is not due or another worker's, or ``more`` said no."""
    lane = claim_by_id(TrainingLane, lane_id, LEASE)
    if lane is None:
        return False
    TrainingLane.objects.filter(id=lane.id, claim=lane.claim).update(tries=F("tries") + 1)
    if lane.tries >= MOST_TRIES:
        return _end(lane, None, "worker_lost")
    try:
        row, metrics = _trained(lane, more, evaluate)
    except LeaseLost:
        return False
    except Stopping:
        put_off(lane, now(), tries=lane.tries)
        return False
    except LearningFailed as error:
        log.warning("training_failed", reason=str(error))
        return _end(lane, None, "training_failed")
    except BaseException:
        put_off(lane, now() + LEASE)
        raise
    if row is None:
        return _end(lane, None, "training_not_kept")
    TrainedModel.objects.filter(id=row.id).update(metrics=metrics)
    return _end(lane, row, "")


def _trained(lane: TrainingLane, more: More, evaluate: Evaluate) -> tuple[TrainedModel | None, dict[str, Any]]:
    _teller(lane, more, TrainingLane.Stage.LETTERS, 0, 10)(0.0)
    known = lessons.newest()
    row = TrainedModel.objects.filter(id=known.version).first()
    if row is None:
        return None, {}
    if settings.ENV["ASSISTANT_MEANING"]:
        _second(known, _teller(lane, more, TrainingLane.Stage.MEANING, 10, 40))
    other = _other(lane, row)
    taught = other and _taught(other)
    mine, *others = evaluate(
        known, [taught] if taught else [], _teller(lane, more, TrainingLane.Stage.MEASURING, 40, 100)
    )
    if other and others:
        names = ("precision", "recall", "answered", "looks", "confusion")
        against = {name: others[0][name] for name in names}
        mine["against"] = {"training_id": str(other.id), "version": other.version, **against}
    return row, mine


def _second(known: lessons.Lessons, tell: Told) -> None:
    """Learnt here, or by another process while this one waits."""
    network = name_for(settings_for(current_tenant_id()).languages)
    tell(0.0)
    if known.learnt.second and known.learnt.second.model == model_of(network):
        return
    assert known.version
    row = stored.meaning_claim(known.version)
    if row:
        lessons.second_keep(known, row, network, tell)
        return
    while TrainedModel.objects.filter(id=known.version, training_until__gt=now()).exists():
        time.sleep(LOOK_AGAIN_S)
        tell(0.0)


def _other(lane: TrainingLane, row: TrainedModel) -> TrainedModel | None:
    """What it is compared with: the version asked for, or that answers, or that answered before."""
    if lane.against_id:
        return lane.against
    chosen = held()
    if chosen and chosen.row.id != row.id:
        return chosen.row
    kept = LearntNumbers.objects.exclude(trained=row).order_by("-trained__version").select_related("trained")
    return next((one.trained for one in kept.defer("npz") if is_readable(one.trained)), None)


def _taught(row: TrainedModel) -> Sequence[Example] | None:
    npz = stored.numbers_of(row)
    try:
        return taught_of(npz) if npz else None
    except FAULTS as error:
        log.warning("assistant_not_loaded", error=type(error).__name__)
        return None


def _teller(lane: TrainingLane, more: More, stage: TrainingLane.Stage, begin: int, end: int) -> Told:
    """Writes down how far it is, and keeps the lease. What it raises ends the process that learns."""

    def tell(share: float) -> None:
        if not more():
            raise Stopping
        told = {"stage": stage, "percent": int(begin + (end - begin) * share), "due_at": now() + LEASE}
        if not TrainingLane.objects.filter(id=lane.id, claim=lane.claim, state=TrainingLane.State.RUNNING).update(
            **told
        ):
            raise LeaseLost

    return tell


@retried
def _end(lane: TrainingLane, row: TrainedModel | None, code: str) -> bool:
    state = TrainingLane.State.FAILED if code else TrainingLane.State.DONE
    percent = {} if code else {"percent": 100}
    with atomic():
        if not settle(lane, state=state, code=code, trained=row, ended_at=now(), **percent):
            return False
        told = {"training_id": str(row.id), "version": row.version} if row else {}
        system_event(lane.tenant_id, ENDED, {"state": state.value, "code": code, **told})
    return True
