"""What the driver gives becomes what the ORM would give: rows of models, tuples, values.

Owns how rows are made. Must not know statements.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeVar

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import Model, QuerySet, signals
from django.db.models.base import ModelState
from django.db.models.query import (
    FlatValuesListIterable,
    ModelIterable,
    NamedValuesListIterable,
    RelatedPopulator,
    ValuesListIterable,
)
from django.db.models.sql import Query
from django.db.models.utils import create_namedtuple_class

from tenants.storage import db
from tenants.storage.prepared.shapes import NotKept
from tenants.storage.prepared.values import quick_from

M = TypeVar("M", bound=Model)


class Rows:
    """How the driver's rows become what the ORM would give."""

    def __init__(self, converters: Mapping[int, Any], make: Callable[[list[Any]], Any]):
        quick = {at: quick_from(*found) for at, found in converters.items()}
        self.quick = [(at, convert) for at, convert in quick.items() if convert]
        self.converters = [(at, *found) for at, found in converters.items() if not quick[at]]
        self.make = make

    @classmethod
    def of_model(cls, model: type[Model]) -> Rows:
        """Whole rows, as a statement returns them."""
        fields, table = model._meta.concrete_fields, model._meta.db_table
        compiler = Query(model).get_compiler(DEFAULT_DB_ALIAS)
        names = [field.attname for field in fields]
        converters = compiler.get_converters([field.get_col(table) for field in fields])
        return cls(converters, lambda row: _row_of(model, names, row))

    @classmethod
    def of_query(cls, built: QuerySet[Any, Any], compiler: Any) -> Rows:
        """What ``built``, compiled by ``compiler``, selects."""
        return cls(compiler.get_converters([column for column, *_ in compiler.select]), _maker(built, compiler))

    def made(self, rows: Sequence[Sequence[Any]]) -> list[Any]:
        made = []
        for found in rows:
            row = list(found)
            for at, quick in self.quick:
                if row[at] is not None:
                    row[at] = quick(row[at])
            for at, converters, expression in self.converters:
                for convert in converters:
                    row[at] = convert(row[at], expression, connections[DEFAULT_DB_ALIAS])
            made.append(self.make(row))
        return made


def _row_of(model: type[M], names: Sequence[str], values: Sequence[Any]) -> M:
    """As ``Model.from_db``; a model that does nothing of its own when a row is made is spared the half of it."""
    if not _plain(model):
        return model.from_db(DEFAULT_DB_ALIAS, names, values)
    made = model.__new__(model)
    made._state = ModelState()
    made._state.adding, made._state.db = False, DEFAULT_DB_ALIAS
    vars(made).update(zip(names, values, strict=True))
    return made


def _plain(model: type[Model]) -> bool:
    return not signals.pre_init.receivers and not signals.post_init.receivers and _made_as_ever(model)


@cache
def _made_as_ever(model: type[Model]) -> bool:
    from_db: Any = model.from_db
    return from_db.__func__ is Model.from_db.__func__ and model.__init__ in (Model.__init__, db.Model.__init__)  # type: ignore[attr-defined]


def _maker(built: Any, compiler: Any) -> Callable[[list[Any]], Any]:
    kind = built._iterable_class
    if kind is ModelIterable:
        return _model_maker(compiler)
    if kind is FlatValuesListIterable:
        return lambda row: row[0]
    if kind is ValuesListIterable:
        return tuple
    if kind is NamedValuesListIterable:
        made: Callable[[list[Any]], Any] = create_namedtuple_class(*built._fields)._make
        return made
    raise NotKept(kind.__name__)


def _model_maker(compiler: Any) -> Callable[[list[Any]], Any]:
    """As Django's ModelIterable: the row, those of ``select_related`` with it, and what it is annotated with."""
    info, select = compiler.klass_info, compiler.select
    first, last = info["select_fields"][0], info["select_fields"][-1] + 1
    names = [column.target.attname for column, *_ in select[first:last]]
    related = _related_of(info, select)
    annotated = list(compiler.annotation_col_map.items())

    def make(row: list[Any]) -> Any:
        made = _row_of(info["model"], names, row[first:last])
        for populator in related:
            populator.populate(row, made)
        for name, at in annotated:
            setattr(made, name, row[at])
        return made

    return make


class _Related(RelatedPopulator):  # type: ignore[misc]
    """A row of ``select_related``, made as `_row_of` makes it."""

    def __init__(self, info: Any, select: Any):
        super().__init__(info, select, DEFAULT_DB_ALIAS)  # type: ignore[call-arg] # of Django 6
        self.related_populators = _related_of(info, select)

    def populate(self, row: Sequence[Any], from_obj: Any) -> None:
        if self.reorder_for_init:  # it shares columns with its parent
            super().populate(row, from_obj)
            return
        values = row[self.cols_start : self.cols_end]
        made = None if values[self.pk_idx] is None else _row_of(self.model_cls, self.init_list, values)
        self.local_setter(from_obj, made)
        if made is not None:
            for populator in self.related_populators:
                populator.populate(row, made)
            self.remote_setter(made, from_obj)


def _related_of(info: Any, select: Any) -> list[Any]:
    return [_Related(one, select) for one in info.get("related_klass_infos", [])]
