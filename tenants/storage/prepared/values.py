"""Values as the driver takes them, without the way through the field where that changes nothing.

Owns what of each kind of field is known beforehand, on the way to the driver and back; anything else goes through the
field itself. Must give what the field gives.
"""

from __future__ import annotations

import datetime
import json
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from operator import attrgetter
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.sqlite3.base import DatabaseOperations as SQLite  # type: ignore[attr-defined] # `operations` imports `base` first
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
from django.db.models.expressions import Col

from tenants.storage.ids import uuid_of

Quick = Mapping[type, Callable[[Any], Any]]
NOTHING = type(None)


_usual = json.JSONEncoder()
#: what `json.dumps` and `json.loads` make and prepare anew for each value
_encoder: Any = json.encoder
_encoded = _encoder.c_make_encoder(
    None, _usual.default, _encoder.encode_basestring_ascii, None, ": ", ", ", False, False, True
)
_decoder: Any = json.JSONDecoder()
_scanned = _decoder.scan_once


def same(value: Any) -> Any:
    """The value itself; who finds this function need not call it."""
    return value


def _time(value: datetime.datetime) -> Any:
    """As SQLite keeps it; what is not in UTC goes through the field."""
    return str(value).removesuffix("+00:00") if value.tzinfo is datetime.UTC else NotImplemented


def _json(value: dict[str, Any]) -> str:
    """As SQLite keeps it; most of what may be said about a message is empty."""
    return "".join(_encoded(value, 0)) if value else "{}"


def _json_list(value: list[Any]) -> str:
    return "".join(_encoded(value, 0)) if value else "[]"


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


def quick_of(quick: Quick, kind: type) -> Callable[[Any], Any] | None:
    """What makes a parameter of values of this kind, where that is known. Choices are texts: a field of texts leaves
    them as they are."""
    return same if quick.get(str) is same and issubclass(kind, str) else quick.get(kind)


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
        JSONField: {dict: _json, list: _json_list},
    }


# -------------------------------------------------------------------------- from the driver


def quick_from(converters: Sequence[Callable[..., Any]], expression: Any) -> Callable[[Any], Any] | None:
    """What does the same as Django's converters of a selected column to a value that is not None; None: only they do."""
    if len(converters) != 1:
        return None
    by_function: dict[Any, Callable[[Any], Any]] = {
        SQLite.convert_uuidfield_value: _uuid_from,
        SQLite.convert_datetimefield_value: _time_from,
        SQLite.convert_booleanfield_value: _bool_from,
    }
    if type(expression) is Col and not getattr(expression.output_field, "decoder", None):
        by_function[JSONField.from_db_value] = _json_from
    if connections[DEFAULT_DB_ALIAS].timezone is not datetime.UTC:
        del by_function[SQLite.convert_datetimefield_value]
    return by_function.get(getattr(converters[0], "__func__", None))


def _uuid_from(value: Any) -> uuid.UUID:
    return value if type(value) is uuid.UUID else uuid_of(int(value, 16))


def _time_from(value: Any) -> datetime.datetime:
    """Of a column that is read itself the driver has made a time already."""
    if type(value) is datetime.datetime:
        return value.replace(tzinfo=datetime.UTC)
    return datetime.datetime.fromisoformat(f"{value}+00:00")


def _bool_from(value: Any) -> Any:
    return bool(value) if value in (1, 0) else value


def _json_from(value: str) -> Any:
    if value == "{}":
        return {}
    try:
        found, end = _scanned(value, 0)
        return found if end == len(value) else json.loads(value)
    except StopIteration:
        return json.loads(value)
    except json.JSONDecodeError:
        return value
