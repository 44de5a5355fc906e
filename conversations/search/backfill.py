"""The words of messages that have none yet: of older ones, and of those that an older release writes beside this one.

Owns that walk, a batch at a time. Each row is written only if its text is still the one that was read.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import connection

from channels_app.words.folding import folded
from conversations.models import Message
from conversations.search.index import MESSAGES
from tenants.models import Tenant
from tenants.storage.batches import BATCH, More, batches
from tenants.storage.db import atomic, on_mongo, retried


def words_fill(more: More) -> int:
    """Index what has no words yet; how many messages that were. Safe to break off and to repeat."""
    count = 0
    while more() and (rows := _unindexed()):
        count += _written(rows)
    return count


def _unindexed() -> list[tuple[Any, str]]:
    """Ids and texts of some that have no words, found by an index."""
    if not on_mongo():
        # unscoped: the index is kept for all tenants
        rows = Message.objects.unscoped().filter(words=None).order_by("id").values_list("id", "text")
        return list(rows[:BATCH])
    for tenant in Tenant.objects.values_list("id", flat=True):
        where = {"tenant_id": tenant.hex, "words": None}
        ids = [row["_id"] for row in connection.database[MESSAGES].find(where, {"_id": 1}).limit(BATCH)]  # type: ignore[attr-defined]
        if ids:
            # unscoped: as above
            return list(Message.objects.unscoped().filter(id__in=ids).values_list("id", "text"))
    return []


def words_check(more: More, told: Callable[[int], Any] = lambda _: None) -> int:
    """Look at every message, and write the words of those that have others; how many had. ``told`` of every batch."""
    count = 0
    # unscoped: as above
    for batch in batches(Message.objects.unscoped(), "text", "words", more=more):
        count += _written([(row.id, row.text) for row in batch if _other(row.words, row.text)])
        told(len(batch))
    return count


def _other(words: Any, text: str) -> bool:
    wanted: Any = folded(text)
    return bool(words != (wanted.split() if on_mongo() else wanted))


@retried
def _written(rows: list[tuple[Any, str]]) -> int:
    if not rows:
        return 0
    with atomic():
        for id, text in rows:
            # unscoped: as above
            Message.objects.unscoped().filter(id=id, text=text).update(words=folded(text))
    return len(rows)
