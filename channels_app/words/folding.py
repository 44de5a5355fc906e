"""Words as they are looked for: case, accents and the composition of letters make no difference.

Owns what a word is to a search, the same for what is stored and for what is asked. Must not know databases.

Writing without blanks between words (Chinese, Japanese, Thai …) is taken as pairs of neighbours: any stretch of it is found.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

import regex

MOST = 64  # characters of a word; of a longer one the beginning counts

#: letters that are two things to Unicode and one to who looks for them
LETTERS = str.maketrans({
    "ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th", "ð": "d", "ŧ": "t",
    "ـ": None, "\u00ad": None, "\u200b": None, "\u200c": None, "\u200d": None, "\u2060": None, "\ufeff": None,
})  # fmt: skip
#: Latin letters with a mark → without it, one for one
UNMARKED = str.maketrans({
    chr(code): bare for code in range(0xC0, 0x250) if (bare := unicodedata.normalize("NFD", chr(code))[0]) != chr(code)
} | {"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i"})  # fmt: skip
NO_BLANKS = r"\p{Han}\p{Hiragana}\p{Katakana}\u30fc\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
PLAIN = regex.compile(r"[a-z0-9]+")
WORD = regex.compile(rf"[{NO_BLANKS}]+|(?:(?![{NO_BLANKS}])[\p{{L}}\p{{M}}\p{{N}}])+")
UNSPACED = regex.compile(rf"[{NO_BLANKS}]")
MARK = regex.compile(r"\p{M}")
#: in a text as it stands: what is folded on its own
STRETCH = regex.compile(r"[\p{L}\p{M}\p{N}\u00ad\u200b-\u200d\u2060\ufeff]+")


def folded(text: str) -> str:
    """The words of a text in order, a blank before, between and behind them; "" for a text without any."""
    same = text.lower() if text.isascii() else _same(text)
    if same.isascii():
        found = PLAIN.findall(same)
        if len(same) > MOST:
            found = [word[:MOST] for word in found]
    else:
        found = list(_words(same))
    return f" {' '.join(found)} " if found else ""


def unmarked(text: str) -> str:
    """A text without the marks on its Latin letters, as people type in haste: as long as the text is when it is composed
    (NFC), and in the same case."""
    return text if text.isascii() else unicodedata.normalize("NFC", text).translate(UNMARKED)


def asked(text: str) -> list[str]:
    """The words to look for, side by side, for what was asked in one piece. What stands at its end and is written without
    blanks may go on; so a single sign there begins a pair."""
    runs = WORD.findall(_same(text))
    words = []
    for place, run in enumerate(runs, 1):
        if UNSPACED.match(run):
            pairs = _pairs(run)
            words += pairs[:-1] if place == len(runs) and len(pairs) > 1 else pairs
        else:
            words.append(run[:MOST])
    return words


def unspaced(word: str) -> bool:
    """Whether the word is a sign, or a pair of them, of a writing without blanks."""
    return UNSPACED.match(word) is not None


def places(text: str) -> Iterator[tuple[str, int, int]]:
    """The words of `folded` in order, with the part of the text in which each stands; a sign of a pair stands alone."""
    for found in STRETCH.finditer(text):
        start, end = found.span()
        same = _same(found.group())
        whole = len(same) == end - start
        for word in WORD.finditer(same):
            first, last = (start + word.start(), start + word.end()) if whole else (start, end)
            if UNSPACED.match(word.group()):
                for at, pair in enumerate(_pairs(word.group())):
                    yield pair, first + at if whole else first, first + at + 1 if whole else last
            else:
                yield word.group()[:MOST], first, last


def _words(same: str) -> Iterator[str]:
    for word in WORD.findall(same):
        if UNSPACED.match(word):
            yield from _pairs(word)
        else:
            yield word[:MOST]


def _pairs(word: str) -> list[str]:
    """Each sign with the one behind it; the last one is alone."""
    return [word[at : at + 2] for at in range(len(word))]


def _same(text: str) -> str:
    """The text with the same letters wherever people mean the same."""
    apart = unicodedata.normalize("NFKD", text).casefold().translate(LETTERS)
    plain = MARK.sub(_unless_accent, apart)
    return plain if plain.isascii() else unicodedata.normalize("NFKC", plain)


def _unless_accent(mark: regex.Match[str]) -> str:
    """An accent says how a letter sounds; other marks make another letter of it, as in Indian scripts, Thai, Japanese."""
    place = unicodedata.combining(mark[0])
    return "" if 10 <= place <= 35 or place >= 200 else mark[0]
