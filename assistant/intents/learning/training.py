"""Learning what people want from examples, and recognising it in a text.

Owns the classifier and its calibrated confidence. Must not touch the database: it is given examples and gives
back a Classifier that any number of threads may use.

A linear classifier tells the intents apart by a text's features (assistant/features.py). Its scores say
nothing about how sure it is, so a small logistic model learns from held-out examples how often a given score was
right: confidence is the probability of being right, and thresholds mean the same for every tenant. scikit-learn is
imported by a training only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import accumulate, pairwise
from typing import Any

import regex

from assistant.features import Features, Row, Table, table_of

#: how a text becomes numbers, and these stand in what is kept: a release with another one cannot read it
FORMAT = 4
REVISION = 2  # of how it is learnt, by letters and by meaning
#: part of the digest: a change here, or another scikit-learn, trains everyone anew
ALGORITHM = f"{FORMAT}.{REVISION} scikit-learn {version('scikit-learn')}"
NONE = ""  # the label of text that is none of the intents
FOLDS = 3
CANDIDATES = 8  # intents, by the linear score, whose examples a text is compared with
CERTAIN = 5.0  # log-odds, where nothing was wrong, or nothing right
UNSPOKEN = regex.compile(r"[^\w\s]")
COMPARED = 40  # examples of each of them at most: a text costs no more when there are more


@dataclass(frozen=True)
class Example:
    text: str
    intent: str


@dataclass(frozen=True)
class Classification:
    """The likely intents with the probability of each being meant, likeliest first: CANDIDATES at most."""

    scores: tuple[tuple[str, float], ...]

    @property
    def intent(self) -> str:
        return self.scores[0][0] if self.scores else NONE

    @property
    def confidence(self) -> float:
        return self.scores[0][1] if self.scores else 0.0

    def between(self, low: float, high: float = 1.0) -> list[str]:
        """Intents by range of confidence, likeliest first."""
        return [intent for intent, confidence in self.scores if low <= confidence <= high]


@dataclass(frozen=True)
class Classifier:
    """``features`` turns texts into rows; ``scorer`` and ``calibration`` were learnt from ``examples``."""

    features: Features
    scorer: Scorer
    calibration: Calibration
    exact: dict[str, str]  # normalised example → intent

    def classify(self, text: str) -> Classification:
        return self.classify_row(text, self.features.row(text))

    def classify_row(self, text: str, row: Row) -> Classification:
        """As ``classify``, where the features of the text are known already."""
        likely, evidence = self.scorer.evidence(row)
        chances = self.calibration.chances(evidence).tolist()
        scores = {self.scorer.names[intent]: chance for intent, chance in zip(likely, chances, strict=True)}
        known = self.exact.get(normal(text))
        if known is not None:
            scores[known] = 1.0
        return Classification(tuple(sorted(scores.items(), key=lambda score: (-score[1], score[0]))))

    def classify_many(self, texts: Iterable[str]) -> list[Classification]:
        """Batch classification, in the order given."""
        return [self.classify(text) for text in texts]


@dataclass(frozen=True)
class Scorer:
    """The uncalibrated part: a linear score per intent, and the likeness to the nearest example of it."""

    names: tuple[str, ...]  # in the order of the columns of ``weights``
    weights: Any  # dense, features × intents
    bias: Any
    examples: Table
    starts: Any  # where each intent's examples begin, and where the last one's end

    def evidence(self, row: Row) -> tuple[list[int], Any]:
        """The intents that may be meant (not NONE), by the linear score; and of each its score, its lead over the
        best other, and its nearest example's cosine. To compare a text with every example would cost more than all
        else together, and what the linear score puts eleventh has never won."""
        import numpy as np

        scores = self.scores(row)
        most = min(CANDIDATES + 1 + self.names.count(NONE), len(scores))
        order = scores.argpartition(-most)[-most:]
        order = order[(-scores[order]).argsort()].tolist()
        likely = [intent for intent in order if self.names[intent] != NONE][:CANDIDATES]
        first, second = scores[order[0]], scores[order[1]]
        evidence = np.empty((len(likely), 3), np.float32)
        evidence[:, 0] = found = scores[likely]
        evidence[:, 1] = found - np.where(found == first, second, first)
        evidence[:, 2] = self.nearest(row, likely)
        return likely, evidence

    def scores(self, row: Row) -> Any:
        return row.weights @ self.weights[row.places] + self.bias

    def nearest(self, row: Row, intents: Sequence[int]) -> Any:
        """Of each of the intents the cosine of its nearest example."""
        import numpy as np

        starts = self.starts.item
        parts = [(starts(intent), starts(intent + 1)) for intent in intents]
        likeness = self.examples.likeness(row, len(self.weights), parts)
        begins = list(accumulate((last - first for first, last in parts[:-1]), initial=0))
        return np.maximum.reduceat(likeness, begins)


@dataclass(frozen=True)
class Calibration:
    """How often evidence like this was right: a logistic model, as numbers."""

    weights: Any
    bias: float

    def chances(self, evidence: Any) -> Any:
        """A probability for each row of evidence."""
        import numpy as np

        return 1.0 / (1.0 + np.exp(-(evidence @ self.weights + self.bias)))


def normal(text: str) -> str:
    """A text without case, punctuation and double spaces, for exact comparison."""
    return " ".join(UNSPOKEN.sub(" ", text.casefold()).split())


def train(examples: Sequence[Example], features: Features) -> Classifier:
    """Learn from examples, some of them NONE. About 0.3 s for 500 examples and a second for 3,000."""
    rows = [features.row(example.text) for example in examples]
    labels = [example.intent for example in examples]
    width = len(features.rarity)
    evidence, right = [], []
    for tested in folds(labels):
        learnt = sorted(set(range(len(labels))) - set(tested))
        scorer = _scorer([rows[i] for i in learnt], [labels[i] for i in learnt], width)
        for i in tested:
            (winner, *_), (found, *_) = scorer.evidence(rows[i])
            evidence.append(found)
            right.append(scorer.names[winner] == labels[i])
    return Classifier(features, _scorer(rows, labels, width), calibrated(evidence, right), unambiguous(examples))


def calibrated(evidence: Any, right: Any, weights: Any = None) -> Calibration:
    """Where all of it was right, or nothing, there is no line between the two: CERTAIN of the winner, or of nothing. What
    trails the winner (the second column is the lead) stays behind it."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    right = np.asarray(right, bool)
    if right.all() or not right.any():
        weights = np.zeros(len(evidence[0]))
        weights[1] = 2 * CERTAIN if right.all() else 0.1
        return Calibration(weights, CERTAIN if right.all() else -CERTAIN)
    chance = LogisticRegression(C=10.0).fit(evidence, right, weights)
    return Calibration(chance.coef_[0], float(chance.intercept_[0]))


def folds(labels: Sequence[str], count: int = FOLDS) -> list[list[int]]:
    """Positions in ``count`` parts that each have their share of every label; the same for the same labels."""
    seen: dict[str, int] = {}
    parts: list[list[int]] = [[] for _ in range(count)]
    for position, label in enumerate(labels):
        parts[seen.get(label, 0) % count].append(position)
        seen[label] = seen.get(label, 0) + 1
    return parts


def _scorer(rows: Sequence[Row], labels: Sequence[str], width: int) -> Scorer:
    import numpy as np
    from scipy.sparse import csr_matrix
    from sklearn.svm import LinearSVC

    order = sorted(range(len(labels)), key=lambda i: labels[i])
    names = sorted(set(labels))
    ordered = [labels[i] for i in order]
    examples = table_of([rows[i] for i in order])
    # a finer tolerance costs time and changes no confidence by more than 0.01
    model = LinearSVC(class_weight="balanced", random_state=0, tol=0.1)
    model.fit(csr_matrix((examples.weights, examples.places, examples.starts), (len(examples), width)), ordered)
    weights, bias = model.coef_, model.intercept_
    if len(names) == 2:  # one line divides two labels
        weights, bias = np.vstack([-weights, weights]), np.concatenate([-bias, bias])
    kept = [place for parts in _groups(ordered) for place in _spread(parts)]
    starts = np.append(np.searchsorted([ordered[place] for place in kept], names), len(kept))
    turned = np.ascontiguousarray(weights.T, np.float32)
    return Scorer(tuple(names), turned, bias.astype(np.float32), examples.picked(np.array(kept)), starts)


def _groups(ordered: Sequence[str]) -> list[range]:
    """Where each label stands in labels that are sorted."""
    import numpy as np

    begins = [*np.unique(ordered, return_index=True)[1].tolist(), len(ordered)]
    return [range(first, last) for first, last in pairwise(begins)]


def _spread(places: range) -> list[int]:
    """All of them, or COMPARED that lie evenly between the first and the last."""
    count = min(len(places), COMPARED)
    return [places[number * len(places) // count] for number in range(count)]


def unambiguous(examples: Iterable[Example]) -> dict[str, str]:
    """Normalised example → intent, without those that are given for several."""
    found: dict[str, set[str]] = {}
    for example in examples:
        found.setdefault(normal(example.text), set()).add(example.intent)
    single = {text: next(iter(intents)) for text, intents in found.items() if text and len(intents) == 1}
    return {text: intent for text, intent in single.items() if intent != NONE}
