"""Counts a day anew from its events: the same figures that came about one event at a time.

Owns which events belong in: those that the handler has dealt with. Others will be added in their turn, so that a day may
be counted anew while its events come in.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import IntegrityError
from django.db.models import F, QuerySet

from conversations.event_schemas import envelope_of
from conversations.models import Event
from messaging.figures.facts import ALL, NONE, WEEK, Place, event_add, monday_of, names_of, weeks_of
from messaging.figures.sheet import Sheet
from messaging.models import DailyFigure, DaySheet, HandledEvent
from messaging.privacy.retention import days_purged
from tenants.storage.db import RACES, atomic, lost_race, now, retried

HANDLER = "analytics"  # messaging/outbox/handlers.py
MARKS_KEPT = timedelta(days=30)  # an event older than that is not handled: whether it was is no longer known
BATCH = 500
FIELDS = ("id", "tenant_id", "conversation_id", "seq", "type", "version", "payload", "created_at", "published_at")


@dataclass(frozen=True)
class Rebuilt:
    """``changed``: name of a figure → as it was stored and as it is, over all channels; what is right is not named.
    ``purged``: events of the day have gone by the tenant's retention, and its figures stay as they are."""

    day: date
    events: int
    changed: dict[str, tuple[int, int]]
    purged: bool = False


def days_of(first: date | None, last: date | None) -> Iterator[date]:
    """From ``first`` (else the first that has an event) to ``last`` (else today), of the tenant in scope."""
    begin = Event.objects.order_by("created_at", "id").values_list("created_at", flat=True).first() or now()
    day, last = first or begin.date(), last or now().date()
    while day <= last:
        yield day
        day += timedelta(days=1)


def day_rebuild(tenant_id: uuid.UUID, day: date, *, dry_run: bool = False) -> Rebuilt:
    """Of the tenant in scope. With ``dry_run`` nothing is written. Raises IntegrityError when other processes begin
    figures of the day again and again."""
    last = days_purged()
    if last and day <= last:
        return Rebuilt(day, 0, {}, purged=True)
    for _ in range(RACES):
        try:
            return _rebuild(tenant_id, day, dry_run)
        except IntegrityError as error:
            if not lost_race(error):
                raise
            lost = error
    raise lost


@retried
def _rebuild(tenant_id: uuid.UUID, day: date, dry_run: bool) -> Rebuilt:
    """A handler that adds to a figure of the day waits for the lock, and its events have no mark until then; one that
    begins a figure meanwhile takes a key that is ours to write, and we look again."""
    with atomic():
        if not dry_run:
            DailyFigure.objects.filter(day=day).update(value=F("value") + 0)
            _of_day(day).update(revision=F("revision") + 1)
        counts: Counter[str] = Counter()
        sheets: dict[Place, Sheet] = {}
        events = 0
        for batch in _events(day):
            told, unmarked = _handled(batch)
            events += len(told)
            for event in told:
                envelope = envelope_of(event)
                counts.update(names_of(envelope))
                event_add(envelope, sheets)
            if not dry_run:
                HandledEvent.objects.bulk_create(unmarked)
        changed = _changes(day, counts, sheets)
        if not dry_run:
            _counts_store(tenant_id, day, counts)
            _sheets_store(tenant_id, _of_day(day), sheets)
            _week_store(tenant_id, monday_of(day))
        return Rebuilt(day, events, changed)


def _events(day: date) -> Iterator[Sequence[Event]]:
    since = datetime.combine(day, time(), UTC)
    until = since + timedelta(days=1)
    rows = Event.objects.filter(created_at__lt=until).order_by("created_at", "id").only(*FIELDS)
    at, last = since, uuid.UUID(int=0)
    while batch := list(rows.filter(created_at__gte=at).exclude(created_at=at, id__lte=last)[:BATCH]):
        yield batch
        at, last = batch[-1].created_at, batch[-1].id


def _handled(batch: Sequence[Event]) -> tuple[list[Event], list[HandledEvent]]:
    """Those that were dealt with, and the marks that are missing: of events that were published before there was a handler
    to mark them. The handler leaves alone what is older than its marks; what it gave up on is tried again by staff."""
    marks = HandledEvent.objects.filter(handler=HANDLER, event__in=[event.id for event in batch])
    errors = dict(marks.values_list("event", "error"))
    old = now() - MARKS_KEPT
    told = [
        event for event in batch
        if not errors.get(event.id) and (event.id in errors or event.published_at or event.created_at <= old)
    ]  # fmt: skip
    missing = [event for event in told if event.id not in errors and event.created_at > old]
    return told, [HandledEvent(tenant_id=event.tenant_id, handler=HANDLER, event=event.id) for event in missing]


# ------------------------------------------------------------------------------ rows


def _counts_store(tenant_id: uuid.UUID, day: date, counts: Counter[str]) -> None:
    rows = DailyFigure.objects.filter(day=day)
    rows.exclude(name__in=list(counts)).delete()
    stored = dict(rows.values_list("name", "value"))
    for name, value in sorted(counts.items()):
        if stored.get(name, value) != value:
            rows.filter(name=name).update(value=value)
    new = sorted(counts.keys() - stored.keys())
    DailyFigure.objects.bulk_create(
        DailyFigure(tenant_id=tenant_id, day=day, name=name, value=counts[name]) for name in new
    )


def _of_day(day: date) -> QuerySet[DaySheet]:
    return DaySheet.objects.filter(day=day).exclude(channel=WEEK)


def _week_store(tenant_id: uuid.UUID, monday: date) -> None:
    """The sums of its days. A handler that has added to another day of it waits for the lock to add that here, too."""
    weeks = DaySheet.objects.filter(day=monday, channel=WEEK)
    weeks.update(revision=F("revision") + 1)
    days = DaySheet.objects.filter(day__range=(monday, monday + timedelta(days=6)), channel=ALL)
    told = {Place(row.day, row.channel, row.team, row.agent): Sheet.from_json(row.figures) for row in days}
    _sheets_store(tenant_id, weeks, weeks_of(told))


def _sheets_store(tenant_id: uuid.UUID, rows: QuerySet[DaySheet], sheets: dict[Place, Sheet]) -> None:
    """Sheets take the places of ``rows``."""
    left = dict(sheets)
    for row in rows:
        sheet = left.pop(Place(row.day, row.channel, row.team, row.agent), None)
        if sheet is None:
            row.delete()
        elif sheet.to_json() != row.figures:
            DaySheet.objects.filter(id=row.id).update(figures=sheet.to_json())
    DaySheet.objects.bulk_create(
        DaySheet(tenant_id=tenant_id, **place._asdict(), figures=sheet.to_json())
        for place, sheet in sorted(left.items())
    )


def _changes(day: date, counts: Counter[str], sheets: dict[Place, Sheet]) -> dict[str, tuple[int, int]]:
    before: dict[str, int] = dict(DailyFigure.objects.filter(day=day).values_list("name", "value"))
    stored = Sheet()
    whole = DaySheet.objects.filter(day=day, team=NONE, agent=NONE)
    for figures in whole.values_list("figures", flat=True):
        stored.merge(Sheet.from_json(figures))
    anew = Sheet()
    for place, sheet in sheets.items():
        if place.team == place.agent == NONE:
            anew.merge(sheet)
    old, new = {**before, **_numbers(stored)}, {**counts, **_numbers(anew)}
    names = sorted(old.keys() | new.keys())
    return {name: (old.get(name, 0), new.get(name, 0)) for name in names if old.get(name, 0) != new.get(name, 0)}


def _numbers(sheet: Sheet) -> dict[str, Any]:
    return {**sheet.counts, **{name: spread.count for name, spread in sheet.spreads.items()}}
