"""Make calls to an integrator's endpoint anew."""

from __future__ import annotations

import uuid
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from chatsvc.management.arguments import span, tenant_named
from messaging.integrators.endpoints import deliveries_chosen, deliveries_replay, endpoint_for_id
from tenants.errors import ServiceError
from tenants.scope import tenant_scope


class Command(BaseCommand):
    help = (
        "Make calls to an integrator's endpoint anew: those of a time, a status and types; by default all that failed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--endpoint", required=True, type=uuid.UUID, metavar="ID")
        parser.add_argument("--since", help="calls created from then on, e.g. 2h, or 2026-01-31T12:00Z")
        parser.add_argument("--until", help="calls created before then")
        parser.add_argument("--status", default="failed", choices=("failed", "delivered", "queued"))
        parser.add_argument("--type", action="append", default=[], help="a type or glob; may be given several times")
        parser.add_argument("--dry-run", action="store_true", help="only count them")

    def handle(self, *args: Any, **options: Any) -> None:
        since, until = span(options["since"], options["until"])
        chosen = {"status": options["status"], "types": options["type"], "since": since, "until": until}
        with tenant_scope(tenant_named(options["tenant"]).id):
            try:
                endpoint = endpoint_for_id(options["endpoint"])
                calls = deliveries_chosen(endpoint, **chosen)
                if options["dry_run"]:
                    self.stdout.write(f"{calls.count()} calls; nothing was changed.")
                else:
                    self.stdout.write(f"{deliveries_replay(endpoint, calls)} calls are on their way again.")
            except ServiceError as error:
                raise CommandError(error.message) from error
