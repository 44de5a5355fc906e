"""Export everything about a person into a file: the same job as the workers', to its end."""

from __future__ import annotations

import json
import shutil
import time
import uuid
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from chatsvc.management.arguments import tenant_named
from chatsvc.management.making import TellingCommand
from chatsvc.management.refusal import Refused
from messaging.privacy.export.job import export_go_on, export_start
from messaging.privacy.export.lines import rows_count
from messaging.privacy.export.package import package_open
from messaging.privacy.models import Export
from messaging.privacy.tables import Person
from tenants.errors import ServiceError
from tenants.scope import tenant_scope
from tenants.storage.batches import for_seconds

STRETCH_S = 2.0


class Command(TellingCommand):
    help = "Export everything about a contact as a ZIP of JSON lines and files."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("slug", help="of the tenant")
        parser.add_argument("contact", type=uuid.UUID, help="the contact's id")
        how = parser.add_mutually_exclusive_group()
        how.add_argument(
            "--output", type=Path, help="where to put the file; else it is had from the API or the console"
        )
        how.add_argument("--background", action="store_true", help="leave the work to the workers")
        how.add_argument("--dry-run", action="store_true", help="tell how many rows there are, and export nothing")
        parser.add_argument("--json", action="store_true", help="tell it as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant, contact_id, output = tenant_named(options["slug"]), options["contact"], options["output"]
        if output and output.exists():
            raise Refused(f"{output} is there already.", "file_exists")
        with tenant_scope(tenant.id):
            try:
                if options["dry_run"]:
                    told = {"status": "preview", "rows": rows_count(Person.found(contact_id))}
                else:
                    export = _followed(export_start(contact_id, "system"), wait=not options["background"])
                    told = _told(export)
                    if output:
                        told |= {"output": str(_copied(export, output))}
            except ServiceError as error:
                raise Refused(f"{error.message} Nothing was exported.", error.code) from error
        self._tell({"contact_id": str(contact_id), **told}, as_json=options["json"])

    def _tell(self, told: dict[str, Any], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(json.dumps(told))
            return
        for name, value in told.items():
            self.stdout.write(f"{name}: {value}")


def _followed(export: Export, *, wait: bool) -> Export:
    while wait and export.status == Export.Status.RUNNING:
        began = time.monotonic()
        export_go_on(export.id, for_seconds(STRETCH_S))
        export.refresh_from_db()
        if export.status == Export.Status.RUNNING and time.monotonic() - began < STRETCH_S / 2:
            time.sleep(STRETCH_S / 4)  # a worker is at it, or it is not due yet
    return export


def _copied(export: Export, output: Path) -> Path:
    if export.status != Export.Status.READY:
        raise Refused(f"The export is {export.status}: {export.reason or 'it was ended'}.", "export_not_ready")
    with package_open(export.tenant_id, export.id, export.place["file"]) as made, output.open("xb") as file:
        output.chmod(0o600)
        shutil.copyfileobj(made, file)
    return output


def _told(export: Export) -> dict[str, Any]:
    facts = {"export_id": str(export.id), "counts": export.counts, "size": export.size, "sha256": export.sha256}
    return {"status": export.status, **facts}
