"""Copy the database and the files of messages, while everything runs: see docs/backups.md."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from chatsvc.mongo.copies import dump
from chatsvc.processes.backup import NotWhole, backup_take, default_place, sqlite_copy


class Command(BaseCommand):
    help = "Copy SQLite or MongoDB and the folder of files into a new directory. The service may run meanwhile."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", nargs="?", type=Path, help="is made (default: var/backups/<time>)")

    def handle(self, *args: Any, **options: Any) -> None:
        copy_rows = _copier(connection.vendor)
        into = (options["directory"] or default_place()).resolve()
        media = None if settings.ENV["MEDIA_S3_BUCKET"] else Path(settings.MEDIA_ROOT)
        try:
            about = backup_take(into, copy_rows, media)
        except _failures() as error:
            raise CommandError(f"No backup was taken. {error}") from error
        self.stdout.write(f"{into}: {about['database_bytes']:,} bytes of rows, {about['files']:,} files.")
        if media is None:
            self.stdout.write("Files lie in MEDIA_S3_BUCKET and were not copied: version that bucket.")
        self.stdout.write(f"The keys are not in it, and without ENCRYPTION_KEYS no secret in it opens. {_keys()}")


def _keys() -> str:
    kept = settings.BASE_DIR / "var" / "development-secrets.json"
    where = f"those of this place are in {kept}" if kept.exists() else "they are in the environment or .env"
    return f"Keep them elsewhere; {where}."


def _copier(engine: str) -> Callable[[Path], None]:
    """What writes the rows into a directory."""
    name = str(connection.settings_dict["NAME"])
    if engine == "sqlite":
        return partial(sqlite_copy, Path(name))
    if engine == "mongodb":
        return partial(dump, settings.DATABASE_URL, name)
    raise CommandError(f"{engine} is copied by pg_dump or a base backup: see docs/backups.md.")


def _failures() -> tuple[type[Exception], ...]:
    """What keeps a copy from being taken, the driver's own included."""
    ours = (OSError, sqlite3.Error, NotWhole)
    if connection.vendor != "mongodb":
        return ours
    from pymongo.errors import PyMongoError

    return (*ours, PyMongoError)
