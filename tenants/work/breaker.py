"""A circuit breaker: after failures in a row nobody asks for a while, then one does to find out.

Owns when asking makes sense. Must not know what is asked. Counts per process: each learns by itself, within
a few calls, and none can close it for the others.
"""

from __future__ import annotations

import threading
import time


class Breaker:
    """Opens after ``failures`` in a row. Every ``cool_s`` one caller is let through; its success closes it."""

    def __init__(self, *, failures: int, cool_s: float):
        self._limit, self._cool_s = failures, cool_s
        self._failed, self._next_try = 0, 0.0
        self._lock = threading.Lock()

    @property
    def open(self) -> bool:
        return self._failed >= self._limit

    def admits(self) -> bool:
        """Whether the caller may ask; who may says ``succeeded`` or ``failed`` afterwards."""
        with self._lock:
            if not self.open:
                return True
            if time.monotonic() < self._next_try:
                return False
            self._next_try = time.monotonic() + self._cool_s  # also when this caller never comes back
            return True

    def succeeded(self) -> None:
        with self._lock:
            self._failed = 0

    def failed(self) -> bool:
        """True when this failure opened it."""
        with self._lock:
            self._failed += 1
            self._next_try = time.monotonic() + self._cool_s
            return self._failed == self._limit
