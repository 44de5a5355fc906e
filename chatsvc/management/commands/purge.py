"""Purge what tenants keep no longer: the same work as housekeeping's, to its end."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import CommandParser

from channels_app.words.moments import written
from chatsvc.management.arguments import tenant_named
from chatsvc.management.making import TellingCommand
from messaging.privacy.purge import purge
from messaging.privacy.retention import Preview, preview
from tenants.models import Tenant
from tenants.scope import tenant_scope


class Command(TellingCommand):
    help = "Remove conversations, files, ended sessions, events and stored requests that are older than a tenant keeps them."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", default="", metavar="SLUG", help="only of this tenant; default: of all")
        parser.add_argument("--dry-run", action="store_true", help="tell what would be removed, and remove nothing")
        parser.add_argument("--json", action="store_true", help="tell it as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        tenants = [tenant_named(options["tenant"], to_read=True)] if options["tenant"] else list(
            Tenant.objects.exclude(status=Tenant.Status.REMOVING).order_by("slug")
        )  # fmt: skip
        told = [self.one(tenant, dry_run=options["dry_run"]) for tenant in tenants]
        if options["json"]:
            self.stdout.write(json.dumps({"dry_run": options["dry_run"], "tenants": told}))
            return
        for one in told:
            self.stdout.write(_line(one))

    def one(self, tenant: Tenant, *, dry_run: bool) -> dict[str, Any]:
        with tenant_scope(tenant.id):
            due = preview()
            gone = {} if dry_run else {"removed": dict(+purge(tenant.id, lambda: True))}
        return {"tenant": tenant.slug, **_facts(due), **gone}


def _facts(due: Preview) -> dict[str, Any]:
    times = {name: at and written(at) for name, at in (("before", due.before), ("oldest", due.oldest))}
    return {**asdict(due), **times}


def _line(one: dict[str, Any]) -> str:
    if one["legal_hold"]:
        return f"{one['tenant']}: a legal hold keeps everything."
    if not one["before"]:
        return f"{one['tenant']}: everything is kept."
    if "removed" in one:
        gone = ", ".join(f"{count:,} {table}" for table, count in one["removed"].items())
        return f"{one['tenant']}: {gone or 'nothing was due'}."
    return (
        f"{one['tenant']}: ended before {one['before']}: {one['conversations']:,} conversations with {one['messages']:,}"
        f" messages and {one['files']:,} files; {one['sessions']:,} sessions; {one['events']:,} events of no conversation."
    )
