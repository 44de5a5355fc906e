"""A text as numbers: TF-IDF weights of its words, word pairs and letter groups (so that typing errors and endings
matter little).

Owns what a text is cut into and how sparse rows are kept and multiplied. Must not know an intent, nor need more
than NumPy: a process that answers from stored numbers loads no scikit-learn.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Any
from zlib import crc32

import regex

COLUMNS = 2**20  # hashed features: so many that hardly two pieces of a tenant share one
MAX_READ = 1000  # characters of a text that are looked at
LETTER_GROUPS = (2, 3, 4)  # their lengths; a word's edges count as a letter
REMEMBERED = 20_000  # words of all tenants whose pieces are kept, about 10 MB
LONGEST_REMEMBERED = 30  # characters; a longer word is cut up each time
DIGIT = regex.compile(r"\d")
WORD = regex.compile(r"\b\w\w+\b")


@dataclass(frozen=True)
class Row:
    """A text of length 1: the columns of Features it has, and its weight in each. What was never seen is left out,
    though it has made the others smaller."""

    places: Any
    weights: Any


@dataclass(frozen=True)
class Table:
    """Sparse rows one after another: row i has ``weights[starts[i]:starts[i+1]]`` at ``places[starts[i]:starts[i+1]]``."""

    weights: Any
    places: Any
    starts: Any

    def __len__(self) -> int:
        return len(self.starts) - 1

    def likeness(self, row: Row, width: int, parts: Sequence[tuple[int, int]]) -> Any:
        """The cosine of ``row`` and each row of the ``parts`` (from, to), one after another. Every row of a part must
        have a weight (`table_of` sees to it)."""
        import numpy as np

        text = np.zeros(width, np.float32)
        text[row.places] = row.weights
        starts = self.starts.item
        ends = [(starts(first), starts(last)) for first, last in parts]
        products = text.take(_joined(self.places, ends), mode="clip")  # a third of what indexing costs
        products *= _joined(self.weights, ends)
        shifts = accumulate((end - start for start, end in ends), initial=0)
        begins = [
            self.starts[first:last] - (start - shift)
            for (first, last), (start, _), shift in zip(parts, ends, shifts, strict=False)
        ]
        return np.add.reduceat(products, np.concatenate(begins))

    def times(self, row: Row, width: int) -> Any:
        """The sum of those of its rows that ``row`` names, each times the weight there: ``width`` numbers."""
        import numpy as np

        ends = list(zip(self.starts[row.places], self.starts[row.places + 1], strict=True))
        factors = np.repeat(row.weights, [end - start for start, end in ends])
        return np.bincount(_joined(self.places, ends), weights=factors * _joined(self.weights, ends), minlength=width)

    def turned(self, width: int) -> Table:
        """Rows for columns; ``width`` is the number of columns."""
        import numpy as np

        order = np.argsort(self.places, kind="stable")
        rows = np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.starts))
        return Table(self.weights[order], rows[order], _starts(np.bincount(self.places, minlength=width)))

    def picked(self, rows: Any) -> Table:
        """These of its rows, in this order."""
        import numpy as np

        ends = list(zip(self.starts[rows], self.starts[np.asarray(rows) + 1], strict=True))
        return Table(
            _joined(self.weights, ends), _joined(self.places, ends), _starts([end - start for start, end in ends])
        )


@dataclass(frozen=True)
class Features:
    """Which columns the texts learnt from have, and how rare each is.

    Hashed, not looked up in a vocabulary, so that what is kept has no words in it; two pieces that share a column
    count as one. A piece never seen counts as strange instead of not at all.
    """

    columns: Any  # hashes that were seen, ascending
    rarity: Any  # of each of them, and of what was not seen: inverse document frequency

    def row(self, text: str) -> Row:
        import numpy as np

        counts = _counts(text)
        hashes = np.fromiter(counts, np.int32, len(counts))
        often = np.fromiter(counts.values(), np.float32, len(counts))
        unseen = len(self.columns)
        places = self.columns.searchsorted(hashes)
        places[self.columns.take(places, mode="clip") != hashes] = unseen
        weights = (1.0 + np.log(often)) * self.rarity[places]
        weights /= np.sqrt(weights @ weights) or 1.0
        seen = places < unseen
        return Row(places[seen], weights[seen])

    def table(self, texts: Sequence[str]) -> Table:
        return table_of([self.row(text) for text in texts])


def features_for(texts: Sequence[str]) -> Features:
    """Features that know from these texts which words and letters are common."""
    import numpy as np

    with_it = Counter(piece for text in texts for piece in _counts(text))
    columns = np.array(sorted(with_it), np.int32)
    often = np.array([with_it[column] for column in columns.tolist()] + [0])
    rarity = 1.0 + np.log((1 + len(texts)) / (1.0 + often))
    return Features(columns, rarity.astype(np.float32))


def table_of(rows: Sequence[Row]) -> Table:
    """A text without any piece has a weight of 0, so that every row has one."""
    import numpy as np

    nothing = Row(np.zeros(1, np.int32), np.zeros(1, np.float32))
    rows = [row if len(row.places) else nothing for row in rows]
    if not rows:
        return Table(nothing.weights[:0], nothing.places[:0], _starts([]))
    weights, places = (
        np.concatenate(parts) for parts in zip(*((row.weights, row.places) for row in rows), strict=True)
    )
    return Table(weights, places.astype(np.int32), _starts([len(row.places) for row in rows]))


def _counts(text: str) -> Counter[int]:
    """How often each hashed piece is in the text. All digits are alike: an order number never seen looks like those
    in the examples."""
    pieces: list[int] = []
    words: list[str] = []
    for written in DIGIT.sub("0", _without_accents(text[:MAX_READ].lower())).split():
        known, spoken = _remembered(written) if len(written) <= LONGEST_REMEMBERED else _pieces(written)
        pieces += known
        words += spoken
    pieces += [_hash(f"w {one} {other}") for one, other in pairwise(words)]
    return Counter(pieces)


def _pieces(written: str) -> tuple[tuple[int, ...], tuple[str, ...]]:
    """The hashes of what stands between two spaces, and the words in it."""
    words = WORD.findall(written)
    edged = f" {written} "
    groups = [edged[at : at + size] for size in LETTER_GROUPS for at in range(max(1, len(edged) - size + 1))]
    return tuple(map(_hash, [*groups, *(f"w {word}" for word in words)])), tuple(words)


_remembered = lru_cache(REMEMBERED)(_pieces)


def _hash(piece: str) -> int:
    return crc32(piece.encode("utf-8", "surrogatepass")) % COLUMNS


def _without_accents(text: str) -> str:
    if text.isascii():
        return text
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


def _joined(array: Any, ends: Sequence[tuple[int, int]]) -> Any:
    import numpy as np

    return np.concatenate([array[start:end] for start, end in ends]) if ends else array[:0]


def _starts(lengths: Any) -> Any:
    import numpy as np

    return np.concatenate([[0], np.cumsum(lengths)]).astype(np.int32)
