"""Where the threads of one process wait for their turn to write to a SQLite file.

SQLite keeps no line: each writer that waits asks again after a pause of up to 0.1 s, and the lock goes to the one that
asks in the right moment. Under many writers some asked in vain for 20 s ("database is locked"), while the file lay idle
between their pauses. With a line one thread of each process asks, and the next has the lock at once. Tenants share it by
start-time fair queueing: one that floods waits behind itself, and one that writes now and then waits for one transaction
only, however many others flood. What was written while none waited is no debt.

Owns the lines. Must not know what is written.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Hashable
from time import monotonic
from typing import Any

AHEAD_S = 0.1  # that a tenant may write before those that flood, when it wrote less than its share


class Line:
    """Of one tenant first come, first served; among tenants the one first that is due first. The line's own time goes on
    with what is written: a turn makes its tenant due as much later as it was long; none has been due for longer than
    AHEAD_S."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._taken = False
        self._since = 0.0  # the holder has had its turn
        self._holder: Hashable = None
        self._time = 0.0
        self._due: dict[Hashable, float] = {}  # of those that wrote since the line was last empty
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
            if not self._waiting:
                self._taken = False
                self._due.clear()  # all begin alike again
                return
            self._due[self._holder] = self._due_at(self._holder) + monotonic() - self._since
            whose = min(self._waiting, key=self._due_at)
            waiting = self._waiting[whose]
            first = waiting.popleft()
            if not waiting:
                del self._waiting[whose]
            self._hold(whose)
            first.release()

    def _hold(self, whose: Hashable) -> None:
        self._due[whose] = due = self._due_at(whose)
        self._time = max(self._time, due)
        self._holder, self._since = whose, monotonic()

    def _due_at(self, whose: Hashable) -> float:
        return max(self._due.get(whose, 0.0), self._time - AHEAD_S)


_lines: dict[Any, Line] = {}
os.register_at_fork(after_in_child=_lines.clear)  # the threads that stand there are the parent's


def line_of(place: Any) -> Line:
    """Of the file at that place; all its connections share it."""
    return _lines.get(place) or _lines.setdefault(place, Line())
