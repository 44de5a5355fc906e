"""What is looked for: words that all have to be there, phrases, and a last word that may go on.

Owns how a question is read and what it means for a text. Must not know databases.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

import regex

from channels_app.words.folding import asked, folded, places, unspaced
from tenants.errors import Invalid

PIECE = regex.compile(r'"([^"]*)(?:"|$)|([^\s"]+)')
MOST = 16  # pieces of a question
SHORTEST = 2  # letters of a beginning: one letter begins a good part of all words

AROUND = 80  # characters of a snippet on each side of the first place
LONGEST = 240  # of a snippet


@dataclass(frozen=True)
class Piece:
    """Words that stand side by side; ``begins``: the last of them is the beginning of one."""

    words: tuple[str, ...]
    begins: bool

    @property
    def stretch(self) -> str:
        """What stands in the folded words of each text with this piece."""
        return f" {' '.join(self.words)}" + ("" if self.begins else " ")


@dataclass(frozen=True)
class Question:
    pieces: tuple[Piece, ...]

    def answers(self, words: str) -> bool:
        """Whether a text of these folded words is looked for."""
        return all(piece.stretch in words for piece in self.pieces)


def question(query: str) -> Question:
    """All words must be there. What is quoted, or hangs together like AC-10042, side by side; the last word may go on unless
    it is quoted. Raises Invalid ``search_without_words``, ``search_too_long``."""
    found = [(bool(match[1] is not None), match[1] or match[2] or "") for match in PIECE.finditer(query)]
    pieces = []
    for place, (quoted, said) in enumerate(found, 1):
        words = tuple(asked(said))
        if words:
            goes_on = place == len(found) and not quoted and len(words[-1]) >= SHORTEST
            pieces.append(Piece(words, goes_on or unspaced(words[-1])))
    if not pieces:
        raise Invalid("There is no word to look for.", code="search_without_words")
    if len(pieces) > MOST:
        raise Invalid(f"At most {MOST} words or phrases can be looked for.", code="search_too_long")
    return Question(tuple(dict.fromkeys(pieces)))


def snippet(text: str, wanted: Question) -> list[dict[str, object]]:
    """The part of the text around the first place, in pieces ``{"text": …, "mark": …}``; joined they are that part."""
    marked = sorted(set(_marks(text, wanted)))
    first = marked[0][0] if marked else 0
    start = 0 if first <= AROUND else _blank_after(text, first - AROUND, first)
    end = len(text) if len(text) - start <= LONGEST else start + LONGEST
    shown: list[dict[str, object]] = []
    for mark, letters in groupby(range(start, end), _within(marked)):
        part = list(letters)
        shown.append({"text": text[part[0] : part[-1] + 1], "mark": mark})
    if shown and start:
        shown = [{"text": "… ", "mark": False}, *shown]
    return [*shown, {"text": " …", "mark": False}] if end < len(text) else shown


def _marks(text: str, wanted: Question) -> Iterator[tuple[int, int]]:
    found = list(places(text))
    for piece in wanted.pieces:
        size = len(piece.words)
        for at in range(len(found) - size + 1):
            if _fits([word for word, *_ in found[at : at + size]], piece):
                last = found[at + size - 1][2]
                # of a pair the place is its first sign, and what was asked for may end with its second
                pair = unspaced(piece.words[-1]) and len(piece.words[-1]) > 1
                yield found[at][1], min(last + 1, len(text)) if pair else last


def _fits(words: Sequence[str], piece: Piece) -> bool:
    *firsts, last = piece.words
    return words[:-1] == firsts and (words[-1].startswith(last) if piece.begins else words[-1] == last)


def _within(marked: Sequence[tuple[int, int]]) -> Callable[[int], bool]:
    inside = {at for start, end in marked for at in range(start, end)}
    return lambda at: at in inside


def _blank_after(text: str, start: int, end: int) -> int:
    blank = text.find(" ", start, end)
    return start if blank < 0 else blank + 1


def found_in(text: str, wanted: Question) -> bool:
    """Whether what the text says now is looked for: the index may be of before a change by an older release."""
    return wanted.answers(folded(text))
