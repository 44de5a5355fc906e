"""Numbers by which a state knows a person, where their check digits make them certain (MSG-3).

Owns their shapes and checks, by country (ISO 3166). A number without a check, or one that a tenth of all numbers of its
length pass, is not told from an order's number and has no line here (United States, United Kingdom, Netherlands, Poland).
"""

from __future__ import annotations

import string
from collections.abc import Callable, Iterator
from datetime import date

import regex

SPANISH = "TRWAGMYFPDXBNJZSQVHLCKE"
FINNISH = "0123456789ABCDEFHJKLMNPRSTUVWXY"
MEXICAN = "0123456789ABCDEFGHIJKLMNÑOPQRSTUVWXYZ"
ITALIAN_ODD = dict(
    zip(
        string.digits + string.ascii_uppercase,
        (1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22,
         25, 24, 23),
        strict=True,
    )
)  # fmt: skip


def ids_in(text: str) -> Iterator[tuple[int, int]]:
    """Where they stand, country after country: two of them may overlap."""
    if DIGITS.search(text) is None:
        return
    for shape, is_right in NATIONAL_IDS.values():
        for match in shape.finditer(text):
            if is_right("".join(filter(str.isalnum, match[0])).upper()):
                yield match.span()


def luhn(digits: str) -> bool:
    """ISO/IEC 7812: also of payment cards. ``digits``: of ASCII."""
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (doubled + sum(map(int, digits[-1::-2]))) % 10 == 0


def _weighed(number: str, weights: range | tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(number, weights, strict=False))


def _is_date(year: str, month: str, day: str) -> bool:
    try:
        return bool(date(int(year), int(month), int(day)))
    except ValueError:
        return False


def _belgium(number: str) -> bool:
    return int(number[9:]) in (97 - int(number[:9]) % 97, 97 - int("2" + number[:9]) % 97)


def _brazil(number: str) -> bool:
    checks = (_weighed(number, range(last, 1, -1)) * 10 % 11 % 10 for last in (10, 11))
    return len(set(number)) > 1 and [int(number[9]), int(number[10])] == list(checks)


def _switzerland(number: str) -> bool:
    return _weighed(number, (1, 3) * 6 + (1,)) % 10 == 0


def _china(number: str) -> bool:
    weights = tuple(2**place % 11 for place in range(17, 0, -1))
    check = "10X98765432"[_weighed(number[:17], weights) % 11]
    return number[17] == check and _is_date(number[6:10], number[10:12], number[12:14])


def _germany(number: str) -> bool:
    """Of the first ten digits one stands there twice or three times, and no other more than once; ISO/IEC 7064, MOD 11,10."""
    counts = sorted(map(number[:10].count, set(number[:10])))
    if counts[-1] not in (2, 3) or counts[-2] > 1:
        return False
    product = 10
    for digit in number[:10]:
        product = ((int(digit) + product) % 10 or 10) * 2 % 11
    return (11 - product) % 10 == int(number[10])


def _spain(number: str) -> bool:
    digits = number[:-1].translate(str.maketrans("XYZ", "012"))
    return number[-1] == SPANISH[int(digits) % 23]


def _finland(number: str) -> bool:
    digits = number[:6] + number[-4:-1]
    return number[-1] == FINNISH[int(digits) % 31] and _is_date("2000", number[2:4], number[:2])


def _france(number: str) -> bool:
    digits = number.replace("2A", "19", 1).replace("2B", "18", 1) if not number.isdecimal() else number
    return digits.isdecimal() and int(digits[13:]) == 97 - int(digits[:13]) % 97


def _italy(number: str) -> bool:
    odd = sum(ITALIAN_ODD[character] for character in number[:15:2])
    even = sum(int(one) if one.isdecimal() else ord(one) - ord("A") for one in number[1:15:2])
    return number[15] == chr(ord("A") + (odd + even) % 26)


def _mexico(number: str) -> bool:
    summed = sum(MEXICAN.index(one) * weight for one, weight in zip(number[:17], range(18, 1, -1), strict=True))
    return int(number[17]) == (10 - summed % 10) % 10


def _sweden(number: str) -> bool:
    short = number[-10:]
    return luhn(short) and _is_date("2000", short[2:4], str(int(short[4:6]) % 60))


DIGITS = regex.compile(r"[0-9][0-9. -]{3}[0-9]|[0-9]{2}[A-Za-z][0-9]{2}")
_EDGES = r"(?<![\w-])(?:{})(?![\w-])"
#: country → the shape, and the check of its letters and digits
NATIONAL_IDS: dict[str, tuple[regex.Pattern[str], Callable[[str], bool]]] = {
    country: (regex.compile(_EDGES.format(shape)), check)
    for country, shape, check in (
        ("BE", r"[0-9]{2}\.[0-9]{2}\.[0-9]{2}-[0-9]{3}\.[0-9]{2}", _belgium),
        ("BR", r"[0-9]{3}\.[0-9]{3}\.[0-9]{3}-[0-9]{2}", _brazil),
        ("CH", r"756([. ]?)[0-9]{4}\1[0-9]{4}\1[0-9]{2}", _switzerland),
        ("CN", r"[1-9][0-9]{16}[0-9Xx]", _china),
        ("DE", r"[1-9][0-9]([ ]?)[0-9]{3}\1[0-9]{3}\1[0-9]{3}", _germany),
        ("ES", r"(?:[0-9]{8}|[XYZxyz]-?[0-9]{7})-?[A-Za-z]", _spain),
        ("FI", r"[0-3][0-9][01][0-9]{3}[-+A-FU-Ya-fu-y][0-9]{3}[0-9A-Ya-y]", _finland),
        ("FR", r"[12][ ]?[0-9]{2}[ ]?[0-9]{2}[ ]?[0-9][0-9ABab][ ]?[0-9]{3}[ ]?[0-9]{3}[ ]?[0-9]{2}", _france),
        ("IT", r"[A-Za-z]{6}[0-9]{2}[A-EHLMPR-Ta-ehlmpr-t][0-9]{2}[A-Za-z][0-9]{3}[A-Za-z]", _italy),
        ("MX", r"[A-Za-z]{4}[0-9]{6}[HMhm][A-Za-z]{5}[0-9A-Za-z][0-9]", _mexico),
        ("SE", r"(?:19|20)?[0-9]{6}[-+][0-9]{4}", _sweden),
    )
}
