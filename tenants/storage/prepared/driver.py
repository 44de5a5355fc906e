"""Running a kept statement: on the driver itself, or through Django where statements are looked at.

Owns the difference between the drivers. Must not know any model.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from tenants.storage.prepared.shapes import Given
from tenants.storage.prepared.values import same

NOTHING = nullcontext()


class Statement:
    """SQL and its parameters, places and constants in their order; good for every connection of the process."""

    def __init__(self, sql: str, params: Sequence[Any], *, returns: bool, writes: bool):
        self.sql, self.returns, self.writes = sql, returns, writes
        self.constants = [None if type(one) is Given else one for one in params]
        self.places = [(at, one.at, one.quick, one) for at, one in enumerate(params) if type(one) is Given]
        self.native = _native(sql, connections[DEFAULT_DB_ALIAS].vendor)

    def run(self, values: Any) -> Any:
        """The rows as the driver gives them, or how many there were where nothing is returned. ``values`` by the names
        or numbers of the places. Raises Django's database errors."""
        db: Any = connections[DEFAULT_DB_ALIAS]
        params = self.prepared(values, db)
        try:
            return self._observed(db, params) if db.queries_logged or db.execute_wrappers else self._direct(db, params)
        except Exception as error:
            if self.writes and db.in_atomic_block:  # as Django's own writes do
                db.needs_rollback, db.rollback_exc = True, error
            raise

    def prepared(self, values: Any, db: Any) -> list[Any]:
        """The parameters as the driver takes them."""
        params = self.constants.copy()
        for at, name, quick, given in self.places:
            value = values[name]
            prepare = quick.get(type(value))
            if prepare is same:  # most are the same to the driver: those are spared the call
                params[at] = value
            elif prepare is None or (found := prepare(value)) is NotImplemented:
                params[at] = given.prepared(value, db)
            else:
                params[at] = found
        return params

    def _observed(self, db: Any, params: list[Any]) -> Any:
        """Tests count statements, debuggers show them, the simulator interrupts them. The rows are read before any of
        these sees the end: SQLite has not finished, nor committed, what still has rows to return."""
        found: list[Any] = []

        def read(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
            result = execute(sql, params, many, context)
            if context["cursor"] is cursor:  # not a statement of those who look
                found.append(cursor.fetchall() if self.returns else cursor.rowcount)
            return result

        with db.cursor() as cursor, db.execute_wrapper(read):
            cursor.execute(self.sql, params)
        return found[0]

    def _direct(self, db: Any, params: list[Any]) -> Any:
        if db.connection is None:
            db.ensure_connection()
        db.validate_no_broken_transaction()
        alone = self.writes and db.vendor == "sqlite" and not db.in_atomic_block
        with db.wrap_database_errors, db.connection.turn() if alone else NOTHING:
            cursor = (db.Database.RawCursor if db.vendor == "postgresql" else db.Database.Cursor)(db.connection)
            cursor.execute(self.native, params)
            found = cursor.fetchall() if self.returns else cursor.rowcount
            cursor.close()
            return found


def _native(sql: str, vendor: str) -> str:
    """The SQL with the driver's own placeholders, so that no call translates it: ``$1`` of PostgreSQL, ``?``."""
    numbers = itertools.count(1)

    def place(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        return f"${next(numbers)}" if vendor == "postgresql" else "?"

    return re.sub("%%|%s", place, sql)
