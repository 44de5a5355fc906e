"""Faults that can be ordered, and which of them strikes now.

Owns names, counts and dice (seeded: a chaos run can be repeated). Must not know how a fault shows.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

#: of a send: refused before it is taken, taken without an answer, answered late
REFUSALS = ("429", "500", "refuse_token")
SENDING = (*REFUSALS, "timeout_after_accept", "slow")
#: of webhooks to the service
CALLING_BACK = ("duplicate_webhook", "reorder_webhooks", "delay")
#: of what a language model is asked; "never" is silence, the others name what is wrong with the answer
MODELS = (
    "429", "500", "refuse_token", "slow", "529", "quota", "too_long", "never", "cut", "wrong_json", "wrong_shape", "no_usage",
    "no_reason", "error_midway", "error_at_once", "html", "bad_bytes", "empty", "length", "drip",
)  # fmt: skip
NAMES = tuple(dict.fromkeys((*SENDING, *CALLING_BACK, *MODELS)))
SECONDS = {"slow": 2.0, "delay": 2.0}


@dataclass
class Fault:
    """``times`` None means until cleared; ``seconds`` how long slow, delay or a silent answer last."""

    name: str
    times: int | None = 1
    probability: float = 1.0
    seconds: float = 0.0


class Faults:
    """The faults in order. Safe to use from several threads."""

    def __init__(self, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._dice = random.Random(seed)  # noqa: S311  repeatable on purpose
        self._ordered: list[Fault] = []

    def order(self, name: str, times: int | None = 1, probability: float = 1.0, seconds: float | None = None) -> Fault:
        """Raises ValueError for an unknown name or numbers out of range."""
        if name not in NAMES:
            raise ValueError(f"unknown fault {name!r}, known are {', '.join(NAMES)}")
        if not 0 <= probability <= 1 or (times is not None and times < 1):
            raise ValueError("probability lies between 0 and 1, times is at least 1 or null")
        fault = Fault(name, times, probability, SECONDS.get(name, 0.0) if seconds is None else seconds)
        with self._lock:
            self._ordered.append(fault)
        return fault

    def clear(self) -> None:
        with self._lock:
            self._ordered.clear()

    def strike(self, names: Iterable[str]) -> Fault | None:
        """The first fault among ``names`` that strikes now; its count goes down."""
        with self._lock:
            for fault in self._ordered:
                if fault.name in names and self._dice.random() < fault.probability:
                    self._spend(fault)
                    return fault
        return None

    def listed(self) -> list[dict[str, Any]]:
        with self._lock:
            return [asdict(fault) for fault in self._ordered]

    def _spend(self, fault: Fault) -> None:
        if fault.times is None:
            return
        fault.times -= 1
        if not fault.times:
            self._ordered.remove(fault)
