"""A foreign key has no index of its own where another index of its model begins with it.

Every row written pays for each index, and the longer one finds the same rows. Owns that rule for all own models, and
how a migration adds an index beside those who write. Must not know any particular one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.db import migrations, models


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


class AddIndexBeside(migrations.AddIndex):
    """An index of a table that may be large: PostgreSQL makes it without a lock that writers wait for. Its migration has
    ``atomic = False``; what was broken off is made anew by the next `migrate`."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        if self.allow_migrate_model(schema_editor.connection.alias, model):
            schema_editor.execute("SET lock_timeout = 0")  # it waits for older transactions, and no other for it
            schema_editor.execute("SET statement_timeout = 0")
            schema_editor.execute(f"DROP INDEX IF EXISTS {schema_editor.quote_name(self.index.name)}")
            schema_editor.add_index(model, self.index, concurrently=True)
            schema_editor.execute("RESET lock_timeout")
            schema_editor.execute("RESET statement_timeout")
