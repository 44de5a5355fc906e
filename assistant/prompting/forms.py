"""Forms of a text in which what says the same is the same, and how far an answer runs along a secret in each.

Owns the forms and the measure. Must not know what comes of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from assistant.prompting.letters import seen

RUN = 60  # letters and digits in a row, blanks and marks not counted, that are no coincidence
#: a secret shorter than RUN counts where it is told whole, if it is at least so long: shorter ones are everybody's words
SHORTEST = 20
#: for each letter in between that the secret does not have, so many of the run are forgotten: one wrong letter hides nothing
FORGET = 3

_BARE = {code: None for code in range(128) if not chr(code).isalnum()}
#: digits as the letters for which they are written, and letters that are taken for each other, also upside down
_MERGED = _BARE | str.maketrans({
    "0": "o", "1": "l", "2": "z", "3": "e", "4": "a", "5": "s", "6": "g", "7": "t", "8": "b", "9": "g",
    "i": "l", "n": "u", "p": "d", "q": "b", "m": "ru", "w": "vv",
})  # fmt: skip
_SIGNS = _MERGED | str.maketrans({"@": "a", "$": "s", "!": "l", "|": "l", "+": "t", "(": "c"})
_LETTERS = _BARE | dict.fromkeys(map(ord, "0123456789"))
_CONSONANTS = _LETTERS | dict.fromkeys(map(ord, "aeiou"))
_MIRRORED = str.maketrans("abcdefghijklmnopqrstuvwxyz", "zyxwvutsrqponmlkjihgfedcba")
_WORD = re.compile(r"[^\W_]+")
_DOUBLED = re.compile(r"(.)\1+")
_PIG = re.compile(r"ay$")

Units = Sequence[str]  # a text, or a tuple of words
Ways = Callable[[str], tuple[str, ...]]  # of reading the secret itself


def plain(words: str) -> str:
    """The letters and digits of ``words`` as an eye reads them, however they are spaced or set in marks."""
    return seen(words).translate(_BARE)


def _steps(read: str) -> tuple[str, str]:
    """From each letter to the next: the same whichever letter the alphabet begins with."""
    letters = read.translate(_LETTERS)
    steps = (chr(128 + (ord(after) - ord(before)) % 26) for before, after in pairwise(letters))
    return "".join(steps), letters[-1:]


def _words(read: str) -> tuple[tuple[str, ...], str]:
    """Whole words, each with its letters in the order of the alphabet, without the ending of pig Latin."""
    ended = max(read.rfind(" "), read.rfind("\n")) + 1
    return tuple("".join(sorted(_PIG.sub("", word) or word)) for word in _WORD.findall(read[:ended])), read[ended:]


def _once(read: str) -> tuple[str, str]:
    """Letters that stand twice or oftener in a row are one."""
    letters = _DOUBLED.sub(r"\1", read.translate(_LETTERS))
    return letters[:-1], letters[-1:]


def _there_and_back(read: str) -> tuple[str, ...]:
    return read, read[::-1]


def _by_words(read: str) -> tuple[str, ...]:
    return *_there_and_back(read), " ".join(read.split()[::-1])


def _mirrored(read: str) -> tuple[str, ...]:
    return *_there_and_back(read), *_there_and_back(read.translate(_MIRRORED))


def _by(table: dict[int, int | str | None] | dict[int, str | None]) -> Callable[[str], tuple[Units, str]]:
    return lambda read: (read.translate(table), "")


@dataclass(frozen=True)
class Form:
    """``units``: what a text that is `seen` consists of, and what of its end belongs to what comes next. ``gram`` of them in
    a row are looked for, and ``run`` letters of them are too many. ``apart``: what the secret does not have stands between."""

    units: Callable[[str], tuple[Units, str]]
    gram: int = 12
    run: int = RUN
    apart: bool = False
    ways: Ways = _there_and_back


FORMS = (
    Form(_by(_MERGED)),
    Form(_by(_SIGNS)),
    Form(_steps, ways=_mirrored),
    Form(_by(_CONSONANTS), gram=9, run=RUN * 3 // 5),
    Form(_once),
    Form(_words, gram=4, apart=True, ways=_by_words),
)


@dataclass(frozen=True)
class Known:
    """The runs of a secret in one form, with how many letters are too many; its units where others stand between."""

    runs: dict[Units, int]
    units: frozenset[str] | None


@lru_cache(maxsize=8)
def known_of(texts: tuple[str, ...]) -> tuple[Known, ...]:
    """What is compared with, of each form: forwards and backwards. Some 3 MB for a prompt of 400 words."""
    return tuple(_known(form, list(map(seen, texts))) for form in FORMS)


def _known(form: Form, texts: list[str]) -> Known:
    runs: dict[Units, int] = {}
    for read in (way for text in texts for way in form.ways(text)):
        units, _ = form.units(read + " ")
        length = sum(map(len, units))
        if length >= SHORTEST * form.run // RUN:
            for at in range(len(units) - form.gram + 1):
                run = units[at : at + form.gram]
                runs[run] = min(runs.get(run, RUN), form.run, length)
    return Known(runs, frozenset(unit for run in runs for unit in run) if form.apart else None)


class Line:
    """How far a growing text runs along a secret, in one form."""

    def __init__(self, form: Form, known: Known):
        self._form, self._known = form, known
        self._rest, self._units = "", form.units("")[0]
        self._at = self._covered = self._run = 0  # letters heard; up to which they are the secret's; how many in a row
        self._others = 0  # units since then that stand between, where some may
        self.told = False

    @property
    def along(self) -> bool:
        return self._run > FORGET * (self._at - self._covered) and self._others <= FORGET

    def hear(self, read: str) -> None:
        """``read``: the next part of the text, as it is `seen`."""
        new, self._rest = self._form.units(self._rest + read)
        if self._known.units is not None:
            self._others += len(new)
            new = tuple(unit for unit in new if unit in self._known.units)
        size, runs = self._form.gram, self._known.runs
        units = self._units + new  # type: ignore[operator]
        for end in range(len(self._units) + 1, len(units) + 1):
            self._at += len(units[end - 1])
            run = units[max(0, end - size) : end]
            if (enough := runs.get(run)) is not None:
                self._cover(sum(map(len, run)), enough)
        self._units = units[-size:]

    def _cover(self, letters: int, enough: int) -> None:
        begin = self._at - letters
        kept = self._run - FORGET * max(0, begin - self._covered)
        self._run = max(0, kept) + self._at - max(begin, self._covered)
        self._covered, self._others = self._at, 0
        self.told |= self._run >= enough
