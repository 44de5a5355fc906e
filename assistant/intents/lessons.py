"""What one tenant's assistant knows right now: common and own intents, knowledge, and what was learnt from them.

Owns reading the tenant's rows, and remembering the result in this process until they change. Must not
decide what is said. Everything here works on the tenant in scope and on no other.
"""

from __future__ import annotations

import hashlib
import json
import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from django.db.models import Count, Max

from assistant import knowledge
from assistant.intents import training
from assistant.intents.common import BACKGROUND, COMMON, HUMAN
from assistant.models import Intent, KnowledgeEntry
from tenants.scope import current_tenant_id

log = structlog.get_logger(__name__)

CHECK_EVERY_S = 5.0  # how long a change made by another process may stay unseen
MAX_REMEMBERED = 100  # tenants whose lessons stay in memory, some megabytes each


@dataclass(frozen=True)
class Skill:
    """An intent as the dialogue needs it. ``replies`` by language, with "" for all others."""

    name: str
    title: str
    examples: tuple[str, ...]
    replies: Mapping[str, Sequence[Any]]
    slots: tuple[Mapping[str, Any], ...] = ()
    handover: bool = False
    own: bool = False  # not a common one: offered when people ask for help
    worded: bool = False  # the replies are the tenant's own words


@dataclass(frozen=True)
class Lessons:
    """All of it, ready to answer from. Never changed: a change makes new lessons."""

    digest: str  # SHA-256 of everything learnt from
    skills: Mapping[str, Skill]
    features: Any
    classifier: training.Classifier
    knowledge: knowledge.Knowledge


@dataclass
class _Remembered:
    lessons: Lessons
    stamp: Any  # of the rows, when they were read
    checked_at: float
    lock: threading.Lock = field(default_factory=threading.Lock)


_remembered: OrderedDict[uuid.UUID, _Remembered] = OrderedDict()
_lock = threading.Lock()  # guards the dict and a tenant's first training; held for about a second at most


def lessons() -> Lessons:
    """The lessons of the tenant in scope: two small queries every CHECK_EVERY_S, else none.

    When something has changed, one thread learns anew and the others go on with what was known.
    """
    entry = _entry(current_tenant_id())
    if time.monotonic() - entry.checked_at >= CHECK_EVERY_S and entry.lock.acquire(blocking=False):
        try:
            _refresh(entry)
        finally:
            entry.lock.release()
    return entry.lessons


def invalidate(tenant_id: uuid.UUID) -> None:
    """Call after a change of intents or knowledge: this process sees it at once, others within CHECK_EVERY_S."""
    with _lock:
        _remembered.pop(tenant_id, None)


def forget_all() -> None:
    """Forget every tenant's lessons (tests, cache flush)."""
    with _lock:
        _remembered.clear()


def _entry(tenant_id: uuid.UUID) -> _Remembered:
    entry = _remembered.get(tenant_id)
    if entry is not None:
        return entry
    with _lock:
        if tenant_id not in _remembered:
            stamp = _stamp()
            _remembered[tenant_id] = _Remembered(learn(read_skills(), read_facts()), stamp, time.monotonic())
            if len(_remembered) > MAX_REMEMBERED:
                _remembered.popitem(last=False)
        return _remembered[tenant_id]


def _refresh(entry: _Remembered) -> None:
    stamp = _stamp()
    if stamp != entry.stamp:
        entry.lessons, entry.stamp = learn(read_skills(), read_facts()), stamp
    entry.checked_at = time.monotonic()


def _stamp() -> Any:
    """Changes with every row that is added, saved or deleted."""
    return [
        tuple(model.objects.aggregate(newest=Max("updated_at"), count=Count("id")).values())
        for model in (Intent, KnowledgeEntry)
    ]


def learn(skills: Mapping[str, Skill], facts: Sequence[knowledge.Fact]) -> Lessons:
    """Train on these: about 0.3 s for 500 examples and a second for 3,000."""
    started = time.monotonic()
    examples = examples_of(skills, facts)
    texts = [example.text for example in examples]
    features = training.features_for(texts + [text for fact in facts for text, _ in fact.documents()])
    learnt = Lessons(
        digest=digest_of(skills, facts),
        skills=skills,
        features=features,
        classifier=training.train(examples, features),
        knowledge=knowledge.index(facts, features),
    )
    took = int((time.monotonic() - started) * 1000)
    log.info("assistant_trained", intents=len(skills), examples=len(texts), facts=len(facts), took_ms=took)
    return learnt


def examples_of(skills: Mapping[str, Skill], facts: Sequence[knowledge.Fact]) -> list[training.Example]:
    """What the classifier learns from: every skill's examples, and what is no intent. Questions that the
    knowledge answers are no intent, which keeps intents from snatching them."""
    taught = [training.Example(text, skill.name) for skill in skills.values() for text in skill.examples]
    asked = [question for fact in facts for question in (fact.title, *fact.questions)]
    return taught + [training.Example(text, training.NONE) for text in (*BACKGROUND, *asked)]


def read_skills() -> dict[str, Skill]:
    return skills_of(Intent.objects.order_by("name"))


def skills_of(intents: Iterable[Intent]) -> dict[str, Skill]:
    """The common intents, with the tenant's own added to them or put in their place."""
    skills = {name: _common(name) for name in COMMON}
    for intent in intents:
        if intent.enabled:
            skills[intent.name] = _own(intent, skills.get(intent.name))
        else:
            skills.pop(intent.name, None)
    return skills


def _common(name: str) -> Skill:
    languages = COMMON[name]
    return Skill(
        name=name,
        title=_title(name),
        examples=tuple(dict.fromkeys(example for examples, _ in languages.values() for example in examples)),
        replies={language: replies for language, (_, replies) in languages.items()},
        handover=name == HUMAN,
    )


def _own(row: Intent, common: Skill | None) -> Skill:
    replies: dict[str, list[Any]] = {}
    for reply in row.responses:
        language = (reply.get("language") if isinstance(reply, dict) else "") or ""
        replies.setdefault(language, []).append(reply)
    return Skill(
        name=row.name,
        title=row.title or _title(row.name),
        examples=tuple(dict.fromkeys([*row.examples, *(common.examples if common else ())])),
        replies=replies or (common.replies if common else {}),
        slots=tuple(row.slots),
        handover=row.handover or (common is not None and common.handover),
        own=row.name not in COMMON,
        worded=bool(replies),
    )


def _title(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").capitalize()[:20]


def read_facts() -> list[knowledge.Fact]:
    return facts_of(KnowledgeEntry.objects.filter(enabled=True).order_by("title", "id"))


def facts_of(entries: Iterable[KnowledgeEntry]) -> list[knowledge.Fact]:
    return [
        knowledge.Fact(
            id=str(entry.id),
            title=entry.title,
            questions=tuple(entry.questions),
            answer=entry.answer,
            tags=tuple(entry.tags),
            language=entry.language,
            source_url=entry.source_url,
        )
        for entry in entries
    ]


def digest_of(skills: Mapping[str, Skill], facts: Sequence[knowledge.Fact]) -> str:
    """The same for the same examples and knowledge, whatever the order of the rows."""
    taught = {name: sorted(skill.examples) for name, skill in skills.items()}
    known = sorted([fact.id, fact.title, *fact.questions, fact.answer] for fact in facts)
    told = json.dumps([training.ALGORITHM, BACKGROUND, taught, known], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()
