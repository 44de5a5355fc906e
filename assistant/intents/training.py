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
from functools import cache
from importlib.metadata import version
from typing import Any

import regex

#: part of the digest: a change here, or another scikit-learn, trains everyone anew
ALGORITHM = f"2 scikit-learn {version('scikit-learn')}"
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

    features: Features
    scorer: Scorer
    calibration: Calibration
    exact: dict[str, str]  # normalised example → intent

    def classify(self, text: str) -> Classification:
        return self.classify_row(text, self.features.transform([text]))

    def classify_row(self, text: str, row: Any) -> Classification:
        """As ``classify``, where the features of the text are known already."""
        names, evidence = self.scorer.evidence(row)
        chances = self.calibration.chances(evidence[0])
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
    weights: Any  # dense, features × intents
    bias: Any
    rows: Any  # sparse, features × examples
    starts: Any  # where each intent's examples begin in ``rows``

    def evidence(self, rows: Any) -> tuple[tuple[str, ...], Any]:
        """Per row and intent: its score, its lead over the best other intent, its nearest example's cosine."""
        import numpy as np

        scores = rows @ self.weights + self.bias
        nearest = np.maximum.reduceat(np.asarray((rows @ self.rows).todense()), self.starts, axis=1)
        order = np.sort(scores, axis=1)
        best, second = order[:, -1:], order[:, -2:-1]
        lead = np.where(scores == best, scores - second, scores - best)
        return self.names, np.stack([scores, lead, nearest], axis=2)


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
    return " ".join(regex.sub(r"[^\w\s]", " ", text.casefold()).split())


@dataclass(frozen=True)
class Features:
    """Texts as rows of TF-IDF weights of words, word pairs and letter groups; every row has length 1.

    Hashed, not looked up in a vocabulary: a word never seen then counts as strange instead of not at all. What
    was never seen shares the last column.
    """

    columns: Any  # hashes that were seen, ascending
    rarity: Any  # of each of them, and of what was not seen: inverse document frequency

    def transform(self, texts: Sequence[str]) -> Any:
        """A sparse row per text. By hand, because scikit-learn's checks take five times as long as this."""
        import numpy as np
        from scipy.sparse import csr_matrix

        counts = _hashing().transform([text[:MAX_READ] for text in texts])
        unseen = len(self.columns)
        places = np.searchsorted(self.columns, counts.indices).astype(np.int32)
        places[places == unseen] = 0
        places[self.columns[places] != counts.indices] = unseen
        found = (1.0 + np.log(counts.data, dtype=np.float32)) * self.rarity[places]
        lengths = np.sqrt(np.bincount(_row_of_each(counts), weights=found**2, minlength=counts.shape[0]))
        found /= lengths.astype(np.float32)[_row_of_each(counts)]
        return csr_matrix((found, places, counts.indptr), shape=(counts.shape[0], unseen + 1))


def _row_of_each(rows: Any) -> Any:
    import numpy as np

    return np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))


@cache
def _hashing() -> Any:
    """Counts the pieces of a text; it learns nothing, so one does for all."""
    from sklearn.feature_extraction.text import CountVectorizer, HashingVectorizer, strip_accents_unicode

    # all digits are alike: an order number never seen looks like those in the examples
    def plain(text: str) -> str:
        return DIGIT.sub("0", strip_accents_unicode(text.lower()))

    words = CountVectorizer(preprocessor=plain, ngram_range=(1, 2)).build_analyzer()
    letters = CountVectorizer(preprocessor=plain, analyzer="char_wb", ngram_range=(2, 4)).build_analyzer()

    def pieces(text: str) -> list[str]:
        return [f"w {word}" for word in words(text)] + letters(text)

    return HashingVectorizer(analyzer=pieces, n_features=COLUMNS, alternate_sign=False, norm=None)


def features_for(texts: Sequence[str]) -> Features:
    """Features that know from these texts which words and letters are common."""
    import numpy as np

    counts = _hashing().transform(texts)
    columns, with_it = np.unique(counts.indices, return_counts=True)  # a column stands once in a row
    rarity = 1.0 + np.log((1 + len(texts)) / (1.0 + np.append(with_it, 0)))
    return Features(columns, rarity.astype(np.float32))


def train(examples: Sequence[Example], features: Features) -> Classifier:
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
    chance = LogisticRegression(C=10.0).fit(evidence, right)
    calibration = Calibration(chance.coef_[0], float(chance.intercept_[0]))
    return Classifier(features, _scorer(rows, labels), calibration, unambiguous(examples))


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
    return Scorer(tuple(names), np.ascontiguousarray(weights.T, dtype=np.float32), bias, ordered.T.tocsr(), starts)


def unambiguous(examples: Iterable[Example]) -> dict[str, str]:
    """Normalised example → intent, without those that are given for several."""
    found: dict[str, set[str]] = {}
    for example in examples:
        found.setdefault(normal(example.text), set()).add(example.intent)
    single = {text: next(iter(intents)) for text, intents in found.items() if text and len(intents) == 1}
    return {text: intent for text, intent in single.items() if intent != NONE}
