"""What a tenant's rows say that its assistant can do and knows, as the assistant needs it.

Owns how the common intents and the tenant's own become one, and how a change of the rows is noticed. Must not learn
or decide what is said. What reads rows works on the tenant in scope and on no other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from assistant import knowledge
from assistant.intents import training
from assistant.intents.common import BACKGROUND, COMMON, HUMAN
from assistant.models import Intent, KnowledgeEntry


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


def read_skills() -> dict[str, Skill]:
    return skills_of(Intent.objects.order_by("name"))


def read_facts() -> list[knowledge.Fact]:
    return facts_of(KnowledgeEntry.objects.filter(enabled=True).order_by("title", "id"))


def rows_stamp() -> Any:
    """Changes with every row that is added, saved or deleted, also when the clock went back in between."""
    return [
        hash(tuple(model.objects.order_by("id").values_list("id", "updated_at"))) for model in (Intent, KnowledgeEntry)
    ]


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


def examples_of(skills: Mapping[str, Skill], facts: Sequence[knowledge.Fact]) -> list[training.Example]:
    """What the classifier learns from: every skill's examples, and what is no intent. Questions that the
    knowledge answers are no intent, which keeps intents from snatching them."""
    taught = [training.Example(text, skill.name) for skill in skills.values() for text in skill.examples]
    asked = [question for fact in facts for question in (fact.title, *fact.questions)]
    return taught + [training.Example(text, training.NONE) for text in (*BACKGROUND, *asked)]


def digest_of(skills: Mapping[str, Skill], facts: Sequence[knowledge.Fact]) -> str:
    """The same for the same examples and knowledge, whatever the order of the rows; SHA-256, hex."""
    taught = {name: sorted(skill.examples) for name, skill in skills.items()}
    known = sorted([fact.id, *(text for text, _ in fact.documents())] for fact in facts)
    told = json.dumps([training.ALGORITHM, BACKGROUND, taught, known], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()
