"""Cutting text where it hurts least.

Owns splitting and shortening. Must not know channels, content types or markup beyond links.
"""

from __future__ import annotations

import bisect
from collections.abc import Iterator

import regex

#: what must stay in one piece: Markdown links, Slack's <…|…>, bare addresses
ATOM = regex.compile(
    r"!?\[[^\[\]\n]*\]\([^()\s]*(?:\([^()\s]*\)[^()\s]*)*\)|<(?:https?://|mailto:|[@#!])[^<>\n]*>|https?://[^\s<>]+"
)
#: where to cut, best first; a cut of the first three kinds must leave at least half a part filled
PLACES = (
    regex.compile(r"\n\s*\n\s*"),
    regex.compile(r"\n"),
    regex.compile(r"(?:(?<![.!?…])[.!?…]++[\"'”’)\]]*+\s++|[。！？]+[」』）]*)"),
    regex.compile(r"\s+"),
)
#: flags are paired by hand: within \X the library counts all that stand before, for each one
GRAPHEME = regex.compile(r"\p{Regional_Indicator}{2}[\p{GCB=Extend}\p{GCB=SpacingMark}\p{GCB=ZWJ}]*+|\X")
#: blanks at a cut go; the last one stays when a combining mark sits on it
BLANKS = regex.compile(r"\s+(?![\p{M}\u200d])")


def split_text(text: str, limit: int) -> list[str]:
    """``text`` in parts of at most ``limit`` characters, in order; joined they give the text again,
    save for blanks at the cuts. Cuts at the end of a paragraph, line, sentence or word; never inside
    a grapheme or an address, unless that alone is longer than ``limit``."""
    atoms = [match.span() for match in ATOM.finditer(text)] if len(text) > limit else []
    parts = []
    start = 0
    while len(text) - start > limit:
        cut = _cut(text, start, limit, atoms)
        parts.append(text[start:cut].rstrip())
        blank = BLANKS.match(text, cut)
        start = blank.end() if blank else cut
    parts.append(text[start:])
    return [part for part in parts if part.strip()]


def shorten(text: str, limit: int) -> str:
    """``text`` in at most ``limit`` characters, ending in "…" when something is missing."""
    if len(text) <= limit:
        return text
    end = max(_boundaries(text, 0, limit - 1), default=0)
    return text[:end].rstrip() + "…" if limit > 0 else ""


def whole_sentences(text: str) -> str:
    """``text``, which broke off, up to the end of its last whole sentence or line; "" where it has none."""
    ends = [match.end() for place in PLACES[1:3] for match in place.finditer(text)]
    return text[: max(ends, default=0)].rstrip()


def _cut(text: str, start: int, limit: int, atoms: list[tuple[int, int]]) -> int:
    end = start + limit
    boundaries = set(_boundaries(text, start, limit))
    for place in PLACES:
        least = start if place is PLACES[-1] else start + limit // 2
        found = [
            match.end() if match.end() <= end else match.start()
            for match in place.finditer(text, start, min(end + 1, len(text)))
        ]
        fitting = [cut for cut in found if cut > least and cut in boundaries and not _inside(cut, atoms)]
        if fitting:
            return fitting[-1]
    allowed = [cut for cut in boundaries if not _inside(cut, atoms)]
    # one grapheme longer than a part: nothing is left but to cut through it
    return max(allowed or boundaries, default=end)


def _boundaries(text: str, start: int, limit: int) -> Iterator[int]:
    """Ends of graphemes after ``start``, at most ``limit`` characters on."""
    # one character more than allowed, as only it tells whether the last grapheme is complete
    for match in GRAPHEME.finditer(text, start, min(start + limit + 1, len(text))):
        if match.end() <= start + limit:
            yield match.end()


def _inside(cut: int, atoms: list[tuple[int, int]]) -> bool:
    index = bisect.bisect_left(atoms, (cut, 0)) - 1
    return index >= 0 and atoms[index][0] < cut < atoms[index][1]
