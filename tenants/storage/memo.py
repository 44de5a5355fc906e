"""A small read-through cache in this process, dropped everywhere when something changes.

Owns the age rule: an entry lives `ttl` seconds at most, and no longer than about a second after any
process called `forget` (a stamp in the shared cache is looked at once a second). Values may hold
secrets: they never leave the process.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from threading import Lock
from typing import Any, Generic, TypeVar

from django.core.cache import cache

V = TypeVar("V")


class Memo(Generic[V]):
    """``get`` returns the remembered value or loads it; None is not remembered."""

    def __init__(self, name: str, ttl: float, size: int = 10_000):
        self.stamp_key, self.ttl, self.size = f"memo:{name}", ttl, size
        self._entries: dict[Hashable, tuple[float, V]] = {}
        self._stamp: Any = None
        self._looked_at = 0.0
        self._lock = Lock()
        ALL.append(self)

    def get(self, key: Hashable, load: Callable[[], V | None]) -> V | None:
        at = time.monotonic()
        self._drop_if_stamped(at)
        entry = self._entries.get(key)
        if entry and entry[0] > at:
            return entry[1]
        value = load()
        if value is not None:
            if len(self._entries) >= self.size:
                self._entries.clear()
            self._entries[key] = (at + self.ttl, value)
        return value

    def forget(self) -> None:
        """Drop everything, here at once and in other processes within about a second."""
        with self._lock:
            self._entries.clear()
            try:
                cache.set(self.stamp_key, time.time_ns(), None)
            except Exception:  # noqa: BLE001  a cache that is away must not stop a change; the TTL still holds
                return

    def _drop_if_stamped(self, at: float) -> None:
        if at - self._looked_at < 1.0:
            return
        self._looked_at = at
        try:
            stamp = cache.get(self.stamp_key)
        except Exception:  # noqa: BLE001  see forget
            return
        if stamp != self._stamp:
            self._stamp = stamp
            self._entries.clear()


ALL: list[Memo[Any]] = []


def forget_all() -> None:
    """Empty every memo of this process (tests, cache flush)."""
    for memo in ALL:
        memo._entries.clear()
