"""Django's engine for SQLite, whose connections are kept when a thread is done with them.

Django loads this module by its name (`ENGINE`). Must not know any model.
"""

from __future__ import annotations

import random
import sqlite3
import time
from typing import Any

from django.db.backends.sqlite3 import base

from tenants.storage.sqlite import WAIT_S, Connection, idle, place_of

DEFERRED = "DEFERRED"
WRITES = ("INSERT", "UPDATE", "DELETE", "REPLACE")


class Cursor(base.SQLiteCursorWrapper):
    """A statement that is a transaction of its own waits for its turn."""

    connection: Connection

    def execute(self, query: str, params: Any = None) -> Any:
        if self.connection.in_transaction or not query.startswith(WRITES):
            return super().execute(query, params)
        with self.connection.turn():
            return super().execute(query, params)


class DatabaseWrapper(base.DatabaseWrapper):
    """To open is to take an idle connection, to close is to give it back."""

    def connect(self) -> None:
        """An idle one is set up already: nothing is asked for, and no receiver told, as for a new one."""
        kept = idle.take(str(self.settings_dict["NAME"])) if self.settings_dict["AUTOCOMMIT"] else None
        if kept is None:
            super().connect()
            return
        # A schema change or a fixture may have left them off. Set only then: it compiles every statement anew.
        if kept.execute("PRAGMA foreign_keys").fetchone() != (1,):
            kept.execute("PRAGMA foreign_keys = ON")
        kept.isolation_level = None  # what Django calls autocommit
        self.connection, self.autocommit, self.run_on_commit = kept, True, []
        self.in_atomic_block, self.savepoint_ids, self.atomic_blocks = False, [], []
        self.needs_rollback, self.closed_in_transaction, self.errors_occurred = False, False, False
        self.health_check_enabled, self.health_check_done = self.settings_dict["CONN_HEALTH_CHECKS"], True
        self.transaction_mode = self.settings_dict["OPTIONS"]["transaction_mode"]
        max_age = self.settings_dict["CONN_MAX_AGE"]
        self.close_at = None if max_age is None else time.monotonic() + max_age

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        opened = super().get_new_connection(conn_params)
        try:
            _write_ahead(opened)
        except sqlite3.Error:
            opened.close()
            raise
        opened.path = str(conn_params["database"])
        opened.place = place_of(opened.path)
        return opened

    def create_cursor(self, name: Any = None) -> Any:
        return self.connection.cursor(factory=Cursor)

    def _start_transaction_under_autocommit(self) -> None:
        if self.transaction_mode == DEFERRED:  # waits for no turn: it may never write
            with self.wrap_database_errors:
                self.connection.execute("BEGIN")
            return
        with self.wrap_database_errors:
            self.connection.enter()
        try:
            if self.queries_logged or self.execute_wrappers:
                super()._start_transaction_under_autocommit()  # type: ignore[misc]
            else:
                with self.wrap_database_errors:
                    self.connection.execute(f"BEGIN {self.transaction_mode}")
        finally:
            self.connection.leave()  # stays where the transaction has begun

    def _close(self) -> None:
        if self.connection is not None:
            with self.wrap_database_errors:
                if self.errors_occurred or not idle.give(self.connection):
                    self.connection.close()


def _write_ahead(opened: sqlite3.Connection) -> None:
    """Have the file keep a log (WAL). SQLite waits for no other writer here, as everywhere else: where two processes
    open a new file, or a backup that was put back, one of them was told at once that it is locked."""
    give_up = time.monotonic() + WAIT_S
    while True:
        try:
            opened.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
        time.sleep(random.uniform(0.005, 0.05))  # noqa: S311  no secret
