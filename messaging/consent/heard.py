"""Whether what a person says is a word of consent: STOP, START or HELP in any of our languages.

Owns that reading of words. Must not know who said them, nor where they count.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from typing import NamedTuple

from messaging.consent.words import CARRIER_ONLY, EVERYDAY, PHRASES, POLITE, SIGNATURES

WORDS = ("stop", "start", "help")
LONGEST = 60  # characters of a message that can be a word of consent


class Heard(NamedTuple):
    """Which of WORDS was said ("": none), in which languages it is one, and as which ``phrase``, folded."""

    word: str
    languages: frozenset[str]
    phrase: str = ""


NO_WORD = Heard("", frozenset())


def word_of(said: str) -> Heard:
    """What the whole of ``said`` means. A stop word counts as well when all that is beside it is polite, a signature, or
    further lines: who begins with a line that says STOP means it."""
    found = _phrase(said)
    return found if found.word else _stop_within(said)


def _phrase(said: str) -> Heard:
    return _table().get(_folded(said), NO_WORD) if len(said) <= LONGEST else NO_WORD


def _stop_within(said: str) -> Heard:
    first, _, others = said.strip().partition("\n")
    if others.strip():
        found = _alone(first)
        if found.word and found.phrase not in everyday():
            return found
    return _alone(said)


def _alone(said: str) -> Heard:
    """The stop word that is left of ``said`` without what is polite and the signature; words that mean something else in
    a sentence ("please cancel") do not count."""
    if len(said) > LONGEST + 60:
        return NO_WORD
    left = f" {_folded(said)} "
    for signature in _folded_all(SIGNATURES):
        left = f"{left.partition(f' {signature} ')[0].rstrip()} "
    if _beginnings().isdisjoint(left.split()):
        return NO_WORD
    before = ""
    while before != left:
        before = left
        for polite in _folded_all(tuple(POLITE)):
            left = left.removeprefix(f" {polite}") if left.startswith(f" {polite} ") else left
            left = left.removesuffix(f"{polite} ") if left.endswith(f" {polite} ") else left
    found = _table().get(left.strip(), NO_WORD)
    return found if found.word == "stop" and found.phrase not in CARRIER_ONLY else NO_WORD


@cache
def _table() -> dict[str, Heard]:
    table: dict[str, Heard] = {}
    for language, phrases in PHRASES.items():
        for word in WORDS:
            for phrase in getattr(phrases, word):
                key = _folded(phrase)
                table[key] = Heard(word, table.get(key, NO_WORD).languages | {language}, key)
    return table


@cache
def _beginnings() -> frozenset[str]:
    """The first words of all stop phrases: what has none of them need not be looked at."""
    return frozenset(key.split()[0] for key, heard in _table().items() if heard.word == "stop")


@cache
def everyday() -> frozenset[str]:
    return frozenset(map(_folded, EVERYDAY))


@cache
def _folded_all(phrases: tuple[str, ...]) -> tuple[str, ...]:
    """The longest first."""
    return tuple(sorted(map(_folded, phrases), key=len, reverse=True))


def _folded(said: str) -> str:
    """Without case, accents, punctuation and superfluous blanks; Turkish dotless i as i."""
    if said.isascii():  # the same, without a look at each sign
        return " ".join(said.translate(_ASCII).split())
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", said).casefold()).replace("ı", "i")
    letters = (" " if unicodedata.category(sign)[0] in "PSZC" else sign for sign in plain if not _is_mark(sign))
    return " ".join("".join(letters).split())


_ASCII = {at: " " if unicodedata.category(chr(at))[0] in "PSZC" else chr(at).lower() for at in range(128)}


def _is_mark(sign: str) -> bool:
    return unicodedata.category(sign) == "Mn" or sign in "\u200e\u200f\u0640"  # direction marks, Arabic stretching
