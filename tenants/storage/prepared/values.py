"""Values as the driver takes them, without the way through the field where that changes nothing.

Owns what of each kind of field is known beforehand; anything else goes through the field itself. Must give what the
field gives.
"""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Callable, Mapping
from functools import cache
from operator import attrgetter
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.models import (
    BooleanField,
    CharField,
    DateTimeField,
    Field,
    ForeignKey,
    IntegerField,
    JSONField,
    TextField,
    UUIDField,
)

Quick = Mapping[type, Callable[[Any], Any]]
NOTHING = type(None)


def same(value: Any) -> Any:
    """The value itself; who finds this function need not call it."""
    return value


def _time(value: datetime.datetime) -> Any:
    """As SQLite keeps it; what is not in UTC goes through the field."""
    return str(value.replace(tzinfo=None)) if value.tzinfo is datetime.UTC else NotImplemented


def _json(value: dict[str, Any]) -> str:
    """As SQLite keeps it; most of what may be said about a message is empty."""
    return json.dumps(value) if value else "{}"


def _time_with_zone(value: datetime.datetime) -> Any:
    return value if value.tzinfo is datetime.UTC else NotImplemented


def quick_for(field: Field[Any, Any] | None) -> Quick:
    """By the exact type of a value, what makes a parameter of it, or NotImplemented; empty for a field with ways of
    its own."""
    while isinstance(field, ForeignKey):
        field = field.target_field
    if field is None or not _plain(type(field)) or getattr(field, "encoder", None):
        return {}
    return _quick(connections[DEFAULT_DB_ALIAS].vendor).get(_kind(field), {})


def _plain(kind: type[Field[Any, Any]]) -> bool:
    """Whether a kind of field prepares its values as the Django class does that it comes from."""
    base = next((one for one in kind.__mro__ if one.__module__.startswith("django.db.models.fields")), None)
    names = ("get_prep_value", "get_db_prep_value", "get_db_prep_save", "to_python")
    return base is not None and all(getattr(kind, name) is getattr(base, name) for name in names)


def _kind(field: Field[Any, Any]) -> type[Field[Any, Any]]:
    kinds = (CharField, TextField, IntegerField, BooleanField, UUIDField, DateTimeField, JSONField)
    return next((kind for kind in kinds if isinstance(field, kind)), type(field))


@cache
def _quick(vendor: str) -> dict[type, Quick]:
    text: Quick = {str: same, NOTHING: same}
    shared: dict[type, Quick] = {CharField: text, TextField: text, BooleanField: {bool: same, NOTHING: same}}
    if vendor == "postgresql":
        return shared | {
            UUIDField: {uuid.UUID: same, NOTHING: same},
            DateTimeField: {datetime.datetime: _time_with_zone, NOTHING: same},
            IntegerField: {NOTHING: same},  # numbers carry their width
        }
    return shared | {
        UUIDField: {uuid.UUID: attrgetter("hex"), NOTHING: same},
        DateTimeField: {datetime.datetime: _time, NOTHING: same},
        IntegerField: {int: same, NOTHING: same},
        JSONField: {dict: _json},
    }
