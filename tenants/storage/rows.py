"""The first values of a new row, set as Django sets them and without its detour over a descriptor for each.

Owns which rows can be made so; Django makes the others. Must not know any particular model.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, models
from django.db.models.base import ModelState
from django.db.models.fields import NOT_PROVIDED
from django.db.models.signals import post_init, pre_init

#: kinds of which one value may serve all rows
UNCHANGING = (str, int, float, bool, type(None))


class Column(NamedTuple):
    """``default``: gives the value of a row that was given none, unless ``constant`` is that value."""

    attname: str
    name: str
    default: Callable[[], Any] | None
    constant: Any
    relation: models.ForeignKey[Any, Any] | None
    key: str  # of the row that a relation points to


def values_set(row: models.Model, given: Mapping[str, Any]) -> bool:
    """Give the new ``row`` what is ``given`` by the names of fields, and defaults. False, and nothing is done, where only
    Django can: for a name that is no field, a related row of another model, a field with ways of its own."""
    columns = _columns(type(row))
    if columns is None or pre_init.receivers or post_init.receivers:
        return False
    values: dict[str, Any] = {}
    related: dict[models.ForeignKey[Any, Any], Any] = {}
    used = 0
    for attname, name, default, constant, relation, key in columns:
        if attname in given:
            values[attname] = given[attname]
            used += 1
        elif relation and name in given:
            other = related[relation] = given[name]
            if not isinstance(other, relation.related_model):
                return False
            values[attname] = getattr(other, key)
            used += 1
        else:
            values[attname] = default() if default else constant
    if used < len(given):
        return False
    row._state = ModelState()
    vars(row).update(values)
    for relation, other in related.items():
        row._state.fields_cache[relation.name] = other
        row._state.db = other._state.db = DEFAULT_DB_ALIAS
        if relation.unique:  # one to one: the other knows this one, too
            relation.remote_field.set_cached_value(other, row)
    return True


@cache
def _columns(model: type[models.Model]) -> Sequence[Column] | None:
    opts = model._meta
    if opts.abstract or opts.private_fields or opts.parents or len(opts.fields) != len(opts.concrete_fields):
        return None
    odd = any(field.db_default is not NOT_PROVIDED or field.generated or _odd_relation(field) for field in opts.fields)
    return None if odd else [_column(field) for field in opts.fields]


def _odd_relation(field: models.Field[Any, Any]) -> bool:
    usual = type(field) in (models.ForeignKey, models.OneToOneField) and not field.has_default()
    return field.remote_field is not None and not usual


def _column(field: models.Field[Any, Any]) -> Column:
    relation = field if isinstance(field, models.ForeignKey) else None
    names = field.attname, field.name
    key = relation.target_field.attname if relation else ""
    if field.has_default() and callable(field.default):
        return Column(*names, field.default, None, relation, key)
    constant = field.get_default()
    kept = isinstance(constant, UNCHANGING)
    return Column(*names, None if kept else field.get_default, constant if kept else None, relation, key)
