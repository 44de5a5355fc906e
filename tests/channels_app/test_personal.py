"""Personal data in a text is found, whole and alone, and hidden (MSG-3)."""

from __future__ import annotations

import pytest

from channels_app.words.personal import IBAN_LENGTHS, find_personal, masked

EVERYTHING = ("card_number", "iban", "email", "phone", "profanity")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param("my card is 4111 1111 1111 1111, ok?", "my card is •••• 1111, ok?", id="card"),
        pytest.param("4111-1111-1111-1111", "•••• 1111", id="card alone"),
        pytest.param("4111 1111 1111 1112", "4111 1111 1111 1112", id="no card"),
        pytest.param("DE89 3704 0044 0532 0130 00 THANK YOU", "•••• 3000 THANK YOU", id="iban and words"),
        pytest.param("de89370400440532013000", "•••• 3000", id="iban in small letters"),
        pytest.param("GB82WEST12345698765432.", "•••• 5432.", id="iban with letters"),
        pytest.param("DE89370400440532013001", "DE89370400440532013001", id="iban with a wrong check"),
        pytest.param("DE893704004405320130001", "DE893704004405320130001", id="longer than an iban"),
        pytest.param("write to Ann.Lee+x@mail.example.com now", "write to •••@mail.example.com now", id="e-mail"),
        pytest.param("call +49 1512 3456789 or 0151 23456780", "call •••• 6789 or •••• 6780", id="phones"),
        pytest.param("you FOOL, foolish", "you ••••, foolish", id="a tenant's word, whole"),
        pytest.param("order AC-10042 of 2026-01-05 for 12,50 €", "order AC-10042 of 2026-01-05 for 12,50 €", id="none"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_what_is_left_to_be_read(text: str, kept: str) -> None:
    found = find_personal(text, kinds=EVERYTHING, words=frozenset(["fool"]), region="DE")
    assert masked(text, found) == kept


def test_only_what_is_named_is_found() -> None:
    text = "4111 1111 1111 1111, ann@example.com"
    assert [kind for kind, _, _ in find_personal(text, kinds=["email"])] == ["email"]
    assert find_personal(text, kinds=[]) == []


def test_what_was_hidden_is_found_no_more() -> None:
    text = "4111 1111 1111 1111 DE89370400440532013000 ann@example.com +4915123456789"
    once = masked(text, find_personal(text, kinds=EVERYTHING))
    again = masked(once, find_personal(once, kinds=("card_number", "iban", "phone")))
    assert again == once


def test_a_part_of_an_account_number_is_no_card() -> None:
    text = "DE02 1203 0000 0000 2020 51"
    assert [kind for kind, _, _ in find_personal(text, kinds=EVERYTHING)] == ["iban"]


def test_the_registry_of_account_numbers() -> None:
    assert {IBAN_LENGTHS[country] for country in ("DE", "FR", "NO", "MT")} == {22, 27, 15, 31}
    assert all(15 <= length <= 34 for length in IBAN_LENGTHS.values())
