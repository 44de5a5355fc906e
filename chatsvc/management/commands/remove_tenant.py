"""Remove a tenant with everything it owns, for good: the same job as the console's, to its end."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from tqdm import tqdm

from chatsvc.management.arguments import tenant_named
from messaging.housekeeping.removal import removal_go_on
from tenants.errors import Conflict
from tenants.models import Removal
from tenants.removal import removal_start
from tenants.storage.batches import for_seconds

STRETCH_S = 2.0  # after which the progress is shown


class Command(BaseCommand):
    help = "Remove a tenant with its people, messages, files, channels and settings. There is no way back."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="of the tenant")
        parser.add_argument("--confirm", default="", metavar="SLUG", help="the slug again, instead of typing it")
        parser.add_argument("--background", action="store_true", help="leave the work to the workers")

    def handle(self, *args: Any, **options: Any) -> None:
        slug = options["slug"]
        removal = Removal.objects.filter(slug=slug, status=Removal.Status.RUNNING).first()
        if removal is None:
            tenant = tenant_named(slug)
            typed = options["confirm"] or input(f"Everything of {tenant.name} will be removed. Type {slug} to go on: ")
            if typed != slug:
                raise CommandError("That is not its slug; nothing was removed.")
            try:
                removal = removal_start(tenant, "system")
            except Conflict as refused:
                raise CommandError(f"{refused.message} Nothing was removed.") from refused
        if options["background"]:
            self.stdout.write(f"{slug} is refused from now on; workers remove it.")
            return
        self._follow(removal)

    def _follow(self, removal: Removal) -> None:
        """Do the work here, and look on where a worker is quicker."""
        with tqdm(desc=removal.slug, unit=" rows", leave=False, disable=None) as progress:
            while removal.status == Removal.Status.RUNNING:
                began = time.monotonic()
                removal_go_on(removal.id, for_seconds(STRETCH_S))
                removal.refresh_from_db()
                progress.update(removal.rows - progress.n)
                if removal.status == Removal.Status.RUNNING and time.monotonic() - began < STRETCH_S / 2:
                    time.sleep(STRETCH_S / 2)  # a worker is at it, or it is not due yet
        self.stdout.write(f"{removal.slug} is removed: {removal.rows} rows, {removal.files} files.")
