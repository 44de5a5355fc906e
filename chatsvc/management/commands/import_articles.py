"""Bring in documents as articles of a tenant: see docs/knowledge.md."""

from __future__ import annotations

import math
from functools import partial
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from assistant.intents.lessons import invalidate
from assistant.knowledge.bringing import Document, documents_bring
from assistant.knowledge.documents import ENDINGS, most_bytes
from tenants.errors import Unprocessable
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.trail.audit import audit


class Command(BaseCommand):
    help = "Bring in documents, or all of a folder, as articles of a tenant. The same again changes nothing."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("path", nargs="+", type=Path, help=f"a folder, or documents: {', '.join(sorted(ENDINGS))}")
        parser.add_argument("--tenant", required=True, help="slug")
        parser.add_argument("--language", default="", help="ISO 639-1, where a document does not say it")

    def handle(self, *args: Any, **options: Any) -> None:
        tenant = Tenant.objects.filter(slug=options["tenant"], status=Tenant.Status.ACTIVE).first()
        if tenant is None:
            raise CommandError(f"There is no active tenant {options['tenant']}.")
        paths = _documents(options["path"])
        with tenant_scope(tenant.id):
            read = (Document(str(path), partial(_read, path), options["language"]) for path in paths)
            report = documents_bring(read, seconds=math.inf)
            audit("system", "knowledge.imported", f"tenant:{tenant.id}", report.counts)
        invalidate(tenant.id)
        for one in report.items:
            if one.code:
                self.stderr.write(f"{one.name}: {one.code}")
        self.stdout.write(", ".join(f"{count} {status}" for status, count in report.counts.items()) + ".")
        if report.counts["refused"]:
            raise CommandError("Not all documents came in.")


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(most_bytes(path.name) + 1)
    except OSError:
        raise Unprocessable("The file cannot be read.", code="unreadable") from None


def _documents(paths: list[Path]) -> list[Path]:
    """Of a folder what has a known ending, in its subfolders too; what is named itself is always tried."""
    found: list[Path] = []
    for path in paths:
        inside = sorted(path.rglob("*")) if path.is_dir() else [path]
        found += [one for one in inside if not path.is_dir() or (one.is_file() and one.suffix.lower() in ENDINGS)]
    return found
