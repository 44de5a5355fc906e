"""What of JSON every database can store, and read back.

Owns that one judgement. Must not repair anything: what cannot be stored is refused where it comes in.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

DEEPEST = 50  # levels; MongoDB takes 100 in a whole row
LARGEST = 2**63 - 1  # MongoDB's integers have 64 bits, and PostgreSQL gives a larger float back as another integer


@dataclass(frozen=True)
class Refusal:
    """``path``: the names on the way to the value, with dots. ``why`` is a sentence, ``code`` stable."""

    path: str
    why: str
    code: str


#: of what is nested deeper than Python can follow, where no place is known
TOO_DEEP = Refusal("", f"Nested deeper than {DEEPEST} levels", "too_deep")


def unstorable(value: Any) -> Refusal | None:
    """The first thing in ``value`` that some database refuses or gives back changed; None when there is nothing."""
    return next(_refusals(value, ()), None)


def _refusals(value: Any, path: tuple[str, ...]) -> Iterator[Refusal]:
    if len(path) > DEEPEST:
        yield Refusal(".".join(path[:10]), TOO_DEEP.why, TOO_DEEP.code)
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from _of_text(name, path)
            yield from _refusals(member, (*path, name))
    elif isinstance(value, list):
        for index, member in enumerate(value):
            yield from _refusals(member, (*path, str(index)))
    elif isinstance(value, str):
        yield from _of_text(value, path)
    elif isinstance(value, float) and not math.isfinite(value):
        yield Refusal(".".join(path), "Not a finite number", "not_finite")
    elif isinstance(value, (int, float)) and abs(value) > LARGEST:
        yield Refusal(".".join(path), "Numbers go up to 2^63 - 1; send larger ones as text", "number_too_large")


def _of_text(text: str, path: tuple[str, ...]) -> Iterator[Refusal]:
    if "\0" in text:
        yield Refusal(".".join(path), "NUL characters are not allowed", "nul_character")
    try:
        text.encode()
    except UnicodeEncodeError:
        yield Refusal(".".join(path), "Half of a surrogate pair is no character", "lone_surrogate")
