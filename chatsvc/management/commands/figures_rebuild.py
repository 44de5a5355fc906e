"""Count figures anew from the timeline."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from typing import Any

from django.core.management.base import CommandParser
from tqdm import tqdm

from chatsvc.management.arguments import span, tenant_named
from chatsvc.management.making import TellingCommand
from messaging.figures.rebuild import Rebuilt, day_rebuild, days_of
from tenants.models import Tenant
from tenants.scope import tenant_scope


class Command(TellingCommand):
    help = "Count the figures of days anew from their events, a day at a time, also while the service runs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", default="", metavar="SLUG", help="only of this tenant; default: of all")
        parser.add_argument("--from", dest="first", default="", help="7d or a date (UTC); default: the first event's")
        parser.add_argument("--to", dest="last", default="", help="7d or a date (UTC); default: today")
        parser.add_argument("--json", action="store_true", help="one JSON document")
        parser.add_argument("--dry-run", action="store_true", help="only tell what would change")

    def handle(self, *args: Any, **options: Any) -> None:
        first, last = span(options["first"], options["last"])
        tenants = [tenant_named(options["tenant"], to_read=True)] if options["tenant"] else list(
            Tenant.objects.exclude(status=Tenant.Status.REMOVING).order_by("slug")
        )  # fmt: skip
        told = [
            (tenant, rebuilt)
            for tenant in tenants
            for rebuilt in self.days(tenant, first and first.date(), last and last.date(), options["dry_run"])
        ]
        self.tell(told, as_json=options["json"], dry_run=options["dry_run"])

    def days(self, tenant: Tenant, first: date | None, last: date | None, dry_run: bool) -> Iterator[Rebuilt]:
        with tenant_scope(tenant.id):
            for day in tqdm(list(days_of(first, last)), desc=tenant.slug, leave=False, disable=None):
                yield day_rebuild(tenant.id, day, dry_run=dry_run)

    def tell(self, told: list[tuple[Tenant, Rebuilt]], *, as_json: bool, dry_run: bool) -> None:
        changed = [
            {"tenant": tenant.slug, "day": one.day.isoformat(), "figure": name, "before": before, "after": after}
            for tenant, one in told
            for name, (before, after) in one.changed.items()
        ]
        facts = {
            "dry_run": dry_run, "days": len(told), "events": sum(one.events for _, one in told),
            "purged_days": sum(one.purged for _, one in told),
        }  # fmt: skip
        if as_json:
            self.stdout.write(json.dumps({**facts, "changed": changed}))
            return
        for line in changed:
            self.stdout.write("{tenant} {day} {figure}: {before} → {after}".format(**line))
        if facts["purged_days"]:
            self.stdout.write(f"{facts['purged_days']} days stay as they are: their events were purged.")
        deed = "would change" if dry_run else "changed"
        self.stdout.write(f"{facts['days']} days, {facts['events']:,} events; {len(changed)} figures {deed}.")
