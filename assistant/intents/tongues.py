"""In which language a tenant's own texts have a word: "Rabatt" alone tells no detector of languages anything.

Owns the words and the guess. Must not touch the database.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping

from assistant.intents.skills import Skill
from assistant.knowledge.facts import Fact

WORD = re.compile(r"[^\W\d_]{3,}")
ENDINGS = ("", "s", "e", "en")  # of other forms of a word that stand in for it
MOST = 3  # words of a text whose language is guessed: of longer ones it is known


def tongues_of(skills: Iterable[Skill], facts: Iterable[Fact]) -> dict[str, frozenset[str]]:
    """Word in small letters → languages (ISO 639-1)."""
    found: dict[str, set[str]] = {}
    for language, text in (*_of_skills(skills), *_of_facts(facts)):
        for word in WORD.findall(text.casefold()):
            found.setdefault(word, set()).add(language)
    return {word: frozenset(languages) for word, languages in found.items()}


def tongue_of(text: str, tongues: Mapping[str, frozenset[str]]) -> str:
    """The one language that has all known words of a short text; "" where there is none, or more than one."""
    words = WORD.findall(text.casefold())
    if not 0 < len(words) <= MOST:
        return ""
    forms = ((*(word + ending for ending in ENDINGS), word[:-1]) for word in words)
    found = (next((tongues[form] for form in each if form in tongues), None) for each in forms)
    known = [languages for languages in found if languages]
    common = frozenset.intersection(*known) if known else frozenset()
    return next(iter(common)) if len(common) == 1 else ""


def _of_skills(skills: Iterable[Skill]) -> Iterator[tuple[str, str]]:
    for skill in skills:
        for written in (skill.replies, skill.translations):
            for language, words in written.items():
                if language:
                    yield language, json.dumps(words, ensure_ascii=False, default=str)


def _of_facts(facts: Iterable[Fact]) -> Iterator[tuple[str, str]]:
    for fact in facts:
        if fact.language:
            yield fact.language, " ".join((fact.title, *fact.questions, *fact.tags, fact.answer))
