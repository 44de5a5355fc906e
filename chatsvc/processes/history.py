"""Is the database from before 0.1.0, whose migrations are gone? Then it is refused in one line.

Owns the look at the applied migrations. Must not change anything.
"""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder

FORMER = ("messaging", "0002_initial")  # every database from before has it, none since


def refuse_former(**signal: Any) -> None:
    """Raises CommandError for a database from before 0.1.0. Receives pre_migrate; `serve` asks as well."""
    if FORMER in MigrationRecorder(connection).applied_migrations():
        raise CommandError(
            "This database was made before chatsvc 0.1.0, which starts with a new one: give another DATABASE_URL."
        )
