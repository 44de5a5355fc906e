"""Running a kept statement: on the driver itself, or through Django where statements are looked at.

Owns the difference between the drivers. Must not know any model.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections

from tenants.storage.prepared.shapes import Given
from tenants.storage.prepared.values import quick_of, same

DEBUG = settings.DEBUG  # Django's `queries_logged` asks for it with each statement
MOST_KINDS = 100  # of one statement's values, in their combinations; a statement that meets more begins anew

#: a parameter, what makes it of its value where that is known of the kind, and its place, which knows of all
Way = tuple[int, Callable[[Any], Any] | None, Given]


class Statement:
    """SQL and its parameters, places and constants in their order; good for every connection of the process."""

    def __init__(self, sql: str, params: Sequence[Any], *, returns: bool, writes: bool):
        self.sql, self.returns, self.writes = sql, returns, writes
        self.constants = [None if type(one) is Given else one for one in params]
        self.places = [(at, one) for at, one in enumerate(params) if type(one) is Given]
        self.given = _getter([one.at for _, one in self.places])
        self.ways: dict[
            Sequence[type], Sequence[Way]
        ] = {}  # by the kinds of the values, those that change for the driver
        self.native = _native(sql, connections[DEFAULT_DB_ALIAS].vendor)

    def run(self, values: Any) -> Any:
        """The rows as the driver gives them, or how many there were where nothing is returned. ``values`` by the names
        or numbers of the places. Raises Django's database errors."""
        db: Any = connections[DEFAULT_DB_ALIAS]
        params = self.prepared(values, db)
        try:
            looked_at = db.execute_wrappers or db.force_debug_cursor or DEBUG
            return self._observed(db, params) if looked_at else self._direct(db, params)
        except Exception as error:
            if self.writes and db.in_atomic_block:  # as Django's own writes do
                db.needs_rollback, db.rollback_exc = True, error
            raise

    def prepared(self, values: Any, db: Any) -> list[Any]:
        """The parameters as the driver takes them."""
        given = self.given(values)
        params = list(given)
        if len(params) < len(self.constants):
            params = self.constants.copy()
            for (at, _), value in zip(self.places, given, strict=True):
                params[at] = value
        kinds = tuple(map(type, given))
        ways = self.ways.get(kinds)
        for at, prepare, place in self._ways(kinds) if ways is None else ways:
            found = prepare(params[at]) if prepare else NotImplemented
            params[at] = place.prepared(params[at], db) if found is NotImplemented else found
        return params

    def _ways(self, kinds: Sequence[type]) -> Sequence[Way]:
        """What is done to values of these kinds; most are the same to the driver, and are not looked at one by one."""
        known = [(at, quick_of(place.quick, kind), place) for (at, place), kind in zip(self.places, kinds, strict=True)]
        ways = [way for way in known if way[1] is not same]
        if len(self.ways) >= MOST_KINDS:
            self.ways.clear()
        self.ways[kinds] = ways
        return ways

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
        with db.wrap_database_errors:
            if not alone:
                return self._asked(db, params)
            with db.connection.turn():
                return self._asked(db, params)

    def _asked(self, db: Any, params: list[Any]) -> Any:
        cursor = (db.Database.RawCursor if db.vendor == "postgresql" else db.Database.Cursor)(db.connection)
        cursor.execute(self.native, params)
        found = cursor.fetchall() if self.returns else cursor.rowcount
        cursor.close()
        return found


def _getter(names: Sequence[Any]) -> Callable[[Any], Sequence[Any]]:
    """What gives the values of places, by their names, in their order."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: [values[name] for name in names]


def _native(sql: str, vendor: str) -> str:
    """The SQL with the driver's own placeholders, so that no call translates it: ``$1`` of PostgreSQL, ``?``."""
    numbers = itertools.count(1)

    def place(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        return f"${next(numbers)}" if vendor == "postgresql" else "?"

    return re.sub("%%|%s", place, sql)
