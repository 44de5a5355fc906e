"""A small read-through cache in this process; what changes is dropped by its key, in every process.

Owns the age rule: an entry lives `ttl` seconds at most, and no longer than about a second after any process
called `forget` with its key. Values may hold secrets: they never leave the process, nor do keys (a digest does).

The forgotten keys are a numbered list in the shared cache: `forget` writes one record, whatever the number of keys,
and each process reads once a second what was added since its last look. A process that cannot tell what it missed
(the cache was away, or more than MOST records were written within a second) drops all it remembers.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Hashable, Iterable
from functools import partial
from threading import Lock
from typing import Any, Generic, TypeVar

from django.core.cache import cache
from django.db import connection, transaction

V = TypeVar("V")

LOOK_EVERY_S = 1.0
MOST = 500  # records that are read at once
KEPT_S = 900  # that a record is kept: longer than any entry lives, so that an idle process has nothing older left


class Memo(Generic[V]):
    """``get`` returns the remembered value or loads it; None is not remembered. Safe to use from several threads.

    ``ttl``: seconds an entry lives at most. ``size``: entries kept; beyond it the oldest goes.
    """

    def __init__(self, name: str, ttl: float, size: int = 10_000):
        assert ttl <= KEPT_S
        self.name, self.ttl, self.size = f"memo:{name}", ttl, size
        self._entries: dict[Hashable, tuple[float, V]] = {}
        self._keys: dict[bytes, Hashable] = {}  # digest → key
        self._drops = 0  # grows whenever something is dropped: a value loaded meanwhile may be out of date
        self._seen: int | None = None  # the last record taken note of
        self._looked_at = 0.0
        self._lock = Lock()
        ALL.append(self)

    def get(self, key: Hashable, load: Callable[[], V | None]) -> V | None:
        at = time.monotonic()
        if at - self._looked_at >= LOOK_EVERY_S and self.ttl > LOOK_EVERY_S:
            self._looked_at = at
            self._catch_up()
        entry = self._entries.get(key)
        if entry and entry[0] > at:
            return entry[1]
        drops, value = self._drops, load()
        if value is not None:
            self._remember(key, at + self.ttl, value, drops)
        return value

    def forget(self, *keys: Hashable) -> None:
        """Drop these keys, here at once and in other processes within about a second. Within a transaction after its commit,
        too: a process that looks before it remembers the former row once more."""
        digests = [_digest(key) for key in keys]
        if connection.in_atomic_block or getattr(connection, "in_atomic_block_mongo", False):
            transaction.on_commit(partial(self._forgotten, digests), robust=True)
            self._drop(digests)
        else:
            self._forgotten(digests)

    def _forgotten(self, digests: list[bytes]) -> None:
        self._drop(digests)
        if digests and self.ttl > LOOK_EVERY_S:  # a shorter life ends by itself in time
            self._announce(digests)

    def flush(self) -> None:
        """Drop everything, here at once and in other processes within about a second."""
        self.forget_here()
        try:
            try:
                cache.incr(self.name, MOST + 1)  # more than the others can tell they missed
            except ValueError:  # none of them has a number to count from
                self._begin()
        except Exception:  # noqa: BLE001  see _announce
            return

    def forget_here(self) -> None:
        """Drop everything in this process alone: the list of records cannot be followed."""
        with self._lock:
            self._drops += 1
            self._entries.clear()
            self._keys.clear()

    def _remember(self, key: Hashable, until: float, value: V, drops: int) -> None:
        with self._lock:
            if drops != self._drops:
                return
            while len(self._entries) >= self.size:
                oldest = next(iter(self._entries))
                del self._entries[oldest]
                self._keys.pop(_digest(oldest), None)
            self._entries.pop(key, None)  # to the end of the line
            self._entries[key] = (until, value)
            self._keys[_digest(key)] = key

    def _drop(self, digests: Iterable[bytes]) -> None:
        with self._lock:
            self._drops += 1
            for digest in digests:
                self._entries.pop(self._keys.pop(digest, None), None)

    def _announce(self, digests: list[bytes]) -> None:
        try:
            try:
                number = cache.incr(self.name)
            except ValueError:  # the first one, or the cache came back empty
                self._begin()
                number = cache.incr(self.name)
            if number:
                cache.set(f"{self.name}:{number}", digests, KEPT_S)
                if self._seen == number - 1:
                    self._seen = number  # our own
            else:
                cache.delete(self.name)  # done when the cache is back: the others then drop everything
        except Exception:  # noqa: BLE001  a cache that is away must not stop a change; the TTL still holds
            return

    def _begin(self) -> int | None:
        """The number that records are counted from: one that was never used before. None while the cache is away."""
        return cache.get(self.name) if not cache.add(self.name, begin := time.time_ns() // 1_000_000, None) else begin

    def _catch_up(self) -> None:
        """Drop what other processes have forgotten since the last look; everything when that cannot be told."""
        try:
            last, seen = cache.get(self.name) or self._begin(), self._seen
            if last == seen:
                return
            missed = range(seen + 1, last + 1) if last and seen else range(0)
            wanted = [f"{self.name}:{number}" for number in missed] if len(missed) <= MOST else []
            records = cache.get_many(wanted) if wanted else {}
        except Exception:  # noqa: BLE001  see _announce
            return
        self._seen = last
        if wanted and len(records) == len(wanted):
            self._drop(digest for record in records.values() for digest in record)
        else:
            self.forget_here()


def _digest(key: Hashable) -> bytes:
    return hashlib.blake2b(repr(key).encode(), digest_size=16).digest()


ALL: list[Memo[Any]] = []


def flush_all() -> None:
    """Drop what every process remembers."""
    for memo in ALL:
        memo.flush()


def forget_all() -> None:
    """Begin anew with every memo of this process (tests, which empty the shared cache as well)."""
    for memo in ALL:
        memo.forget_here()
        memo._seen, memo._looked_at = None, 0.0
