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


class Relation(NamedTuple):
    """A value that is given by this name is a row, whose ``key`` is kept."""

    field: models.ForeignKey[Any, Any]
    key: str


class Plan(NamedTuple):
    """How the rows of a model get their values: a copy of ``constants``, one for each column in their order, then what is
    given, then of the ``defaults`` those that nothing was given for."""

    constants: Mapping[str, Any]
    relations: Mapping[str, Relation]
    defaults: Sequence[tuple[str, Callable[[], Any]]]


def values_set(row: models.Model, given: Mapping[str, Any]) -> bool:
    """Give the new ``row`` what is ``given`` by the names of fields, and defaults. False, and nothing is done, where only
    Django can: for a name that is no field, a related row of another model, a field with ways of its own."""
    plan = _plan(type(row))
    if plan is None or pre_init.receivers or post_init.receivers:
        return False
    constants, relations, defaults = plan
    values = {**constants, **given}
    related: list[tuple[models.ForeignKey[Any, Any], Any]] = []
    if len(values) > len(constants):  # not all are columns
        for name in given.keys() - constants.keys():
            found, value = relations.get(name), values.pop(name)
            if found is None or found.field.attname in given or not isinstance(value, found.field.related_model):
                return False
            related.append((found.field, value))
            values[found.field.attname] = getattr(value, found.key)
    for attname, default in defaults:
        if attname not in given:
            values[attname] = default()
    row._state = ModelState()
    vars(row).update(values)
    for relation, other in related:
        row._state.fields_cache[relation.name] = other
        row._state.db = other._state.db = DEFAULT_DB_ALIAS
        if relation.unique:  # one to one: the other knows this one, too
            relation.remote_field.set_cached_value(other, row)
    return True


@cache
def _plan(model: type[models.Model]) -> Plan | None:
    opts = model._meta
    if opts.abstract or opts.private_fields or opts.parents or len(opts.fields) != len(opts.concrete_fields):
        return None
    if any(field.db_default is not NOT_PROVIDED or field.generated or _odd_relation(field) for field in opts.fields):
        return None
    defaults = {field.attname: default for field in opts.fields if (default := _default(field))}
    kept = [field for field in opts.fields if isinstance(field, models.ForeignKey)]
    relations = {field.name: Relation(field, field.target_field.attname) for field in kept}
    constants = {field.attname: None if field.attname in defaults else field.get_default() for field in opts.fields}
    return Plan(constants, relations, list(defaults.items()))


def _odd_relation(field: models.Field[Any, Any]) -> bool:
    usual = type(field) in (models.ForeignKey, models.OneToOneField) and not field.has_default()
    return field.remote_field is not None and not usual


def _default(field: models.Field[Any, Any]) -> Callable[[], Any] | None:
    """Gives the value of a row that was given none, unless one value serves all rows."""
    if field.has_default() and callable(field.default):
        return field.default
    return None if isinstance(field.get_default(), UNCHANGING) else field.get_default
