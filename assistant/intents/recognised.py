"""What a tenant's assistant takes a text for: the looks at it in their order, the cheapest first.

Owns that order; dialogue and API ask here, so that both say the same. Must not touch the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from assistant.embeddings.encoders import are_kept, encoder_of, vectors_asked
from assistant.features import Features
from assistant.intents.coverage import Coverage
from assistant.intents.learning.arrays import Learnt
from assistant.intents.learning.training import Classification, Classifier
from assistant.intents.spelling import Spelling
from assistant.intents.stages import SETTLED
from assistant.port import NotAtOnce

LETTERS, SPELLING, MEANING = "letters", "spelling", "meaning"
KNOWN = 0.5  # of a text's words that have to be taught ones for the others to be taken for mistyped


class Lessons(Protocol):
    """What is asked of them here (assistant/intents/lessons.py)."""

    @property
    def learnt(self) -> Learnt: ...
    @property
    def features(self) -> Features: ...
    @property
    def classifier(self) -> Classifier: ...
    @property
    def spelling(self) -> Spelling: ...
    @property
    def coverage(self) -> Coverage: ...


@dataclass(frozen=True)
class Recognised:
    """``by`` is the look that told: LETTERS, SPELLING (by its letters, mistyped ones put right) or MEANING."""

    classification: Classification
    by: str
    row: Any  # the text's features


def recognise(lessons: Lessons, texts: Sequence[str], *, sure: float, at_once: bool = False) -> list[Recognised]:
    """In the order given. ``sure`` is the confidence from which an intent is acted on: what stays below it is looked at
    once more with its spelling put right. Only what the letters do not settle is embedded, all of it in one batch.
    Raises NotAtOnce where that is wanted ``at_once`` and the vectors are not known from before."""
    put_right = [_PutRight(lessons, text) for text in texts]
    found = [_by_letters(lessons, text, other) for text, other in zip(texts, put_right, strict=True)]
    second = lessons.learnt.second
    left = [place for place, one in enumerate(found) if texts[place] and one.classification.confidence < SETTLED]
    if second is not None and left:
        if at_once and not are_kept(second.model, [texts[place] for place in left]):
            raise NotAtOnce
        network = encoder_of(second.model)
        if network is not None:
            told = second.classify(
                vectors_asked(network, [texts[place] for place in left]),
                lessons.features,
                [found[place].row for place in left],
            )
            for place, one in zip(left, told, strict=True):
                found[place] = Recognised(one, MEANING, found[place].row)
    return [
        one if not text or one.classification.confidence >= sure else _spelt(lessons, other, one, sure, at_once)
        for text, other, one in zip(texts, put_right, found, strict=True)
    ]


class _PutRight:
    """A text with its mistyped words put right, and what its letters tell then: looked for where it is asked for, and once."""

    def __init__(self, lessons: Lessons, said: str):
        self._lessons, self._said = lessons, said

    @cached_property
    def text(self) -> str:
        """ "" where nothing is mistyped; nor is where most of it is of words that were never taught, and one of them is near to
        a taught one by chance: "a qué hora abre la piscina" is no greeting."""
        text = self._lessons.spelling.corrected(self._said) if self._said else ""
        return text if text and self._lessons.coverage.known(text) >= KNOWN else ""

    @cached_property
    def row(self) -> Any:
        return self._lessons.features.row(self.text)

    @cached_property
    def found(self) -> Classification:
        return self._lessons.classifier.classify_row(self.text, self.row)


def _by_letters(lessons: Lessons, text: str, other: _PutRight) -> Recognised:
    row = lessons.features.row(text)
    found = lessons.classifier.classify_row(text, row)
    if found.confidence < SETTLED and other.text and other.found.confidence >= SETTLED:
        return Recognised(other.found, SPELLING, row)
    return Recognised(found, LETTERS, row)


def _spelt(lessons: Lessons, other: _PutRight, former: Recognised, sure: float, at_once: bool) -> Recognised:
    """Put right, if that makes it clear; else as it was."""
    if not other.text:
        return former
    again, second = other.found, lessons.learnt.second
    if former.by == MEANING and second is not None:
        if at_once and not are_kept(second.model, [other.text]):
            raise NotAtOnce
        if network := encoder_of(second.model):
            again = second.classify(vectors_asked(network, [other.text]), lessons.features, [other.row])[0]
    return Recognised(again, SPELLING, former.row) if again.confidence >= sure else former
