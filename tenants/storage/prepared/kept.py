"""The quick way: each shape of a statement is compiled once by Django's own compiler, and kept.

Owns the memory of shapes. Must give the same rows, numbers and errors as orm.py, which also runs what cannot be kept.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from operator import itemgetter
from threading import Lock
from types import SimpleNamespace
from typing import Any, TypeVar

from django.core.exceptions import EmptyResultSet
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.models import DateTimeField, Field, Model, Q, QuerySet
from django.db.models.expressions import ExpressionList
from django.db.models.sql import InsertQuery, UpdateQuery

from tenants.scope import current_tenant_id, tenant_id_if_any
from tenants.storage.folded import with_words
from tenants.storage.prepared import orm
from tenants.storage.prepared.driver import Statement
from tenants.storage.prepared.gathering import gather, gathering
from tenants.storage.prepared.made import Rows
from tenants.storage.prepared.numbers import Next, number_of
from tenants.storage.prepared.owner import check_owner, has_tenant
from tenants.storage.prepared.shapes import (
    Given,
    NotKept,
    changes_given,
    changes_key,
    fields_bind,
    where_given,
    where_key,
)

M = TypeVar("M", bound=Model)

MOST_SHAPES = 1000  # a process that meets more goes round in circles: the oldest is compiled again
MOST_ROWS = 50  # of one INSERT; more go in several

_shapes: dict[Any, Any] = {}
_lock = Lock()


def _kept(key: Any, make: Callable[[], Any]) -> Any:
    """What was made for ``key``. Threads that come at once make the same."""
    found = _shapes.get(key)
    if found is None:
        found = make()
        with _lock:
            if len(_shapes) >= MOST_SHAPES:
                del _shapes[next(iter(_shapes))]
            _shapes[key] = found
    return found


# ------------------------------------------------------------------------------ update


def update(model: type[Model], where: Mapping[str, Any], changes: Mapping[str, Any]) -> int:
    """How many rows that match ``where`` were changed."""
    try:
        count: int = _update(model, where, changes, returns=False)
    except NotKept:
        return orm.update(model, where, changes)
    except EmptyResultSet:
        return 0
    return count


def update_where(model: type[M], where: Mapping[str, Any], changes: Mapping[str, Any]) -> M | None:
    """The row that matches ``where``, after ``changes``; None when there is none. Raises MultipleObjectsReturned."""
    try:
        rows = _update(model, where, changes, returns=True)
    except NotKept:
        return orm.update_where(model, where, changes)
    except EmptyResultSet:
        return None
    if len(rows) > 1:
        raise model.MultipleObjectsReturned(  # type: ignore[attr-defined]
            f"the condition names {len(rows)} rows of {model.__name__}"
        )
    return _kept(model, lambda: Rows.of_model(model)).made(rows)[0] if rows else None


def _update(model: type[Model], where: Mapping[str, Any], changes: Mapping[str, Any], *, returns: bool) -> Any:
    changes = with_words(model, changes)
    if has_tenant(model):
        where = {"tenant_id": current_tenant_id(), **{name: where[name] for name in where if name != "tenant_id"}}
    values: list[Any] = []
    key = (model, returns, where_key(where, values), changes_key(changes, values))
    statement: Statement = _kept(key, lambda: _compiled_update(model, where, changes, returns))
    return statement.run(values)


def _compiled_update(
    model: type[Model], where: Mapping[str, Any], changes: Mapping[str, Any], returns: bool
) -> Statement:
    at = itertools.count()
    query = UpdateQuery(model)
    for name, value in where_given(model, where, at).items():  # in the order given, the tenant first
        query.add_q(Q(**{name: value}))
    query.add_update_values(changes_given(model, changes, at))
    sql, params = query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
    if returns:
        db: Any = connections[DEFAULT_DB_ALIAS]
        if not db.features.can_return_columns_from_insert:  # SQLite before 3.35
            raise NotKept("RETURNING")
        sql = f"{sql} {db.ops.return_insert_columns(model._meta.concrete_fields)[0]}"
    return Statement(sql, params, returns=returns, writes=True)


# ------------------------------------------------------------------------------ insert


def insert(rows: Sequence[Model]) -> None:
    """Write new rows of one model. Raises IntegrityError."""
    if not rows:
        return
    check_owner(rows, tenant_id_if_any())
    if not gather(rows):
        _write(rows)


def gathered(*models: type[Model]) -> AbstractContextManager[None]:
    """Inside, new rows of ``models`` wait and are written at the end, those of all tenants together, in the order of
    ``models``. For a transaction none of whose statements looks at a row that waits. Raises IntegrityError then."""
    return gathering(models, _write)


def _write(rows: Sequence[Model]) -> None:
    if len(rows) <= MOST_ROWS:
        _insert(rows)
    else:
        with transaction.atomic(savepoint=False):
            for start in range(0, len(rows), MOST_ROWS):
                _insert(rows[start : start + MOST_ROWS])


def _insert(rows: Sequence[Model]) -> None:
    model, values = type(rows[0]), values_of(rows)
    try:
        number = number_of(rows, values)
        statement: Statement = _kept((model, len(rows), number), lambda: _compiled_insert(model, len(rows), number))
        statement.run(values)
    except NotKept:  # a column that the database works out
        orm.write(rows)
    written(rows)


def values_of(rows: Sequence[Model]) -> list[Any]:
    """What an INSERT of rows of one model is given, one row after the other."""
    model = type(rows[0])
    values: list[Any] = _kept((model, "columns"), lambda: _columns_of(model))(rows)
    return values


def written(rows: Sequence[Model]) -> None:
    """The rows are in the database now."""
    for row in rows:
        row._state.adding, row._state.db = False, DEFAULT_DB_ALIAS


def _columns_of(model: type[Model]) -> Callable[[Sequence[Model]], list[Any]]:
    """What gives the values of rows, one after the other, as they stand before they are saved."""
    fields = model._meta.concrete_fields
    if len(fields) < 2 or any(_changes_when_saved(field) for field in fields):
        return lambda rows: [field.pre_save(row, True) for row in rows for field in fields]
    columns = itemgetter(*(field.attname for field in fields))
    return lambda rows: [value for row in rows for value in columns(vars(row))]  # new rows have all of them


def _changes_when_saved(field: Field[Any, Any]) -> bool:
    if isinstance(field, DateTimeField) and type(field).pre_save is DateTimeField.pre_save:
        return field.auto_now or field.auto_now_add
    return type(field).pre_save is not Field.pre_save


def _compiled_insert(model: type[Model], count: int, number: tuple[Next, Sequence[str]] | None) -> Statement:
    return Statement(*insert_sql(model, count, itertools.count(), number), returns=False, writes=True)


def insert_sql(
    model: type[Model], count: int, at: Iterator[int], number: tuple[Next, Sequence[str]] | None = None
) -> tuple[str, Sequence[Any]]:
    """Text and parameters, with places for values. Raises NotKept."""
    query, fields = InsertQuery(model), model._meta.concrete_fields
    rows: list[Any] = [
        SimpleNamespace(**{field.attname: Given(next(at), field, saved=True) for field in fields}) for _ in range(count)
    ]
    if number:
        looks, names = number
        for row in rows:
            setattr(row, looks.name, looks.given(_rows_given(model, lambda: Given(next(at))), names, at))
    query.insert_values(fields, rows, raw=True)
    [(sql, params)] = query.get_compiler(DEFAULT_DB_ALIAS).as_sql()
    return sql, params


# ------------------------------------------------------------------------------ select


class Select(orm.Select[M]):
    """A query whose values are given when it runs. ``build`` gets the model's rows and the values by its names."""

    def __init__(self, model: type[M], build: Callable[..., QuerySet[M, Any]], *, all_tenants: bool = False):
        super().__init__(model, build, all_tenants=all_tenants)
        self._made: dict[Any, tuple[Statement, Rows]] = {}

    def run(self, *, most: int | None = None, **values: Any) -> list[Any]:
        """The rows, ``most`` of them at most. No value may be None; a list is one of values, not empty, and as
        many shapes are kept as there are lengths."""
        values = self.in_scope(values)
        lists = {name: value for name, value in values.items() if type(value) is list}
        shape = (most is not None, *map(len, lists.values()))
        made = self._made.get(shape)
        if made is None:
            made = self._made[shape] = self._compiled(values, most is not None)
        for name, members in lists.items():
            values |= {(name, at): member for at, member in enumerate(members)}  # type: ignore[misc]
        statement, rows = made
        return rows.made(statement.run({**values, "most": most}))

    def in_scope(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """With the tenant's id, where it is about the rows of one."""
        assert None not in values.values()
        return {**values, "tenant": current_tenant_id()} if self.one_tenant else dict(values)

    def columns(self, names: Sequence[str]) -> Iterator[tuple[str, Sequence[Any], Rows]]:
        """Of a query for values: what selects each of them alone, text, parameters and rows. ``names`` of the values given,
        none a list."""
        at, count = 0, 1
        while at < count:
            built = self._built(dict.fromkeys([*names, *(["tenant"] if self.one_tenant else [])]))
            count = len(built._fields)  # type: ignore[attr-defined]
            alone = built.values_list(built._fields[at], flat=True)  # type: ignore[attr-defined]
            compiler = alone.query.get_compiler(DEFAULT_DB_ALIAS)
            yield *compiler.as_sql(), Rows.of_query(alone, compiler)
            at += 1

    def _compiled(self, names: Mapping[str, Any], bounded: bool) -> tuple[Statement, Rows]:
        built = self._built(names)
        compiler = built.query.get_compiler(DEFAULT_DB_ALIAS)
        sql, params = compiler.as_sql()
        if bounded:
            sql, params = f"{sql} LIMIT %s", [*params, Given("most")]
        return Statement(sql, params, returns=True, writes=False), Rows.of_query(built, compiler)

    def _built(self, names: Mapping[str, Any]) -> QuerySet[Any]:
        """With places for the values."""
        given: dict[str, Any] = {
            name: ExpressionList(*(Given((name, at)) for at in range(len(value))))
            if type(value) is list
            else Given(name)
            for name, value in names.items()
        }
        of_all: QuerySet[Any] = QuerySet(self.model)  # unscoped: only where its user says why
        rows = _rows_given(self.model, lambda: given.pop("tenant")) if self.one_tenant else of_all
        built = self.build(rows, **given)
        fields_bind(built.query)
        return built


def _rows_given(model: type[Model], tenant: Callable[[], Given]) -> QuerySet[Any]:
    """The rows of one tenant, which is a place like any other, filled with the one in scope at every run."""
    rows: QuerySet[Any] = QuerySet(model)  # unscoped: as above
    return rows.filter(tenant_id=tenant()) if has_tenant(model) else rows
