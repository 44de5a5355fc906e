"""The store that needs nothing: numbers in our database, found by their signs.

A process remembers one bit of each number, 64 bytes a vector, and the ids: the nearest by their signs are read from the
database and compared number by number. Of few vectors it remembers the numbers themselves, and asks the database which
of the nearest are there still. What is gone from the database is so found no more, at once and everywhere.
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
from tenants.storage import prepared
from tenants.storage.db import atomic, now

LOOK_EVERY_S = 5.0  # how long a new vector may stay unseen
ANEW_EVERY_S = 3600.0  # then all is read again, without what has gone
IN_FLIGHT = timedelta(minutes=1)  # ids are drawn before their rows are committed
WIDER = 3  # times as many are looked at again by how much each sign weighs in the question, before any numbers are read
LEAST, TIMES = 400, 40  # candidates by signs: for each that is wanted, and at least
FEW = 2_000  # vectors of one tenant and kind whose numbers are remembered: 4 MB
SPARE = 16  # of few, so many more than are wanted may have gone meanwhile
WORDS = texts.WIDTH // 64
ROW_BYTES, NUMBERS_BYTES = 64 + 16 + 8, 4 * texts.WIDTH
TOGETHER = 20_000  # rows read at once
BLOCK = 65_536  # rows compared at once: what they need stays in the processor's cache

THERE = prepared.Select(
    Vector,
    lambda rows, kind, model, ids: rows.filter(id__in=ids, kind=kind, model=model, stored=True).values_list(
        "id", flat=True
    ),
)


@dataclass(frozen=True)
class _Rows:
    """What is remembered of each vector, in the order of their ids. ``ids``: 16 bytes each; ``talks``: a number for each
    conversation; ``numbers``: None where they are many."""

    ids: Any
    talks: Any
    signs: Any
    numbers: Any

    def nearest(self, numbers: Any, most: int, only: Only) -> list[uuid.UUID]:
        """By the number of signs that differ, and of more than are wanted those whose signs agree with the larger numbers."""
        import numpy as np

        wanted = np.frombuffer(texts.signs(numbers), np.uint64)
        apart = np.empty(len(self.ids), np.uint16)
        for first in range(0, len(self.ids), BLOCK):
            part = np.bitwise_count(self.signs[first : first + BLOCK] ^ wanted)
            apart[first : first + BLOCK] = part.sum(axis=1, dtype=np.uint16)
        far = texts.WIDTH + 1
        apart[self._outside(only)] = far
        wide = WIDER * most
        places = np.argpartition(apart, wide)[:wide] if len(apart) > wide else np.arange(len(apart))
        places = places[apart[places] < far]
        if len(places) > most:
            agree = np.unpackbits(self.signs[places].view(np.uint8), axis=1) @ numbers
            places = places[np.argpartition(-agree, most)[:most]]
        return [self._id(place) for place in places]

    def alike(self, numbers: Any, most: int, only: Only) -> list[tuple[uuid.UUID, float]]:
        """By the numbers themselves, the best first."""
        import numpy as np

        scores = self.numbers @ numbers
        scores[self._outside(only)] = -np.inf
        places = np.argpartition(-scores, most)[:most] if len(scores) > most else np.arange(len(scores))
        return _best_first((self._id(place), float(scores[place])) for place in places if scores[place] > -np.inf)

    def _outside(self, only: Only) -> Any:
        """Which of them are not searched."""
        import numpy as np

        left = np.zeros(len(self.ids), bool)
        if only.conversations is not None:
            left |= ~np.isin(self.talks, np.array([_number(one) for one in only.conversations], np.uint64))
        if only.but is not None:
            left |= self.talks == _number(only.but)
        return left

    def _id(self, place: Any) -> uuid.UUID:
        return uuid.UUID(bytes=self.ids[place].tobytes())


@dataclass
class _Index:
    """The rows of one tenant and kind. A reader takes ``rows`` once: a look puts others in their place."""

    rows: _Rows | None = None
    known: set[bytes] = field(default_factory=set)  # ids that a look may meet again
    read_at: float = 0.0  # all of it, monotonic; 0: at the next look
    looked_at: float = 0.0
    seen_to: Any = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __len__(self) -> int:
        return len(self.rows.ids) if self.rows else 0

    @property
    def size(self) -> int:
        return len(self) * (ROW_BYTES + (NUMBERS_BYTES if self.rows and self.rows.numbers is not None else 0))

    def take(self, found: Iterable[Sequence[Any]], recent: bytes, before: _Rows | None, *, few: bool) -> None:
        """Remember ``found`` (id, conversation, signs, with ``few`` the numbers), in the order of their ids, behind those
        that were remembered ``before``. Those from ``recent`` on may be met again."""
        import numpy as np

        parts = [before] if before else []
        known, met = (self.known if before else set()), set[bytes]()
        left = (row for row in found if row[0].bytes not in known)
        while some := list(islice(left, TOGETHER)):
            ids = np.frombuffer(b"".join(row[0].bytes for row in some), np.uint8).reshape(-1, 16)
            signs = np.frombuffer(b"".join(bytes(row[2]) for row in some), np.uint64).reshape(-1, WORDS)
            talks = np.array([_number(row[1]) for row in some], np.uint64)
            parts.append(_Rows(ids, talks, signs, texts.unpacked([row[3] for row in some]) if few else None))
            met.update(row[0].bytes for row in some if row[0].bytes > recent)
        self.known = {one for one in known if one > recent} | met
        few = few and sum(len(part.ids) for part in parts) <= FEW
        if len(parts) == 1 and (few or parts[0].numbers is None):
            self.rows = parts[0]
        elif parts:
            of_all = [(part.ids, part.talks, part.signs, *([part.numbers] if few else [])) for part in parts]
            self.rows = _Rows(*map(np.concatenate, zip(*of_all, strict=True)), *([] if few else [None]))
        else:
            self.rows = None


def _number(conversation: uuid.UUID | None) -> int:
    return conversation.int & 0xFFFF_FFFF_FFFF_FFFF if conversation else 0  # of a UUIDv7 the end is chance


def _best_first(found: Iterable[tuple[uuid.UUID, float]]) -> list[tuple[uuid.UUID, float]]:
    return sorted(found, key=lambda one: (-one[1], one[0]))


_indexes: OrderedDict[tuple[uuid.UUID, str, str], _Index] = OrderedDict()  # the least recently used first
_lock = threading.Lock()


class Embedded:
    def __init__(self, model: str):
        self.model = model

    def upsert(self, kind: str, points: Sequence[Point]) -> None:
        kept = [(point.id, texts.packed(point.numbers), texts.signs(point.numbers)) for point in points]
        with atomic():
            for row_id, numbers, signs in kept:
                Vector.objects.filter(id=row_id, kind=kind, model=self.model).update(numbers=numbers, signs=signs)

    def search(self, kind: str, numbers: Any, k: int, only: Only = ANY) -> list[tuple[uuid.UUID, float]]:
        found, enough = self._found(kind, numbers, k, only)
        if not enough:
            with _lock:
                _indexes.pop(self._key(kind), None)
            found, _ = self._found(kind, numbers, k, only)
        return found[:k]

    def _found(self, kind: str, numbers: Any, k: int, only: Only) -> tuple[list[tuple[uuid.UUID, float]], bool]:
        """The best, and whether they are so: False when of what is remembered too much has gone."""
        index = self._index(kind)
        rows = index.rows
        if rows is None:
            return [], True
        if rows.numbers is None:
            most = max(LEAST, TIMES * k)
            candidates = rows.nearest(numbers, most, only)
            found = self._compared(kind, numbers, candidates)
            return found, len(candidates) - len(found) <= most // 2
        best = rows.alike(numbers, k + SPARE, only)
        there = set(THERE.run(kind=kind, model=self.model, ids=[row_id for row_id, _ in best])) if best else set()
        if len(there) < len(best):
            index.read_at = 0.0  # the numbers of what is gone go at the next look
        return [one for one in best if one[0] in there], len(there) >= k or len(best) < k + SPARE

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
        return _best_first((row_id, score) for (row_id, _), score in zip(rows, scores, strict=True))

    def _rows(self, kind: str) -> Any:
        """But for those whose numbers another store has: they are there while VECTOR_STORE is changed."""
        return Vector.objects.filter(model=self.model, kind=kind, stored=True).exclude(signs=b"")

    def _key(self, kind: str) -> tuple[uuid.UUID, str, str]:
        return current_tenant_id(), kind, self.model

    def _index(self, kind: str) -> _Index:
        key = self._key(kind)
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
        at, began, rows, before = now(), time.monotonic(), self._rows(kind), index.rows
        if not index.read_at or began >= index.read_at + ANEW_EVERY_S:
            before, index.read_at = None, began
        elif index.seen_to:
            rows = rows.filter(id__gt=_first_id(index.seen_to - IN_FLIGHT))
        few = before.numbers is not None if before else rows[: FEW + 1].count() <= FEW
        names = ["id", "conversation_id", "signs", *(["numbers"] if few else [])]
        found = rows.order_by("id").values_list(*names).iterator(chunk_size=TOGETHER)
        index.take(found, _first_id(at - 2 * IN_FLIGHT).bytes, before, few=few)
        index.seen_to, index.looked_at = at, time.monotonic()


def _first_id(at: Any) -> uuid.UUID:
    """Below every UUIDv7 of that moment or later."""
    return uuid.UUID(int=int(at.timestamp() * 1000) << 80)


def _forget_least_used() -> None:
    most = settings.ENV["ASSISTANT_MEMORY_MB"] * 1024 * 1024
    with _lock:
        size = sum(index.size for index in _indexes.values())
        while len(_indexes) > 1 and size > most:
            size -= _indexes.popitem(last=False)[1].size


def forget_all() -> None:
    """What this process remembers (tests)."""
    with _lock:
        _indexes.clear()
