"""The figures of a period, added up from the sheets of its days: one statement, whatever was said in those days.

Must not read messages or conversations.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from messaging.figures.asked import Asked
from messaging.figures.facts import ALL, NONE, WEEK, monday_of
from messaging.figures.sheet import Sheet
from messaging.models import DaySheet
from tenants.storage.db import on_mongo

SUMS = (ALL, WEEK)  # in place of a channel


class Line(NamedTuple):
    """The figures of one tenant's channel on a day, or of a team or a member of staff there."""

    tenant_id: uuid.UUID
    day: date
    channel: uuid.UUID
    team: uuid.UUID
    agent: uuid.UUID
    figures: Mapping[str, Any]  # a sheet as it is stored


@dataclass
class Report:
    """``total``, and its parts: by day (each of the period has one), by channel, and by member of staff where that was
    asked for."""

    total: Sheet = field(default_factory=Sheet)
    days: dict[date, Sheet] = field(default_factory=dict)
    channels: dict[uuid.UUID, Sheet] = field(default_factory=dict)
    agents: dict[uuid.UUID, Sheet] = field(default_factory=dict)


def report(asked: Asked) -> Report:
    told = Report(days={day: Sheet() for day in asked.days()})
    for _, day, channel, team, agent, figures in _told_by(parts(asked)):
        if channel in SUMS or (asked.by_agent and agent != NONE):
            _part(told.agents, agent).merge_json(figures)
        if asked.of_people or (
            team == NONE and agent == NONE
        ):  # what people did stands also in the sheet of the channel
            told.days[day].add_counts(figures)
            _part(told.channels, channel).merge_json(figures)
    for sheet in told.channels.values():
        told.total.merge(sheet)
    return told


def _part(parts: dict[uuid.UUID, Sheet], of: uuid.UUID) -> Sheet:
    found = parts.get(of)
    if found is None:
        found = parts[of] = Sheet()
    return found


def lines(asked: Asked) -> Iterator[Line]:
    """In the order of days."""
    daily = [_of_tenants(asked).filter(_period(asked), channel=ALL)] if asked.of_everybody else []
    yield from sorted(_told_by([_places(asked), *daily]), key=lambda line: (line.day, line.channel))


def parts(asked: Asked) -> list[QuerySet[DaySheet]]:
    """The fewest sheets that tell it, each part of them found by an index."""
    if not asked.of_everybody:
        return [_places(asked)]
    weeks = [day for day in asked.days() if not day.weekday() and day + timedelta(days=6) <= asked.last]
    edges = [day for day in asked.days() if monday_of(day) not in weeks]
    rows = _of_tenants(asked)
    return [_places(asked), rows.filter(channel=WEEK, day__in=weeks), rows.filter(channel=ALL, day__in=edges)]


def _places(asked: Asked) -> QuerySet[DaySheet]:
    """On channels, by day."""
    channel = Q(channel=asked.channel) if asked.channel else ~Q(channel__in=SUMS)
    rows = _of_tenants(asked).filter(_period(asked), channel)
    if asked.of_people:
        people = (("team", asked.team), ("agent", asked.agent))
        return rows.filter(**{name: value for name, value in people if value})
    return rows if asked.by_agent and asked.channel else rows.filter(team=NONE, agent=NONE)


def _told_by(parts: Sequence[QuerySet[DaySheet]]) -> Iterator[Line]:
    """One statement, but on MongoDB."""
    queries = [part.order_by().values_list(*Line._fields) for part in parts]
    if not on_mongo() and len(queries) > 1:
        queries = [queries[0].union(*queries[1:], all=True)]
    return (Line(*line) for query in queries for line in query)


def _of_tenants(asked: Asked) -> QuerySet[DaySheet]:
    # unscoped: of the tenants that the caller may see
    return DaySheet.objects.unscoped().filter(tenant_id__in=list(asked.tenants))


def _period(asked: Asked) -> Q:
    return Q(day__gte=asked.first, day__lte=asked.last)


# ------------------------------------------------------------------ what follows from them


def ratings_of(sheet: Sheet) -> dict[int, int]:
    """Rating → how many gave it. A rating that was changed on another day leaves that day none to take away."""
    return {score: max(0, sheet.counts[f"rated_{score}"]) for score in range(1, 6)}


def mean_rating(sheet: Sheet) -> float | None:
    given = ratings_of(sheet)
    count = sum(given.values())
    return sum(score * number for score, number in given.items()) / count if count else None


def share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def cost_usd(sheet: Sheet) -> float:
    return sheet.counts["cost_micro_usd"] / 1_000_000
