"""Which figures are asked for: of which tenants, channel, team and member of staff, and over which days.

Owns the bounds of a period. Must not read a row.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from tenants.storage.db import now

PERIODS = (7, 30, 90)  # days up to today that can be chosen by one click
USUAL = 30
MOST_DAYS = 366
MOST_TENANTS = 20  # shown together


@dataclass(frozen=True)
class Asked:
    """``first`` and ``last`` (UTC) are part of the period; a channel, team or agent of None: all of them."""

    tenants: Sequence[uuid.UUID]
    first: date
    last: date
    channel: uuid.UUID | None = None
    team: uuid.UUID | None = None
    agent: uuid.UUID | None = None
    by_agent: bool = False  # also by member of staff

    @property
    def of_people(self) -> bool:
        """Only what a team or a member of staff did: conversations begin without either."""
        return bool(self.team or self.agent)

    @property
    def of_everybody(self) -> bool:
        """Also what each member of staff did, on all channels."""
        return self.by_agent and not self.of_people and not self.channel

    def days(self) -> Iterator[date]:
        return (self.first + timedelta(days=number) for number in range((self.last - self.first).days + 1))


def today() -> date:
    return now().date()


def last_days(count: int) -> tuple[date, date]:
    """The period of so many days that ends today."""
    return today() - timedelta(days=count - 1), today()


def period_refused(first: date, last: date) -> str:
    """Why there are no figures of this period; or ""."""
    if last < first:
        return "The period ends before it begins."
    return f"A period has at most {MOST_DAYS} days." if (last - first).days >= MOST_DAYS else ""
