"""The words of contacts that have none yet, which an older release has written, or others than their name and address.

Owns those walks, a batch at a time. Each row is written only if it is still called as it was read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.db import connection

from channels_app.words.folding import folded
from conversations.models import Contact
from conversations.search.people_index import CONTACTS, INDEXED
from tenants.models import Tenant
from tenants.storage.batches import BATCH, More, batches
from tenants.storage.db import atomic, on_mongo, retried

READ = ("id", "name", "email")


def people_fill(more: More) -> int:
    """Give words to those that have none; how many contacts that were. Safe to break off and to repeat."""
    count = 0
    while more() and (rows := _unindexed()):
        count += _written(rows)
    return count


def people_check(more: More, told: Callable[[int], Any] = lambda _: None) -> int:
    """Look at every contact, and write the words of those that have others; how many had. ``told`` of every batch."""
    count = 0
    # unscoped: the index is kept for all tenants
    for batch in batches(Contact.objects.unscoped(), *READ[1:], *INDEXED, more=more):
        count += _written([(row.id, row.name, row.email) for row in batch if _other(row)])
        told(len(batch))
    return count


def _unindexed() -> list[tuple[Any, str, str]]:
    """Some that have no words, found by an index."""
    # unscoped: as above
    rows = Contact.objects.unscoped()
    if not on_mongo():
        return list(rows.filter(name_words=None).order_by("id").values_list(*READ)[:BATCH])
    for tenant in Tenant.objects.values_list("id", flat=True):
        where = {"tenant_id": tenant.hex, "name_words": None}
        found = connection.database[CONTACTS].find(where, {"_id": 1}).limit(BATCH)  # type: ignore[attr-defined]
        if ids := [row["_id"] for row in found]:
            return list(rows.filter(id__in=ids).values_list(*READ))
    return []


def _other(row: Any) -> bool:
    return any(
        _kept(words) != folded(said) for words, said in ((row.name_words, row.name), (row.email_words, row.email))
    )


def _kept(words: Any) -> Any:
    """As SQL keeps them."""
    return (f" {' '.join(words)} " if words else "") if isinstance(words, list) else words


@retried
def _written(rows: Iterable[tuple[Any, str, str]]) -> int:
    count = 0
    with atomic():
        for id, name, email in rows:
            # unscoped: as above
            count += Contact.objects.unscoped().filter(id=id, name=name, email=email).update(name=name, email=email)
    return count
