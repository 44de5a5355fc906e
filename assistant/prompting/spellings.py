"""What a text says in another spelling: in a code that everybody can undo.

Owns the codes. Must not know what is looked for.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Callable
from urllib.parse import unquote

_ESCAPED = re.compile(r"(?:\\x|\\u00|\\u\{00|U\+00|0x|=)([0-9A-Fa-f]{2})\}?[\s,;]*")
_OCTAL = re.compile(r"\\0?([0-7]{3})(?=\\|$)")
_PAIRS = re.compile(r"(?:[0-9A-Fa-f]{2}[:,;.-]?)+")
_TENS = re.compile(r"(?:1?\d\d[:,;./-]?)+")
_EIGHTS = re.compile(r"(?:[01]{7,8}[:,;.-]?)+")
_SIXTY_FOUR = re.compile(r"[A-Za-z0-9+/_-]{2,}={0,2}")
_THIRTY_TWO = re.compile(r"[A-Z2-7]{8,}=*")
_MORSE = dict(zip(
    ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --.. "
    "----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----.".split(),
    "abcdefghijklmnopqrstuvwxyz0123456789", strict=True,
))  # fmt: skip
_DOTS = str.maketrans("·•−–—_", "..----")


def _characters(codes: list[int]) -> str:
    return bytes(code for code in codes if code < 256).decode("utf-8", "ignore")


def _sixty_four(word: str) -> str:
    bare = word.rstrip("=").replace("-", "+").replace("_", "/")
    return _bytes(lambda: base64.b64decode(bare + "=" * (-len(bare) % 4)), len(word))


def _thirty_two(word: str) -> str:
    bare = word.rstrip("=")
    return _bytes(lambda: base64.b32decode(bare + "=" * (-len(bare) % 8)), len(word))


def _bytes(decoded: Callable[[], bytes], length: int) -> str:
    """A long run may have been cut within a character; of a short one each byte has to make sense, for words are such too."""
    try:
        return decoded().decode("utf-8", "ignore" if length >= 40 else "strict")
    except (binascii.Error, ValueError):
        return ""


def _escaped(word: str) -> str:
    if octal := _OCTAL.findall(word):
        return _characters([int(digits, 8) for digits in octal])
    if "%" in word or "&" in word:
        return unquote(html.unescape(word))
    return _characters([int(pair, 16) for pair in _ESCAPED.findall(word)])


def _pairs(word: str) -> str:
    return _characters([int(pair, 16) for pair in re.findall(r"[0-9A-Fa-f]{2}", word)])


#: name of the code, which words may be of it, and what such a word says
_CODES: tuple[tuple[str, re.Pattern[str], Callable[[str], str]], ...] = (
    ("base64", _SIXTY_FOUR, _sixty_four),
    ("base32", _THIRTY_TWO, _thirty_two),
    ("hexadecimal", _PAIRS, _pairs),
    ("decimal", _TENS, lambda word: _characters([int(ten) for ten in re.findall(r"\d{2,3}", word)])),
    ("binary", _EIGHTS, lambda word: _characters([int(bits, 2) for bits in re.findall(r"[01]{7,8}", word)])),
    ("escapes", re.compile(r".{3,}"), _escaped),
    ("morse", re.compile(r"[.·•−–—_-]{1,5}"), lambda word: _MORSE.get(word.translate(_DOTS), "")),
    ("initials", re.compile(r"[^\W_].*"), lambda word: word[0]),
)
WHOLE = 16  # letters of a word that is taken for a text of its own, not a part of one
EDGES = "()[]{}<>\"'`*,;:!?|"


def spelled(words: list[str]) -> dict[str, str]:
    """What ``words`` say, taken as words of each code; what is no word of a code is left out."""
    found: dict[str, str] = {}
    for word in words:
        bare = word.strip(EDGES)
        for name, shape, meant in _CODES:
            if bare and shape.fullmatch(bare) and (said := meant(bare)):
                found[name] = found.get(name, "") + said + (" " if len(bare) >= WHOLE else "")
    return found
