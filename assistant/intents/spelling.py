"""Words that were mistyped by one letter, as the tenant's examples spell them.

Owns that search. Must not decide whether the corrected text is what was meant.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import regex

from assistant.knowledge.facts import stem_of

SHORTEST = 4  # letters; shorter words have too many neighbours
MOST_WORDS = 60  # of a text that are looked at
WORD = regex.compile(r"\p{L}+")
DOUBLED = regex.compile(r"(.)\1+")

Half = tuple[int, str, bool]  # letters of a word, one half of it, and whether that is the first


@dataclass(frozen=True)
class Spelling:
    """``known``: how often each word is taught. ``halves``: the words that have a half in common: one letter can spoil one
    half only, so that the words near another one are found by what it has left of them."""

    known: Counter[str]
    halves: Mapping[Half, Sequence[str]]

    @cached_property
    def stems(self) -> frozenset[str]:
        """The beginnings of all words that are taught."""
        return frozenset(map(stem_of, self.known))

    def corrected(self, text: str) -> str:
        """``text`` with every word that nothing taught has replaced by the likeliest that one letter makes of it: left
        out, put in, changed, or two in the wrong order; one that is twice or once likeliest of all ("helo", "heyy"). ""
        where there is none. Some 10 µs for a word."""
        looked = 0
        changed = False

        def spelt(found: regex.Match[str]) -> str:
            nonlocal looked, changed
            word = found.group().casefold()
            looked += 1
            if looked > MOST_WORDS or not SHORTEST <= len(word) <= 24 or word in self.known:
                return found.group()
            likely = max(
                self._near(word), key=lambda one: (_single(one) == _single(word), self.known[one], one), default=""
            )
            changed = changed or bool(likely)
            return likely or found.group()

        better = WORD.sub(spelt, text)
        return better if changed else ""

    def _near(self, word: str) -> set[str]:
        near = {
            one
            for size in (len(word) - 1, len(word), len(word) + 1)
            for half in ((size, word[: size // 2], True), (size, word[len(word) - (size - size // 2) :], False))
            for one in self.halves.get(half, ())
            if _one_letter_apart(one, word) and (len(one) >= SHORTEST or word.startswith(one))  # "abre" is no "are"
        }
        middle = len(word) // 2  # two letters in the wrong order there spoil both halves
        turned = word[: middle - 1] + word[middle] + word[middle - 1] + word[middle + 1 :]
        return near | {turned} if turned in self.known else near


def _single(word: str) -> str:
    return DOUBLED.sub(r"\1", word)


def spelling_of(texts: Iterable[str]) -> Spelling:
    known = Counter(word.casefold() for text in texts for word in WORD.findall(text))
    halves = defaultdict[Half, list[str]](list)
    for word in known:
        if len(word) >= SHORTEST - 1:
            middle = len(word) // 2
            halves[len(word), word[:middle], True].append(word)
            halves[len(word), word[middle:], False].append(word)
    return Spelling(known, dict(halves))


def _one_letter_apart(one: str, other: str) -> bool:
    """Of two different words whose lengths differ by one at most."""
    begin = 0
    for letter, beside in zip(one, other, strict=False):
        if letter != beside:
            break
        begin += 1
    rest, left = one[begin:], other[begin:]
    if len(rest) != len(left):
        return rest[1:] == left or rest == left[1:]
    return rest[1:] == left[1:] or (rest[1::-1] == left[:2] and rest[2:] == left[2:])
