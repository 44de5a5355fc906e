"""Start again what was given up: deliveries, requests of platforms, answers of the assistant, files, scheduled replies,
alerts to staff,
and events that one of our own handlers gave up on."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet

from chatsvc.management.arguments import tenant_named
from messaging.agents.scheduled import scheduled_replay
from messaging.deliver import redeliver
from messaging.media.fetch import files_replay
from messaging.outbox.alerts import alerts_replay
from messaging.outbox.failures import failures, failures_retry
from messaging.receive import receipts_replay
from messaging.respond import turns_replay
from tenants.scope import tenant_scope
from tenants.work.leases import TABLES

#: table of the register → how its rows are started again
REPLAYS: dict[str, Callable[[Any], int]] = {
    "deliveries": redeliver,
    "receipts": receipts_replay,
    "turns": turns_replay,
    "files": files_replay,
    "alerts": alerts_replay,
    "scheduled": scheduled_replay,
    "handlers": failures_retry,
}


TOLD = {"handlers": "have dealt with their events"}  # at once


def given_up_rows(what: str) -> QuerySet[Any]:
    """Of the tenant in scope."""
    if what == "handlers":
        return failures()
    table = TABLES[what]
    rows: QuerySet[Any] = table.model._default_manager.filter(**{table.model.STATE: table.given_up})
    return rows


class Command(BaseCommand):
    help = "Start again what was given up, with fresh tries: one by --id, or --all of a tenant."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--what", choices=sorted(REPLAYS), default="deliveries", help="default: deliveries")
        which = parser.add_mutually_exclusive_group(required=True)
        which.add_argument("--id", action="append", type=uuid.UUID, help="id of a row; may be given several times")
        which.add_argument("--all", action="store_true", help="everything of the tenant that was given up")
        parser.add_argument("--dry-run", action="store_true", help="only list them")

    def handle(self, *args: Any, **options: Any) -> None:
        what = options["what"]
        with tenant_scope(tenant_named(options["tenant"]).id):
            rows = given_up_rows(what)
            if options["id"]:
                rows = rows.filter(id__in=options["id"])
                missing = set(options["id"]) - set(rows.values_list("id", flat=True))
                if missing:
                    raise CommandError(f"Not given up at this tenant: {', '.join(map(str, sorted(missing)))}.")
            if options["dry_run"]:
                self.show(what, rows)
            else:
                self.stdout.write(f"{REPLAYS[what](rows)} {what} {TOLD.get(what, 'are on their way again')}.")

    def show(self, what: str, rows: QuerySet[Any]) -> None:
        for row in rows.order_by("created_at"):
            reason = getattr(row, "error_code", "") or getattr(row, "reason", "") or getattr(row, "outcome", "")
            self.stdout.write(f"{row.id}  {row.created_at:%Y-%m-%d %H:%M}  {reason or getattr(row, 'error', '')}")
        self.stdout.write(f"{rows.count()} {what}; nothing was changed.")
