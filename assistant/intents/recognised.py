"""What a tenant's assistant takes a text for: the looks at it in their order, the cheapest first.

Owns that order; dialogue and API ask here, so that both say the same. Must not touch the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from assistant.embeddings.encoders import are_kept, encoder_of, vectors_asked
from assistant.features import Features
from assistant.intents.learning.arrays import Learnt
from assistant.intents.learning.training import Classification, Classifier
from assistant.intents.spelling import Spelling
from assistant.intents.stages import SETTLED
from assistant.port import NotAtOnce

LETTERS, SPELLING, MEANING = "letters", "spelling", "meaning"


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
    found = [_by_letters(lessons, text) for text in texts]
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
        one if not text or one.classification.confidence >= sure else _spelt(lessons, text, one, sure, at_once)
        for text, one in zip(texts, found, strict=True)
    ]


def _by_letters(lessons: Lessons, text: str) -> Recognised:
    row = lessons.features.row(text)
    found = lessons.classifier.classify_row(text, row)
    if text and found.confidence < SETTLED and (better := lessons.spelling.corrected(text)):
        again = lessons.classifier.classify(better)
        if again.confidence >= SETTLED:
            return Recognised(again, SPELLING, row)
    return Recognised(found, LETTERS, row)


def _spelt(lessons: Lessons, text: str, former: Recognised, sure: float, at_once: bool) -> Recognised:
    """Put right, if that makes it clear; else as it was."""
    better = lessons.spelling.corrected(text)
    if not better:
        return former
    row, second = lessons.features.row(better), lessons.learnt.second
    again = lessons.classifier.classify_row(better, row)
    if at_once and former.by == MEANING and second is not None and not are_kept(second.model, [better]):
        raise NotAtOnce
    if former.by == MEANING and second is not None and (network := encoder_of(second.model)):
        again = second.classify(vectors_asked(network, [better]), lessons.features, [row])[0]
    return Recognised(again, SPELLING, former.row) if again.confidence >= sure else former
