"""What one tenant's assistant knows right now: what its rows say, and what was learnt from them.

Owns remembering it in this process until the rows change, and when it is learnt anew. Must not decide what is
said. Everything here works on the tenant in scope and on no other; no tenant waits for another's training.
"""

from __future__ import annotations

import atexit
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import structlog
from django.conf import settings
from django.db import DatabaseError, connections

from assistant.embeddings.encoders import encoder_of, is_loaded, model_of, name_for
from assistant.features import Features
from assistant.intents.coverage import Coverage, coverage_of
from assistant.intents.learning import apart, stored, training
from assistant.intents.learning.arrays import FAULTS, Learnt, pack, taught_of, unpack
from assistant.intents.skills import Skill, digest_of, examples_of, read_facts, read_skills, rows_stamp
from assistant.intents.spelling import Spelling, spelling_of
from assistant.intents.tongues import tongues_of
from assistant.intents.versions.held import held_for, held_stamp
from assistant.knowledge import facts as knowledge
from assistant.models import TrainedModel
from tenants.scope import current_tenant_id, tenant_scope
from tenants.tenant_settings import settings_for

log = structlog.get_logger(__name__)

BESIDE = "meaning"  # the name of a thread that learns a second look
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
    version: uuid.UUID | None = None  # the TrainedModel whose numbers these are
    taught: Sequence[training.Example] = ()  # of a version that was chosen instead of the newest, what it was taught

    @property
    def features(self) -> Features:
        return self.learnt.classifier.features

    @property
    def classifier(self) -> training.Classifier:
        return self.learnt.classifier

    @cached_property
    def spelling(self) -> Spelling:
        """Of the words that are taught; made with the first text that needs it."""
        return spelling_of(example.text for example in self.examples)

    @cached_property
    def coverage(self) -> Coverage:
        """Of what is taught; made with the first text whose meaning is in doubt."""
        return coverage_of(self.examples)

    @cached_property
    def tongues(self) -> Mapping[str, frozenset[str]]:
        """Words of what the tenant has written in a language, and in which: of replies, titles and questions of intents, and of
        articles."""
        return tongues_of(self.skills.values(), self.knowledge.facts)

    @property
    def examples(self) -> Sequence[training.Example]:
        return self.taught or examples_of(self.skills, self.knowledge.facts)

    @property
    def knowledge(self) -> knowledge.Knowledge:
        return self.learnt.knowledge


@dataclass
class _Remembered:
    lessons: Lessons | None = None
    waits_for: uuid.UUID | None = None  # the version whose second look is being learnt, here or elsewhere
    stamp: Any = None  # of the rows, when they were read; None: look at them again
    look_at: float = 0.0  # monotonic
    size: int = 0  # bytes, roughly
    lock: threading.Lock = field(default_factory=threading.Lock)


_remembered: OrderedDict[uuid.UUID, _Remembered] = OrderedDict()  # the least recently used first
_lock = threading.Lock()  # guards the dict; never held for long
_learning: dict[
    uuid.UUID, tuple[uuid.UUID, TrainedModel]
] = {}  # training → tenant and claim, of second looks under way


def lessons() -> Lessons:
    """The lessons of the tenant in scope: three small queries every CHECK_EVERY_S, else none.

    When something has changed, one thread of one process learns anew and the others go on with what was known.
    """
    entry = _entry(current_tenant_id())
    if _is_due(entry) and entry.lock.acquire(blocking=entry.lessons is None):
        try:
            if _is_due(entry):
                _look(entry)
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


def _look(entry: _Remembered) -> None:
    """Take up what has changed since the last look."""
    chosen = held_stamp()
    stamp = [rows_stamp(), chosen]
    if entry.lessons is None or stamp != entry.stamp:
        entry.lessons, current = _catch_up(entry.lessons, bool(chosen))
        entry.stamp = stamp if current else None
        entry.size = entry.lessons.learnt.size + TEXT_BYTES * sum(
            len(s.examples) for s in entry.lessons.skills.values()
        )
    if entry.stamp and settings.ENV["ASSISTANT_MEANING"]:
        _second_look(entry)
    entry.look_at = time.monotonic() + (CHECK_EVERY_S if entry.stamp else LOOK_AGAIN_S)


def _second_look(entry: _Remembered) -> None:
    """Have it learnt in the background, where it is missing, or take it up where another process has learnt it."""
    known = entry.lessons
    if known is None or known.version is None:
        return
    network = name_for(settings_for(current_tenant_id()).languages)
    if known.learnt.second and known.learnt.second.model == model_of(network):
        return
    if entry.waits_for == known.version:
        entry.lessons = _with_second(known)
    elif row := stored.meaning_claim(known.version):
        _beside(_second_learn, entry, current_tenant_id(), known, row, network)
    entry.waits_for = known.version


def _load_beside(model: str) -> None:
    """The network that a second look needs, in a thread of its own: the person who writes first does not wait a second for
    it, nor who comes after."""
    threading.Thread(target=encoder_of, args=(model,), name="encoder", daemon=True).start()


def _beside(work: Callable[..., None], *given: Any) -> None:
    threading.Thread(target=work, args=given, name=BESIDE, daemon=True).start()


def second_looks_awaited() -> None:
    """Until those that this process learns are learnt: for commands, with whose end their threads would end."""
    for thread in threading.enumerate():
        if thread.name == BESIDE:
            thread.join()


@atexit.register
def second_looks_left() -> None:
    """Of a process that ends: another one may learn them at once."""
    for tenant_id, row in list(_learning.values()):
        try:
            with tenant_scope(tenant_id):
                stored.training_release(row)
        except Exception as error:  # noqa: BLE001  its lease runs out
            log.warning("assistant_meaning_not_left", error=type(error).__name__)


def _with_second(known: Lessons) -> Lessons:
    """What was stored for these lessons by now."""
    assert known.version is not None
    row = TrainedModel.objects.filter(id=known.version).defer("metrics").first()
    if row is None or stored.training_state(row) != "ready":
        return known
    found = _loaded(stored.numbers_of(row), known.digest, known.skills, known.knowledge.facts)
    if found is None or found.learnt.second is None:
        return known
    if not is_loaded(found.learnt.second.model):
        _load_beside(found.learnt.second.model)
        return known
    return replace(known, learnt=replace(known.learnt, second=found.learnt.second))


def _second_learn(entry: _Remembered, tenant_id: uuid.UUID, known: Lessons, row: TrainedModel, network: str) -> None:
    """In a thread of its own, which waits for the process that learns."""
    _learning[row.id] = tenant_id, row
    try:
        with tenant_scope(tenant_id):
            second_keep(known, row, network)
    except Exception as error:  # noqa: BLE001  the first look answers as before; another change tries again
        log.warning("assistant_meaning_failed", error=type(error).__name__)
    finally:
        _learning.pop(row.id, None)
        entry.look_at = 0.0
        connections.close_all()


def second_keep(known: Lessons, row: TrainedModel, network: str, told: apart.Told = lambda _: None) -> None:
    """Learn the second look at texts, and keep it beside the first. Raises LearningFailed, and what ``told`` raises."""
    started = time.monotonic()
    called, examples = called_of(known.skills), known.examples
    try:
        learnt = apart.meant(known.learnt, examples, called, network, told)
    except BaseException:
        stored.training_release(row)
        raise
    took = int((time.monotonic() - started) * 1000)
    log.info("assistant_meaning_learnt", intents=len(called), examples=len(examples), took_ms=took)
    stored.numbers_keep(row, pack(learnt, examples))


def _catch_up(former: Lessons | None, is_chosen: bool) -> tuple[Lessons, bool]:
    """What the rows teach, and whether that is all of it: while another process trains it is the former. Where people chose
    another version than the newest, it is that one, with the replies and articles of now."""
    skills, facts = read_skills(), read_facts()
    digest = digest_of(skills, facts)
    chosen = held_for(digest) if is_chosen else None
    found = _held(chosen, skills, facts) if chosen else None
    return (found, True) if found else _newest(former, digest, skills, facts, waits=False)


def _held(row: TrainedModel, skills: Mapping[str, Skill], facts: Sequence[knowledge.Fact]) -> Lessons | None:
    """None where what it learnt cannot be read: the newest answers, and the pages say so."""
    npz = stored.numbers_of(row)
    if npz is None:
        log.warning("assistant_held_not_kept", version=row.version)
        return None
    try:
        taught = taught_of(npz)
        learnt = _unpacked(npz, skills, taught, ())
    except FAULTS as error:
        log.warning("assistant_not_loaded", error=type(error).__name__)
        return None
    learnt = replace(learnt, knowledge=knowledge.index(facts, learnt.classifier.features))
    return Lessons(row.examples_digest, skills, learnt, row.id, taught)


def newest() -> Lessons:
    """What the rows teach now, learnt where it is not yet: the caller waits. Nothing answers from it by this call."""
    skills, facts = read_skills(), read_facts()
    return _newest(None, digest_of(skills, facts), skills, facts, waits=True)[0]


def _newest(
    former: Lessons | None, digest: str, skills: Mapping[str, Skill], facts: Sequence[knowledge.Fact], *, waits: bool
) -> tuple[Lessons, bool]:
    if former and former.digest == digest and not former.taught:
        return _reworded(former, skills, facts), True
    begun = time.monotonic()
    while True:
        rows = stored.trainings()
        row = stored.training_for(rows, digest)
        known = _loaded(stored.numbers_of(row), digest, skills, facts) if row else None
        if row and known:
            return replace(known, version=row.id), True
        claimed = stored.training_claim(rows, digest, state_of(skills, facts))
        if claimed:
            return _learn_and_keep(claimed, skills, facts), True
        if not waits:
            earlier = former or _loaded(stored.former_numbers(), "", skills, facts)
            if earlier:
                return earlier, False
            if time.monotonic() - begun > FIRST_WAIT_S:
                return learn(skills, facts), True
        time.sleep(LOOK_AGAIN_S / 5)


def _reworded(former: Lessons, skills: Mapping[str, Skill], facts: Sequence[knowledge.Fact]) -> Lessons:
    """Other replies, the same lessons."""
    known = replace(former.knowledge, facts=knowledge.in_order(facts))
    return replace(former, skills=skills, learnt=replace(former.learnt, knowledge=known))


def _loaded(
    npz: bytes | None, digest: str, skills: Mapping[str, Skill], facts: Sequence[knowledge.Fact]
) -> Lessons | None:
    if npz is None:
        return None
    try:
        learnt = _unpacked(npz, skills, examples_of(skills, facts), knowledge.in_order(facts))
    except FAULTS as error:
        log.warning("assistant_not_loaded", error=type(error).__name__)
        return None
    return Lessons(digest, skills, learnt)


def _unpacked(npz: bytes, *given: Any) -> Learnt:
    learnt = unpack(npz, *given)
    return learnt if settings.ENV["ASSISTANT_MEANING"] else replace(learnt, second=None)


def _learn_and_keep(row: Any, skills: Mapping[str, Skill], facts: Sequence[knowledge.Fact]) -> Lessons:
    try:
        known = learn(skills, facts)
    except BaseException:
        stored.training_release(row)
        raise
    try:
        stored.numbers_keep(row, pack(known.learnt, known.examples))
    except DatabaseError as error:  # it answers here all the same; others train when the lease has ended
        log.warning("assistant_not_kept", error=type(error).__name__)
        return known
    return replace(known, version=row.id)


def state_of(skills: Mapping[str, Skill], facts: Sequence[knowledge.Fact]) -> dict[str, Any]:
    """What is told of a training, beside its figures."""
    counts = {skill.name: len(skill.examples) for skill in skills.values()}
    return {"intents": counts, "facts": len(facts)}


def called_of(skills: Mapping[str, Skill]) -> dict[str, tuple[str, str]]:
    """What each intent is called: further words for it."""
    return {skill.name: (skill.name, skill.title) for skill in skills.values()}
