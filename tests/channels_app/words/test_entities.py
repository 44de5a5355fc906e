from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels_app.words.entities import MAX_ENTITIES, find_entities


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see https://a.de/x_(y). ok", [("url", "https://a.de/x_(y)", "https://a.de/x_(y)")]),
        ("(https://a.de/q?a=1&b=2)", [("url", "https://a.de/q?a=1&b=2", "https://a.de/q?a=1&b=2")]),
        ("www.b.de/q!", [("url", "www.b.de/q", "www.b.de/q")]),
        ("Bob.X+y@Example.com.", [("email", "bob.x+y@example.com", "Bob.X+y@Example.com")]),
        ("https://a.de/?m=a@b.de", [("url", "https://a.de/?m=a@b.de", "https://a.de/?m=a@b.de")]),
        ("on 2024-05-01,", [("date", "2024-05-01", "2024-05-01")]),
        ("01.05.2024 or 1.5.24", [("date", "2024-05-01", "01.05.2024"), ("date", "2024-05-01", "1.5.24")]),
        ("25/12/2024", [("date", "2024-12-25", "25/12/2024")]),
        ("5/5/2024", [("date", "2024-05-05", "5/5/2024")]),
        ("5/1/2024", [("date", "5/1/2024", "5/1/2024")]),
        ("May 1, 2024", [("date", "2024-05-01", "May 1, 2024")]),
        ("1. Mai 2024", [("date", "2024-05-01", "1. Mai 2024")]),
        ("3 de mayo de 2025", [("date", "2025-05-03", "3 de mayo de 2025")]),
        ("am 29. Februar", [("date", "29. Februar", "29. Februar")]),
        ("31.02.2024", []),
        ("may 5 people come?", []),
        ("version 1.2.3 at 192.168.0.1", []),
        ("1.234,50 €", [("money", "1234.50 EUR", "1.234,50 €")]),
        ("$1,234.50!", [("money", "1234.50 USD", "$1,234.50")]),
        ("EUR 1,000", [("money", "1000 EUR", "EUR 1,000")]),
        ("12 euros, 5 chf", [("money", "12 EUR", "12 euros"), ("money", "5 CHF", "5 chf")]),
        ("12 people", []),
        ("coûte 12€50.", [("money", "12.50 EUR", "12€50")]),
        ("12€500", [("money", "12 EUR", "12€")]),
        ("10 dólares o 5 reais", [("money", "10 USD", "10 dólares"), ("money", "5 BRL", "5 reais")]),
        ("9.90 Franken", [("money", "9.90 CHF", "9.90 Franken")]),
        ("2026-11-28-4711", []),
        ("030-901-820", [("phone", "+4930901820", "030-901-820")]),
        ("order #a-12345", [("order", "A-12345", "order #a-12345")]),
        ("Bestellung Nr. 998877", [("order", "998877", "Bestellung Nr. 998877")]),
        ("#4711 and AB-12345", [("order", "4711", "#4711"), ("order", "AB-12345", "AB-12345")]),
        ("in order to win, #hashtag", []),
        ("+49 30 901820", [("phone", "+4930901820", "+49 30 901820")]),
        ("0049 (30) 901820", [("phone", "+4930901820", "0049 (30) 901820")]),
        ("030 901820", [("phone", "+4930901820", "030 901820")]),
        ("12345678901234567890", []),
        ("nothing here", []),
        ("", []),
    ],
    ids=str,
)
def test_finds(text, expected):
    found = find_entities(text, region="DE")
    assert [(entity.type, entity.value, text[entity.start : entity.end]) for entity in found] == expected


def test_a_local_number_needs_a_region():
    assert find_entities("call 030 901820") == ()


def test_the_number_of_finds_is_bounded():
    assert len(find_entities("a@b.de " * 200)) == MAX_ENTITIES


@given(
    st.lists(
        st.sampled_from(
            ["1", "2024", ".", "/", "-", " ", "€", "may", "order", "#", "+49", "a@b.de", "٣", "https://a.de"]
        )
    )
)
def test_spans_are_in_order_and_never_overlap(pieces):
    text = "".join(pieces)
    found = find_entities(text, region="DE")
    spans = [place for entity in found for place in (entity.start, entity.end)]
    assert spans == sorted(spans)
    assert all(entity.start < entity.end <= len(text) and entity.value for entity in found)


SUMS = {
    "CHF 1’234.50": "1234.50 CHF", "1\u202f234,50 €": "1234.50 EUR", "1\u00a0234 €": "1234 EUR", "₹1,23,456.78": "123456.78 INR",
    "₹ 12,34,567": "1234567 INR", "R$ 1.234,56": "1234.56 BRL", "US$ 20": "20 USD", "A$20": "20 AUD", "1 234 Kč": "1234 CZK",
    "1.234,56 TL": "1234.56 TRY", "12,345円です": "12345 JPY", "￥500": "500 JPY", "₩10,000": "10000 KRW", "1 234 руб.": "1234 RUB",
}  # fmt: skip


@pytest.mark.parametrize("said", SUMS)
def test_a_sum_is_read_as_its_country_writes_it(said):
    assert [(one.type, one.value) for one in find_entities(f"за {said} ok", region="DE")] == [("money", SUMS[said])]


@pytest.mark.parametrize(
    "said", ["$20.5k", "12,5 Mio. €", "₹2 lakh", "5 млн ₽", "€ 3 million", "USD 1.5bn", "1’23.50 CHF"]
)
def test_of_a_sum_that_says_more_than_its_digits_no_part_is_taken(said):
    assert find_entities(said) == ()


DAYS = {
    "3 kwietnia 2026": "pl", "3. dubna 2026": "cs", "3 Nisan 2026": "tr", "3 апреля 2026": "ru", "3 квітня 2026": "uk",
    "3 april 2026": "nl", "den 3 april 2026": "sv", "3. huhtikuuta 2026": "fi", "2026年4月3日": "ja", "3 avril 2026": "fr",
    "3 de abril de 2026": "pt", "2026/04/03": "zh", "2026.04.03": "ko", "2026-04-03T10:00:00Z": "iso",
}  # fmt: skip


@pytest.mark.parametrize("said", DAYS)
def test_a_day_is_read_in_each_language(said):
    assert [(one.type, one.value) for one in find_entities(said, region="DE")] == [("date", "2026-04-03")]


def test_the_first_of_a_month_in_french():
    assert [one.value for one in find_entities("le 1er février 2026")] == ["2026-02-01"]


@pytest.mark.parametrize("said", ["29.02.2025", "31.02.2026", "2026/13/03", "2026.02.30"])
def test_a_day_that_there_is_not_is_no_telephone_either(said):
    assert find_entities(said, region="DE") == ()


def test_a_wide_plus_is_a_plus():
    assert [one.value for one in find_entities("＋49 151 23456789", region="FR")] == ["+4915123456789"]
