"""Finding values in what people write, and refusing malformed lessons."""

from __future__ import annotations

import time

import pytest
from django.core.exceptions import ValidationError

from assistant.checks import check_responses, check_slots, check_texts
from assistant.slots import entities, fill, missing, value_in


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("write to ann.b+c@mail.example.org, please", {"email": "ann.b+c@mail.example.org"}),
        ("see https://example.org/a?b=1", {"url": "https://example.org/a?b=1"}),
        ("on 2026-03-04", {"date": "2026-03-04"}),
        ("am 4.3.2026 um 5", {"date": "2026-03-04", "number": "5"}),
        ("call +49 30 1234567", {"phone": "+49301234567"}),
        ("it cost €12.50", {"money": "12.50 EUR"}),
        ("two or 3 of them", {"number": "3"}),
        ("AC-10042", {"order": "AC-10042"}),
        ("I was charged 1.234,50 € twice", {"money": "1234.50 EUR"}),
        ("3,000 USD", {"money": "3000 USD"}),
        ("31.02.2026", {}),
        ("on 3 April", {"date": "3 April"}),
        ("nothing here", {}),
    ],
)
def test_entities(text, found):
    assert entities(text) == found


def test_a_number_without_a_country_is_read_by_the_tenants_region():
    assert value_in({"entity": "phone"}, "030 1234567", "DE") == "+49301234567"
    assert value_in({"entity": "phone"}, "030 1234567") is None


CHOICES = {"choices": ["Red", {"title": "Dark blue", "value": "navy"}]}


@pytest.mark.parametrize(
    ("slot", "text", "value"),
    [
        ({"entity": "email"}, "it is a@b.example", "a@b.example"),
        ({"entity": "email"}, "none", None),
        ({"pattern": r"AC-?(\d+)"}, "ac-17", "17"),
        ({"pattern": r"AC-\d+"}, "AC-17 or AC-18", "AC-17"),
        ({"pattern": r"x(y)?"}, "x", None),
        (CHOICES, "the RED one", "Red"),
        (CHOICES, "dark blue please", "navy"),
        (CHOICES, "navy", "navy"),
        (CHOICES, "reddish", None),
        (CHOICES, "navy, not red", "Red"),  # the choices' order counts, not the text's
        ({"choices": ["a.b", "axb"]}, "the axb", "axb"),
        ({}, "anything", None),
    ],
)
def test_value_in(slot, text, value):
    assert value_in(slot, text) == value


def test_a_slow_pattern_is_given_up():
    started = time.process_time()
    assert value_in({"pattern": r"(a+)+$"}, "a" * 4000 + "b") is None
    assert time.process_time() - started < 2


def test_fill_keeps_what_is_there_and_missing_names_the_next():
    slots = [{"name": "a", "pattern": "a+"}, {"name": "b", "pattern": "b+"}, {"name": "c", "required": False}]
    filled = fill(slots, {"a": "kept"}, "aaa")
    assert filled == {"a": "kept"}
    assert missing(slots, filled)["name"] == "b"
    assert missing(slots, fill(slots, filled, "bb")) is None


@pytest.mark.parametrize(
    "value", [None, "text", [""], ["  "], [1], ["x" * 501], ["x"] * 1001], ids=lambda value: repr(value)[:12]
)
def test_texts_refused(value):
    with pytest.raises(ValidationError):
        check_texts(value)


@pytest.mark.parametrize(
    "value",
    [
        None,
        "text",
        [""],
        [5],
        [{"type": "text"}],
        [{"type": "image", "text": "x"}],
        [["fine", {"type": "?"}]],
        ["x" * 5000],
    ],
    ids=lambda value: repr(value)[:20],
)
def test_responses_refused(value):
    with pytest.raises(ValidationError):
        check_responses(value)


def test_responses_taken():
    check_responses(["Text", {"type": "text", "text": "x"}, ["one", {"type": "text", "text": "two"}]])


@pytest.mark.parametrize(
    "members",
    [
        {"name": "not a name"},
        {"name": 5},
        {"prompt": ""},
        {"retry": 5},
        {"entity": "unheard"},
        {"entity": ["email"]},
        {"pattern": "("},
        {"pattern": "x" * 201},
        {"pattern": 5},
        {"choices": "abc"},
        {"choices": [5]},
        {"choices": [{"value": "x"}]},
        {"choices": ["x" * 21]},
        {"choices": ["x"] * 11},
        {"unheard": 1},
    ],
    ids=str,
)
def test_slots_refused(members):
    with pytest.raises(ValidationError):
        check_slots([{"name": "a", "prompt": "A?", **members}])


@pytest.mark.parametrize("value", [None, {}, ["a"], [{"name": "a", "prompt": "A?"}] * 2], ids=str)
def test_lists_of_slots_refused(value):
    with pytest.raises(ValidationError):
        check_slots(value)


def test_slots_taken():
    check_slots([{"name": "a", "prompt": "A?", "choices": ["x", {"title": "y", "value": "z"}], "required": False}])
