"""Two looks at a text: by its letters, which takes a fraction of a millisecond, and by its meaning where they do not tell.

Owns when the first look settles it, and the answer threshold that held-out examples suggest. Must not touch the database.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from assistant.features import Features, Row, features_for
from assistant.intents.learning import meaning, training
from assistant.intents.learning.meaning import Lesson, Meaning
from assistant.intents.learning.training import NONE, Classification, Classifier, Example

SETTLED = 0.97  # a first look that is so sure is the answer; docs/intents.md has how often it is wrong
GIVEN_UP = 0.02  # of the right answers, for silence where nothing taught was meant


class Encoder(Protocol):
    """Something that turns texts into vectors (assistant/embeddings)."""

    model: str
    width: int

    def vectors(self, texts: Sequence[str]) -> Any: ...


@dataclass(frozen=True)
class Recogniser:
    first: Classifier
    second: Meaning

    def settled(self, text: str, row: Row) -> Classification | None:
        """What the first look says, where that is enough."""
        found = self.first.classify_row(text, row)
        return found if found.confidence >= SETTLED else None

    def classify_many(self, texts: Sequence[str], encoder: Encoder) -> list[Classification]:
        """In the order given; only what the first look does not settle is embedded."""
        rows = [self.first.features.row(text) for text in texts]
        found = [self.settled(text, row) for text, row in zip(texts, rows, strict=True)]
        open_ = [place for place, one in enumerate(found) if one is None]
        if open_:
            vectors = encoder.vectors([texts[place] for place in open_])
            second = self.second.classify(vectors, self.first.features, [rows[place] for place in open_])
            found = list(found)
            for place, one in zip(open_, second, strict=True):
                found[place] = one
        return [one for one in found if one is not None]


def learn(
    examples: Sequence[Example], called: Mapping[str, Sequence[str]], encoder: Encoder
) -> tuple[Recogniser, float]:
    """A recogniser, and the answer threshold that its held-out examples suggest."""
    features = features_for([example.text for example in examples])
    second, tried = second_look(examples, called, features, encoder)
    first = training.train(examples, features)
    return Recogniser(first, second), threshold_of(second, tried, examples)


def second_look(
    examples: Sequence[Example],
    called: Mapping[str, Sequence[str]],
    features: Features,
    encoder: Encoder,
    told: meaning.Progress = lambda _: None,
) -> tuple[Meaning, meaning.Tried]:
    """On one core: several wait for each other longer than each of them computes."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        lesson, titles = (_lesson(of, features, encoder) for of in (examples, meaning.called_by(called)))
        return meaning.train(lesson, titles, features, encoder.model, told)


def _lesson(examples: Sequence[Example], features: Features, encoder: Encoder) -> Lesson:
    texts = [example.text for example in examples]
    return Lesson(examples, encoder.vectors(texts), [features.row(text) for text in texts])


def threshold_of(second: Meaning, tried: meaning.Tried, examples: Sequence[Example]) -> float:
    """The highest confidence at which still all but GIVEN_UP of the right answers to held-out examples are given."""
    import numpy as np

    chances = second.calibration.chances(tried.evidence)
    right = [winner == example.intent != NONE for winner, example in zip(tried.winners, examples, strict=True)]
    return float(np.quantile(chances[np.array(right)], GIVEN_UP)) if any(right) else 0.5
