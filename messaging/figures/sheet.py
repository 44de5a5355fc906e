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
        return self.spreads.setdefault(name, Spread())

    def merge(self, other: Sheet) -> None:
        self.counts.update(other.counts)
        for name, spread in other.spreads.items():
            self.spread(name).merge(spread)

    def to_json(self) -> dict[str, Any]:
        return {
            "counts": {name: number for name, number in sorted(self.counts.items()) if number},
            "spreads": {name: spread.to_json() for name, spread in sorted(self.spreads.items())},
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Sheet:
        counts = Counter(stored.get("counts", {}))
        return cls(counts, {name: Spread.from_json(one) for name, one in stored.get("spreads", {}).items()})
