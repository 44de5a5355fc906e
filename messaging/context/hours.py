"""The sentences about hours, for people who wait for a human (TEN-2). Must not say them: messaging/hours/ does."""

from __future__ import annotations

import datetime

from messaging.context.hour_words import HOUR_WORDS, HourWords
from tenants.hours import BusinessHours, is_open, next_open
from tenants.tenant_settings import TenantSettings

HOUR, DAY = 60, 24 * 60  # minutes


def wait_words(chosen: TenantSettings, hours: BusinessHours, language: str, at: datetime.datetime) -> str:
    """What is added for a person who is to wait: how long that usually is. "" when nothing is known of it."""
    if not chosen.expected_reply_minutes or not is_open(hours, at):
        return ""
    words = _words(language)
    return words.expected.format(time=_lasting(words, chosen.expected_reply_minutes))


def place_words(
    chosen: TenantSettings, hours: BusinessHours, language: str, at: datetime.datetime, place: int | None
) -> str:
    """What a person who was handed over is told where no live number shows it; "" when nothing is known."""
    said = _words(language).place.format(n=place) if place else ""
    return " ".join(filter(None, (said, wait_words(chosen, hours, language, at))))


def later_words(hours: BusinessHours, language: str, at: datetime.datetime) -> str:
    """That it is closed, and when a human answers; "" while it is open."""
    if is_open(hours, at):
        return ""
    words, when = _words(language), _when(hours, language, at)
    return words.later.format(when=when) if when else words.someday


def closed_words(chosen: TenantSettings, hours: BusinessHours, language: str, at: datetime.datetime) -> str:
    """The out-of-hours reply: the tenant's for the language, else its general one, else ours. ``{opens}`` in the
    tenant's words is the next opening."""
    words, when = _words(language), _when(hours, language, at)
    own = {_short(name): said for name, said in chosen.out_of_hours_replies.items()}
    said = own.get(language) or chosen.out_of_hours_reply
    if said:
        return said.replace("{opens}", when)
    return words.closed.format(when=when) if when else words.shut


def _when(hours: BusinessHours, language: str, at: datetime.datetime) -> str:
    """The next opening as people there say it, by the tenant's clock; "" when none is known."""
    opens = next_open(hours, at)
    if opens is None:
        return ""
    words, local, today = _words(language), opens.astimezone(hours.zone), at.astimezone(hours.zone).date()
    clock, days = f"{local:%H:%M}", (local.date() - today).days
    if days < 2:
        said = (words.tomorrow if days else words.today).format(time=clock)
    elif days < 7:
        said = words.on_weekday.format(day=words.weekdays[local.weekday()], time=clock)
    else:
        said = words.on_date.format(day=local.day, month=words.months[local.month - 1], time=clock)
    return f"{said} ({local:%Z})"


def _lasting(words: HourWords, minutes: int) -> str:
    """Rounded up, for it is a promise."""
    if minutes < 2 * HOUR and minutes != HOUR:
        count, (one, several) = minutes, words.minutes
    elif minutes < 2 * DAY and minutes != DAY:
        count, (one, several) = -(-minutes // HOUR), words.hours
    else:
        count, (one, several) = -(-minutes // DAY), words.days
    return one if count == 1 else several.format(n=count)


def _words(language: str) -> HourWords:
    return HOUR_WORDS.get(language, HOUR_WORDS["en"])


def _short(language: str) -> str:
    return language.split("-")[0]
