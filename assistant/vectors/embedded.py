"""The store that needs nothing: numbers in our database, found by their signs.

A process remembers one bit of each number, 64 bytes a vector, and the ids: the nearest by their signs are read from the
database and compared number by number. What is gone from the database is so found no more, at once and everywhere.
Owns what is remembered, and until when. docs/knowledge.md has what was measured.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice
from typing import Any

from django.conf import settings

from assistant.models import Vector
from assistant.vectors import texts
from assistant.vectors.port import ANY, Only, Point
from tenants.scope import current_tenant_id
from tenants.storage.db import now

LOOK_EVERY_S = 5.0  # how long a new vector may stay unseen
ANEW_EVERY_S = 3600.0  # then all is read again, without what has gone
IN_FLIGHT = timedelta(minutes=1)  # ids are drawn before their rows are committed
LEAST, TIMES = 400, 40  # candidates by signs: for each that is wanted, and at least
WORDS = texts.WIDTH // 64
ROW_BYTES = 64 + 16 + 8
TOGETHER = 20_000  # rows read at once
BLOCK = 65_536  # rows compared at once: what they need stays in the processor's cache


@dataclass
class _Index:
    """The rows of one tenant and kind. ``ids``: 16 bytes each; ``talks``: a number for each conversation."""

    signs: Any = None
    ids: Any = None
    talks: Any = None
    known: set[bytes] = field(default_factory=set)  # ids that a look may meet again
    read_at: float = 0.0  # all of it, monotonic
    looked_at: float = 0.0
    seen_to: Any = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __len__(self) -> int:
        return 0 if self.ids is None else len(self.ids)

    def nearest(self, signs: bytes, most: int, only: Only) -> list[uuid.UUID]:
        """By the number of signs that differ."""
        import numpy as np

        if not len(self):
            return []
        all_signs, ids, talks = self.signs, self.ids, self.talks
        wanted = np.frombuffer(signs, np.uint64)
        apart = np.empty(len(ids), np.uint16)
        for first in range(0, len(ids), BLOCK):
            part = np.bitwise_count(all_signs[first : first + BLOCK] ^ wanted)
            apart[first : first + BLOCK] = part.sum(axis=1, dtype=np.uint16)
        far = texts.WIDTH + 1
        if only.conversations is not None:
            apart[~np.isin(talks, np.array([_number(one) for one in only.conversations], np.uint64))] = far
        if only.but is not None:
            apart[talks == _number(only.but)] = far
        places = np.argpartition(apart, most)[:most] if len(ids) > most else np.arange(len(ids))
        return [uuid.UUID(bytes=ids[place].tobytes()) for place in places if apart[place] < far]

    def add(self, rows: Iterable[tuple[uuid.UUID, uuid.UUID | None, bytes]], recent: bytes) -> None:
        """``rows`` in the order of their ids. Those from ``recent`` on may be met again."""
        import numpy as np

        parts = [] if self.ids is None else [(self.signs, self.talks, self.ids)]
        left = (row for row in rows if row[0].bytes not in self.known)
        met: set[bytes] = set()
        while some := list(islice(left, TOGETHER)):
            signs = np.frombuffer(b"".join(bytes(row[2]) for row in some), np.uint64).reshape(-1, WORDS)
            ids = np.frombuffer(b"".join(row[0].bytes for row in some), np.uint8).reshape(-1, 16)
            parts.append((signs, np.array([_number(row[1]) for row in some], np.uint64), ids))
            met.update(row[0].bytes for row in some if row[0].bytes > recent)
        self.known = {one for one in self.known if one > recent} | met
        if parts:
            self.signs, self.talks, ids = (np.concatenate(of_all) for of_all in zip(*parts, strict=True))
            self.ids = ids  # the last: a reader goes by how many there are


def _number(conversation: uuid.UUID | None) -> int:
    return conversation.int & 0xFFFF_FFFF_FFFF_FFFF if conversation else 0  # of a UUIDv7 the end is chance


_indexes: OrderedDict[tuple[uuid.UUID, str, str], _Index] = OrderedDict()  # the least recently used first
_lock = threading.Lock()


class Embedded:
    def __init__(self, model: str):
        self.model = model

    def upsert(self, kind: str, points: Sequence[Point]) -> None:
        for point in points:
            kept = {"numbers": texts.packed(point.numbers), "signs": texts.signs(point.numbers)}
            Vector.objects.filter(id=point.id, kind=kind, model=self.model).update(**kept)

    def search(self, kind: str, numbers: Any, k: int, only: Only = ANY) -> list[tuple[uuid.UUID, float]]:
        index = self._index(kind)
        most = max(LEAST, TIMES * k)
        candidates = index.nearest(texts.signs(numbers), most, only)
        found = self._compared(kind, numbers, candidates)
        if len(candidates) - len(found) > most // 2:  # of what is remembered, too much has gone
            index.read_at = index.looked_at = 0.0
            candidates = self._index(kind).nearest(texts.signs(numbers), most, only)
            found = self._compared(kind, numbers, candidates)
        return found[:k]

    def numbers(self, kind: str, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Any]:
        kept = dict(self._rows(kind).filter(id__in=list(ids)).values_list("id", "numbers"))
        return dict(zip(kept, texts.unpacked(list(kept.values())), strict=True))

    def delete(self, kind: str, ids: Collection[uuid.UUID]) -> None:
        """The rows themselves go by the caller."""

    def delete_all(self) -> None:
        with _lock:
            for key in [key for key in _indexes if key[0] == current_tenant_id()]:
                del _indexes[key]

    def count(self, kind: str) -> int:
        return self._rows(kind).count()

    def _compared(self, kind: str, numbers: Any, ids: list[uuid.UUID]) -> list[tuple[uuid.UUID, float]]:
        rows = list(self._rows(kind).filter(id__in=ids).values_list("id", "numbers")) if ids else []
        if not rows:
            return []
        scores = (texts.unpacked([kept for _, kept in rows]) @ numbers).tolist()
        found = [(row_id, score) for (row_id, _), score in zip(rows, scores, strict=True)]
        return sorted(found, key=lambda one: (-one[1], one[0]))

    def _rows(self, kind: str) -> Any:
        return Vector.objects.filter(model=self.model, kind=kind, stored=True)

    def _index(self, kind: str) -> _Index:
        key = (current_tenant_id(), kind, self.model)
        with _lock:
            index = _indexes.setdefault(key, _Index())
            _indexes.move_to_end(key)
        if time.monotonic() >= index.looked_at + LOOK_EVERY_S:
            with index.lock:
                if time.monotonic() >= index.looked_at + LOOK_EVERY_S:
                    self._look(kind, index)
            _forget_least_used()
        return index

    def _look(self, kind: str, index: _Index) -> None:
        at, anew = now(), time.monotonic() >= index.read_at + ANEW_EVERY_S
        if anew or not index.read_at:
            index.signs = index.talks = index.ids = index.seen_to = None
            index.known, index.read_at = set(), time.monotonic()
        rows = self._rows(kind)
        if index.seen_to:
            rows = rows.filter(id__gt=_first_id(index.seen_to - IN_FLIGHT))
        found = rows.order_by("id").values_list("id", "conversation_id", "signs")
        index.add(found.iterator(chunk_size=TOGETHER), _first_id(at - 2 * IN_FLIGHT).bytes)
        index.seen_to, index.looked_at = at, time.monotonic()


def _first_id(at: Any) -> uuid.UUID:
    """Below every UUIDv7 of that moment or later."""
    return uuid.UUID(int=int(at.timestamp() * 1000) << 80)


def _forget_least_used() -> None:
    most = settings.ENV["ASSISTANT_MEMORY_MB"] * 1024 * 1024
    with _lock:
        size = sum(len(index) * ROW_BYTES for index in _indexes.values())
        while len(_indexes) > 1 and size > most:
            size -= len(_indexes.popitem(last=False)[1]) * ROW_BYTES


def forget_all() -> None:
    """What this process remembers (tests)."""
    with _lock:
        _indexes.clear()
