"""Recognising what people want by what their words mean: the second look at a text, where its letters alone do not tell.

Owns that classifier: a text's vector (assistant/embeddings) beside its pieces of letters, which are folded to FOLDED
columns, so that a text costs the same however many examples there are. Its confidence is calibrated as the first look's
is (training.py). Must not touch the database, nor load a network: vectors are given to it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from assistant.features import Features, Row
from assistant.intents.learning import lines
from assistant.intents.learning.training import (
    CANDIDATES,
    FOLDS,
    NONE,
    Calibration,
    Classification,
    Example,
    calibrated,
    folds,
)

FOLDED = 4096
LETTERS = 0.4  # what the letters' likeness counts beside the meaning's
UNTAUGHT = 0.3  # how much of what people ask is taken for something that was not taught
SPREAD = 2654435761  # Knuth's multiplier

#: of the lines by chances (lines.py), the rest being those by edges. With few examples chances do better, and what is held
#: out of them hardly tells: the first is taken, unless another is right more often than luck would have it
SHARES = (1.0, 0.75, 0.5, 0.25, 0.0)
LOWEST = -9.0  # a score below all others

Progress = Callable[[float], None]  # is told how much is done, 0 to 1


@dataclass(frozen=True)
class Meaning:
    """``weights``: (vector and folded columns) × names, ``model``: whose vectors it was taught with."""

    model: str
    names: tuple[str, ...]
    centre: Any
    weights: Any
    bias: Any
    calibration: Calibration

    def classify(self, vectors: Any, features: Features, rows: Sequence[Row]) -> list[Classification]:
        """Of texts given by their vectors and their rows of features."""
        scores = _joined(vectors, self.centre, folded(features, rows)) @ self.weights + self.bias
        return [self._classified(of_one) for of_one in scores]

    def _classified(self, scores: Any) -> Classification:
        import numpy as np

        likely = [place for place in np.argsort(-scores).tolist() if self.names[place] != NONE][:CANDIDATES]
        chances = self.calibration.chances(_evidence(scores, likely)).tolist()
        found = {self.names[place]: chance for place, chance in zip(likely, chances, strict=True)}
        return Classification(tuple(sorted(found.items(), key=lambda score: (-score[1], score[0]))))


@dataclass(frozen=True)
class Lesson:
    """What a meaning is taught with: examples with their vectors and rows, and the words that intents are called by."""

    examples: Sequence[Example]
    vectors: Any
    rows: Sequence[Row]

    def part(self, places: Sequence[int]) -> Lesson:
        return Lesson(
            [self.examples[place] for place in places], self.vectors[list(places)], [self.rows[p] for p in places]
        )

    @cached_property
    def names(self) -> tuple[str, ...]:
        return tuple(sorted({example.intent for example in self.examples}))


@dataclass(frozen=True)
class Tried:
    """What held-out examples were given."""

    evidence: Any  # of each example's winner, in the examples' order
    winners: Sequence[str]
    untaught: Any  # of the best other intent, where the right one is taken away: as if it had not been taught


def train(
    lesson: Lesson, called: Lesson, features: Features, model: str, told: Progress = lambda _: None
) -> tuple[Meaning, Tried]:
    """And what it did on held-out examples. ``called`` are the intents' names and titles, which count as one example
    each; they are not tested."""
    labels = _labels(lesson.examples, lesson.names)
    held_out = _held_out(lesson, called, features, told)
    share = _share(held_out, labels)
    tried = _tried(_mixed(held_out, share), lesson)
    centre, given = _prepared(lesson, called, features, lesson.names)
    found = lines.fit_mixed(*given, share)
    told(1.0)
    meant = [example.intent for example in lesson.examples]
    return Meaning(model, lesson.names, centre, *found, _calibrated(tried, meant)), tried


def _held_out(lesson: Lesson, called: Lesson, features: Features, told: Progress) -> list[Any]:
    """By both kinds of lines the scores of every example, from a part of the examples without it."""
    import numpy as np

    count = len(lesson.examples)
    scores = [np.zeros((count, len(lesson.names)), np.float32) for _ in range(2)]
    for number, tested in enumerate(folds([example.intent for example in lesson.examples], FOLDS)):
        seen = sorted(set(range(count)) - set(tested))
        if seen and tested:
            centre, taught = _prepared(lesson.part(seen), called, features, lesson.names)
            both = lines.fit(*taught)
            given = lesson.part(tested)
            rows = _joined(given.vectors, centre, folded(features, given.rows))
            for found, (table, bias) in zip(scores, both, strict=True):
                found[tested] = rows @ table + bias
        told((number + 1) / (FOLDS + 1))
    return scores


def _share(scores: Sequence[Any], labels: Any) -> float:
    """The one of SHARES that gets most labels right, of those that beat the first one by more than a standard error of
    the examples on which they differ."""
    rights = {share: _mixed(scores, share).argmax(axis=1) == labels for share in SHARES}
    first = rights[SHARES[0]]
    better = [one for one in SHARES if rights[one].sum() - first.sum() > (rights[one] != first).sum() ** 0.5]
    return max(better, key=lambda one: int(rights[one].sum()), default=SHARES[0])


def _mixed(scores: Sequence[Any], share: float) -> Any:
    return scores[0] * (1.0 - share) + scores[1] * share


def _tried(scores: Any, lesson: Lesson) -> Tried:
    import numpy as np

    evidence, untaught, winners = np.zeros((len(scores), 2)), np.zeros((len(scores), 2)), []
    intents = [place for place, name in enumerate(lesson.names) if name != NONE]
    for place, (of_one, example) in enumerate(zip(scores, lesson.examples, strict=True)):
        best = max(intents, key=lambda one: of_one[one])
        winners.append(lesson.names[best])
        evidence[place] = _evidence(of_one, [best])[0]
        without = of_one.copy()
        without[lesson.names.index(example.intent)] = LOWEST
        untaught[place] = _evidence(without, [max(intents, key=lambda one: without[one])])[0]
    return Tried(evidence, winners, untaught)


def _calibrated(tried: Tried, meant: Sequence[str]) -> Calibration:
    import numpy as np

    right = np.array([winner == intent for winner, intent in zip(tried.winners, meant, strict=True)])
    taught = np.array([intent != NONE for intent in meant])
    evidence = np.concatenate([tried.evidence, tried.untaught[taught]])
    labels = np.concatenate([right, np.zeros(int(taught.sum()), bool)])
    weights = np.concatenate([np.full(len(right), 1 - UNTAUGHT), np.full(int(taught.sum()), UNTAUGHT)])
    return calibrated(evidence, labels, weights)


def _prepared(
    lesson: Lesson, called: Lesson, features: Features, names: Sequence[str]
) -> tuple[Any, tuple[Any, Any, Any, int]]:
    """The centre of the vectors, and what lines are fitted to, one for each of the names."""
    import numpy as np

    count = len(lesson.examples)
    kept = [place for place, one in enumerate(called.examples) if one.intent in names]
    vectors = np.concatenate([lesson.vectors, *([called.vectors[kept]] if kept else [])])
    centre = vectors.mean(axis=0)
    rows = _joined(vectors, centre, folded(features, [*lesson.rows, *(called.rows[place] for place in kept)]))
    labels = _labels([*lesson.examples, *(called.examples[place] for place in kept)], names)
    often = np.bincount(labels[:count], minlength=len(names))
    each = np.concatenate([(count / len(names) / np.maximum(often, 1))[labels[:count]], np.ones(len(kept))])
    return centre, (rows, labels, each, len(names))


def _labels(examples: Sequence[Example], names: Sequence[str]) -> Any:
    import numpy as np

    return np.searchsorted(names, [one.intent for one in examples])


def _evidence(scores: Any, places: Sequence[int]) -> Any:
    """Of each of these intents its score, and its lead over the best other one."""
    import numpy as np

    order = np.sort(scores)
    first, second = order[-1], order[-2] if len(order) > 1 else order[-1]
    found = scores[list(places)]
    return np.column_stack([found, np.minimum(found - np.where(found == first, second, first), 50.0)])


def folded(features: Features, rows: Sequence[Row]) -> Any:
    """Rows of features in FOLDED columns; what shares one adds up or takes away, so that likenesses stay."""
    import numpy as np

    found = np.zeros((len(rows), FOLDED), np.float32)
    for own, row in zip(found, rows, strict=True):
        spread = (features.columns[row.places].astype(np.int64) * SPREAD) % 2**32
        signed = np.where((spread >> 30) & 1, row.weights, -row.weights)
        own += np.bincount((spread >> 7) % FOLDED, signed, FOLDED)
    return found


def _joined(vectors: Any, centre: Any, letters: Any) -> Any:
    import numpy as np

    apart = vectors - centre
    apart /= np.maximum(np.linalg.norm(apart, axis=1, keepdims=True), 1e-6)
    return np.concatenate([apart, letters * np.float32(LETTERS**0.5)], axis=1).astype(np.float32)


def called_by(names: Mapping[str, Sequence[str]]) -> list[Example]:
    """An example of what each intent is called: a slug's words, a title."""
    texts = [
        (" ".join(text.replace("_", " ").replace("-", " ").split()), name) for name in names for text in names[name]
    ]
    return [Example(text, name) for text, name in dict.fromkeys(texts) if text]
