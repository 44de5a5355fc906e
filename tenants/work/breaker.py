"""A circuit breaker: after failures in a row nothing is asked for a while, then one caller does to find out.

Owns when asking makes sense. Must not know what is asked. Counts per process: each learns by itself, within
a few calls, and none can close it for the others.
"""

from __future__ import annotations

import threading
import time


class Breaker:
    """Opens after ``failures`` in a row. Every ``cool_s`` one caller is let through; its success closes it.

    With ``longest_s`` the pause doubles with every further failure, up to so many seconds.
    """

    def __init__(self, *, failures: int, cool_s: float, longest_s: float = 0.0):
        self._limit, self._cool_s, self._longest_s = failures, cool_s, longest_s
        self._failed, self._next_try = 0, 0.0
        self._lock = threading.Lock()

    @property
    def open(self) -> bool:
        return self._failed >= self._limit

    @property
    def resting(self) -> bool:
        """Whether asking makes no sense now. Unlike ``admits`` it takes no place."""
        return self.open and time.monotonic() < self._next_try

    @property
    def pause_s(self) -> float:
        """How long the present failures stop callers."""
        further = min(max(0, self._failed - self._limit), 30)
        return max(self._cool_s, min(self._longest_s, self._cool_s * 2.0**further))

    def admits(self) -> bool:
        """Whether the caller may ask; a caller that may says ``succeeded`` or ``failed`` afterwards."""
        with self._lock:
            if self.resting:
                return False
            if self.open:
                self._next_try = time.monotonic() + self._cool_s  # also when this caller never comes back
            return True

    def succeeded(self) -> None:
        if self._failed:
            with self._lock:
                self._failed = 0

    def failed(self) -> bool:
        """True when this failure opened it."""
        with self._lock:
            self._failed += 1
            self._next_try = time.monotonic() + self.pause_s
            return self._failed == self._limit
