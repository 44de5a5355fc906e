"""Personal data in a text is found, whole and alone, and hidden (MSG-3)."""

from __future__ import annotations

import pytest

from channels_app.words.personal import IBAN_LENGTHS, find_personal, masked

EVERYTHING = ("card_number", "iban", "national_id", "email", "phone", "profanity")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param("my card is 4111 1111 1111 1111, ok?", "my card is •••• 1111, ok?", id="card"),
        pytest.param("4111-1111-1111-1111", "•••• 1111", id="card alone"),
        pytest.param("4111 1111 1111 1111 123", "•••• 1111 123", id="card and its code"),
        pytest.param("4111111111111111 12/28 123", "•••• 1111 12/28 123", id="card, expiry and code"),
        pytest.param("1 4111 1111 1111 1111", "1 •••• 1111", id="a number before a card"),
        pytest.param("card-4111111111111111-", "card-•••• 1111-", id="card between dashes"),
        pytest.param("4111.1111.1111.1111", "•••• 1111", id="card with dots"),
        pytest.param("4111  1111\n1111\u00a01111", "•••• 1111", id="card with wide blanks"),
        pytest.param("4111 – 1111 – 1111 – 1111", "•••• 1111", id="card with long dashes"),
        pytest.param("4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "•••• 1111", id="card, spelled"),
        pytest.param("٤١١١١١١١١١١١١١١١", "•••• ١١١١", id="card in other digits"),
        pytest.param("4111 1111 1111 1111 5555 5555 5555 4444", "•••• 1111 •••• 4444", id="two cards"),
        pytest.param("9780306406157 1700000000003", "9780306406157 1700000000003", id="a book and a moment"),
        pytest.param("490154203237518", "490154203237518", id="a phone's serial number"),
        pytest.param("4111 1111 1111 1112", "4111 1111 1111 1112", id="no card"),
        pytest.param("DE89 3704 0044 0532 0130 00 THANK YOU", "•••• 3000 THANK YOU", id="iban and words"),
        pytest.param("de89370400440532013000", "•••• 3000", id="iban in small letters"),
        pytest.param("DE89-3704-0044-0532-0130-00", "•••• 3000", id="iban with dashes"),
        pytest.param("AB12 DE89 3704 0044 0532 0130 00", "AB12 •••• 3000", id="a word like its begin before an iban"),
        pytest.param("my id is 12345678Z", "my id is •••• 678Z", id="a state's number"),
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


def test_every_phone_number_of_a_long_text_is_found() -> None:
    text = "\n".join(f"+49151234{number:05}" for number in range(300))
    left = masked(text, find_personal(text, kinds=["phone"])).splitlines()
    assert left == [f"•••• {number:05}"[:5] + f"{number:05}"[-4:] for number in range(300)]


def test_what_is_a_stricter_kind_is_no_other() -> None:
    text = "DE02 1203 0000 0000 2020 51 and 4111 1111 1111 1111"
    assert find_personal(text, kinds=["phone"], region="DE") == []


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
