"""Vectors by what they are of: kept, found, forgotten. For each there is a row of ours, whichever store has its numbers.

Owns the order of the two: the row is first there and last gone, so that nothing stays in a store that no row leads to.
"""

from __future__ import annotations

import hashlib
import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import IntegrityError

from assistant.models import Translation, Vector
from assistant.vectors import texts
from assistant.vectors.embedded import Embedded
from assistant.vectors.pgvector import PgVector
from assistant.vectors.pinecone import Pinecone
from assistant.vectors.port import ANY, Only, Point, Store
from assistant.vectors.qdrant import Qdrant
from tenants.scope import current_tenant_id
from tenants.storage import prepared
from tenants.storage.db import atomic, key_taken, new_id

NEAR = prepared.Select(
    Vector,
    lambda rows, kind, model, ids: rows.filter(id__in=ids, kind=kind, model=model, stored=True).values_list(
        "id", "ref_id", "part", "conversation_id", "digest", named=True
    ),
)


@dataclass(frozen=True)
class Text:
    """What is to be found by its meaning."""

    ref_id: uuid.UUID
    text: str
    part: int = 0
    conversation_id: uuid.UUID | None = None


@dataclass(frozen=True)
class Like:
    """``score``: the cosine, -1 to 1. ``digest``: of the text as it was."""

    ref_id: uuid.UUID
    part: int
    conversation_id: uuid.UUID | None
    digest: str
    score: float


def store(model: str = "") -> Store:
    """The one that VECTOR_STORE names, for the vectors of the present encoder, or of a former one."""
    env, model = settings.ENV, model or texts.MODEL
    match env["VECTOR_STORE"]:
        case "qdrant":
            return Qdrant(env["QDRANT_URL"], env["QDRANT_API_KEY"], model)
        case "pinecone":
            return Pinecone(env["PINECONE_URL"], env["PINECONE_API_KEY"], model)
        case "pgvector":
            return PgVector(model)
    return Embedded(model)


def digest_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def vectors_keep(kind: str, given: Sequence[Text]) -> int:
    """Make and keep the vectors of texts, in place of those there are; how many. A text that has gone meanwhile is the
    caller's to forget. Raises StoreAway: the next run begins with these again."""
    if not given:
        return 0
    numbers = texts.encoded([one.text for one in given])
    begun = _rows_begin(kind, given)
    points = [
        Point(row.id, of_it, row.conversation_id) for row, of_it in zip(begun, numbers, strict=True) if row is not None
    ]
    at = store()
    at.upsert(kind, points)
    made = Vector.objects.filter(id__in=[point.id for point in points])
    if made.update(stored=True) < len(points):  # a row has gone since: an erasure was here
        there = set(made.values_list("id", flat=True))
        at.delete(kind, [point.id for point in points if point.id not in there])
    return len(points)


def _rows_begin(kind: str, given: Sequence[Text]) -> list[Vector | None]:
    """The new row of each, so that what is remembered of a former one is worth nothing. None: another worker makes it."""
    former = Vector.objects.filter(model=texts.MODEL, kind=kind, ref_id__in={one.ref_id for one in given})
    parts = {(one.ref_id, one.part) for one in given}
    ids = [row_id for row_id, *part in former.values_list("id", "ref_id", "part") if tuple(part) in parts]
    if ids:
        vectors_forget(Vector.objects.filter(id__in=ids))
    rows = [
        Vector(
            id=new_id(), tenant_id=current_tenant_id(), model=texts.MODEL, kind=kind, ref_id=one.ref_id, part=one.part,
            conversation_id=one.conversation_id, digest=digest_of(one.text),
        )
        for one in given
    ]  # fmt: skip
    if _inserted(rows):
        return list(rows)
    return [row if _inserted([row]) else None for row in rows]


def _inserted(rows: Sequence[Vector]) -> bool:
    """All of them, in one transaction. False, and none is, where another worker was quicker with one."""
    try:
        with atomic():
            Vector.objects.bulk_create(rows)
    except IntegrityError as error:
        if not key_taken(error):
            raise
        return False
    return True


def vectors_like(kind: str, numbers: Any, k: int, only: Only = ANY) -> list[Like]:
    """The nearest, best first. Of the tenant in scope alone: a store's answer counts only where a row of the tenant has
    that id. Raises StoreAway."""
    found = store().search(kind, numbers, k, only)
    if not found:
        return []
    rows = NEAR.run(kind=kind, model=texts.MODEL, ids=[row_id for row_id, _ in found])
    known = {row.id: row for row in rows if _within(only, row.conversation_id)}
    return [
        Like(row.ref_id, row.part, row.conversation_id, row.digest, score)
        for row_id, score in found
        if (row := known.get(row_id))
    ]


def _within(only: Only, conversation_id: uuid.UUID | None) -> bool:
    if only.but is not None and conversation_id == only.but:
        return False
    return only.conversations is None or conversation_id in only.conversations


def numbers_of(kind: str, ref_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Any]:
    """Of each its vector, as far as there is one. Raises StoreAway."""
    rows = Vector.objects.filter(model=texts.MODEL, kind=kind, ref_id__in=list(ref_ids), stored=True, part=0)
    refs = dict(rows.values_list("id", "ref_id"))
    return {refs[row_id]: numbers for row_id, numbers in store().numbers(kind, list(refs)).items()} if refs else {}


def vectors_forget(rows: Any) -> int:
    """Take these rows and what the store keeps for them away; how many. ``rows``: a query of Vector. Raises StoreAway,
    and then the rows are there still."""
    ids = list(rows.values_list("id", flat=True))
    if ids:
        store_forget(ids)
        Vector.objects.filter(id__in=ids).delete()
    return len(ids)


def store_forget(ids: Collection[uuid.UUID]) -> None:
    """Take away what the store keeps for these rows, which the caller deletes then; each from where its own encoder's are: a
    person goes whole, also where the encoder has changed since. Raises StoreAway."""
    kept: dict[tuple[str, str], list[uuid.UUID]] = defaultdict(list)
    for model, kind, row_id in Vector.objects.filter(id__in=list(ids)).values_list("model", "kind", "id"):
        kept[model, kind].append(row_id)
    for (model, kind), of_it in kept.items():
        store(model).delete(kind, of_it)


def messages_forget(ids: Collection[uuid.UUID]) -> None:
    """These messages say something else by now, or nothing: from now on they are found by none of their former words,
    and a worker sees to the rest. Nor are those kept in another language."""
    Translation.objects.filter(message_id__in=list(ids)).delete()
    Vector.objects.filter(ref_id__in=list(ids), kind=Vector.Kind.MESSAGE).update(stored=False, numbers=b"", signs=b"")
