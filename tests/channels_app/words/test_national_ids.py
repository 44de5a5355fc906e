"""Numbers by which a state knows a person are told from other numbers by their check digits (MSG-3)."""

from __future__ import annotations

import pytest

from channels_app.words.personal.national_ids import NATIONAL_IDS, ids_in

#: country → the example of its authority or of its encyclopedia entry, and the same with one character wrong
EXAMPLES = {
    "BE": ("85.07.30-033.28", "85.07.30-033.29"),
    "BR": ("529.982.247-25", "529.982.247-24"),
    "CH": ("756.9217.0769.85", "756.9217.0769.84"),
    "CN": ("11010519491231002X", "110105194912310021"),
    "DE": ("86 095 742 719", "86 095 742 718"),
    "ES": ("12345678Z", "12345678A"),
    "FI": ("131052-308T", "131052-308U"),
    "FR": ("2 55 08 14 168 025 38", "2 55 08 14 168 025 39"),
    "IT": ("RSSMRA85T10A562S", "RSSMRA85T10A562T"),
    "MX": ("HEGG560427MVZRRL04", "HEGG560427MVZRRL05"),
    "SE": ("811218-9876", "811218-9875"),
}


def test_every_country_has_an_example() -> None:
    assert EXAMPLES.keys() == NATIONAL_IDS.keys()


@pytest.mark.parametrize("country", EXAMPLES)
def test_a_number_is_found_and_a_wrong_one_is_not(country: str) -> None:
    right, wrong = EXAMPLES[country]
    text = f"my number: {right}, thanks"
    assert [text[start:end] for start, end in ids_in(text)] == [right]
    assert list(ids_in(f"my number: {wrong}, thanks")) == []
    assert list(ids_in(f"X{right}7")) == []


@pytest.mark.parametrize(
    ("text", "right"),
    [
        pytest.param("X-1234567-L", True, id="a foreigner's in Spain"),
        pytest.param("rssmra85t10a562s", True, id="small letters"),
        pytest.param("11223456785", False, id="German: two digits stand twice"),
        pytest.param("111.111.111-11", False, id="Brazilian: one digit alone"),
        pytest.param("order 4711003456 of 2026-01-05", False, id="an order"),
        pytest.param("192.168.100.200", False, id="an address of the Internet"),
        pytest.param("0192f0d0-7b1a-7c3e-9a55-0000000000fa", False, id="an id of ours"),
    ],
)
def test_other_numbers_are_told_from_them(text: str, right: bool) -> None:
    assert bool(list(ids_in(text))) is right
