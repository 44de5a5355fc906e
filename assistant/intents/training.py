"""Learning what people want from examples, and recognising it in a text.

Owns the features, the classifier and its calibrated confidence. Must not touch the database: it is given
examples and gives back a Classifier that any number of threads may use.

A text becomes TF-IDF weights of its words and of its letter groups (so that typing errors and endings
matter little). A linear classifier tells the intents apart. Its scores say nothing about how sure it is,
so a small logistic model learns from held-out examples how often a given score was right: confidence is
the probability of being right, and thresholds mean the same for every tenant. scikit-learn is imported on
first use, because it takes a second.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import regex

ALGORITHM = "1"  # part of the digest: a change here trains everyone anew
NONE = ""  # the label of text that is none of the intents
FOLDS = 3
COLUMNS = 2**16  # hashed features per kind; a tenant has some ten thousand different ones at most
MAX_READ = 1000  # characters of a text that are looked at
DIGIT = regex.compile(r"\d")


@dataclass(frozen=True)
class Example:
    text: str
    intent: str


@dataclass(frozen=True)
class Classification:
    """Intents with the probability of each being meant, likeliest first."""

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

    features: Any
    scorer: Scorer
    calibration: Any
    exact: dict[str, str]

    def classify(self, text: str) -> Classification:
        return self.classify_row(text, self.features.transform([text]))

    def classify_row(self, text: str, row: Any) -> Classification:
        """As ``classify``, where the features of the text are known already."""
        names, evidence = self.scorer.evidence(row)
        chances = self.calibration.predict_proba(evidence[0])[:, 1]
        scores = {name: float(chance) for name, chance in zip(names, chances, strict=True) if name != NONE}
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

    names: tuple[str, ...]
    weights: Any  # sparse, intents × features
    bias: Any
    rows: Any  # sparse, features × examples
    starts: Any  # where each intent's examples begin in ``rows``

    def evidence(self, rows: Any) -> tuple[tuple[str, ...], Any]:
        """Per row and intent: its score, its lead over the best other intent, its nearest example's cosine."""
        import numpy as np

        scores = np.asarray((rows @ self.weights.T).todense()) + self.bias
        nearest = np.maximum.reduceat(np.asarray((rows @ self.rows).todense()), self.starts, axis=1)
        order = np.sort(scores, axis=1)
        best, second = order[:, -1:], order[:, -2:-1]
        lead = np.where(scores == best, scores - second, scores - best)
        return self.names, np.stack([scores, lead, nearest], axis=2)


def normal(text: str) -> str:
    """A text without case, punctuation and double spaces, for exact comparison."""
    return " ".join(regex.sub(r"[^\w\s]", " ", text.casefold()).split())


@dataclass(frozen=True)
class Features:
    """Texts as rows of TF-IDF weights of words, word pairs and letter groups; every row has length 1.

    Hashed, not looked up in a vocabulary: a word never seen then counts as strange instead of not at all.
    """

    counts: Any  # HashingVectorizer
    rarity: Any  # of every column: inverse document frequency

    def transform(self, texts: Sequence[str]) -> Any:
        """A sparse row per text. By hand, because scikit-learn's checks take five times as long as this."""
        import numpy as np

        rows = self.counts.transform([text[:MAX_READ] for text in texts])
        rows.data = (1.0 + np.log(rows.data)) * self.rarity[rows.indices]
        lengths = np.sqrt(np.bincount(_row_of_each(rows), weights=rows.data**2, minlength=rows.shape[0]))
        rows.data /= lengths[_row_of_each(rows)]
        return rows


def _row_of_each(rows: Any) -> Any:
    import numpy as np

    return np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))


def features_for(texts: Sequence[str]) -> Features:
    """Features that know from these texts which words and letters are common."""
    from sklearn.feature_extraction.text import (
        CountVectorizer,
        HashingVectorizer,
        TfidfTransformer,
        strip_accents_unicode,
    )

    # all digits are alike: an order number never seen looks like those in the examples
    def plain(text: str) -> str:
        return DIGIT.sub("0", strip_accents_unicode(text.lower()))

    words = CountVectorizer(preprocessor=plain, ngram_range=(1, 2)).build_analyzer()
    letters = CountVectorizer(preprocessor=plain, analyzer="char_wb", ngram_range=(2, 4)).build_analyzer()

    def pieces(text: str) -> list[str]:
        return [f"w {word}" for word in words(text)] + letters(text)

    counts = HashingVectorizer(analyzer=pieces, n_features=COLUMNS, alternate_sign=False, norm=None)
    return Features(counts, TfidfTransformer().fit(counts.transform(texts)).idf_)


def train(examples: Sequence[Example], features: Any) -> Classifier:
    """Learn from examples, some of them NONE. About 0.3 s for 500 examples and a second for 3,000."""
    from sklearn.linear_model import LogisticRegression

    rows = features.transform([example.text for example in examples])
    labels = [example.intent for example in examples]
    evidence, right = [], []
    for tested in folds(labels):
        learnt = sorted(set(range(len(labels))) - set(tested))
        scorer = _scorer(rows[learnt], [labels[i] for i in learnt])
        names, found = scorer.evidence(rows[tested])
        for position, i in enumerate(tested):
            winner = found[position, 1:, 0].argmax() + 1  # names[0] is NONE, which is never answered
            evidence.append(found[position, winner])
            right.append(names[winner] == labels[i])
    calibration = LogisticRegression(C=10.0).fit(evidence, right)
    return Classifier(features, _scorer(rows, labels), calibration, _unambiguous(examples))


def folds(labels: Sequence[str], count: int = FOLDS) -> list[list[int]]:
    """Positions in ``count`` parts that each have their share of every label; the same for the same labels."""
    seen: dict[str, int] = {}
    parts: list[list[int]] = [[] for _ in range(count)]
    for position, label in enumerate(labels):
        parts[seen.get(label, 0) % count].append(position)
        seen[label] = seen.get(label, 0) + 1
    return parts


def _scorer(rows: Any, labels: Sequence[str]) -> Scorer:
    import numpy as np
    from scipy.sparse import csr_matrix
    from sklearn.svm import LinearSVC

    order = sorted(range(len(labels)), key=lambda i: labels[i])
    ordered = rows[order]
    names = sorted(set(labels))
    starts = np.searchsorted([labels[i] for i in order], names)
    # a finer tolerance costs time and changes no confidence by more than 0.01
    model = LinearSVC(class_weight="balanced", random_state=0, tol=0.1).fit(rows, labels)
    weights, bias = model.coef_, model.intercept_
    if len(names) == 2:  # one line divides two labels
        weights, bias = np.vstack([-weights, weights]), np.concatenate([-bias, bias])
    return Scorer(tuple(names), csr_matrix(weights), bias, ordered.T.tocsr(), starts)


def _unambiguous(examples: Iterable[Example]) -> dict[str, str]:
    """Normalised example → intent, without those that are given for several."""
    found: dict[str, set[str]] = {}
    for example in examples:
        found.setdefault(normal(example.text), set()).add(example.intent)
    single = {text: next(iter(intents)) for text, intents in found.items() if text and len(intents) == 1}
    return {text: intent for text, intent in single.items() if intent != NONE}
