"""How well versions recognise what they were not shown, by the looks that answers really take.

Owns the split, which is the same for all versions that are compared, and the measures. Runs in the process that learns
(assistant/intents/learning/apart.py): must not touch the database.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from assistant.features import Features, features_for
from assistant.intents import recognised, stages
from assistant.intents.coverage import Coverage, coverage_of
from assistant.intents.learning import training
from assistant.intents.learning.arrays import Learnt
from assistant.intents.learning.training import NONE, Example, normal
from assistant.intents.spelling import Spelling, spelling_of
from assistant.knowledge.facts import Knowledge

PARTS = 5  # each example is left out once, along with a fifth of the others
MOST = 6000  # examples of all versions; of more one part is left out instead of each in turn: it would take an hour
MOST_MISTAKES = 500  # pairs of intents that are told, the most frequent
LOOKS = ("letters", "meaning")


@dataclass(frozen=True)
class Known:
    """What `recognised.recognise` asks of lessons."""

    learnt: Learnt
    spelling: Spelling
    coverage: Coverage

    @property
    def features(self) -> Features:
        return self.learnt.classifier.features

    @property
    def classifier(self) -> training.Classifier:
        return self.learnt.classifier


def measured(
    versions: Sequence[Sequence[Example]],
    own: Sequence[str],
    texts: Sequence[str],
    called: Mapping[str, Sequence[str]],
    network: str,
    sure: float,
    told: Callable[[float], None],
) -> list[dict[str, Any]]:
    """`measure` of each of the versions, which are given by their examples, on those examples of the first one that mean an
    intent of ``own``, or none. A version that is asked a text has not been shown it.

    ``texts`` are the knowledge's, ``sure`` is the confidence from which the assistant answers. ``looks`` has precision,
    recall and answered by the letters alone, and with ``network`` (unless that is "") by the meaning as well, which is what
    all other measures are of.
    """
    tested = [example for example in versions[0] if example.intent in own or example.intent == NONE]
    parts = [part for part in training.folds([example.intent for example in tested], PARTS) if part]
    if sum(map(len, versions)) > MOST:
        parts = parts[:1]
    asked = [tested[place] for part in parts for place in part]
    looks = LOOKS if network else LOOKS[:1]
    encoder = _encoder(network) if network else None
    taken: list[dict[str, list[str]]] = [{look: [] for look in looks} for _ in versions]
    for number, part in enumerate(parts):
        lines = [tested[place].text for place in part]
        unseen = {normal(line) for line in lines}
        for version, (examples, found) in enumerate(zip(versions, taken, strict=True)):
            done = number * len(versions) + version

            def tell(share: float, done: int = done) -> None:
                told((done + share) / (len(parts) * len(versions)))

            known = _learnt([one for one in examples if normal(one.text) not in unseen], texts, called, encoder, tell)
            for look, answers in found.items():
                answers += _answers(known, look, lines, sure)
            tell(1.0)
    return [_told(asked, found) for found in taken]


class _Once:
    """An encoder that turns a text into its vector once: each part of each version is taught nearly all of them."""

    def __init__(self, encoder: stages.Encoder):
        self.model, self.width = encoder.model, encoder.width
        self._encoder, self._known = encoder, dict[str, Any]()

    def vectors(self, texts: Sequence[str]) -> Any:
        import numpy as np

        if new := [text for text in dict.fromkeys(texts) if text not in self._known]:
            self._known.update(zip(new, self._encoder.vectors(new), strict=True))
        return np.stack([self._known[text] for text in texts]) if texts else self._encoder.vectors([])


def _encoder(network: str) -> stages.Encoder:
    from assistant.embeddings.encoders import encoder

    return _Once(encoder(network))


def _learnt(
    examples: Sequence[Example],
    texts: Sequence[str],
    called: Mapping[str, Sequence[str]],
    encoder: stages.Encoder | None,
    tell: Callable[[float], None],
) -> Known:
    features = features_for([*(example.text for example in examples), *texts])
    classifier = training.train(examples, features)
    second = stages.second_look(examples, called, features, encoder, tell)[0] if encoder else None
    spelling = spelling_of(example.text for example in examples)
    return Known(Learnt(classifier, Knowledge(()), second), spelling, coverage_of(examples))


def _answers(known: Known, look: str, lines: Sequence[str], sure: float) -> list[str]:
    if look == "letters":
        known = replace(known, learnt=replace(known.learnt, second=None))
    found = [one.classification for one in recognised.recognise(known, lines, sure=sure)]
    return [one.intent if one.confidence >= sure else NONE for one in found]


def _told(asked: Sequence[Example], found: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    by_look = {look: measure(asked, answers) for look, answers in found.items()}
    names = ("precision", "recall", "answered")
    looks = {look: {name: figures[name] for name in names} for look, figures in by_look.items()}
    return {**list(by_look.values())[-1], "looks": looks}


def measure(examples: Sequence[Example], taken_for: Sequence[str]) -> dict[str, Any]:
    """The measures, from what was meant and what it was taken for. ``confusion`` has the mistakes, most frequent first; ""
    stands for none of the intents. ``answered`` is the share of examples that got an answer."""
    pairs = Counter((example.intent, found) for example, found in zip(examples, taken_for, strict=True))
    names = sorted({example.intent for example in examples} - {NONE})
    intents = {name: _measures(name, pairs) for name in names}
    of_intents = sum(count for (meant, _), count in pairs.items() if meant != NONE)
    right = sum(pairs[name, name] for name in names)
    answered = sum(count for (_, found), count in pairs.items() if found != NONE)
    mistakes = [(pair, count) for pair, count in pairs.most_common() if pair[0] != pair[1]]
    return {
        "examples": of_intents,
        "precision": _share(right, answered),
        "recall": _share(right, of_intents),
        "answered": _share(answered, len(examples)),
        "intents": intents,
        "confusion": [
            {"meant": meant, "taken_for": found, "count": n} for (meant, found), n in mistakes[:MOST_MISTAKES]
        ],
    }


def _measures(name: str, pairs: Counter[tuple[str, str]]) -> dict[str, float]:
    right = pairs[name, name]
    precision = _share(right, sum(count for (_, found), count in pairs.items() if found == name))
    support = sum(count for (meant, _), count in pairs.items() if meant == name)
    recall = _share(right, support)
    f1 = _share(2 * precision * recall, precision + recall)
    return {"precision": precision, "recall": recall, "f1": f1, "support": support}


def _share(part: float, whole: float) -> float:
    return round(part / whole, 4) if whole else 0.0
