"""Personal data in a text: payment cards, bank accounts, a state's numbers of people, e-mail addresses, phone numbers; and a
text without them (MSG-3).

Owns where they stand and what is left to be read of each. Must not decide what is hidden: the tenant's rules do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache

import regex

from channels_app.words.entities import EMAIL, find_phones
from channels_app.words.personal.national_ids import ids_in, luhn

DIGITS = regex.compile(r"\d+")
MANY_DIGITS = regex.compile(r"\d(?:[^\d\p{L}]{0,3}\d){12}")  # without so many there is no card's number
BETWEEN = regex.compile(r"[\s._–—-]{1,3}")  # what stands between the groups of one number
#: first digits and lengths of the networks of payment cards: Visa, Mastercard, Mir, American Express, Diners Club, JCB,
#: Maestro and Discover with UnionPay and RuPay, Troy
NETWORKS = regex.compile(
    r"4[0-9]{12}(?:[0-9]{3}){0,2}|5[1-5][0-9]{14}|2(?:22[1-9]|2[3-9][0-9]|[3-6][0-9]{2}|7[01][0-9]|720)[0-9]{12}|"
    r"220[0-4][0-9]{12,15}|3[47][0-9]{13}|3(?:0[0-5]|[689][0-9])[0-9]{11,16}|35[2-8][0-9]{13,16}|"
    r"(?:50|5[6-8]|6[0-9])[0-9]{11,17}|8[12][0-9]{14}|9792[0-9]{12}"
)
MOST_GROUPS = 8  # of a card's number that stands among other numbers, as its expiry
CARD_LENGTHS = range(13, 20)
IBAN = regex.compile(r"(?<![\p{L}\d])[A-Za-z]{2}\d{2}(?:[\s.-]?[A-Za-z\d]){11,30}")
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

NUMBERS = frozenset({"iban", "card_number", "national_id", "phone"})

#: kind, begin and end of a find
Found = tuple[str, int, int]


def find_personal(
    text: str, *, kinds: Iterable[str], words: frozenset[str] = frozenset(), region: str | None = None
) -> list[Found]:
    """Where ``text`` holds what ``kinds`` names (card_number, iban, national_id, email, phone, profanity), by place, none within
    another. ``words``: a tenant's own, found as profanity. ``region``: as `find_entities`."""
    found: list[Found] = []
    taken = bytearray(len(text))  # characters that are of a find
    for kind, spans in _readers(text, frozenset(kinds), words, region):
        for start, end in spans:
            if any(taken[start:end]):
                continue
            taken[start:end] = b"\x01" * (end - start)
            found += [(kind, start, end)] if kind else []
    return sorted(found, key=lambda one: one[1])


def masked(text: str, found: Collection[Found]) -> str:
    """``text`` with what was found hidden: of numbers the last four characters stay, of an e-mail address its domain."""
    parts, at = [], 0
    for kind, start, end in found:
        parts += [text[at:start], _hidden(kind, text[start:end])]
        at = end
    return "".join([*parts, text[at:]])


def has_card_number(text: str) -> bool:
    """Whether ``text`` holds a number of a network of payment cards, 13 to 19 digits that pass its check (Luhn)."""
    return any(True for _ in _cards(text))


@lru_cache(maxsize=256)
def word_pattern(words: frozenset[str]) -> regex.Pattern[str]:
    """Any of ``words``, whole, whatever its case."""
    listed = "|".join(regex.escape(word) for word in sorted(words, key=len, reverse=True) if word.strip())
    return regex.compile(rf"(?<!\w)(?:{listed or r'(?!)'})(?!\w)", regex.I | regex.FULLCASE)


def _readers(
    text: str, kinds: frozenset[str], words: frozenset[str], region: str | None
) -> Iterator[tuple[str, Iterator[tuple[int, int]]]]:
    """The strictest first: a part of an account number can look like a card's, and a card's like a phone's. What no kind of
    ``kinds`` is comes as "": it is nothing else either."""

    def named(kind: str) -> str:
        return kind if kind in kinds else ""

    if not kinds.isdisjoint(NUMBERS):
        yield named("iban"), _ibans(text)
        if "national_id" in kinds:
            yield "national_id", ids_in(text)
        yield named("card_number"), _cards(text)
    if "email" in kinds and "@" in text:
        yield "email", (match.span() for match in EMAIL.finditer(text))
    if "phone" in kinds:
        yield "phone", iter(find_phones(text, region=region))
    if "profanity" in kinds and words:
        yield "profanity", (match.span() for match in word_pattern(words).finditer(text))


def _cards(text: str) -> Iterator[tuple[int, int]]:
    """A number is written in groups; others may stand right before and behind it, as its expiry."""
    if MANY_DIGITS.search(text) is None:
        return
    for groups in _runs(text):
        first = 0
        while first < len(groups):
            last = _card_from(text, groups, first)
            if last is None:
                first += 1
            else:
                yield groups[first][0], groups[last][1]
                first = last + 1


def _card_from(text: str, groups: Sequence[tuple[int, int]], first: int) -> int | None:
    """The last of the groups of digits that from the first on are a card's number, of the longest such number."""
    if text[groups[first][0] - 1 : groups[first][0]] == "+":
        return None  # a phone's
    found, number = None, ""
    most = len(groups) if first == 0 else first + MOST_GROUPS
    for place in range(first, min(most, len(groups), first + CARD_LENGTHS[-1])):
        number += text[slice(*groups[place])]
        if len(number) > CARD_LENGTHS[-1]:
            break
        if len(number) in CARD_LENGTHS and _is_card(number):
            found = place
    return found


def _runs(text: str) -> Iterator[list[tuple[int, int]]]:
    """Groups of digits with no more between them than between those of one number."""
    run: list[tuple[int, int]] = []
    for match in DIGITS.finditer(text):
        if run and not BETWEEN.fullmatch(text, run[-1][1], match.start()):
            yield run
            run = []
        run.append(match.span())
    if run:
        yield run


def _is_card(written: str) -> bool:
    digits = written if written.isascii() else "".join(str(int(digit)) for digit in written)  # of any script
    return NETWORKS.fullmatch(digits) is not None and len(set(digits)) > 1 and luhn(digits)


def _ibans(text: str) -> Iterator[tuple[int, int]]:
    """As many characters as the country's numbers have: words may follow behind a blank."""
    done = 0
    for match in IBAN.finditer(text, overlapped=True):
        wanted, end, number = IBAN_LENGTHS.get(match[0][:2].upper(), 0), match.start(), ""
        for character in match[0]:
            if len(number) == wanted:
                break
            number += character if character.isalnum() else ""
            end += 1
        behind = text[end : end + 1]
        is_one = len(number) == wanted and not behind.isalnum() and _passes_mod_97(number)
        if is_one and match.start() >= done:
            done = end
            yield match.start(), end


def _passes_mod_97(number: str) -> bool:
    """ISO/IEC 7064: the country and check digits behind the rest, letters as two digits."""
    turned = number[4:] + number[:4]
    return int("".join(str(int(character, 36)) for character in turned)) % 97 == 1


def _hidden(kind: str, written: str) -> str:
    """Never longer than what was written: it has to fit where that stood."""
    if kind == "email":
        name, _, domain = written.rpartition("@")
        return f"{HIDDEN * min(len(name), 3)}@{domain}"
    last = [character for character in written if character.isalnum()][-SHOWN:]
    if kind == "profanity" or len(written) <= 2 * SHOWN:
        return HIDDEN * len(written)
    return f"{HIDDEN * SHOWN} {''.join(last)}"
