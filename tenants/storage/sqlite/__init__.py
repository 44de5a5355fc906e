"""SQLite connections that outlive the request that opened them.

Closing the last connection of a file writes its whole log (WAL) back into it, and opening one reads the schema and
compiles every statement anew: together more than a message costs. Threads cannot keep connections, since the ASGI
server has a new one for each request, so the process does.

Owns which connections are idle. Must not know what is asked.
"""

from __future__ import annotations

import atexit
import os
import sqlite3
import threading
from typing import Any

ENGINE = "tenants.storage.sqlite"
MOST_IDLE = 8  # each keeps what it has read, up to 16 MB (cache_size)
IN_MEMORY = (":memory:", "file:")

#: device and inode: a file that was replaced has the path of the former one, and not its place
Place = tuple[int, int]


class Connection(sqlite3.Connection):
    """Knows the file it was opened on, whatever stands at its path now."""

    path: str = ""
    place: Place | None = None  # None: not to be kept


def database(given: dict[str, Any]) -> dict[str, Any]:
    """Django's settings for the file ``given`` by its address."""
    options = {
        "timeout": 20,  # seconds that a writer waits for another
        "transaction_mode": "IMMEDIATE",  # lock before look-up, as row locks do elsewhere
        "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-16000; PRAGMA secure_delete=ON;",
        "factory": Connection,
    }
    return {**given, "ENGINE": ENGINE, "OPTIONS": options}


class Idle:
    """The connections that no thread uses, the one used last on top: few stay warm, the others are closed."""

    def __init__(self) -> None:
        self._held: list[Connection] = []
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._held)

    def take(self, path: str) -> Connection | None:
        """One on the file that stands at ``path`` now. Those on a file that stood there before are closed."""
        place = place_of(path)
        with self._lock:
            former = [one for one in self._held if one.path == path and one.place != place]
            ours = [one for one in self._held if one.path == path and one.place == place]
            taken = ours[-1] if ours else None
            self._held = [one for one in self._held if one is not taken and one not in former]
        for one in former:
            one.close()
        return taken

    def give(self, connection: sqlite3.Connection) -> bool:
        """Whether it is kept. One within a transaction, or on no file, is not; nor one too many."""
        if not isinstance(connection, Connection) or connection.place is None or connection.in_transaction:
            return False
        with self._lock:
            if len(self._held) >= MOST_IDLE:
                return False
            self._held.append(connection)
            return True

    def close(self) -> None:
        """Close all; the last one of a file writes its log back into it."""
        with self._lock:
            held, self._held = self._held, []
        for one in held:
            one.close()


def place_of(path: str) -> Place | None:
    """Where the file stands; None for one that is not there, and for a database in memory."""
    if path.startswith(IN_MEMORY):
        return None
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


idle = Idle()
os.register_at_fork(before=idle.close)  # a child would believe in locks that only its parent has
atexit.register(idle.close)
