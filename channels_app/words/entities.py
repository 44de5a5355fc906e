"""Addresses, dates, sums and numbers in a text (MSG-3).

Owns the patterns and the normal form of what they find. Must not change the text nor look anything up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import phonenumbers
import regex

from channels_app.words.months import MONTHS

MAX_ENTITIES = 50
MAX_PHONES = 5  # candidates: reading one costs more than all other patterns together
MAX_READ = 500  # the same where every number is to be found

VERBS = frozenset({"may", "march"})  # "may 5 people come" names no day
CURRENCIES = {
    "€": "EUR",
    "$": "USD",
    "£": "GBP",
    "¥": "JPY",
    "₹": "INR",
    "₽": "RUB",
    "₺": "TRY",
    "₴": "UAH",
    "￥": "JPY",
    "円": "JPY",
    "₩": "KRW",
}
CURRENCIES |= {"euro": "EUR", "euros": "EUR", "dollar": "USD", "dollars": "USD", "pounds": "GBP", "zł": "PLN"}
CURRENCIES |= {
    "us$": "USD",
    "r$": "BRL",
    "a$": "AUD",
    "c$": "CAD",
    "kč": "CZK",
    "tl": "TRY",
    "руб": "RUB",
    "грн": "UAH",
}
CURRENCIES |= {"dólar": "USD", "dolar": "USD", "dólares": "USD", "dolares": "USD", "reais": "BRL", "franken": "CHF"}
CODES = "EUR|USD|GBP|JPY|INR|CHF|PLN|TRY|UAH|RUB|CZK|SEK|NOK|DKK|CAD|AUD|BRL|MXN|CNY"

_UNIT = rf"(?:(?:\b(?:US|R|A|C))?\$|[€£¥￥₹₽₺₴円₩]|(?:{CODES}|euros?|dollars?|d[óo]lar(?:es)?|reais|franken|pounds|zł|Kč|TL|руб|грн)\b)"
#: thousands are set off in all ways, and in India in hundreds
_AMOUNT = (
    r"\d{1,3}(?:[., '\u2019\u00a0\u202f]\d{3})+(?:[.,]\d{1,2})?|\d{1,2}(?:,\d{2})+,\d{3}(?:\.\d{1,2})?"
    r"|\d{1,12}(?:[.,]\d{1,2})?"
)
#: what makes another sum of an amount: "$20.5k", "12 Mio. €", "₹2 lakh"
_MANY = r"(?:k|m|mn|bn|mio|mrd|tsd|million|billion|thousand|lakh|crore|тыс|млн)\b"
_LINK_END = r"(?:\([^\s<>()]*\)|[^\s<>().,;:!?\]'\"*_])"  # a closing bracket belongs to it if it was opened in it
_DATE_END = r"(?![\w/-])(?![.,]\d)"

# Dates and sums begin at a digit and look back from there: a message has few digits and many letters.
LINK = regex.compile(rf"\b(?:https?://|www\.[\p{{L}}\d-]+\.)(?:\([^\s<>()]*\)|[^\s<>()])*{_LINK_END}", regex.I)
EMAIL = regex.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@(?:[\p{L}\d-]{1,63}\.)+\p{L}{2,24}(?![\w-])")
ISO_DATE = regex.compile(rf"(?<![\w.,/-])(\d{{4}})([./-])(\d\d?)\2(\d\d?)(?:{_DATE_END}|(?=T\d\d:))")
HAN_DATE = regex.compile(r"(?<!\d)(\d{4})\s?年\s?(\d\d?)\s?月\s?(\d\d?)\s?日")
#: no number of a telephone, though no day either ("31.02.2026"), and what is numbered by its day ("2026-11-28-4711")
DATE_SHAPED = regex.compile(
    r"(?:19|20)\d\d([./-])(?:0?\d|1[0-2])\1(?:[0-2]?\d|3[01])(?:\1\d+)+|\d{4}([./-])\d\d?\2\d\d?|\d\d?([./-])\d\d?\3\d{4}"
)
NUMERIC_DATE = regex.compile(rf"(?<![\w.,/-])(\d\d?)([./-])(\d\d?)\2(\d{{4}}|\d\d){_DATE_END}")
DAY_MONTH = regex.compile(
    r"(?<![\w.,/-])(\d\d?)(?:st|nd|rd|th|er|\.|º)?\s+(?:de\s+|of\s+)?(\p{L}{3,12})\b\.?(?:,?\s+(?:de\s+)?(\d{4}))?"
    + _DATE_END,
    regex.I,
)
MONTH_DAY = regex.compile(
    rf"(?<=\b(\p{{L}}{{3,12}})\.?\s{{1,2}})(\d\d?)(?:st|nd|rd|th)?(?:,?\s+(\d{{4}}))?{_DATE_END}", regex.I
)
MONEY = regex.compile(
    rf"(?:(?<=(?<!\w)(?P<before>{_UNIT})\s?)|(?<![\w.,])(?<!\d['\u2019]))(?P<amount>{_AMOUNT})(?!\d|[.,'\u2019]\d)"
    rf"(?!\s?{_MANY})(?:\s?(?P<after>{_UNIT}))?(?:(?<=\d[€£])(?P<cents>\d\d)(?!\d|[.,]\d))?",
    regex.I,
)
ORDER = regex.compile(
    r"(?:(?i:\b(?:order|bestellung|auftrag|pedido|commande|ordine|bestelling|zamówienie|invoice|rechnung|ticket|заказ)"
    r"(?:\s*-?(?:number|nummer|nr|no|num|id|número|numéro|numero)\b\.?)?)\s*[:#]?\s*#?|#)"
    r"((?=[\p{L}-]*\d)[\p{L}\d][\p{L}\d-]{1,22}[\p{L}\d])(?!\w)"
    r"|(?<![\w#-])(\p{Lu}{1,5}-?\d{4,12}(?:-\d{1,8})?)(?![\w-])"
)
PHONE = regex.compile(r"(?<![\w.,/-])(?:[+＋]|00)?[\d(](?:[\s().\-/]{0,2}\d){6,15}(?![\w/-])")
DIGIT = regex.compile(r"\d")


@dataclass(frozen=True)
class Entity:
    """``type``: email, url, date, money, phone or order. ``value`` is the normal form (lower-case
    e-mail, ISO date, "12.50 EUR", E.164, order number without "#"), or the words themselves for a
    date that can be read in two ways; ``text[start:end]`` are the words."""

    type: str
    value: str
    start: int
    end: int


#: start, end and normal form of one find
Reading = Iterator[tuple[int, int, str]]


def find_entities(text: str, *, region: str | None = None) -> tuple[Entity, ...]:
    """At most 50 entities, by place. Where two readings overlap, the stricter pattern wins.
    ``region`` (ISO 3166, as "DE") reads phone numbers without a country code."""
    found: list[Entity] = []
    taken = bytearray(len(text))  # characters that an entity covers
    for kind, readings in _readers(text, region):
        for start, end, value in readings:
            if any(taken[start:end]) or len(found) >= MAX_ENTITIES:
                continue
            taken[start:end] = b"\x01" * (end - start)
            found.append(Entity(kind, value, start, end))
    return tuple(sorted(found, key=lambda entity: entity.start))


def find_phones(text: str, *, region: str | None = None) -> list[tuple[int, int]]:
    """Where phone numbers stand, however many, without what reads as something stricter. From the 500th on, what looks
    like one counts as one: a text of nothing else costs no more than its length."""
    if not DIGIT.search(text):
        return []
    taken = bytearray(len(text))
    for kind, readings in _readers(text, region):
        for start, end, _ in readings if kind != "phone" else ():
            taken[start:end] = b"\x01" * (end - start)
    candidates = (match for match in PHONE.finditer(text) if not any(taken[match.start() : match.end()]))
    return [
        match.span()
        for count, match in enumerate(candidates)
        if count >= MAX_READ or _e164(match[0], region) is not None
    ]


def _readers(text: str, region: str | None) -> Iterator[tuple[str, Reading]]:
    """The kinds that can be there at all, strictest first: most messages have no digit, @ or link."""
    if "://" in text or "www." in text.lower():
        yield "url", ((match.start(), match.end(), match[0]) for match in LINK.finditer(text))
    if "@" in text:
        yield "email", ((match.start(), match.end(), match[0].lower()) for match in EMAIL.finditer(text))
    if not DIGIT.search(text):
        return
    yield "date", _dates(text)
    yield "money", _sums(text)
    yield "order", ((match.start(), match.end(), (match[1] or match[2]).upper()) for match in ORDER.finditer(text))
    yield "phone", _phones(text, region)


def _dates(text: str) -> Reading:
    for match in ISO_DATE.finditer(text):
        yield from _dated(text, match.start(), match.end(), {_iso(match[1], match[3], match[4])})
    for match in HAN_DATE.finditer(text):
        yield from _dated(text, match.start(), match.end(), {_iso(match[1], match[2], match[3])})
    for match in NUMERIC_DATE.finditer(text):
        first, sign, second, year = match.groups()
        year = year if len(year) == 4 else f"20{year}"
        # with dots the day comes first; with slashes half of the world disagrees
        readings = {_iso(year, second, first)} | ({_iso(year, first, second)} if sign != "." else set())
        yield from _dated(text, match.start(), match.end(), readings)
    for match in DAY_MONTH.finditer(text):
        yield from _named(text, match.start(), match.end(), match[2], match[1], match[3])
    for match in MONTH_DAY.finditer(text):
        if match[3] or match[1] not in VERBS:
            yield from _named(text, match.start(1), match.end(), match[1], match[2], match[3])


def _named(text: str, start: int, end: int, month: str, day: str, year: str | None) -> Reading:
    number = str(MONTHS.get(month.lower(), 0))
    if year:
        return _dated(text, start, end, {_iso(year, number, day)})
    known = _iso("2000", number, day)  # a leap year: 29 February is a day
    return _dated(text, start, end, {known and text[start:end]})


def _dated(text: str, start: int, end: int, readings: set[str]) -> Reading:
    """The one way to read a date, or its words when there are two; nothing when it is none."""
    readings = readings - {""}
    if readings:
        yield start, end, readings.pop() if len(readings) == 1 else text[start:end]


def _iso(year: str, month: str, day: str) -> str:
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return ""


def _sums(text: str) -> Reading:
    """ "1.234,50 €" → "1234.50 EUR": the last separator with one or two digits after it is decimal."""
    for match in MONEY.finditer(text):
        unit = match["before"] or match["after"]
        if not unit:
            continue
        amount = match["amount"]
        whole, _, cents = amount.rpartition("," if amount.rfind(",") > amount.rfind(".") else ".")
        if not whole or len(cents) > 2:
            whole, cents = amount, ""
        cents = cents or match["cents"] or ""  # "12€50"
        digits = "".join(filter(str.isdigit, whole))
        value = Decimal(f"{digits}.{cents}" if cents else digits)
        start, end = (match.start("before"), match.end("amount")) if match["before"] else match.span()
        yield start, end, f"{value} {CURRENCIES.get(unit.lower()) or unit.upper()}"


def _phones(text: str, region: str | None) -> Reading:
    for count, match in enumerate(PHONE.finditer(text)):
        if count >= MAX_PHONES:
            return
        number = _e164(match[0], region)
        if number is not None:
            yield match.start(), match.end(), number


def _e164(written: str, region: str | None) -> str | None:
    """None for what is no number of its country."""
    if DATE_SHAPED.fullmatch(written):
        return None
    try:
        number = phonenumbers.parse("+" + written[2:] if written.startswith("00") else written, region)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
