"""Bring over the message templates that platforms have approved."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from channels_app.templates.sync import templates_sync_all
from chatsvc.management.arguments import tenant_named


class Command(BaseCommand):
    help = "Sync the templates of every enabled channel whose platform lists them. Exit code 1 when one failed."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", default="", metavar="SLUG", help="only of this tenant")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = tenant_named(options["tenant"]) if options["tenant"] else None
        counts = templates_sync_all(tenant.id if tenant else None)
        for channel, count in counts:
            self.stdout.write(f"{'failed' if count is None else count:>6} {channel.tenant.slug:20} {channel}")
        if any(count is None for _, count in counts):
            raise CommandError("Some channels could not be synced: see the log.")
