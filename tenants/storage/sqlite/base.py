"""Django's engine for SQLite, whose connections are kept when a thread is done with them.

Django loads this module by its name (`ENGINE`). Must not know any model.
"""

from __future__ import annotations

from typing import Any

from django.db.backends.sqlite3 import base

from tenants.storage.sqlite import idle, place_of


class DatabaseWrapper(base.DatabaseWrapper):
    """To open is to take an idle connection, to close is to give it back."""

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        path = str(conn_params["database"])
        kept = idle.take(path)
        if kept is not None:
            # A schema change or a fixture may have left them off. Set only then: it compiles every statement anew.
            if kept.execute("PRAGMA foreign_keys").fetchone() != (1,):
                kept.execute("PRAGMA foreign_keys = ON")
            return kept
        opened = super().get_new_connection(conn_params)
        opened.path, opened.place = path, place_of(path)
        return opened

    def _close(self) -> None:
        if self.connection is not None:
            with self.wrap_database_errors:
                if self.errors_occurred or not idle.give(self.connection):
                    self.connection.close()
