"""What an intent must know before it can reply, and finding it in what people write.

Owns entities, slots and the search for their values. Must not decide what is said.

A slot is ``{"name", "prompt", "retry", "required", and one of "entity", "pattern", "choices"}``:
``entity`` names one of ENTITIES, ``pattern`` is a regular expression (its first group, if it has one, is the
value), ``choices`` is a list of texts or ``{"title", "value", "also"}``, where ``also`` are further words for it. With none of the three, whatever is
answered to the prompt is the value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import regex

from channels_app.words.entities import DIGIT, find_entities
from channels_app.words.folding import unmarked

MAX_VALUE = 200  # characters
SEARCH_TIMEOUT_S = 0.05  # a tenant's own pattern may be a slow one

APOSTROPHES = regex.compile(r"['’`´]")
NUMBER = regex.compile(r"(?<![\w.,-])-?\d+(?:[.,]\d+)?(?!\w|[.,/]\d)")
#: a text that may be a number of an order, of a customer …: at least three digits, and hardly any letters
NUMBER_ALONE = regex.compile(
    r"[\s#:.,!?]*(?=(?:\D*\d){3})\p{L}{0,4}[\s#/-]{0,2}[\p{L}\d/-]{0,4}[\d][\d/-]{1,20}[\s.,!?]*"
)
#: what a slot may ask for: all but a bare number is read as in every message (channels_app/words/entities.py)
ENTITIES = ("email", "url", "date", "phone", "money", "order", "number")


def entities(text: str, region: str = "") -> dict[str, str]:
    """The first entity of each kind in a text, in its normal form ("1234.50 EUR"). ``region`` (ISO 3166) reads telephone
    numbers that have no country code. What is part of a date or a sum is no number."""
    found: dict[str, str] = {}
    read = find_entities(text, region=region or None)
    for entity in read:
        found.setdefault(entity.type, entity.value[:MAX_VALUE])
    if not DIGIT.search(text):
        return found
    numbers = (
        one for one in NUMBER.finditer(text) if not any(one.start() < e.end and e.start < one.end() for e in read)
    )
    if number := next(numbers, None):
        found["number"] = number.group()[:MAX_VALUE]
    return found


def choices(slot: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(title, value) of a slot with choices."""
    return [
        (choice, choice) if isinstance(choice, str) else (choice["title"], choice.get("value", choice["title"]))
        for choice in slot.get("choices", ())
    ]


def is_free(slot: Mapping[str, Any]) -> bool:
    """Whether any answer will do."""
    return not any(slot.get(kind) for kind in ("entity", "pattern", "choices"))


def value_in(slot: Mapping[str, Any], text: str, region: str = "") -> str | None:
    """The slot's value in a text, or None. A free slot finds none: only an answer to its prompt fills it."""
    if slot.get("choices"):
        return _choice_in(slot, text)
    if slot.get("entity"):
        return entities(text, region).get(slot["entity"])
    if slot.get("pattern"):
        return _match_in(slot["pattern"], text)
    return None


def _choice_in(slot: Mapping[str, Any], text: str) -> str | None:
    said = _bare(text)
    also = [() if isinstance(choice, str) else choice.get("also", ()) for choice in slot["choices"]]
    for (title, value), further in zip(choices(slot), also, strict=True):
        if _words(title, value, *further).search(said):
            return value
    return None


@lru_cache(1000)
def _words(*any_of: str) -> regex.Pattern[str]:
    """That one of them stands in a text as a word; as `_bare` has both."""
    return regex.compile(rf"\b(?:{'|'.join(regex.escape(_bare(word)) for word in any_of)})\b")


def _bare(text: str) -> str:
    """Without case, apostrophes and marks on letters: "dont fit", "nao serve"."""
    return APOSTROPHES.sub("", unmarked(text.casefold()))


def _match_in(pattern: str, text: str) -> str | None:
    try:
        match = regex.search(pattern, text, flags=regex.IGNORECASE, timeout=SEARCH_TIMEOUT_S)
    except TimeoutError:
        return None
    return ((match[1] if match.re.groups else match[0]) or "")[:MAX_VALUE] or None if match else None


def fill(slots: Iterable[Mapping[str, Any]], filled: Mapping[str, str], text: str, region: str = "") -> dict[str, str]:
    """``filled`` with every value that the text holds for a slot that had none."""
    found = dict(filled)
    for slot in slots:
        value = None if slot["name"] in found else value_in(slot, text, region)
        if value is not None:
            found[slot["name"]] = value
    return found


def number_in(slots: Iterable[Mapping[str, Any]], text: str, region: str = "") -> dict[str, str]:
    """The first required slot of a pattern, or of an order's number, that a text fills; {} where there is none."""
    for slot in slots:
        asks = slot.get("pattern") or slot.get("entity") == "order"
        value = value_in(slot, text, region) if asks and slot.get("required", True) else None
        if value is not None:
            return {slot["name"]: value}
    return {}


def number_given(slots: Iterable[Mapping[str, Any]], filled: Mapping[str, str]) -> str:
    """The value of the first slot of that kind; "" where it has none."""
    return next((filled[name] for name in number_names(slots) if filled.get(name)), "")


def number_names(slots: Iterable[Mapping[str, Any]]) -> list[str]:
    """Of the slots of that kind."""
    return [slot["name"] for slot in slots if slot.get("pattern") or slot.get("entity") == "order"]


def missing(slots: Iterable[Mapping[str, Any]], filled: Mapping[str, str]) -> Mapping[str, Any] | None:
    """The first required slot that has no value."""
    return next((slot for slot in slots if slot.get("required", True) and slot["name"] not in filled), None)
