"""Kept statements are the ORM's own: for the first runs of every shape that the suite visits, text and parameters are
compared with what Django compiles for the same call.

Installed for all tests by tests/conftest.py. A difference fails the test that met it, whatever the code around does with
exceptions.
"""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models.sql import InsertQuery, UpdateQuery

from tenants.storage import crypto
from tenants.storage.folded import with_words
from tenants.storage.prepared import kept, reading
from tenants.storage.prepared.driver import Statement
from tenants.storage.prepared.owner import scoped

RUNS = 3  # of each shape that are compared; values may be prepared in another way each time

differences: list[str] = []
compared: Counter[Any] = Counter()
_ran = threading.local()


@contextmanager
def compared_with_the_orm() -> Iterator[None]:
    """Look at every kept statement inside."""
    run, update, insert, select = Statement.run, kept._update, kept._insert, kept.Select.run
    read = reading._reading

    def noting_run(self: Statement, values: Any) -> Any:
        _ran.params = self.prepared(values, connection)
        _ran.statement = self
        return run(self, values)

    def compared_update(model: Any, where: Any, changes: Any, *, returns: bool) -> Any:
        vars(_ran).clear()  # of a statement that was interrupted
        try:
            return update(model, where, changes, returns=returns)
        finally:
            _compare(lambda: _updated(model, where, changes))

    def compared_insert(rows: Any) -> None:
        vars(_ran).clear()
        try:
            insert(rows)
        finally:
            _compare(lambda: _inserted(rows))

    def compared_select(self: Any, *, most: int | None = None, **values: Any) -> Any:
        vars(_ran).clear()
        found = select(self, most=most, **values)
        _compare(lambda: _selected(self, most, values))
        return found

    def compared_reading(row: Any, select: Any, values: Any) -> Any:
        vars(_ran).clear()
        try:
            return read(row, select, values)
        finally:
            _compare(lambda: _read_along(row, select, values))

    reading._reading = compared_reading
    Statement.run, kept._update, kept._insert, kept.Select.run = (
        noting_run, compared_update, compared_insert, compared_select,
    )  # fmt: skip
    try:
        yield
    finally:
        Statement.run, kept._update, kept._insert, kept.Select.run = run, update, insert, select
        reading._reading = read


def _compare(expected: Callable[[], tuple[str, Any]]) -> None:
    statement, params = vars(_ran).pop("statement", None), vars(_ran).pop("params", [])
    if statement is None or compared[statement] >= RUNS:
        return
    compared[statement] += 1
    sql, wanted = expected()
    said = statement.sql if "RETURNING (SELECT " in statement.sql else statement.sql.partition(" RETURNING ")[0]
    ours = re.sub(r"(?<!IN )\(%s\)", "%s", said)  # an expression is set apart
    if (ours, _comparable(params)) != (sql, _comparable(wanted)):
        differences.append(f"{ours}\n  {params!r}\nis for the ORM\n{sql}\n  {wanted!r}")


def _updated(model: Any, where: Any, changes: Any) -> tuple[str, Any]:
    where = {name: where[name] for name in where if name != "tenant_id"}
    rows = scoped(model)
    for name, value in where.items():  # Q sorts names
        rows = rows.filter(**{name: value})
    query = rows.query.chain(UpdateQuery)
    query.add_update_values(with_words(model, changes))  # as `update` of the model's rows does
    return query.get_compiler(DEFAULT_DB_ALIAS).as_sql()


def _inserted(rows: Any) -> tuple[str, Any]:
    """Several rows go one by one into the comparison: PostgreSQL's engine unnests arrays instead."""
    sql, params = "", []
    for row in rows:
        query = InsertQuery(type(row))
        query.insert_values(row._meta.concrete_fields, [row], raw=True)  # with the times that were written
        [(sql, of_row)] = query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
        params += of_row
    head, places = sql.split(" VALUES ")
    return f"{head} VALUES {', '.join([places] * len(rows))}", params


def _selected(select: Any, most: int | None, values: Any) -> tuple[str, Any]:
    built = select.build(select.rows(), **values)
    sql, params = built[:most].query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
    if most is None:
        return sql, params
    return re.sub(r"LIMIT \d+$", "LIMIT %s", sql), [*params, most]


def _read_along(row: Any, select: Any, values: Any) -> tuple[str, Any]:
    """What the INSERT returns is what the ORM selects, column by column."""
    sql, params = _inserted([row])
    built = select.build(select.rows(), **values)
    reads = [built.values_list(name, flat=True).query.get_compiler(DEFAULT_DB_ALIAS).as_sql() for name in built._fields]
    returned = ", ".join(f"({text} LIMIT 1)" for text, _ in reads)
    return f"{sql} RETURNING {returned}", [*params, *(param for _, given in reads for param in given)]


def _comparable(params: Any) -> list[Any]:
    """PostgreSQL's JSON is wrapped in objects that equal nothing, and no secret is encrypted to the same text twice."""
    plain = [getattr(param, "obj", param) for param in params]
    return [crypto.decrypt(one) if isinstance(one, str) and one.startswith("gAAAAA") else one for one in plain]
