"""Store every secret under the first of ENCRYPTION_KEYS, so that the others may go."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from chatsvc.management.making import TellingCommand
from messaging.housekeeping.rekey import places, rekey
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.trail.audit import audit

LOST = (
    "{} values are opened by none of ENCRYPTION_KEYS: put the key of their time behind the others and run this again."
)


class Command(TellingCommand):
    help = (
        "Store every secret of the database under the first of ENCRYPTION_KEYS. Safe to stop and to repeat, also while the "
        "service runs; afterwards the former keys open nothing that is here."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--dry-run", action="store_true", help="only count what would be stored anew")
        parser.add_argument("--json", action="store_true", help="one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        dry_run = options["dry_run"]
        if not dry_run:
            _tell_tenants()
        counts = {place.name: rekey(place, dry_run=dry_run) for place in places()}
        older, unreadable = (sum(getattr(count, name) for count in counts.values()) for name in ("older", "unreadable"))
        if options["json"]:
            told = {name: asdict(count) for name, count in counts.items()}
            facts = {"dry_run": dry_run, "older": older, "unreadable": unreadable}
            self.stdout.write(json.dumps({**facts, "places": told}))
        else:
            for name, count in counts.items():
                self.stdout.write(f"{count.older:>8} of {count.values:<8} {name}")
            deed = "would be stored anew" if dry_run else "were stored anew"
            self.stdout.write(f"{older} values {deed}.")
        if unreadable:
            raise CommandError(LOST.format(unreadable))


def _tell_tenants() -> None:
    """Before the first value is stored anew: a run that is stopped has changed something too. The counts are of all tenants
    together, and no tenant's to know."""
    for tenant in Tenant.objects.exclude(status=Tenant.Status.REMOVING).order_by("id"):
        with tenant_scope(tenant.id):
            audit("system", "encryption.rotation_began", tenant)
