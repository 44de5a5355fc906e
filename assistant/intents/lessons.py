"""What one tenant's assistant knows right now: what its rows say, and what was learnt from them.

Owns remembering it in this process until the rows change, and when it is learnt anew. Must not decide what is
said. Everything here works on the tenant in scope and on no other; no tenant waits for another's training.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError

from assistant import knowledge
from assistant.features import Features
from assistant.intents import apart, stored, training
from assistant.intents.arrays import FAULTS, Learnt, pack, unpack
from assistant.intents.skills import Skill, digest_of, examples_of, read_facts, read_skills, rows_stamp
from tenants.scope import current_tenant_id

log = structlog.get_logger(__name__)

CHECK_EVERY_S = 5.0  # how long a change made by another process may stay unseen
LOOK_AGAIN_S = 0.5  # while another process trains
FIRST_WAIT_S = 5.0  # that a tenant's very first answer waits for a training elsewhere; then it is done here as well
MAX_REMEMBERED = 1000  # tenants, however small; ASSISTANT_MEMORY_MB is the bound that is met first
TEXT_BYTES = 500  # per example: its text and what else is not an array, roughly


@dataclass(frozen=True)
class Lessons:
    """All of it, ready to answer from. Never changed: a change makes new lessons."""

    digest: str  # SHA-256 of everything learnt from
    skills: Mapping[str, Skill]
    learnt: Learnt

    @property
    def features(self) -> Features:
        return self.learnt.classifier.features

    @property
    def classifier(self) -> training.Classifier:
        return self.learnt.classifier

    @property
    def knowledge(self) -> knowledge.Knowledge:
        return self.learnt.knowledge


@dataclass
class _Remembered:
    lessons: Lessons | None = None
    stamp: Any = None  # of the rows, when they were read; None: look at them again
    look_at: float = 0.0  # monotonic
    size: int = 0  # bytes, roughly
    lock: threading.Lock = field(default_factory=threading.Lock)


_remembered: OrderedDict[uuid.UUID, _Remembered] = OrderedDict()  # the least recently used first
_lock = threading.Lock()  # guards the dict; never held for long


def lessons(*, newest: bool = False) -> Lessons:
    """The lessons of the tenant in scope: two small queries every CHECK_EVERY_S, else none.

    When something has changed, one thread of one process learns anew and the others go on with what was known;
    with ``newest`` the caller waits instead.
    """
    entry = _entry(current_tenant_id())
    if (newest or _is_due(entry)) and entry.lock.acquire(blocking=newest or entry.lessons is None):
        try:
            if newest or _is_due(entry):
                _look(entry, newest)
        finally:
            entry.lock.release()
        _forget_least_used()
    assert entry.lessons is not None
    return entry.lessons


def invalidate(tenant_id: uuid.UUID) -> None:
    """Call after a change of intents or knowledge: this process sees it at once, others within CHECK_EVERY_S."""
    with _lock:
        entry = _remembered.get(tenant_id)
    if entry is not None:
        entry.stamp, entry.look_at = None, 0.0


def forget_all() -> None:
    """Forget every tenant's lessons (tests, cache flush)."""
    with _lock:
        _remembered.clear()


def learn(skills: Mapping[str, Skill], facts: Sequence[knowledge.Fact]) -> Lessons:
    """Train on these. About 1.5 s for 500 examples. Raises LearningFailed."""
    started = time.monotonic()
    examples = examples_of(skills, facts)
    learnt = apart.learnt(examples, facts)
    took = int((time.monotonic() - started) * 1000)
    log.info("assistant_trained", intents=len(skills), examples=len(examples), facts=len(facts), took_ms=took)
    return Lessons(digest_of(skills, facts), skills, learnt)


# ------------------------------------------------------------------------------ memory


def _entry(tenant_id: uuid.UUID) -> _Remembered:
    with _lock:
        entry = _remembered.setdefault(tenant_id, _Remembered())
        _remembered.move_to_end(tenant_id)
        return entry


def _is_due(entry: _Remembered) -> bool:
    return entry.lessons is None or time.monotonic() >= entry.look_at


def _forget_least_used() -> None:
    most = settings.ENV["ASSISTANT_MEMORY_MB"] * 1024 * 1024
    with _lock:
        size = sum(entry.size for entry in _remembered.values())
        while len(_remembered) > 1 and (len(_remembered) > MAX_REMEMBERED or size > most):
            size -= _remembered.popitem(last=False)[1].size


# ---------------------------------------------------------------------------- changes


def _look(entry: _Remembered, newest: bool) -> None:
    """Take up what has changed since the last look."""
    stamp = rows_stamp()
    if entry.lessons is None or stamp != entry.stamp:
        entry.lessons, current = _catch_up(entry.lessons, newest)
        entry.stamp = stamp if current else None
        entry.size = entry.lessons.learnt.size + TEXT_BYTES * sum(
            len(s.examples) for s in entry.lessons.skills.values()
        )
    entry.look_at = time.monotonic() + (CHECK_EVERY_S if entry.stamp else LOOK_AGAIN_S)


def _catch_up(former: Lessons | None, newest: bool) -> tuple[Lessons, bool]:
    """What the rows teach, and whether that is all of it: while another process trains it is the former."""
    skills, facts = read_skills(), read_facts()
    digest = digest_of(skills, facts)
    if former and former.digest == digest:
        return _reworded(former, skills, facts), True
    begun = time.monotonic()
    while True:
        rows = stored.trainings()
        row = stored.training_for(rows, digest)
        known = row and _loaded(stored.numbers_of(row), digest, skills, facts)
        if known:
            return known, True
        claimed = stored.training_claim(rows, digest, _state(skills, facts))
        if claimed:
            return _learn_and_keep(claimed, skills, facts), True
        if not newest:
            earlier = former or _loaded(stored.former_numbers(), "", skills, facts)
            if earlier:
                return earlier, False
            if time.monotonic() - begun > FIRST_WAIT_S:
                return learn(skills, facts), True
        time.sleep(LOOK_AGAIN_S / 5)


def _reworded(former: Lessons, skills: Mapping[str, Skill], facts: Sequence[knowledge.Fact]) -> Lessons:
    """Other replies, the same lessons."""
    known = replace(former.knowledge, facts=knowledge.in_order(facts))
    return Lessons(former.digest, skills, replace(former.learnt, knowledge=known))


def _loaded(
    npz: bytes | None, digest: str, skills: Mapping[str, Skill], facts: Sequence[knowledge.Fact]
) -> Lessons | None:
    if npz is None:
        return None
    try:
        return Lessons(digest, skills, unpack(npz, skills, examples_of(skills, facts), knowledge.in_order(facts)))
    except FAULTS as error:
        log.warning("assistant_not_loaded", error=type(error).__name__)
        return None


def _learn_and_keep(row: Any, skills: Mapping[str, Skill], facts: Sequence[knowledge.Fact]) -> Lessons:
    try:
        known = learn(skills, facts)
    except BaseException:
        stored.training_release(row)
        raise
    try:
        stored.numbers_keep(row, pack(known.learnt))
    except DatabaseError as error:  # it answers here all the same; others train when the lease has ended
        log.warning("assistant_not_kept", error=type(error).__name__)
    return known


def _state(skills: Mapping[str, Skill], facts: Sequence[knowledge.Fact]) -> dict[str, Any]:
    return {"intents": {skill.name: len(skill.examples) for skill in skills.values()}, "facts": len(facts)}
