"""How many threads of this process may wait for integrators at a time, so that a slow one delays itself only.

Owns the counting. Must not call anybody. What holds across processes is the number of leased rows
(integrator_send.py).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from contextlib import contextmanager
from threading import Lock

SLOW_S = 2.0  # whose last call took longer is slow
REMEMBERED = 10_000


class Bulkhead:
    """Room for ``room`` callers, of which half at most serve slow or failing endpoints: the others always
    find a place."""

    def __init__(self, room: int):
        self._room, self._slow_room = max(1, room), max(1, room // 2)
        self._inside = self._slow_inside = 0
        self._took: dict[Hashable, float] = {}
        self._lock = Lock()

    def slow(self, key: Hashable) -> bool:
        return self._took.get(key, 0.0) > SLOW_S

    def took(self, key: Hashable, seconds: float) -> None:
        """Remember how long the endpoint took to answer."""
        if len(self._took) >= REMEMBERED:
            self._took.clear()
        self._took[key] = seconds

    @contextmanager
    def enter(self, *, slow: bool) -> Iterator[bool]:
        """Whether there is a place; never waits. The caller leaves when it yields False."""
        with self._lock:
            free = self._inside < self._room and (not slow or self._slow_inside < self._slow_room)
            self._inside += free
            self._slow_inside += free and slow
        try:
            yield free
        finally:
            with self._lock:
                self._inside -= free
                self._slow_inside -= free and slow
