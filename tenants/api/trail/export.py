"""The audit trail as a file, the oldest entry first: read in pages, so that a long one is never in memory as a whole.

Owns the two forms: JSON lines, and CSV in which no cell is a formula. Each line has the number of its seal.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.db.models import QuerySet
from pydantic_core import to_json

from tenants.api.moments import all_written, written
from tenants.api.trail.cells import safe
from tenants.models import AuditEntry
from tenants.storage.batches import batches

HEAD = ("id", "at", "tenant", "actor", "action", "target", "changes", "ip", "seal")
FIELDS = ("tenant_id", "created_at", "actor", "action", "target", "changes", "ip", "seal__number")


@dataclass(frozen=True)
class Form:
    extension: str
    mime: str
    write: Callable[[QuerySet[AuditEntry]], Iterator[str]]


def _lines(rows: QuerySet[AuditEntry]) -> Iterator[dict[str, Any]]:
    for found in batches(rows, *FIELDS, more=lambda: True):
        for row in found:
            facts = (row.id, row.created_at, row.tenant_id, row.actor, row.action, row.target, row.changes, row.ip)
            yield dict(zip(HEAD, (*facts, row.seal__number), strict=True))


def _jsonl(rows: QuerySet[AuditEntry]) -> Iterator[str]:
    for line in _lines(rows):
        yield to_json(all_written(line)).decode() + "\n"


def _csv(rows: QuerySet[AuditEntry]) -> Iterator[str]:
    yield "\ufeff"  # spreadsheets take it for UTF-8
    yield _row(HEAD)
    for line in _lines(rows):
        changes = to_json(line["changes"]).decode() if line["changes"] else ""
        shown = {**line, "at": written(line["at"]), "changes": changes}
        yield _row(safe(str("" if value is None else value)) for value in shown.values())


def _row(cells: Any) -> str:
    piece = io.StringIO()
    csv.writer(piece).writerow(cells)
    return piece.getvalue()


FORMS = {
    "csv": Form("csv", "text/csv; charset=utf-8", _csv),
    "jsonl": Form("jsonl", "application/jsonl", _jsonl),
}
