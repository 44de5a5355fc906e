"""The dashboard's charts, as the data that the theme's chart component draws. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from messaging.figures.read import Report, ratings_of
from messaging.figures.sheet import Sheet

BLUE, GREEN, AMBER, RED, VIOLET = "#2a78d6", "#1baf7a", "#eda100", "#e34948", "#7c6ae6"
TICKS = 8


def talks_chart(days: Mapping[date, Sheet], *, people: bool) -> str:
    """Lines by day: began, handed over, ended; of a team or a member of staff what begins with them."""
    names = (("escalated", "Handed over", AMBER), ("ended", "Ended", GREEN))
    return _by_day(days, names if people else (("started", "Started", BLUE), *names), type="line")


def messages_chart(days: Mapping[date, Sheet]) -> str:
    """Stacks by day: of people, of the bot, of colleagues."""
    lines = (("received", "Received", BLUE), ("sent_by_bot", "Bot", VIOLET), ("sent_by_staff", "Colleagues", GREEN))
    return _by_day(days, lines, type="bar")


def ratings_chart(sheet: Sheet) -> str:
    given = ratings_of(sheet)
    colours = [RED, AMBER, AMBER, GREEN, GREEN]
    data = {"data": list(given.values()), "backgroundColor": colours, "maxBarThickness": 44, "displayYAxis": True}
    return json.dumps({"labels": ["1 ★", "2 ★", "3 ★", "4 ★", "5 ★"], "datasets": [{"label": "Ratings", **data}]})


def _by_day(days: Mapping[date, Sheet], lines: Sequence[tuple[str, str, str]], *, type: str) -> str:
    labels = [f"{day:%b} {day.day}" for day in days]
    datasets: list[dict[str, Any]] = [
        {
            "label": label, "data": [sheet.counts[name] for sheet in days.values()], "borderColor": colour,
            "backgroundColor": colour, "maxTicksXLimit": TICKS, "displayYAxis": True, "tension": 0.3,
            **({"stack": "all", "maxBarThickness": 16, "borderRadius": 2} if type == "bar" else {}),
        }
        for name, label, colour in lines
    ]  # fmt: skip
    return json.dumps({"labels": labels, "datasets": datasets})


def described(told: Report, names: Sequence[tuple[str, str]]) -> str:
    """What a chart shows, for those who do not see it."""
    return ", ".join(f"{label}: {told.total.counts[name]:,}" for name, label in names)
