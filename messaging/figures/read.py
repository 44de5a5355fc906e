"""The figures of a period, added up from the sheets of its days: one statement, whatever was said in those days.

Must not read messages or conversations.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from django.db.models import Q, QuerySet

from messaging.figures.asked import Asked
from messaging.figures.facts import ALL, NONE
from messaging.figures.sheet import Sheet
from messaging.models import DaySheet


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
    for day, channel, team, agent, figures in _rows(asked).values_list("day", "channel", "team", "agent", "figures"):
        if channel == ALL or (asked.by_agent and agent != NONE):
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
    yield from map(Line._make, _rows(asked).order_by("day", "channel").values_list(*Line._fields))


def _rows(asked: Asked) -> QuerySet[DaySheet]:
    # unscoped: of the tenants that the caller may see
    rows = DaySheet.objects.unscoped().filter(
        tenant_id__in=list(asked.tenants), day__gte=asked.first, day__lte=asked.last
    )
    return rows.filter(_where(asked))


def _where(asked: Asked) -> Q:
    """The fewest sheets that tell it."""
    channel = Q(channel=asked.channel) if asked.channel else ~Q(channel=ALL)
    people = Q(**{name: value for name, value in (("team", asked.team), ("agent", asked.agent)) if value})
    if asked.of_people:
        return channel & people
    whole = channel & Q(team=NONE, agent=NONE)
    if not asked.by_agent:
        return whole
    return channel if asked.channel else whole | Q(channel=ALL)


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
