"""What SQLite keeps of rows that are gone: nothing in its file (`secure_delete`), and here nothing in its log (WAL)."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing

from django.db import connection

from tenants.storage.sqlite import IN_MEMORY, WAIT_S

EACH_S = 0.1  # that one try waits for readers: as long it keeps every writer out
PAUSE_S = 0.5


def log_wipe() -> bool:
    """Write the log back and cut it to nothing; whether it is empty. Not where a reader keeps it, and on other engines
    there is nothing to do.

    It waits for readers in short tries. In one long one, a backup that runs or a slow query would fail all writers: they
    wait no longer than it does.
    """
    path = str(connection.settings_dict["NAME"])
    if connection.vendor != "sqlite" or path.startswith(IN_MEMORY):
        return True
    give_up = time.monotonic() + WAIT_S
    with closing(sqlite3.connect(path, timeout=EACH_S, isolation_level=None)) as own:
        while True:
            busy, *_ = own.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if not busy:
                return True
            if time.monotonic() + PAUSE_S > give_up:
                return False
            time.sleep(PAUSE_S)
