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
