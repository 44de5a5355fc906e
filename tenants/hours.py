"""When people answer: hours by the clock on the wall, holidays, and how much of a time was open.

Owns what opening hours mean. Pure: must not look at a clock, a row or another setting.

A day that begins or ends daylight saving time is as its clock says: a moment that the clock skips is that of the
offset before, one that it shows twice is the first of both (RFC 5545, 3.3.5).
"""

from __future__ import annotations

import datetime
import zoneinfo
from collections.abc import Iterable, Iterator
from functools import cache, cached_property
from itertools import pairwise
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema, model_validator

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = get_args(Weekday)
Stretch = tuple[datetime.datetime, datetime.datetime]  # from, and up to: UTC

MIDNIGHT = datetime.time(0)
DAY = datetime.timedelta(days=1)
HORIZON = 400 * DAY  # beyond it nothing is looked for
MOST_HOLIDAYS = 400


@cache
def zone_names() -> frozenset[str]:
    """Of all time zones. Looked for once: it means opening some 600 files."""
    return frozenset(zoneinfo.available_timezones())


def known_zone(name: str) -> str:
    """The name itself. Raises ValueError for one that is no time zone's."""
    if name not in zone_names():
        raise ValueError("unknown time zone")
    return name


#: without an offset, which JSON Schema's format ``time`` demands
LocalTime = Annotated[
    datetime.time,
    WithJsonSchema(
        {"type": "string", "pattern": r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9])?$", "examples": ["09:00"]}
    ),
]


class Span(BaseModel):
    """Open from ``start`` up to ``end``, local time; an ``end`` of 00:00 is the end of the day."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: LocalTime
    end: LocalTime

    @model_validator(mode="after")
    def _forward(self) -> Span:
        if self.start.tzinfo or self.end.tzinfo:
            raise ValueError("times are local and name no offset")
        if self.end != MIDNIGHT and self.end <= self.start:
            raise ValueError("end must be after start")
        return self


def _in_order(spans: tuple[Span, ...]) -> tuple[Span, ...]:
    spans = tuple(sorted(spans, key=lambda span: span.start))
    if any(first.end == MIDNIGHT or second.start < first.end for first, second in pairwise(spans)):
        raise ValueError("two times of one day overlap")
    return spans


Spans = Annotated[tuple[Span, ...], Field(max_length=24), AfterValidator(_in_order)]
WHOLE_DAY = (Span(start=MIDNIGHT, end=MIDNIGHT),)


class Holiday(BaseModel):
    """A day with hours of its own; without any it is closed. ``yearly``: on this day of every year."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    date: datetime.date
    name: str = Field("", max_length=100)
    yearly: bool = False
    open: Spans = ()


class BusinessHours(BaseModel):
    """When people answer. No days at all: always, but for the holidays."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    time_zone: Annotated[str, AfterValidator(known_zone)] = "UTC"
    days: dict[Weekday, Spans] = {}
    holidays: tuple[Holiday, ...] = Field((), max_length=MOST_HOLIDAYS)

    @model_validator(mode="after")
    def _one_of_a_day(self) -> BusinessHours:
        known = {
            (holiday.date.replace(year=2000) if holiday.yearly else holiday.date, holiday.yearly)
            for holiday in self.holidays
        }
        if len(known) < len(self.holidays):
            raise ValueError("two holidays are on the same day")
        return self

    @cached_property
    def zone(self) -> zoneinfo.ZoneInfo:
        return zoneinfo.ZoneInfo(self.time_zone)

    @cached_property
    def _of_dates(self) -> dict[datetime.date | tuple[int, int], Holiday]:
        return {
            (holiday.date.month, holiday.date.day) if holiday.yearly else holiday.date: holiday
            for holiday in self.holidays
        }

    def spans_of(self, day: datetime.date) -> tuple[Span, ...]:
        """The hours of a day; a holiday of this very date comes before a yearly one."""
        holiday = self._of_dates.get(day) or self._of_dates.get((day.month, day.day))
        if holiday:
            return holiday.open
        return self.days.get(WEEKDAYS[day.weekday()], ()) if self.days else WHOLE_DAY

    @property
    def always(self) -> bool:
        return not self.days and not self.holidays


def is_open(hours: BusinessHours, at: datetime.datetime) -> bool:
    """Whether people answer at this (aware) time."""
    return hours.always or any(start <= at < end for start, end in _of_day(hours, _day(hours, at)))


def next_open(hours: BusinessHours, at: datetime.datetime) -> datetime.datetime | None:
    """From when on people answer: ``at`` itself when it is open; None when they do not within 400 days."""
    if is_open(hours, at):
        return at
    return next((start for start, _ in _from(hours, at) if start > at), None)


def next_close(hours: BusinessHours, at: datetime.datetime) -> datetime.datetime | None:
    """Until when people answer who do so now: ``at`` itself when it is closed; None when that goes on for 400 days."""
    if hours.always:
        return None
    end = next((end for start, end in _from(hours, at) if start <= at < end), at)
    return end if end < at + HORIZON - DAY else None


def open_seconds_between(hours: BusinessHours, start: datetime.datetime, end: datetime.datetime) -> float:
    """How much of the time from ``start`` to ``end`` was open; 0 when that is no time."""
    if end <= start:
        return 0.0
    if hours.always:
        return (end - start).total_seconds()
    days = _days(_day(hours, start), _day(hours, end))
    return sum(_seconds(max(start, since), min(end, until)) for day in days for since, until in _of_day(hours, day))


def open_since(hours: BusinessHours, at: datetime.datetime, seconds: float) -> datetime.datetime | None:
    """Since when up to ``at`` there were so many open seconds, the latest such moment; None when that is more than
    400 days ago."""
    if hours.always:
        return at - datetime.timedelta(seconds=seconds)
    left = seconds
    for day in _days(_day(hours, at), _day(hours, at - HORIZON)):
        for since, until in reversed(_of_day(hours, day)):
            counted = _seconds(since, min(until, at))
            if counted >= left > 0:
                return min(until, at) - datetime.timedelta(seconds=left)
            left -= counted
    return None


def open_for(hours: BusinessHours, start: datetime.datetime, seconds: float) -> datetime.datetime | None:
    """When so many open seconds have gone by since ``start``; None when that is not within 400 days."""
    if hours.always:
        return start + datetime.timedelta(seconds=seconds)
    left = seconds
    for since, until in _from(hours, start):
        counted = _seconds(max(since, start), until)
        if counted >= left:
            return max(since, start) + datetime.timedelta(seconds=left)
        left -= counted
    return None


def _seconds(start: datetime.datetime, end: datetime.datetime) -> float:
    return max(0.0, (end - start).total_seconds())


def _day(hours: BusinessHours, at: datetime.datetime) -> datetime.date:
    return at.astimezone(hours.zone).date()


def _days(first: datetime.date, last: datetime.date) -> Iterator[datetime.date]:
    """Both included; backwards where ``last`` lies before."""
    step = DAY if first <= last else -DAY
    return (first + step * count for count in range(abs((last - first).days) + 1))


def _of_day(hours: BusinessHours, day: datetime.date) -> list[Stretch]:
    """When a day is open, in order, apart, and within the day."""
    begin, end = _moment(hours, day, MIDNIGHT), _moment(hours, day + DAY, MIDNIGHT)
    spans = hours.spans_of(day)
    stretches = (
        (_moment(hours, day, span.start), end if span.end == MIDNIGHT else _moment(hours, day, span.end))
        for span in spans
    )
    return list(_joined(sorted((max(since, begin), min(until, end)) for since, until in stretches)))


def _moment(hours: BusinessHours, day: datetime.date, time: datetime.time) -> datetime.datetime:
    return datetime.datetime.combine(day, time, hours.zone).astimezone(datetime.UTC)


def _from(hours: BusinessHours, at: datetime.datetime) -> Iterator[Stretch]:
    """The open stretches from the day of ``at`` on, in order; midnight ends none."""
    days = _days(_day(hours, at), _day(hours, at + HORIZON))
    return _joined(stretch for day in days for stretch in _of_day(hours, day))


def _joined(stretches: Iterable[Stretch]) -> Iterator[Stretch]:
    """Without empty ones, and as one where the next one begins before the end."""
    open_: Stretch | None = None
    for since, until in stretches:
        if until <= since:
            continue
        if open_ and since <= open_[1]:
            open_ = (open_[0], max(open_[1], until))
            continue
        if open_:
            yield open_
        open_ = (since, until)
    if open_:
        yield open_
