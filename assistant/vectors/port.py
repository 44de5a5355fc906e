"""What a store of vectors has to do: a few verbs, for the tenant in scope and for one encoder's vectors alone.

Must not know what the vectors are of, nor which store is used.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol


@dataclass(frozen=True)
class Point:
    """``id``: of its row in our database (assistant.models.Vector). ``numbers``: a float32 array of length 1."""

    id: uuid.UUID
    numbers: Any
    conversation_id: uuid.UUID | None = None


@dataclass(frozen=True)
class Only:
    """What a search is held to. None: any. ``but``: the conversation that is left out."""

    conversations: Collection[uuid.UUID] | None = None
    but: uuid.UUID | None = None


ANY = Only()


class StoreAway(Exception):
    """The store does not answer, or refuses: the same may succeed later. Its text names the fault and no content."""


class Store(Protocol):
    """Each verb works on the tenant in scope (`current_tenant_id`), and on vectors of ``model``. Raises StoreAway."""

    model: str

    def upsert(self, kind: str, points: Sequence[Point]) -> None:
        """Keep these, in place of those of the same ids."""
        ...

    def search(self, kind: str, numbers: Any, k: int, only: Only = ...) -> list[tuple[uuid.UUID, float]]:
        """The ids of the nearest, and the cosine of each, the best first. An id may be of a row that is gone."""
        ...

    def numbers(self, kind: str, ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Any]:
        """The vectors of these; of one that is not there none."""
        ...

    def delete(self, kind: str, ids: Collection[uuid.UUID]) -> None: ...

    def delete_all(self) -> None:
        """Of every kind and encoder: the tenant goes."""
        ...

    def count(self, kind: str) -> int: ...
