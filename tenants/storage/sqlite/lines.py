"""Where the threads of one process wait for their turn to write to a SQLite file.

SQLite keeps no line: each writer that waits asks again after a pause of up to 0.1 s, and the lock goes to the one that
asks in the right moment. Under many writers some asked in vain for 20 s ("database is locked"), while the file lay idle
between their pauses. With a line one thread of each process asks, and the next has the lock at once. The tenant that
wrote least of late comes first: a tenant that floods waits behind itself, and a tenant that writes now and then waits for
one transaction only, however many others flood.

Owns the lines. Must not know what is written.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Hashable
from time import monotonic
from typing import Any

LATELY_S = 5.0  # what was written counts half after these
MOST_TENANTS = 1000  # remembered, where all of them write at once more


class Line:
    """Of one tenant first come, first served; among tenants the one first that had the line for the least time of late."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = False
        self._since = 0.0  # the holder has had its turn
        self._holder: Hashable = None
        self._had: dict[Hashable, tuple[float, float]] = {}  # seconds, as they counted when they were last counted
        self._waiting: dict[Hashable, deque[threading.Lock]] = {}

    def enter(self, wait_s: float, whose: Hashable = None) -> bool:
        """Wait for the turn; whether it came within ``wait_s`` seconds. ``whose``: the tenant's."""
        with self._lock:
            if not self._taken:
                self._taken = True
                self._hold(whose)
                return True
            mine = threading.Lock()
            mine.acquire()
            self._waiting.setdefault(whose, deque()).append(mine)
        if mine.acquire(timeout=wait_s):
            return True
        with self._lock:
            behind = self._waiting.get(whose, deque())
            if mine not in behind:  # it came in this moment
                return True
            behind.remove(mine)
            if not behind:
                del self._waiting[whose]
        return False

    def leave(self) -> None:
        """The next one's turn."""
        with self._lock:
            now = monotonic()
            self._had[self._holder] = (self._lately(self._holder, now) + now - self._since, now)
            if not self._waiting:
                self._taken = False
                self._forget(now)
                return
            whose = min(self._waiting, key=lambda each: self._lately(each, now))
            waiting = self._waiting[whose]
            first = waiting.popleft()
            if not waiting:
                del self._waiting[whose]
            self._hold(whose)
            first.release()

    def _hold(self, whose: Hashable) -> None:
        self._holder, self._since = whose, monotonic()

    def _lately(self, whose: Hashable, now: float) -> float:
        seconds, then = self._had.get(whose, (0.0, now))
        return seconds * 0.5 ** ((now - then) / LATELY_S)

    def _forget(self, now: float) -> None:
        """Tenants that have long written nothing."""
        if len(self._had) > MOST_TENANTS:
            self._had = {whose: had for whose, had in self._had.items() if now - had[1] < 20 * LATELY_S}


_lines: dict[Any, Line] = {}
os.register_at_fork(after_in_child=_lines.clear)  # the threads that stand there are the parent's


def line_of(place: Any) -> Line:
    """Of the file at that place; all its connections share it."""
    return _lines.get(place) or _lines.setdefault(place, Line())
