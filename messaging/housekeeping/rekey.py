"""Secrets at rest under the newest key: every one of them is found, opened and stored anew (TEN-7).

Owns where encrypted values lie. May run beside all other processes, be stopped at any moment and run again: a row is
replaced by compare-and-set, and what the newest key opens is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cryptography.fernet import InvalidToken
from django.apps import apps
from django.db.models import ExpressionWrapper, F, TextField

from conversations.safety import SEALED
from tenants.storage.batches import batches
from tenants.storage.crypto import EncryptedJSONField, Stored, is_newest, rotated


@dataclass(frozen=True)
class Place:
    """A column with encrypted values: the whole of it, or the ``member`` of a JSON object."""

    label: str
    column: str
    member: str = ""

    @property
    def name(self) -> str:
        return ".".join(filter(None, (self.label, self.column, self.member)))

    @property
    def rows(self) -> Any:
        objects = apps.get_model(self.label)._default_manager
        # unscoped: keys are the operator's, and encrypt what belongs to all tenants
        rows: Any = objects.unscoped() if hasattr(objects, "unscoped") else objects.all()
        return rows.filter(**{f"{self.column}__has_key": self.member}) if self.member else rows


#: beside the columns that are encrypted whole by their kind of field
WITHIN = (Place("tenants.IdempotencyRecord", "body"), Place("conversations.Message", "analysis", SEALED))


@dataclass
class Count:
    """Of one place: values that there are, that an older key had encrypted, and that no key opens."""

    values: int = 0
    older: int = 0
    unreadable: int = 0


def places() -> list[Place]:
    """Every column that holds what ENCRYPTION_KEYS opens."""
    whole = [
        Place(model._meta.label, field.name)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, EncryptedJSONField)
    ]
    return [*whole, *WITHIN]


def rekey(place: Place, *, dry_run: bool = False) -> Count:
    """Store the values of a place under the newest key. ``dry_run``: only count them."""
    count = Count()
    for row_id, before, token in _values(place):
        count.values += 1
        if is_newest(token):
            continue
        try:
            newer = rotated(token)
        except InvalidToken:
            count.unreadable += 1
            continue
        count.older += 1
        if not dry_run:
            _replace(place, row_id, before, newer)
    return count


def _values(place: Place) -> Iterator[tuple[Any, Any, str]]:
    """The id of each row that has a value, what stands in its column, and the value."""
    rows = place.rows
    if not place.member:
        rows = rows.annotate(raw=ExpressionWrapper(F(place.column), output_field=TextField()))
    for found in batches(rows, place.column if place.member else "raw", more=lambda: True):
        for row in found:
            before = getattr(row, place.column) if place.member else row.raw
            token = before.get(place.member, "") if place.member else before
            if token:
                yield row.id, before, token


def _replace(place: Place, row_id: Any, before: Any, token: str) -> None:
    """A row that was changed in between has its value from a process that runs, under the first of its keys."""
    after = {**before, place.member: token} if place.member else Stored(token)
    unchanged = before if place.member else Stored(before)
    place.rows.filter(id=row_id, **{place.column: unchanged}).update(**{place.column: after})
