"""Whether what a tenant teaches the assistant is of the documented form.

Owns the checks of the JSON members of an intent. Must not change what it checks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import regex
from django.core.exceptions import ValidationError
from pydantic import ValidationError as ContentError

from assistant.slots import ENTITIES, choices
from channels_app.content.types import MAX_TEXT, Content

MAX_ITEMS = 1000
MAX_EXAMPLE = 500  # characters
MAX_PATTERN = 200  # characters


def check_texts(value: Any) -> None:
    """A list of short texts, none of them empty."""
    _require(isinstance(value, list) and len(value) <= MAX_ITEMS, "Give a list of texts.")
    good = all(isinstance(item, str) and 0 < len(item.strip()) <= MAX_EXAMPLE for item in value)
    _require(good, f"Each entry must be a text of 1 to {MAX_EXAMPLE} characters.")


def check_responses(value: Any) -> None:
    """A list of replies: each a text, a content, or a list of these."""
    _require(isinstance(value, list) and len(value) <= MAX_ITEMS, "Give a list of replies.")
    for reply in value:
        for part in parts_of(reply):
            _check_part(part)


def parts_of(reply: Any) -> Sequence[Any]:
    """The messages of one reply, which may be given as a list or alone."""
    return reply if isinstance(reply, list) else [reply]


def _check_part(part: Any) -> None:
    if isinstance(part, str):
        _require(0 < len(part.strip()) <= MAX_TEXT, f"A reply must have 1 to {MAX_TEXT} characters.")
        return
    try:
        Content.model_validate(part)
    except ContentError as error:
        problem = error.errors()[0]
        place = ".".join(str(step) for step in problem["loc"])
        raise ValidationError(f"A reply is not valid content: {place} {problem['msg']}".strip()) from error


def check_slots(value: Any) -> None:
    """A list of slots as assistant/slots.py describes them."""
    _require(isinstance(value, list) and len(value) <= 20, "Give a list of at most 20 slots.")
    for slot in value:
        _check_slot(slot)
    names = [slot["name"] for slot in value]
    _require(len(names) == len(set(names)), "Two slots have the same name.")


def _check_slot(slot: Any) -> None:
    _require(isinstance(slot, dict), "A slot must be an object.")
    unknown = set(slot) - {"name", "prompt", "retry", "required", "entity", "pattern", "choices"}
    _require(not unknown, f"A slot has no member {', '.join(sorted(map(str, unknown)))}.")
    name = slot.get("name")
    _require(isinstance(name, str) and name.isidentifier(), "A slot needs a name of letters, digits and _.")
    _require(isinstance(slot.get("prompt"), str) and bool(slot["prompt"].strip()), f"Slot {name} needs a prompt.")
    _require(isinstance(slot.get("retry", ""), str), f"Slot {name}: retry must be a text.")
    _require(slot.get("entity") in (None, *ENTITIES), f"Slot {name}: entity must be one of {', '.join(ENTITIES)}.")
    _check_choices(name, slot)
    _check_pattern(name, slot.get("pattern", "."))


def _check_choices(name: str, slot: Any) -> None:
    _require(isinstance(slot.get("choices", []), list), f"Slot {name}: choices must be a list.")
    try:
        good = all(isinstance(part, str) and part for pair in choices(slot) for part in pair)
        _require(good and len(slot.get("choices", ())) <= 10, f"Slot {name}: give at most 10 choices, each a text.")
        _require(
            all(len(title) <= 20 for title, _ in choices(slot)), f"Slot {name}: a choice has 20 characters at most."
        )
    except (TypeError, KeyError, AttributeError) as error:
        raise ValidationError(f"Slot {name}: a choice is a text or has a title and a value.") from error


def _check_pattern(name: str, pattern: Any) -> None:
    _require(isinstance(pattern, str) and 0 < len(pattern) <= MAX_PATTERN, f"Slot {name}: the pattern is too long.")
    try:
        regex.compile(pattern)
    except regex.error as error:
        raise ValidationError(f"Slot {name}: the pattern is not a regular expression ({error.msg}).") from error


def _require(condition: bool, sentence: str) -> None:
    if not condition:
        raise ValidationError(sentence)
