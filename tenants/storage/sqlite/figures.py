"""What SQLite is told of its tables, so that it finds its way in large ones.

Without figures it takes every index to be as good as another, and reads all that a tenant has where one conversation is meant.
Owns when they are gathered. Must not know any particular table.
"""

from __future__ import annotations

from django.db import connection

from tenants.storage.db import atomic

LEAST = 50_000_000  # bytes of a file in which a look from end to end is felt
ROWS = 1_000  # of each index that are looked at, so that writers wait for a moment only

_gathered = 0  # bytes that the file had, in this process


def figures_gather() -> int:
    """Gather them where the file is large, and has become twice as large since this process did so last; 1 if it was done."""
    global _gathered
    if connection.vendor != "sqlite":
        return 0
    size = _size()
    if size < max(LEAST, 2 * _gathered):
        return 0
    with connection.cursor() as cursor:
        cursor.execute(f"PRAGMA analysis_limit = {ROWS}")
        with atomic():
            cursor.execute("ANALYZE")
    _gathered = size
    return 1


def _size() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()")
        return int(cursor.fetchone()[0])
