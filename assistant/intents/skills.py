"""What a tenant's rows say that its assistant can do and knows, as the assistant needs it.

Owns how the common intents and the tenant's own become one, and how a change of the rows is noticed. Must not learn
or decide what is said. What reads rows works on the tenant in scope and on no other.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from assistant import slots
from assistant.checks import language_of
from assistant.intents.common import BACKGROUND, COMMON, FURTHER, HUMAN
from assistant.intents.learning import training
from assistant.knowledge import facts as knowledge
from assistant.models import Intent, KnowledgeEntry


@dataclass(frozen=True)
class Skill:
    """An intent as the dialogue needs it. ``replies`` are the tenant's own words by language, with "" for all others;
    ``common`` those of the common intent of that name. ``said`` are the titles of choices by (slot, value), where these
    are translated."""

    name: str
    title: str
    examples: tuple[str, ...]
    replies: Mapping[str, Sequence[Any]]
    slots: tuple[Mapping[str, Any], ...] = ()
    handover: bool = False
    confirm: bool = False  # it asks before it does it
    own: bool = False  # not a common one: offered when people ask for help
    common: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    translations: Mapping[str, Any] = field(default_factory=dict)
    said: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def spoken(self, language: str) -> Skill:
        """The same with title and questions in that language, as far as it has them."""
        words = self.translations.get(language)
        if not words:
            return self
        named = words.get("slots") or {}
        spoken = tuple(_translated(slot, named.get(slot["name"]) or {}) for slot in self.slots)
        said = {(slot["name"], value): title for slot in spoken for title, value in slots.choices(slot)}
        return replace(self, title=words.get("title") or self.title, slots=spoken, said=said)


def _translated(slot: Mapping[str, Any], words: Mapping[str, Any]) -> Mapping[str, Any]:
    told = {name: words[name] for name in ("prompt", "retry") if words.get(name)}
    if "prompt" in told and "retry" not in told:
        told["retry"] = ""  # better none than one in another language
    titles = words.get("choices") or ()
    values = [value for _, value in slots.choices(slot)]
    if titles and len(titles) == len(values):
        also = [() if isinstance(one, str) else one.get("also", ()) for one in slot["choices"]]
        told["choices"] = [
            {"title": title, "value": value, "also": words}
            for title, value, words in zip(titles, values, also, strict=True)
        ]
    return {**slot, **told}


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
        examples=tuple(
            dict.fromkeys(
                one
                for examples in (*(said for said, _ in languages.values()), FURTHER.get(name, ()))
                for one in examples
            )
        ),
        replies={},
        common={language: replies for language, (_, replies) in languages.items()},
        handover=name == HUMAN,
    )


def _own(row: Intent, common: Skill | None) -> Skill:
    replies: dict[str, list[Any]] = {}
    for reply in row.responses:
        replies.setdefault(language_of(reply), []).append(reply)
    return Skill(
        name=row.name,
        title=row.title or _title(row.name),
        examples=tuple(dict.fromkeys([*row.examples, *(common.examples if common else ())])),
        replies=replies,
        common=common.common if common else {},
        translations=row.translations,
        slots=tuple(row.slots),
        handover=row.handover or (common is not None and common.handover),
        confirm=row.confirm,
        own=row.name not in COMMON,
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
