"""How the service and its tenants fare, in figures: for a terminal, or as JSON for a script."""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import CommandParser

from chatsvc.management.arguments import span, tenant_named
from chatsvc.management.making import TellingCommand
from chatsvc.management.refusal import Refused
from chatsvc.observe.row_metrics import rows
from messaging.figures.asked import USUAL, Asked, last_days, period_refused
from messaging.figures.facts import COUNTS
from messaging.figures.read import cost_usd, mean_rating, report
from messaging.figures.sheet import Sheet
from tenants.models import Tenant


class Command(TellingCommand):
    help = "Figures of the days asked for, by tenant, and what waits or was given up in the whole service now."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--tenant", default="", metavar="SLUG", help="only of this tenant, without the service's own"
        )
        parser.add_argument("--from", dest="first", default="", help=f"7d or a date (UTC); default: {USUAL} days ago")
        parser.add_argument("--to", dest="last", default="", help="a date (UTC); default: today")
        parser.add_argument("--json", action="store_true", help="one JSON document")

    def handle(self, *args: Any, **options: Any) -> None:
        usual_first, usual_last = last_days(USUAL)
        given = span(options["first"], options["last"])
        first, last = (at.date() if at else usual for at, usual in zip(given, (usual_first, usual_last), strict=True))
        if refusal := period_refused(first, last):
            raise Refused(refusal, "invalid_time")
        tenants = [tenant_named(options["tenant"], to_read=True)] if options["tenant"] else list(
            Tenant.objects.exclude(status=Tenant.Status.REMOVING).order_by("slug")
        )  # fmt: skip
        told: dict[str, Any] = {
            "first": first.isoformat(),
            "last": last.isoformat(),
            "tenants": {one.slug: _figures(report(Asked([one.id], first, last)).total) for one in tenants},
        }
        if not options["tenant"]:
            told["service"] = rows()
        self.stdout.write(json.dumps(told) if options["json"] else _words(told))


def _figures(sheet: Sheet) -> dict[str, Any]:
    counts = {name: sheet.counts.get(name, 0) for name in COUNTS if name != "cost_micro_usd"}
    return {**counts, "mean_rating": mean_rating(sheet), "cost_usd": cost_usd(sheet)}


def _words(told: dict[str, Any]) -> str:
    lines = [f"{told['first']} to {told['last']}"]
    for slug, figures in told["tenants"].items():
        lines += ["", slug]
        lines += [f"{figures[name]:>10,}  {said}" for name, said in COUNTS.items() if figures.get(name)]
    if service := told.get("service"):
        waiting = [f"{number:>10,}  due in {queue}" for queue, number in service["rows"].items() if number]
        dead = [f"{number:>10,}  given up: {work}" for work, number in service["given_up"].items() if number]
        lines += ["", "now", *(waiting + dead or ["         –  nothing waits, nothing was given up"])]
    return "\n".join(lines)
