"""Erase a person for good: the same job as the workers', to its end."""

from __future__ import annotations

import json
import time
import uuid
from typing import Any

from django.core.management.base import CommandParser

from chatsvc.management.arguments import tenant_named
from chatsvc.management.making import TellingCommand
from chatsvc.management.refusal import Refused
from messaging.privacy.erase import HELD, erasure_go_on, erasure_preview, erasure_start
from messaging.privacy.models import Erasure
from tenants.errors import ServiceError
from tenants.scope import tenant_scope
from tenants.storage.batches import for_seconds

STRETCH_S = 2.0


class Command(TellingCommand):
    help = "Erase a contact with everything they said, sent and are known by. There is no way back."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="of the tenant")
        parser.add_argument("contact", type=uuid.UUID, help="the contact's id")
        parser.add_argument("--dry-run", action="store_true", help="tell what would be removed, and remove nothing")
        parser.add_argument("--background", action="store_true", help="leave the work to the workers")
        parser.add_argument("--json", action="store_true", help="tell it as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant, contact_id = tenant_named(options["slug"]), options["contact"]
        with tenant_scope(tenant.id):
            try:
                if options["dry_run"]:
                    told = {"status": "preview", "counts": erasure_preview(contact_id)}
                else:
                    told = _told(_followed(erasure_start(contact_id, "system"), wait=not options["background"]))
            except ServiceError as error:
                raise Refused(f"{error.message} Nothing was erased.", error.code) from error
        self._tell({"contact_id": str(contact_id), **told}, as_json=options["json"])

    def _tell(self, told: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(told))
            return
        self.stdout.write(f"{told['contact_id']}: {told['status']}")
        for table, count in told["counts"].items():
            self.stdout.write(f"  {count:>8}  {table}")


def _followed(erasure: Erasure, *, wait: bool) -> Erasure:
    while wait and erasure.status == Erasure.Status.RUNNING and erasure.table != HELD:
        began = time.monotonic()
        erasure_go_on(erasure.id, for_seconds(STRETCH_S))
        erasure.refresh_from_db()
        if erasure.status == Erasure.Status.RUNNING and time.monotonic() - began < STRETCH_S / 2:
            time.sleep(STRETCH_S / 4)  # a worker is at it, or it is not due yet
    return erasure


def _told(erasure: Erasure) -> dict[str, Any]:
    return {"status": erasure.status, "erasure_id": str(erasure.id), "counts": erasure.counts}
