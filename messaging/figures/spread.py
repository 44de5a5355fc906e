"""How long things took, as a histogram that can be added up: a percentile of it is wrong by 5 % at most.

Owns the borders of the buckets: each is a tenth wider than the one before, and stands for its middle; and how they are
stored, as one number, so that months of them add up in no time. Must not know what is measured. Stored figures depend on
both: neither ever changes.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

WIDTH = math.log(1.1)  # of a bucket, on the scale of logarithms
BITS = 32  # of a bucket's count
LONGEST_MS = 10 * 366 * 24 * 3600 * 1000


@dataclass
class Spread:
    """Durations in milliseconds. ``packed``: the counts of the buckets, one after the other, as one integer; the first
    bucket is for those below a millisecond."""

    packed: int = 0
    sum_ms: int = 0
    longest_ms: int = 0

    @property
    def counts(self) -> Sequence[int]:
        """By bucket, from 0 on."""
        size = -(-self.packed.bit_length() // BITS)
        return struct.unpack(f"<{size}I", self.packed.to_bytes(size * BITS // 8, "little"))

    @property
    def count(self) -> int:
        return sum(self.counts)

    @property
    def mean_ms(self) -> float | None:
        count = self.count
        return self.sum_ms / count if count else None

    def add(self, took_ms: int) -> None:
        took_ms = min(max(0, took_ms), LONGEST_MS)
        self.packed += 1 << (BITS * bucket_of(took_ms))
        self.sum_ms += took_ms
        self.longest_ms = max(self.longest_ms, took_ms)

    def merge(self, other: Spread) -> None:
        self.packed += other.packed
        self.sum_ms += other.sum_ms
        self.longest_ms = max(self.longest_ms, other.longest_ms)

    def percentile_ms(self, share: float) -> float | None:
        """What ``share`` (0 to 1) of them did not take longer than, by the nearest rank; None when there are none."""
        counts = self.counts
        rank, seen = max(1, math.ceil(share * sum(counts))), 0
        for bucket, number in enumerate(counts):
            seen += number
            if seen >= rank:
                return min(middle_of(bucket), float(self.longest_ms))
        return None

    def to_json(self) -> dict[str, Any]:
        """``buckets``: their counts, from the last one to that with the number ``lowest``, eight hexadecimal digits each."""
        lowest = max(0, (self.packed & -self.packed).bit_length() - 1) // BITS
        buckets = f"{self.packed >> (BITS * lowest):x}"
        return {"lowest": lowest, "buckets": buckets, "sum_ms": self.sum_ms, "longest_ms": self.longest_ms}

    def merge_json(self, stored: Mapping[str, Any]) -> None:
        """Add one as it is stored."""
        self.packed += int(stored["buckets"], 16) << (BITS * stored["lowest"])
        self.sum_ms += stored["sum_ms"]
        self.longest_ms = max(self.longest_ms, stored["longest_ms"])

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Spread:
        made = cls()
        made.merge_json(stored)
        return made


def bucket_of(took_ms: int) -> int:
    """1 is a millisecond and up to a tenth more."""
    return 0 if took_ms < 1 else 1 + int(math.log(took_ms) / WIDTH + 1e-9)


def middle_of(bucket: int) -> float:
    """Milliseconds: as far from the lower border as from the upper one, relative to each."""
    return math.exp((bucket - 0.5) * WIDTH) if bucket else 0.0
