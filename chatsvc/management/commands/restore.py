"""Put a backup of MongoDB into an empty database: see docs/backups.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection

from chatsvc.mongo.copies import NotEmpty, load


class Command(BaseCommand):
    help = "Put the rows of a backup that `backup` or mongodump took of MongoDB into an empty database."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", type=Path, help="of the backup; mongodump's own is called dump in it")

    def handle(self, *args: Any, **options: Any) -> None:
        if connection.vendor != "mongodb":
            raise CommandError(f"This restores MongoDB. How {connection.vendor} is restored: see docs/backups.md.")
        from pymongo.errors import PyMongoError

        try:
            count = load(settings.DATABASE_URL, connection.settings_dict["NAME"], options["directory"])
        except (NotEmpty, OSError, PyMongoError) as error:
            raise CommandError(f"Nothing more was restored. {error}") from error
        self.stdout.write(f"{count:,} documents. Now: manage.py migrate, then manage.py restored.")
