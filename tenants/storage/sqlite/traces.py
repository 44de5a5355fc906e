"""What SQLite keeps of rows that are gone: nothing in its file (`secure_delete`), and here nothing in its log (WAL)."""

from __future__ import annotations

from django.db import connection


def log_wipe() -> bool:
    """Write the log back and cut it to nothing; whether it is empty. Not where a reader keeps it, and on other engines
    there is nothing to do."""
    if connection.vendor != "sqlite":
        return True
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        row = cursor.fetchone()
    return bool(row and row[0] == 0)
