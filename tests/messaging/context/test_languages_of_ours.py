"""What the service says by itself is said in each language of the widget (TEN-2, WEB-1)."""

from __future__ import annotations

from dataclasses import fields
from datetime import datetime
from string import Formatter
from typing import Any

import pytest
from django.conf import settings

from messaging.context.hour_words import HOUR_WORDS, HourWords
from messaging.context.hours import closed_words, later_words, place_words
from messaging.context.wording import ENTRIES, FALLBACKS
from tenants.hours import BusinessHours
from tenants.tenant_settings import TenantSettings

LANGUAGES = {file.stem for file in (settings.BASE_DIR / "static/widget/strings").glob("*.json")}
HOURS = BusinessHours.model_validate(
    {"time_zone": "Europe/Warsaw", "days": {"mon": [{"start": "09:00", "end": "17:00"}]}}
)


def blanks(said: Any) -> Any:
    """What is filled in."""
    if isinstance(said, tuple):
        return [blanks(one) for one in said]
    return {name for _, name, _, _ in Formatter().parse(said) if name}


def test_no_language_of_the_widget_lacks_a_sentence() -> None:
    assert all(set(said) == LANGUAGES for said in (HOUR_WORDS, *ENTRIES.values()))
    assert {*FALLBACKS, "en"} == LANGUAGES


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_each_fills_in_what_the_english_does(language: str) -> None:
    for member in fields(HourWords):
        told, english = (getattr(HOUR_WORDS[which], member.name) for which in (language, "en"))
        assert blanks(told) == blanks(english), member.name
        assert not isinstance(told, tuple) or len(told) == len(english)


def at(wall: str) -> datetime:
    return datetime.fromisoformat(wall).replace(tzinfo=HOURS.zone)


@pytest.mark.parametrize(
    ("language", "wall", "words"),
    [
        ("pl", "2026-03-02T08:00", "Nasz konsultant odpowie dzisiaj o 09:00 (CET)."),
        ("pl", "2026-02-24T08:00", "Nasz konsultant odpowie w poniedziałek o 09:00 (CET)."),
        ("tr", "2026-03-01T08:00", "Bir çalışma arkadaşımız yarın saat 09:00 (CET) yanıt verecek."),
        ("ja", "2026-03-02T18:00", "担当者が3月9日09:00 (CET)にお返事いたします。"),
        ("zh", "2026-02-25T08:00", "同事将在星期一09:00 (CET)回复您。"),
        ("ar", "2026-03-02T08:00", "سيرد عليك أحد الزملاء اليوم الساعة 09:00 (CET)."),
    ],
)
def test_the_next_opening_is_told_as_people_there_say_it(language: str, wall: str, words: str) -> None:
    assert later_words(HOURS, language, at(wall)) == words
    assert closed_words(TenantSettings(), HOURS, language, at(wall))


def test_the_place_and_the_wait_are_told_in_polish() -> None:
    told = place_words(TenantSettings(expected_reply_minutes=5), HOURS, "pl", at("2026-03-02T10:00"), 3)
    assert told == "Numer w kolejce: 3. Zwykle odpowiadamy w ciągu 5 minut."
