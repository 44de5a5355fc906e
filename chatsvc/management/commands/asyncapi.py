"""The AsyncAPI document of the Kafka topics: shown, written to docs/asyncapi.yaml, or compared with it."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from messaging.kafka import asyncapi


class Command(BaseCommand):
    help = "Show the AsyncAPI document of the events; --write puts it into docs/, --check compares."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--write", action="store_true", help="write docs/asyncapi.yaml")
        parser.add_argument("--check", action="store_true", help="fail when docs/asyncapi.yaml is not current")

    def handle(self, *args: Any, **options: Any) -> None:
        path, text = settings.BASE_DIR / "docs" / "asyncapi.yaml", asyncapi.text()
        if options["check"]:
            if not path.exists() or path.read_text() != text:
                raise CommandError("docs/asyncapi.yaml is not current: run `manage.py asyncapi --write`.")
        elif options["write"]:
            path.write_text(text)
        else:
            self.stdout.write(text)
