"""Personal data in a text: payment cards, bank accounts, e-mail addresses, phone numbers; and a text without them (MSG-3).

Owns where they stand and what is left to be read of each. Must not decide what is hidden: the tenant's rules do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache

import regex

from channels_app.words.entities import EMAIL, find_entities

CARD = regex.compile(r"(?<![\d-])\d(?:[ -]?\d){12,18}(?![\d-])")
IBAN = regex.compile(r"(?<![\p{L}\d])[A-Za-z]{2}\d{2}(?: ?[A-Za-z\d]){11,30}")
#: characters of an account number by its country: ISO 13616, registry of SWIFT
IBAN_LENGTHS = {
    country: length
    for length, countries in {
        15: "NO", 16: "BE", 18: "DK FI FO GL NL SD FK", 19: "MK SI", 20: "AT BA EE KZ LT LU MN XK", 21: "CH HR LI LV",
        22: "BG BH CR DE GB GE IE ME RS VA", 23: "AE GI IL IQ OM SO TL", 24: "AD CZ ES MD PK RO SA SE SK TN VG",
        25: "LY PT ST", 26: "IS TR", 27: "BI DJ FR GR IT MC MR SM", 28: "AL AZ BY CY DO GT HN HU LB NI PL SV",
        29: "BR EG PS QA UA", 30: "JO KW MU YE", 31: "MT SC", 32: "LC", 33: "RU",
    }.items()
    for country in countries.split()
}  # fmt: skip
HIDDEN = "•"
SHOWN = 4  # last characters of a number that stay, so that a person and a colleague can talk about it

#: kind, begin and end of a find
Found = tuple[str, int, int]


def find_personal(
    text: str, *, kinds: Collection[str], words: frozenset[str] = frozenset(), region: str | None = None
) -> list[Found]:
    """Where ``text`` holds what ``kinds`` names (card_number, iban, email, phone, profanity), by place, none within
    another. ``words``: a tenant's own, found as profanity. ``region``: as `find_entities`."""
    taken: list[Found] = []
    for kind, spans in _readers(text, kinds, words, region):
        for start, end in spans:
            if all(end <= begin or start >= done for _, begin, done in taken):
                taken.append((kind, start, end))
    return sorted(taken, key=lambda found: found[1])


def masked(text: str, found: Collection[Found]) -> str:
    """``text`` with what was found hidden: of numbers the last four characters stay, of an e-mail address its domain."""
    parts, at = [], 0
    for kind, start, end in found:
        parts += [text[at:start], _hidden(kind, text[start:end])]
        at = end
    return "".join([*parts, text[at:]])


def has_card_number(text: str) -> bool:
    """Whether ``text`` holds 13 to 19 digits that pass the check of payment cards (Luhn, ISO/IEC 7812)."""
    return any(True for _ in _cards(text))


@lru_cache(maxsize=256)
def word_pattern(words: frozenset[str]) -> regex.Pattern[str]:
    """Any of ``words``, whole, whatever its case."""
    listed = "|".join(regex.escape(word) for word in sorted(words, key=len, reverse=True) if word.strip())
    return regex.compile(rf"(?<!\w)(?:{listed or r'(?!)'})(?!\w)", regex.I | regex.FULLCASE)


def _readers(
    text: str, kinds: Collection[str], words: frozenset[str], region: str | None
) -> Iterator[tuple[str, Iterator[tuple[int, int]]]]:
    """The strictest first: a part of an account number can look like a card's, and a card's like a phone's."""
    if "iban" in kinds or "card_number" in kinds or "phone" in kinds:
        numbers = {"iban": list(_ibans(text)), "card_number": list(_cards(text))}
        for kind, spans in numbers.items():
            if kind in kinds:
                yield kind, iter(spans)
    if "email" in kinds and "@" in text:
        yield "email", (match.span() for match in EMAIL.finditer(text))
    if "phone" in kinds:
        found = find_entities(text, region=region)
        yield "phone", ((one.start, one.end) for one in found if one.type == "phone")
    if "profanity" in kinds and words:
        yield "profanity", (match.span() for match in word_pattern(words).finditer(text))


def _cards(text: str) -> Iterator[tuple[int, int]]:
    return (match.span() for match in CARD.finditer(text) if _passes_luhn(match[0]))


def _passes_luhn(written: str) -> bool:
    digits = [int(character) for character in reversed(written) if character.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[1::2]]
    return len(set(digits)) > 1 and (sum(digits[0::2]) + sum(doubled)) % 10 == 0


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    """As many characters as the country's numbers have: words may follow behind a blank."""
    for match in IBAN.finditer(text):
        wanted, end, number = IBAN_LENGTHS.get(match[0][:2].upper(), 0), match.start(), ""
        for character in match[0]:
            if len(number) == wanted:
                break
            number += character.strip()
            end += 1
        behind = text[end : end + 1]
        if len(number) == wanted and not behind.isalnum() and _passes_mod_97(number):
            yield match.start(), end


def _passes_mod_97(number: str) -> bool:
    """ISO/IEC 7064: the country and check digits behind the rest, letters as two digits."""
    turned = number[4:] + number[:4]
    return int("".join(str(int(character, 36)) for character in turned)) % 97 == 1


def _hidden(kind: str, written: str) -> str:
    if kind == "email":
        return f"{HIDDEN * 3}@{written.rpartition('@')[2]}"
    if kind == "profanity":
        return HIDDEN * len(written)
    last = [character for character in written if character.isalnum()][-SHOWN:]
    return f"{HIDDEN * SHOWN} {''.join(last)}"
