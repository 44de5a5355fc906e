"""What an intent must know before it can reply, and finding it in what people write.

Owns entities, slots and the search for their values. Must not decide what is said.

A slot is ``{"name", "prompt", "retry", "required", and one of "entity", "pattern", "choices"}``:
``entity`` names one of ENTITIES, ``pattern`` is a regular expression (its first group, if it has one, is the
value), ``choices`` is a list of texts or ``{"title", "value"}``. With none of the three, whatever is
answered to the prompt is the value.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import regex

MAX_VALUE = 200  # characters
SEARCH_TIMEOUT_S = 0.05  # a tenant's own pattern may be a slow one

ENTITIES: dict[str, regex.Pattern[str]] = {
    "email": regex.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"),
    "url": regex.compile(r"https?://[^\s<>\"']{1,2000}"),
    "date": regex.compile(r"\b(?:\d{4}-\d{2}-\d{2}|\d{1,2}[./]\d{1,2}[./]\d{2,4})\b"),
    "phone": regex.compile(r"(?<![\w.])\+?\d[\d ()/-]{6,18}\d(?!\w)"),
    "money": regex.compile(r"(?:[$€£]\s?\d+(?:[.,]\d{2})?|\b\d+(?:[.,]\d{2})?\s?(?:[$€£]|EUR\b|USD\b|GBP\b))"),
    "number": regex.compile(r"(?<![\w.,-])-?\d+(?:[.,]\d+)?(?![\w])"),
}


def entities(text: str) -> dict[str, str]:
    """The first entity of each kind in a text. A date is not taken for a telephone number too."""
    found: dict[str, str] = {}
    taken: list[tuple[int, int]] = []
    for kind, pattern in ENTITIES.items():
        for match in pattern.finditer(text):
            if not any(match.start() < end and start < match.end() for start, end in taken):
                found[kind] = match.group()[:MAX_VALUE]
                taken.append(match.span())
                break
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


def value_in(slot: Mapping[str, Any], text: str) -> str | None:
    """The slot's value in a text, or None. A free slot finds none: only an answer to its prompt fills it."""
    if slot.get("choices"):
        return _choice_in(slot, text)
    if slot.get("entity"):
        match = ENTITIES[slot["entity"]].search(text)
        return match.group()[:MAX_VALUE] if match else None
    if slot.get("pattern"):
        return _match_in(slot["pattern"], text)
    return None


def _choice_in(slot: Mapping[str, Any], text: str) -> str | None:
    said = text.casefold()
    for title, value in choices(slot):
        if any(regex.search(rf"\b{regex.escape(word.casefold())}\b", said) for word in (title, value)):
            return value
    return None


def _match_in(pattern: str, text: str) -> str | None:
    try:
        match = regex.search(pattern, text, flags=regex.IGNORECASE, timeout=SEARCH_TIMEOUT_S)
    except TimeoutError:
        return None
    return ((match[1] if match.re.groups else match[0]) or "")[:MAX_VALUE] or None if match else None


def fill(slots: Iterable[Mapping[str, Any]], filled: Mapping[str, str], text: str) -> dict[str, str]:
    """``filled`` with every value that the text holds for a slot that had none."""
    found = dict(filled)
    for slot in slots:
        value = None if slot["name"] in found else value_in(slot, text)
        if value is not None:
            found[slot["name"]] = value
    return found


def missing(slots: Iterable[Mapping[str, Any]], filled: Mapping[str, str]) -> Mapping[str, Any] | None:
    """The first required slot that has no value."""
    return next((slot for slot in slots if slot.get("required", True) and slot["name"] not in filled), None)
