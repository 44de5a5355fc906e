"""What every model and transaction shares on SQLite, PostgreSQL and MongoDB.

Owns `atomic`, `now`, the `Id` key field and `TenantModel`. Must not know any particular model.
"""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, ClassVar

import uuid_utils
from django.conf import settings
from django.db import models, transaction
from django.utils import timezone

from tenants.scope import ScopedManager

MONGO = "django_mongodb_backend"


def new_id() -> uuid.UUID:
    """A UUIDv7: time ordered, so that inserts append to the index."""
    return uuid.UUID(int=uuid_utils.uuid7().int)


def now() -> datetime.datetime:
    """The current time, aware, cut to milliseconds: what every supported engine stores exactly."""
    at = timezone.now()
    return at.replace(microsecond=at.microsecond // 1000 * 1000)


def on_mongo() -> bool:
    return settings.DATABASES["default"]["ENGINE"] == MONGO


def atomic() -> AbstractContextManager[Any]:
    """The engine's real transaction: Django's own is a silent no-op on MongoDB.

    Portable rules inside: no caught IntegrityError, no reliance on a nested roll-back. Let the whole
    transaction fail, then read the winner.
    """
    if on_mongo():
        from django_mongodb_backend.transaction import atomic as mongo_atomic  # type: ignore[import-not-found]

        return mongo_atomic()
    return transaction.atomic()


def on_commit(call: Callable[[], Any]) -> None:
    """Run ``call`` after the surrounding transaction has committed; its failure harms nobody else."""
    if on_mongo():
        from django_mongodb_backend.transaction import on_commit as mongo_on_commit  # type: ignore[import-not-found]

        mongo_on_commit(call)
    else:
        transaction.on_commit(call, robust=True)


class Id(models.UUIDField):
    """The primary key of every own model: UUIDv7, and MongoDB's native ``_id`` there."""

    def __init__(self, **options: Any):
        options.setdefault("primary_key", True)
        options.setdefault("default", new_id)
        options.setdefault("editable", False)
        if on_mongo():
            options["db_column"] = "_id"
        super().__init__(**options)

    def deconstruct(self) -> Any:
        name, path, args, kwargs = super().deconstruct()
        kwargs.pop("db_column", None)  # one set of migrations serves all engines
        return name, path, args, kwargs


class Model(models.Model):
    """A row with a UUIDv7 key and a creation time."""

    id = Id()
    created_at = models.DateTimeField(default=now, editable=False)

    class Meta:
        abstract = True


class TenantModel(Model):
    """A row that belongs to one tenant. ``objects`` fails closed outside a tenant scope."""

    tenant = models.ForeignKey("tenants.Tenant", on_delete=models.CASCADE, related_name="+")

    objects: ClassVar[ScopedManager[Any]] = ScopedManager()

    class Meta:
        abstract = True
