"""Put dead letters back into their lanes."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatsvc.management.arguments import tenant_named
from messaging.deliver import redeliver
from messaging.models import Delivery
from tenants.scope import tenant_scope


class Command(BaseCommand):
    help = "Send dead letters again, with fresh attempts: one by --id, or --all of a tenant."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--id", action="append", type=uuid.UUID, help="id of a delivery; may be given several times")
        which.add_argument("--all", action="store_true", help="every dead letter of the tenant")
        parser.add_argument("--dry-run", action="store_true", help="only list them")

    def handle(self, *args: Any, **options: Any) -> None:
        with tenant_scope(tenant_named(options["tenant"]).id):
            dead = Delivery.objects.filter(status=Delivery.Status.FAILED, dead_at__isnull=False)
            if options["id"]:
                dead = dead.filter(id__in=options["id"])
                missing = set(options["id"]) - set(dead.values_list("id", flat=True))
                if missing:
                    raise CommandError(f"No dead letter of this tenant: {', '.join(map(str, sorted(missing)))}.")
            if options["dry_run"]:
                self.show(dead)
            else:
                self.stdout.write(f"{redeliver(dead)} dead letters are on their way again.")

    def show(self, dead: Any) -> None:
        for letter in dead.order_by("dead_at").select_related("channel"):
            facts = f"{letter.id}  {letter.dead_at:%Y-%m-%d %H:%M}  {letter.channel.name}  {letter.error_code}"
            self.stdout.write(facts)
        self.stdout.write(f"{dead.count()} dead letters; nothing was changed.")
