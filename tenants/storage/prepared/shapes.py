"""The shape of a statement: everything about it but its values, and the key under which it is kept.

Owns what may vary from call to call (`Given`) and what is part of the shape: names, lookups, None and booleans (an
index with a condition needs the literal), how many values an ``__in`` has, the tree of an expression. Must not run SQL.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import Expression, F, Field, ForeignObjectRel, Model, Subquery, Value
from django.db.models.expressions import CombinedExpression, ExpressionList
from django.db.models.functions import Coalesce, Greatest, Least
from django.db.models.lookups import Lookup
from django.db.models.sql import Query

from tenants.storage.prepared.values import quick_for

FUNCTIONS = (Coalesce, Greatest, Least)
LOOKUPS = ("", "exact", "in", "lt", "lte", "gt", "gte", "isnull")  # whose value is prepared by the field alone
ALONE = frozenset({int, float, uuid.UUID, datetime.datetime})  # one value, whatever it is compared by
SIMPLE = ALONE | {str, dict, list}  # neither rows nor expressions


class NotKept(Exception):
    """The statement is of a kind that is not kept; the ORM can run it."""


class Given(Expression):
    """The place of a value that comes with each call: stands in the statement as a placeholder, and for itself among
    the parameters. ``at`` names the value, ``field`` prepares it as the ORM would."""

    conditional = False

    def __init__(self, at: Any, field: Field[Any, Any] | None = None, *, saved: bool = False):
        super().__init__(output_field=field)
        self.at, self.saved = at, saved
        self.bind(field)

    def bind(self, field: Field[Any, Any] | None) -> None:
        self.by, self.quick = field, quick_for(field)

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)

    def resolve_expression(self, *_: Any, **__: Any) -> Given:
        return self

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        return "%s", (self,)

    def prepared(self, value: Any, connection: Any) -> Any:
        """``value`` as the driver takes it. Raises NotKept for an expression."""
        if hasattr(value, "resolve_expression"):
            raise NotKept(type(value).__name__)
        if self.by is None:
            return value
        if self.saved:
            return self.by.get_db_prep_save(value, connection)
        return self.by.get_db_prep_value(value, connection)


# ------------------------------------------------------------------------------- where


def where_key(where: Mapping[str, Any], values: list[Any]) -> tuple[Any, ...]:
    """The shape of ``where``; its values are added to ``values``."""
    key: list[Any] = []
    for name, value in where.items():
        if type(value) in ALONE:
            key.append(name)
            values.append(value)
        elif value is None or value is True or value is False:
            key.append((name, value))
        elif name.endswith("__in"):
            members = _members(value)
            key.append((name, len(members)))
            values.extend(members)
        else:
            key.append(name)
            values.append(_plain(value))
    return tuple(key)


def where_given(model: type[Model], where: Mapping[str, Any], at: Iterator[int]) -> dict[str, Any]:
    """``where`` with places instead of values, numbered as `where_key` lists them. Raises NotKept."""
    given: dict[str, Any] = {}
    for name, value in where.items():
        field_name, _, lookup = name.partition("__")
        if lookup not in LOOKUPS:
            raise NotKept(name)
        field = _field(model, field_name)
        if value is None or value is True or value is False:
            given[name] = value
        elif lookup == "in":
            given[name] = [Given(next(at), field) for _ in _members(value)]
        else:
            given[name] = Given(next(at), field)
    return given


# ----------------------------------------------------------------------------- changes


def changes_key(changes: Mapping[str, Any], values: list[Any]) -> tuple[Any, ...]:
    """The shape of ``changes``; its values are added to ``values``. Raises NotKept."""
    key: list[Any] = []
    for name, value in changes.items():
        if type(value) in SIMPLE:
            key.append(name)
            values.append(value)
        elif value is None:
            key.append((name, None))
        elif hasattr(value, "resolve_expression"):
            key.append((name, _tree(value, values)))
        else:
            key.append(name)
            values.append(_plain(value))
    return tuple(key)


def changes_given(model: type[Model], changes: Mapping[str, Any], at: Iterator[int]) -> dict[str, Any]:
    """``changes`` with places instead of values, numbered as `changes_key` lists them."""
    given: dict[str, Any] = {}
    for name, value in changes.items():
        if value is None:
            given[name] = None
        elif hasattr(value, "resolve_expression"):
            given[name] = _tree_given(value, at)
        else:
            given[name] = Given(next(at), _field(model, name), saved=True)
    return given


def _tree(expression: Any, values: list[Any]) -> Any:
    kind = type(expression)
    if kind is F:
        return expression.name
    if kind is Value:
        values.append(expression.value)
        return (kind, type(expression.value), type(vars(expression).get("output_field")))
    if kind is CombinedExpression:
        return (expression.connector, _tree(expression.lhs, values), _tree(expression.rhs, values))
    if kind in FUNCTIONS and not expression.extra:
        return (kind, *[_tree(part, values) for part in expression.get_source_expressions()])
    raise NotKept(kind.__name__)


def _tree_given(expression: Any, at: Iterator[int]) -> Any:
    kind = type(expression)
    if kind is F:
        return expression
    if kind is Value:
        return Given(next(at), expression._output_field_or_none, saved=True)
    given = expression.copy()
    given.set_source_expressions([_tree_given(part, at) for part in expression.get_source_expressions()])
    return given


def _members(value: Any) -> list[Any]:
    """Each once, as the ORM has it; what nothing equals is left out."""
    return [one for one in dict.fromkeys(value) if one is not None]


def _plain(value: Any) -> Any:
    """A row stands for its key."""
    return value.pk if isinstance(value, Model) else value


def _field(model: type[Model], name: str) -> Field[Any, Any]:
    opts = model._meta
    return opts.pk if name == "pk" else opts.get_field(name)  # type: ignore[return-value]


# ------------------------------------------------------------------------------- reads


def fields_bind(query: Any) -> None:
    """Give every place in the WHERE of a query, and of the queries inside, the field that it is compared with. Raises
    NotKept."""
    for node in (query.where, *query.annotations.values()):
        _bind(node)


def _places(rhs: Any) -> Any:
    """One value, or those of an ``__in``."""
    if isinstance(rhs, ExpressionList):
        return rhs.get_source_expressions()
    return rhs if isinstance(rhs, (list, tuple)) else [rhs]


def _bind(node: Any) -> None:
    if isinstance(node, Lookup):
        if isinstance(node.rhs, Query):
            fields_bind(node.rhs)
        for place in _places(node.rhs):
            if isinstance(place, Given):
                if node.lookup_name not in LOOKUPS:
                    raise NotKept(node.lookup_name)
                field = node.lhs.output_field
                place.bind(field.target_field if isinstance(field, ForeignObjectRel) else field)
    elif isinstance(node, Subquery):
        fields_bind(node.query)
    else:
        for inner in node.children if hasattr(node, "children") else node.get_source_expressions():
            _bind(inner)
