"""What is known of a day: counts and spreads by name. Sheets add up, in any order.

Owns the form in which they are stored. Must not know what the names mean.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from messaging.figures.spread import Spread


@dataclass
class Sheet:
    counts: Counter[str] = field(default_factory=Counter)
    spreads: dict[str, Spread] = field(default_factory=dict)

    def spread(self, name: str) -> Spread:
        """To add to; an empty one where there was none."""
        found = self.spreads.get(name)
        if found is None:
            found = self.spreads[name] = Spread()
        return found

    def merge(self, other: Sheet) -> None:
        self.counts.update(other.counts)
        for name, spread in other.spreads.items():
            self.spread(name).merge(spread)

    def to_json(self) -> dict[str, Any]:
        return {
            "counts": {name: number for name, number in sorted(self.counts.items()) if number},
            "spreads": {name: spread.to_json() for name, spread in sorted(self.spreads.items())},
        }

    def merge_json(self, stored: Mapping[str, Any]) -> None:
        """Add one as it is stored: reports add up thousands."""
        self.add_counts(stored)
        for name, spread in stored.get("spreads", {}).items():
            self.spread(name).merge_json(spread)

    def add_counts(self, stored: Mapping[str, Any]) -> None:
        counts = self.counts
        for name, number in stored.get("counts", {}).items():
            counts[name] += number

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Sheet:
        made = cls()
        made.merge_json(stored)
        return made
