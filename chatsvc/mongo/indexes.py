"""Indexes that look-ups can use; made after `migrate`, registered by chatsvc/apps.py.

The engine gives a unique field or constraint a partial index, which holds the uniqueness but which MongoDB's
planner does not take for a look-up. So each gets a plain index with the same keys beside it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import AppConfig
from django.db import connection
from django.db.models import Model
from django.db.models.constraints import UniqueConstraint
from django.db.models.signals import post_migrate
from django.dispatch import receiver


@receiver(post_migrate)
def index_unique_keys(app_config: AppConfig, **_: Any) -> None:
    """Idempotent: an index that is there already costs one round trip."""
    for model in app_config.get_models():
        for columns in unique_keys(model):
            connection.database[model._meta.db_table].create_index(  # type: ignore[attr-defined]
                [(column, 1) for column in columns], name="_".join(["look_up", *columns])
            )


def unique_keys(model: type[Model]) -> Iterator[list[str]]:
    """The columns of every unconditional unique field or constraint but the ``_id``."""
    column_of = {field.name: str(field.column) for field in model._meta.local_concrete_fields}
    for field in model._meta.local_concrete_fields:
        if field.unique and field.column != "_id":
            yield [column_of[field.name]]
    for constraint in model._meta.constraints:
        if isinstance(constraint, UniqueConstraint) and constraint.condition is None and constraint.fields:
            yield [column_of[name] for name in constraint.fields]
