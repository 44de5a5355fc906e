"""Prove that the audit trail was not changed, by its seals."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandError, CommandParser

from chatsvc.management.arguments import tenant_named
from chatsvc.management.making import TellingCommand
from chatsvc.management.refusal import Refused
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.trail.seals import trail_verify


class Command(TellingCommand):
    help = (
        "Go through the audit trail by its seals: what was changed, taken away or put in afterwards is named. Exit code 1 then. "
        "Keep the heads that it prints elsewhere, and give one back with --head: a trail that was made anew is found by it."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", default="", metavar="SLUG", help="only of this tenant")
        parser.add_argument("--head", default="", metavar="HASH", help="a head of the tenant's that was kept elsewhere")
        parser.add_argument(
            "--json", action="store_true", help="print what is found as JSON and nothing else on stdout"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["head"] and not options["tenant"]:
            raise Refused("Say of which --tenant the --head is.", "tenant_required")
        named = options["tenant"]
        tenants = [tenant_named(named, to_read=True)] if named else list(Tenant.objects.order_by("slug"))
        found = {}
        for tenant in tenants:
            with tenant_scope(tenant.id):
                found[tenant.slug] = asdict(trail_verify(options["head"]))
            found[tenant.slug].pop("knows")
            if not options["json"]:
                self._tell(tenant.slug, found[tenant.slug])
        bad = sum(len(report["problems"]) for report in found.values())
        if options["json"]:
            self.stdout.write(json.dumps({"tenants": found, "ok": not bad}))
        if bad:
            raise CommandError(f"{bad} problems: the trail is not as it was written.")

    def _tell(self, slug: str, report: dict[str, Any]) -> None:
        counts = f"{report['entries']} entries under {report['seals']} seals, {report['unsealed']} not sealed yet"
        gone = f", {report['purged']} kept no longer" if report["purged"] else ""
        self.stdout.write(f"{slug}: {counts}{gone}. Head: {report['head'] or '—'}")
        for one in report["problems"]:
            where = f"seal {one['seal']}: " if one["seal"] else ""
            self.stdout.write(f"  {where}{one['problem']}")
