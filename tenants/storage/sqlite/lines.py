"""Where the threads of one process wait for their turn to write to a SQLite file.

SQLite keeps no line: each writer that waits asks again after a pause of up to 0.1 s, and the lock goes to the one that
asks in the right moment. Under many writers some asked in vain for 20 s ("database is locked"), while the file lay idle
between their pauses. With a line one thread of each process asks, and the next has the lock at once. Tenants take turns in
it: who floods waits behind themselves.

Owns the lines. Must not know what is written.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Hashable
from typing import Any


class Line:
    """Of one tenant first come, first served; among tenants one after the other."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = False
        self._waiting: dict[Hashable, deque[threading.Lock]] = {}  # whose turn comes first stands first

    def enter(self, wait_s: float, whose: Hashable = None) -> bool:
        """Wait for the turn; whether it came within ``wait_s`` seconds. ``whose``: the tenant's."""
        with self._lock:
            if not self._taken:
                self._taken = True
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
            if not self._waiting:
                self._taken = False
                return
            whose, waiting = next(iter(self._waiting.items()))
            first = waiting.popleft()
            del self._waiting[whose]
            if waiting:
                self._waiting[whose] = waiting  # behind the others
            first.release()


_lines: dict[Any, Line] = {}
os.register_at_fork(after_in_child=_lines.clear)  # the threads that stand there are the parent's


def line_of(place: Any) -> Line:
    """Of the file at that place; all its connections share it."""
    return _lines.get(place) or _lines.setdefault(place, Line())
