"""Opening hours: local clocks, lunch breaks, midnight, holidays, both ends of daylight saving time (TEN-2)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from tenants.hours import (
    WEEKDAYS,
    BusinessHours,
    is_open,
    next_close,
    next_open,
    open_for,
    open_seconds_between,
    open_since,
)
from tests.examples import examples

BERLIN = ZoneInfo("Europe/Berlin")
OFFICE = [{"start": "09:00", "end": "12:00"}, {"start": "13:00", "end": "17:30"}]


def hours(time_zone: str = "Europe/Berlin", **more: Any) -> BusinessHours:
    """Monday to Friday with a lunch break, unless ``days`` says otherwise."""
    given = {"days": dict.fromkeys(WEEKDAYS[:5], OFFICE), **more}
    return BusinessHours.model_validate({"time_zone": time_zone, **given})


def berlin(day: str, time: str = "00:00", fold: int = 0) -> datetime:
    return datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=BERLIN, fold=fold)


def every_day(*spans: tuple[str, str], **more: Any) -> BusinessHours:
    told = [{"start": start, "end": end} for start, end in spans]
    return hours(days=dict.fromkeys(WEEKDAYS, told), **more)


# ---------------------------------------------------------------------------- is it open


@pytest.mark.parametrize(
    ("time", "open_"),
    [("08:59", False), ("09:00", True), ("11:59", True), ("12:00", False), ("13:00", True), ("17:30", False)],
)
def test_a_day_has_several_intervals(time: str, open_: bool) -> None:
    assert is_open(hours(), berlin("2026-03-02", time)) is open_


def test_the_clock_on_the_wall_counts_in_winter_and_in_summer() -> None:
    opening = [is_open(hours(), datetime(2026, month, 6, 7, 30, tzinfo=UTC)) for month in (1, 7)]
    assert opening == [False, True]


def test_without_days_people_answer_always_but_for_the_holidays() -> None:
    assert is_open(BusinessHours(), berlin("2026-03-01"))
    but = hours(days={}, holidays=[{"date": "2026-12-25"}])
    assert [is_open(but, berlin(f"2026-12-{day}", "12:00")) for day in (24, 25, 26)] == [True, False, True]


def test_a_holiday_closes_one_day_or_gives_it_hours_of_its_own() -> None:
    short = {"start": "10:00", "end": "11:00"}
    off = hours(holidays=[{"date": "2026-12-24", "open": [short]}, {"date": "2026-12-25", "name": "Christmas"}])
    assert [is_open(off, berlin("2026-12-24", time)) for time in ("09:30", "10:30")] == [False, True]
    assert not is_open(off, berlin("2026-12-25", "10:00"))
    assert is_open(off, berlin("2027-12-24", "09:30"))


def test_a_yearly_holiday_comes_again_and_a_dated_one_goes_before_it() -> None:
    given = [{"date": "2020-05-01", "yearly": True}, {"date": "2028-05-01", "open": OFFICE}]
    assert [is_open(hours(holidays=given), berlin(f"{year}-05-01", "10:00")) for year in (2026, 2028)] == [False, True]


def test_an_end_at_midnight_is_the_end_of_the_day_and_the_next_day_may_go_on() -> None:
    night = every_day(("22:00", "00:00"), ("00:00", "02:00"))
    assert [is_open(night, berlin("2026-03-02", time)) for time in ("21:59", "23:59", "00:00", "02:00")] == [
        False, True, True, False,
    ]  # fmt: skip
    assert next_close(night, berlin("2026-03-02", "22:30")) == berlin("2026-03-03", "02:00")


# ------------------------------------------------------------------------- what comes next


def test_the_next_opening_is_after_lunch_next_morning_next_monday_or_after_the_holidays() -> None:
    off = hours(holidays=[{"date": "2026-03-09"}])
    assert next_open(off, berlin("2026-03-02", "12:10")) == berlin("2026-03-02", "13:00")
    assert next_open(off, berlin("2026-03-02", "18:00")) == berlin("2026-03-03", "09:00")
    assert next_open(off, berlin("2026-03-06", "17:30")) == berlin("2026-03-10", "09:00")
    assert next_open(off, berlin("2026-03-02", "10:00")) == berlin("2026-03-02", "10:00")


def test_hours_that_never_come_are_not_waited_for() -> None:
    never = hours(days={"mon": []})
    assert (next_open(never, berlin("2026-03-02")), is_open(never, berlin("2026-03-02"))) == (None, False)
    assert open_since(never, berlin("2026-03-02"), 60) is None


def test_what_is_always_open_never_closes() -> None:
    assert next_close(BusinessHours(), berlin("2026-03-02")) is None
    assert next_close(every_day(("00:00", "00:00")), berlin("2026-03-02")) is None


# ------------------------------------------------------------------- how much of it was open


def test_only_open_time_counts() -> None:
    friday, monday = berlin("2026-03-06", "17:00"), berlin("2026-03-09", "09:10")
    assert open_seconds_between(hours(), friday, monday) == 40 * 60
    assert open_seconds_between(hours(), monday, friday) == 0
    assert open_seconds_between(BusinessHours(), friday, monday) == (monday - friday).total_seconds()


def test_open_time_is_counted_back_over_the_weekend() -> None:
    assert open_since(hours(), berlin("2026-03-09", "09:10"), 40 * 60) == berlin("2026-03-06", "17:00")


@pytest.mark.parametrize(
    ("day", "span", "open_h"),
    [
        ("2026-03-29", ("01:00", "05:00"), 3),  # 02:00 to 03:00 does not exist
        ("2026-03-29", ("02:00", "03:00"), 0),
        ("2026-10-25", ("01:00", "05:00"), 5),  # 02:00 to 03:00 comes twice
        ("2026-10-25", ("02:00", "03:00"), 2),
    ],
    ids=["spring", "the hour that is left out", "autumn", "the hour that comes twice"],
)
def test_the_days_of_daylight_saving_time_are_as_long_as_they_are(day: str, span: tuple[str, str], open_h: int) -> None:
    begin = berlin(day).astimezone(UTC)
    assert open_seconds_between(every_day(span), begin, begin + timedelta(hours=20)) == open_h * 3600


def test_nine_oclock_is_nine_oclock_before_and_after_the_clocks_change() -> None:
    opening = [next_open(hours(), berlin(day, "18:00")) for day in ("2026-03-27", "2026-10-23")]
    assert [at.astimezone(UTC).hour for at in opening if at] == [7, 8]


# ------------------------------------------------------------------------------ properties

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Cairo")
STEP = timedelta(minutes=5)
quarters = st.integers(0, 95)


@st.composite
def spans(draw: Any) -> list[dict[str, str]]:
    marks = sorted(draw(st.sets(quarters, max_size=6)))
    clock = [f"{mark // 4:02}:{mark % 4 * 15:02}" for mark in marks[: len(marks) // 2 * 2]]
    return [{"start": start, "end": end} for start, end in zip(clock[::2], clock[1::2], strict=True)]


@st.composite
def any_hours(draw: Any) -> BusinessHours:
    days = draw(st.dictionaries(st.sampled_from(WEEKDAYS), spans(), max_size=7))
    dates = draw(st.sets(st.sampled_from([f"2026-{month}-{day}" for month in ("03", "10") for day in range(24, 31)])))
    holidays = [{"date": date, "open": draw(spans())} for date in sorted(dates)]
    return hours(draw(st.sampled_from(ZONES)), days=days, holidays=holidays)


#: around the days on which these zones change their clocks
moments = st.sampled_from([datetime(2026, 3, 27, tzinfo=UTC), datetime(2026, 10, 23, tzinfo=UTC)]).flatmap(
    lambda day: st.integers(0, 4 * 288).map(lambda steps: day + steps * STEP)
)


@settings(max_examples=examples(60), derandomize=True, database=None)
@given(any_hours(), moments, st.integers(0, 300))
def test_open_time_is_the_sum_of_its_open_moments(given: BusinessHours, start: datetime, steps: int) -> None:
    walked = sum(is_open(given, start + step * STEP) for step in range(steps)) * STEP.total_seconds()
    assert open_seconds_between(given, start, start + steps * STEP) == walked


@settings(max_examples=examples(100), derandomize=True, database=None)
@given(any_hours(), moments)
def test_between_now_and_the_next_opening_or_closing_nothing_changes(given: BusinessHours, at: datetime) -> None:
    opens, closes = next_open(given, at), next_close(given, at)
    assert opens is None or (is_open(given, opens) and open_seconds_between(given, at, opens) == 0)
    assert closes is None or not is_open(given, closes)
    assert closes is None or open_seconds_between(given, at, closes) == (closes - at).total_seconds()
    assert is_open(given, at) == (opens == at)


@settings(max_examples=examples(100), derandomize=True, database=None)
@given(any_hours(), moments, st.integers(1, 40_000))
def test_counting_back_is_the_other_way_round(given: BusinessHours, at: datetime, seconds: int) -> None:
    since = open_since(given, at, seconds)
    later = since and since + timedelta(seconds=1)
    assert since is None or open_seconds_between(given, since, at) == seconds
    assert later is None or open_seconds_between(given, later, at) == seconds - 1


# -------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    "bad",
    [
        {"time_zone": "Mars/Base"},
        {"days": {"monday": []}},
        {"days": {"mon": [{"start": "17:00", "end": "09:00"}]}},
        {"days": {"mon": [{"start": "09:00", "end": "09:00"}]}},
        {"days": {"mon": [{"start": "09:00", "end": "12:00"}, {"start": "11:00", "end": "13:00"}]}},
        {"days": {"mon": [{"start": "20:00", "end": "00:00"}, {"start": "21:00", "end": "22:00"}]}},
        {"days": {"mon": [{"start": "09:00+02:00", "end": "12:00+02:00"}]}},
        {"holidays": [{"date": "2026-02-30"}]},
        {"holidays": [{"date": "2026-12-25"}, {"date": "2026-12-25"}]},
        {"holidays": [{"date": "2026-12-25", "yearly": True}, {"date": "2027-12-25", "yearly": True}]},
    ],
    ids=["zone", "weekday", "backwards", "empty", "overlap", "overlap at night", "offset", "no day", "twice", "twice yearly"],
)  # fmt: skip
def test_nonsense_is_refused(bad: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        hours(**bad)


# ------------------------------------------------------------- when so much of it has gone by


@pytest.mark.parametrize(
    ("start", "minutes", "end"),
    [
        ("10:00", 30, "10:30"),
        ("11:50", 30, "13:20"),  # over the lunch break
        ("12:30", 30, "13:30"),  # begun while it was closed
        ("07:00", 0, "09:00"),
    ],
)
def test_open_time_that_is_to_go_by_ends_in_open_hours(start: str, minutes: int, end: str) -> None:
    assert open_for(hours(), berlin("2026-03-02", start), 60 * minutes) == berlin("2026-03-02", end)


def test_open_time_that_is_to_go_by_goes_over_a_weekend_and_a_holiday() -> None:
    off = hours(holidays=[{"date": "2026-03-09"}])  # the Monday
    assert open_for(off, berlin("2026-03-06", "17:15"), 30 * 60) == berlin("2026-03-10", "09:15")


def test_where_it_never_opens_no_time_goes_by() -> None:
    assert open_for(every_day(), datetime(2026, 3, 2, tzinfo=UTC), 60) is None
    assert open_for(BusinessHours(), berlin("2026-03-02", "10:00"), 60) == berlin("2026-03-02", "10:01")


@given(st.datetimes(datetime(2026, 1, 1), datetime(2026, 12, 31)), st.integers(1, 10**6))
@settings(max_examples=examples(60))
def test_as_much_open_time_has_gone_by_as_was_asked_for(start: datetime, seconds: int) -> None:
    start = start.replace(tzinfo=UTC)
    end = open_for(hours(), start, seconds)
    assert end is not None
    assert open_seconds_between(hours(), start, end) == pytest.approx(seconds)
