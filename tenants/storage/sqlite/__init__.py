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
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from tenants.storage.sqlite.lines import Line, line_of

ENGINE = "tenants.storage.sqlite"
WAIT_S = 20  # that a writer waits for another
MOST_IDLE = 8  # each keeps what it has read, up to 16 MB (cache_size)
IN_MEMORY = (":memory:", "file:")

#: device and inode: a file that was replaced has the path of the former one, and not its place
Place = tuple[int, int]


class Connection(sqlite3.Connection):
    """Knows the file it was opened on, whatever stands at its path now, and stands in the line of that file's writers
    before it writes: from `enter` until its transaction is over."""

    path: str = ""
    place: Place | None = None  # None: not to be kept
    _line: Line | None = None  # it is our turn

    def enter(self) -> None:
        """Wait for the turn to write. Raises sqlite3.OperationalError as SQLite does when it takes too long."""
        if self.place is None or self._line is not None:
            return
        from tenants.scope import tenant_id_if_any  # models, which the settings come before

        line = line_of(self.place)
        if not line.enter(WAIT_S, tenant_id_if_any()):
            error = sqlite3.OperationalError("database is locked")
            error.sqlite_errorcode, error.sqlite_errorname = sqlite3.SQLITE_BUSY, "SQLITE_BUSY"
            raise error
        self._line = line

    def leave(self) -> None:
        """Give the turn to the next one, if it is ours and no transaction goes on."""
        line = self._line
        if line is not None and not self.in_transaction:
            self._line = None
            line.leave()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """For one statement that writes: within a transaction it is our turn anyway."""
        self.enter()
        try:
            yield
        finally:
            self.leave()

    def commit(self) -> None:
        try:
            super().commit()
        finally:
            self.leave()

    def rollback(self) -> None:
        try:
            super().rollback()
        finally:
            self.leave()

    def close(self) -> None:
        super().close()
        self._over()

    def __del__(self) -> None:
        """Of a thread that ended in the middle. The collector calls it wherever it runs, also in a thread that is just
        entering or leaving the line: one that waited for itself there would keep every writer out."""
        line, self._line = self._line, None
        if line is not None:
            with suppress(RuntimeError):  # the process ends
                threading.Thread(target=line.leave, daemon=True).start()

    def _over(self) -> None:
        line, self._line = self._line, None
        if line is not None:
            line.leave()


def database(given: dict[str, Any]) -> dict[str, Any]:
    """Django's settings for the file ``given`` by its address."""
    options = {
        "timeout": WAIT_S,
        "transaction_mode": "IMMEDIATE",  # lock before look-up, as row locks do elsewhere
        "init_command": "PRAGMA synchronous=FULL; PRAGMA cache_size=-16000; PRAGMA secure_delete=ON;",
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
