"""Adds events to the figures, within the transaction that marks them as handled: each counts once.

Owns the rows of `DaySheet` and `DailyFigure`. Rows are taken in the same order by every process.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

from django.db.models import F

from conversations.event_schemas import Envelope
from messaging.figures.facts import Place, event_add, names_of, weeks_of
from messaging.figures.sheet import Sheet
from messaging.models import DailyFigure, DaySheet
from tenants.storage import prepared


def figures_add(tenant_id: uuid.UUID, events: Sequence[Envelope]) -> None:
    """Events of one tenant, in its scope and in the caller's transaction. Raises IntegrityError when another process
    begins a figure at this moment: the caller tries again."""
    counts = Counter((event.timestamp.date(), name) for event in events for name in names_of(event))
    for (day, name), count in sorted(counts.items()):
        _count_add(tenant_id, day, name, count)
    sheets: dict[Place, Sheet] = {}
    for event in events:
        event_add(event, sheets)
    for place, sheet in (*sorted(sheets.items()), *sorted(weeks_of(sheets).items())):  # days first, as a rebuild does
        _sheet_add(tenant_id, place, sheet)


def _count_add(tenant_id: uuid.UUID, day: date, name: str, count: int) -> None:
    if not prepared.update(DailyFigure, {"day": day, "name": name}, {"value": F("value") + count}):
        prepared.insert([DailyFigure(tenant_id=tenant_id, day=day, name=name, value=count)])


def _sheet_add(tenant_id: uuid.UUID, place: Place, added: Sheet) -> None:
    """The first statement takes the row's lock and tells what stands there; the second one writes the sum."""
    where: dict[str, Any] = place._asdict()
    row = prepared.update_where(DaySheet, where, {"revision": F("revision") + 1})
    if row is None:
        prepared.insert([DaySheet(tenant_id=tenant_id, **where, figures=added.to_json())])
        return
    sheet = Sheet.from_json(row.figures)
    sheet.merge(added)
    prepared.update(DaySheet, {"id": row.id}, {"figures": sheet.to_json()})
