"""How an SMS is counted: its alphabet, its units and the segments that a network bills.

Owns the GSM 7-bit tables and the arithmetic. Must not know any provider, channel or content type.
3GPP TS 23.038 (alphabets), TS 23.040 (concatenation).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass

from channels_app.words.split import split_text

#: septet value → character; "\x1b" at 0x1B leads to the extension table
BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}
COSTS = {**dict.fromkeys(BASIC.replace("\x1b", ""), 1), **dict.fromkeys(EXTENSION, 2)}
#: alphabet → units in a lone segment, and in each of several (six bytes of each are a header then)
ROOM = {"GSM-7": (160, 153), "UCS-2": (70, 67)}


@dataclass(frozen=True)
class Segments:
    """``encoding`` is GSM-7 or UCS-2, ``units`` counts septets or UTF-16 units, ``count`` segments."""

    encoding: str
    units: int
    count: int


def segments(text: str) -> Segments:
    """What sending ``text`` takes. One character outside GSM-7 turns the whole into UCS-2; a character
    of two units is never cut in halves, so the end of a segment may stay empty."""
    costs = [COSTS.get(character, 0) for character in text]
    encoding = "GSM-7" if all(costs) else "UCS-2"
    if encoding == "UCS-2":
        costs = [2 if character > "\uffff" else 1 for character in text]
    units = sum(costs)
    alone, among_several = ROOM[encoding]
    if units <= alone:
        return Segments(encoding, units, 1 if text else 0)
    count, filled = 1, 0
    for cost in costs:
        count, filled = (count + 1, cost) if filled + cost > among_several else (count, filled + cost)
    return Segments(encoding, units, count)


def split_segments(text: str, most: int, limit: int) -> Iterator[str]:
    """``text`` in parts of at most ``most`` segments and ``limit`` characters each, cut where it hurts least.
    A part without the odd sign that makes another one dear takes more."""
    while text.strip():
        room = bisect_right(range(len(text) + 1), most, key=lambda length: segments(text[:length]).count) - 1
        part = split_text(text, min(room, limit))[0]
        yield part
        text = text[text.index(part) + len(part) :].lstrip()
