"""What was measured of a version, as a page shows it: figures side by side, and which intents are taken for which.

Owns what is shown and what is left out of it. Must not measure, nor touch the database.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST = 14  # intents in the picture, those with the most mistakes
WORST = 6  # pairs that are named
NOTHING = "none of them"
LOOKS = {"letters": "by letters alone", "meaning": "by letters and meaning"}


@dataclass(frozen=True)
class Line:
    """One row of the figures."""

    words: str
    figures: Sequence[tuple[str, bool]]  # in per cent, and whether it is the best of all


@dataclass(frozen=True)
class Cell:
    count: int
    style: str
    words: str


@dataclass(frozen=True)
class Pair:
    meant: str
    taken_for: str
    count: int
    of: int  # 0: not known


@dataclass(frozen=True)
class Picture:
    names: Sequence[str]
    rows: Sequence[tuple[str, Sequence[Cell]]]
    left_out: int  # intents with mistakes that are not in it


def lines_of(version: int, metrics: Mapping[str, Any]) -> list[Line]:
    """The figures of each look, of the version and of the one it was measured beside."""
    told = [(f"Version {version}", metrics)]
    if against := metrics.get("against"):
        told.append((f"Version {against['version']}", against))
    found = [
        (f"{whose}, {LOOKS[look]}", [figures[name] for name in ("precision", "recall", "answered")])
        for whose, of in told
        for look, figures in (of.get("looks") or {"letters": of}).items()
    ]
    best = [max(column) for column in zip(*(figures for _, figures in found), strict=True)]
    return [
        Line(words, [(f"{one:.1%}", one == most) for one, most in zip(figures, best, strict=True)])
        for words, figures in found
    ]


def pairs_of(metrics: Mapping[str, Any]) -> list[Pair]:
    """The mistakes that are made most often."""
    intents = metrics.get("intents", {})
    return [
        Pair(one["meant"], one["taken_for"], one["count"], int(intents.get(one["meant"], {}).get("support", 0)))
        for one in metrics.get("confusion", ())[:WORST]
    ]


def picture_of(metrics: Mapping[str, Any]) -> Picture | None:
    """None where no mistake was made."""
    intents, confusion = metrics.get("intents", {}), metrics.get("confusion", ())
    wrong: Counter[str] = Counter()
    for one in confusion:
        for name in {one["meant"], one["taken_for"]} - {""}:
            wrong[name] += one["count"]
    if not wrong:
        return None
    chosen = sorted(name for name, _ in wrong.most_common(MOST))
    counts = {(one["meant"], one["taken_for"]): one["count"] for one in confusion}
    for name in chosen:
        if name in intents:
            counts[name, name] = round(intents[name]["recall"] * intents[name]["support"])
    names = [*chosen, ""]
    rows = [(meant or NOTHING, [_cell(meant, taken, counts, intents) for taken in names]) for meant in names]
    return Picture([name or NOTHING for name in names], rows, len(wrong) - len(chosen))


def _cell(meant: str, taken: str, counts: Mapping[tuple[str, str], int], intents: Mapping[str, Any]) -> Cell:
    count = counts.get((meant, taken), 0)
    if not count:
        return Cell(0, "", "")
    support = intents.get(meant, {}).get("support") or max(counts.values())
    colour = "22, 163, 74" if meant == taken else "220, 38, 38"
    shade = f"background: rgba({colour}, {0.1 + 0.5 * min(1.0, count / support):.2f})"
    return Cell(count, shade, f"{meant or NOTHING} taken for {taken or NOTHING}: {count}")
