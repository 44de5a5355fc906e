"""Finding the knowledge entry that answers a question.

Owns the index and its scores. Must not touch the database or decide what is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import regex

from assistant.features import Features, Row, Table

#: how much a match counts: a question in the words of the entry is a better sign than words of its answer
QUESTION, ANSWER = 1.0, 0.6
SAME_LANGUAGE, OTHER_LANGUAGE = 0.05, -0.1  # added to the score


FEWEST, STEM = 3, 5  # letters of a word that is looked at, and of its beginning, which stands for its forms
WORD = regex.compile(r"\p{L}+")


@dataclass(frozen=True)
class Fact:
    """One entry, as the assistant needs it."""

    id: str
    title: str
    questions: tuple[str, ...]
    answer: str
    tags: tuple[str, ...] = ()
    language: str = ""
    source_url: str = ""

    def documents(self) -> list[tuple[str, float]]:
        """The texts it is found by, with the weight of each."""
        asked = [self.title, *self.questions, " ".join([self.title, *self.tags])]
        return [(text, QUESTION) for text in asked] + [(self.answer, ANSWER)]


@dataclass(frozen=True)
class Finding:
    """``score``: 0 to about 1, the cosine of question and entry."""

    fact: Fact
    score: float


@dataclass(frozen=True)
class Knowledge:
    """An index over facts: one column per document."""

    facts: tuple[Fact, ...]
    columns: Table | None = None  # features × documents, times the weight of each document
    owners: tuple[int, ...] = ()  # position of the fact that each document belongs to

    def search(self, row: Row, language: str = "", limit: int = 3) -> list[Finding]:
        """The facts nearest to a row of features, best first, those in the person's language preferred."""
        if self.columns is None:
            return []
        scores = self._best(self.columns.times(row, len(self.owners)))
        found = self._likely(scores, limit)
        rated = [(min(1.0, scores.item(i) + _by_language(self.facts[i], language)), i) for i in found]
        rated.sort(key=lambda one: (-one[0], self.facts[one[1]].title))
        return [Finding(self.facts[i], score) for score, i in rated[:limit]]

    def _best(self, scores: Any) -> Any:
        """Of each fact the score of its best document."""
        import numpy as np

        best = np.zeros(len(self.facts))
        np.maximum.at(best, self._owners, scores)
        return best

    def _likely(self, scores: Any, limit: int) -> list[int]:
        """The facts that can be among the ``limit`` best, whatever languages they are in."""
        import numpy as np

        found = scores.nonzero()[0]
        if len(found) > limit:
            least = np.partition(scores[found], -limit)[-limit] - (SAME_LANGUAGE - OTHER_LANGUAGE)
            found = found[scores[found] >= least]
        return list(found.tolist())

    @cached_property
    def stems(self) -> frozenset[str]:
        """The beginnings of all words that the facts are written in."""
        texts = (text for fact in self.facts for text, _ in fact.documents())
        return frozenset(stem_of(word) for text in texts for word in WORD.findall(text.casefold()))

    @cached_property
    def _owners(self) -> Any:
        import numpy as np

        return np.array(self.owners)

    def fact(self, id: str) -> Fact | None:
        return next((fact for fact in self.facts if fact.id == id), None)


def stem_of(word: str) -> str:
    return word[:STEM]


def in_order(facts: Sequence[Fact]) -> tuple[Fact, ...]:
    """An order that does not hang on titles or the database."""
    return tuple(sorted(facts, key=lambda fact: fact.id))


def index(facts: Sequence[Fact], features: Features) -> Knowledge:
    """An index of these facts, in the order of their ids, by the given features (features.features_for)."""
    import numpy as np

    facts = in_order(facts)
    documents = [(text, weight, i) for i, fact in enumerate(facts) for text, weight in fact.documents()]
    if not documents:
        return Knowledge(())
    table = features.table([text for text, _, _ in documents])
    factors = np.repeat(np.array([weight for _, weight, _ in documents], np.float32), np.diff(table.starts))
    columns = replace(table, weights=table.weights * factors).turned(len(features.rarity))
    return Knowledge(facts, columns, tuple(owner for _, _, owner in documents))


def _by_language(fact: Fact, language: str) -> float:
    if not fact.language or not language:
        return 0.0
    return SAME_LANGUAGE if fact.language == language else OTHER_LANGUAGE
