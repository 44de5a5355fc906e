"""A foreign key has no index of its own where another index of its model begins with it.

Every row written pays for each index, and the longer one finds the same rows. Owns that rule for all own models.
Must not know any particular one.
"""

from __future__ import annotations

from collections.abc import Iterator

from django.db import models


def index_once(model: type[models.Model]) -> None:
    """Call when the model is complete."""
    begins = {columns[0] for columns in indexes_of(model)}
    for field in model._meta.local_fields:
        if isinstance(field, models.ForeignKey) and not field.unique and field.name in begins:
            field.db_index = False  # type: ignore[attr-defined]


def indexes_of(model: type[models.Model]) -> Iterator[tuple[str, ...]]:
    """The fields of every index over all of its rows, in order."""
    yield from (tuple(index.fields) for index in model._meta.indexes if index.condition is None and index.fields)
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint) and constraint.condition is None and constraint.fields:
            yield tuple(constraint.fields)
