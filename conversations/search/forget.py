"""What was said and is gone leaves no word in the index, nor does the name of a person.

PostgreSQL's index keeps the bare words of rows that are gone, of no message any more, until it is made anew; SQLite's
keeps them beside a mark until its parts are merged. Owns both. MongoDB keeps nothing.
"""

# ruff: noqa: S608  names of ours stand in the statements, and no values

from __future__ import annotations

import time

from django.db import connection

from conversations.search.index import FORGOTTEN, FOUND, POSTGRESQL, unhurried
from conversations.search.people_index import FOUND as PEOPLE
from conversations.search.people_index import INDEXED
from tenants.storage.batches import More
from tenants.storage.db import atomic

PAUSE_S = 86_400  # between two merges of everything, which read and write the whole index
SLICE = 200  # pages that one transaction merges, so that writers wait for a moment only


def words_forget(more: More, *, pause_s: float = PAUSE_S) -> int:
    """On SQLite: merge the index, so that nothing is left of what was taken out of it more than ``pause_s`` ago; whether
    it came to its end. On others nothing has to be done now and then."""
    if connection.vendor != "sqlite" or not more():
        return 0
    since = _since(pause_s)
    if since is None:
        return 0
    for index in (FOUND, PEOPLE):
        slices = -SLICE  # the first call takes all parts there are
        while _merged(index, slices):
            slices = SLICE
            if not more():
                with connection.cursor() as cursor:
                    cursor.execute(f"INSERT OR REPLACE INTO {FORGOTTEN} (id, since) VALUES (1, %s)", [since])
                return 0
    return 1


def index_renew() -> None:
    """At once, and as long as it takes: nothing is left of the words of what is gone. Others go on working beside it."""
    if connection.vendor == "sqlite":
        words_forget(lambda: True, pause_s=0)
    elif connection.vendor == "postgresql":
        with unhurried() as cursor:
            for name in (POSTGRESQL[0][0], *INDEXED.values()):
                cursor.execute(f"REINDEX INDEX CONCURRENTLY {name}")


def _since(pause_s: float) -> int | None:
    """When the first word was taken out that is still there; from now on it counts anew. None: not long enough ago."""
    with atomic(), connection.cursor() as cursor:
        cursor.execute(f"SELECT since FROM {FORGOTTEN} WHERE since <= %s", [time.time() - pause_s])
        row = cursor.fetchone()
        if row:
            cursor.execute(f"DELETE FROM {FORGOTTEN}")
    return int(row[0]) if row else None


def _merged(index: str, pages: int) -> bool:
    """Merge so many pages; whether there was anything to do. SQLite counts less than two changes when there was not."""
    with atomic(), connection.cursor() as cursor:
        before = _changes()
        cursor.execute(f"INSERT INTO {index} ({index}, rank) VALUES ('merge', %s)", [pages])
        return _changes() - before >= 2


def _changes() -> int:
    counted: int = connection.connection.total_changes
    return counted
