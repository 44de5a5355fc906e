"""A new row is written and what stands beside it read, by one statement: ``INSERT … RETURNING (SELECT …)``.

Owns how the read becomes part of the INSERT. Must give what orm.py gives, which also does what cannot be done so.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model

from tenants.scope import tenant_id_if_any
from tenants.storage.prepared import kept, orm
from tenants.storage.prepared.driver import Statement
from tenants.storage.prepared.gathering import gather
from tenants.storage.prepared.made import Rows
from tenants.storage.prepared.owner import check_owner
from tenants.storage.prepared.shapes import NotKept


def insert_reading(row: Model, select: orm.Select[Any], **values: Any) -> tuple[Any, ...] | None:
    """As in orm.py."""
    check_owner([row], tenant_id_if_any())
    if gather([row]):
        return orm.something(select.first(**values))
    try:
        found = _reading(row, select, values)
    except NotKept:
        kept._write([row])
        found = select.first(**values)
    kept.written([row])
    return orm.something(found)


def _reading(row: Model, select: Any, values: Mapping[str, Any]) -> tuple[Any, ...]:
    model = type(row)
    statement, columns = kept._kept((model, select), lambda: _compiled(model, select, list(values)))
    given: dict[Any, Any] = dict(enumerate(kept.values_of([row])))
    [found] = statement.run(given | select.in_scope(values))
    return tuple(rows.made([[value]])[0] for rows, value in zip(columns, found, strict=True))


def _compiled(model: type[Model], select: kept.Select[Any], names: Sequence[str]) -> tuple[Statement, Sequence[Rows]]:
    """A subquery of the RETURNING gives one value: the read is made of as many as it has columns."""
    db: Any = connections[DEFAULT_DB_ALIAS]
    if not db.features.can_return_columns_from_insert:  # SQLite before 3.35
        raise NotKept("RETURNING")
    sql, params = kept.insert_sql(model, 1, itertools.count())
    reads, columns = [], []
    for read, more, rows in select.columns(names):
        reads.append(f"({read} LIMIT 1)")
        params = [*params, *more]
        columns.append(rows)
    return Statement(f"{sql} RETURNING {', '.join(reads)}", params, returns=True, writes=True), columns
