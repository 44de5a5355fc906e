"""Whether what a tenant teaches the assistant is of the documented form.

Owns the checks of the JSON members of an intent. Must not change what it checks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import regex
from django.core.exceptions import ValidationError
from pydantic import ValidationError as ContentError

from assistant.slots import ENTITIES, choices
from channels_app.content.given import READ
from channels_app.content.types import MAX_TEXT, Content
from channels_app.registry import KINDS
from tenants.names import name_clean

MAX_ITEMS = 1000
MAX_EXAMPLE = 500  # characters
MAX_PATTERN = 200  # characters
MAX_PARTS = 10  # messages of one reply
MAX_LANGUAGES = 30


def check_texts(value: Any) -> None:
    """A list of short texts, each with something that can be seen."""
    _require(isinstance(value, list) and len(value) <= MAX_ITEMS, "Give a list of texts.")
    good = all(isinstance(item, str) and name_clean(item) and len(item.strip()) <= MAX_EXAMPLE for item in value)
    _require(good, f"Each entry must be a text of 1 to {MAX_EXAMPLE} characters that can be seen.")


def check_responses(value: Any) -> None:
    """A list of replies: each a text, a content, or a list of these."""
    _require(isinstance(value, list) and len(value) <= MAX_ITEMS, "Give a list of replies.")
    for reply in value:
        _check_wrapped(reply)
        for part in parts_of(reply):
            _check_part(part)


def _check_wrapped(reply: Any) -> None:
    if not (isinstance(reply, dict) and "messages" in reply):
        _require(not isinstance(reply, list) or 0 < len(reply) <= MAX_PARTS, f"A reply has 1 to {MAX_PARTS} messages.")
        return
    unknown = set(reply) - {"messages", "language", "channels"}
    _require(not unknown, f"A reply has no member {', '.join(sorted(map(str, unknown)))}.")
    good = isinstance(reply["messages"], list) and 0 < len(reply["messages"]) <= MAX_PARTS
    _require(good, f"A reply has 1 to {MAX_PARTS} messages.")
    _require(_is_language(reply.get("language", ""), absent=True), "language must be two letters, as de.")
    channels = reply.get("channels", [])
    known = isinstance(channels, list) and all(isinstance(kind, str) and kind in KINDS for kind in channels)
    _require(known, f"channels must be a list of {', '.join(KINDS)}.")


def _is_language(value: Any, *, absent: bool = False) -> bool:
    return isinstance(value, str) and (bool(regex.fullmatch("[a-z]{2}", value)) or (absent and not value))


def check_translations(value: Any) -> None:
    """By language {"title", "slots": {name: {"prompt", "retry", "choices": titles in the order of the slot's}}}."""
    _require(isinstance(value, dict) and len(value) <= MAX_LANGUAGES, f"Give at most {MAX_LANGUAGES} languages.")
    for language, words in value.items():
        _require(_is_language(language), "A language has two letters, as de.")
        _require(isinstance(words, dict) and not set(words) - {"title", "slots"}, f"{language}: give title and slots.")
        title = words.get("title", "")
        _require(isinstance(title, str) and len(title) <= 20, f"{language}: a title has 20 characters at most.")
        _require_seen(f"{language}: the title", title)
        named = words.get("slots", {})
        _require(isinstance(named, dict) and len(named) <= 20, f"{language}: slots must be an object, by name.")
        for name, slot in named.items():
            _check_translated(f"{language}: slot {name}", slot)


def _check_translated(where: str, slot: Any) -> None:
    known = {"prompt", "retry", "choices"}
    _require(isinstance(slot, dict) and not set(slot) - known, f"{where}: give prompt, retry and choices.")
    for part in ("prompt", "retry"):
        words = slot.get(part, "")
        _require(isinstance(words, str) and len(words) <= MAX_TEXT, f"{where}: {part} must be a text.")
        _require_seen(f"{where}: {part}", words)
    titles = slot.get("choices", [])
    good = isinstance(titles, list) and all(isinstance(one, str) and 0 < len(one) <= 20 for one in titles)
    _require(good and len(titles) <= 10, f"{where}: choices must be titles of 1 to 20 characters, at most 10.")
    _require_seen(f"{where}: a choice", *titles)


def parts_of(reply: Any) -> Sequence[Any]:
    """The messages of one reply, which may be given as a list or alone, or under ``messages``."""
    if isinstance(reply, dict) and "messages" in reply:
        return reply["messages"] if isinstance(reply["messages"], list) else [reply["messages"]]
    return reply if isinstance(reply, list) else [reply]


def language_of(reply: Any) -> str:
    """ISO 639-1, "" for any language."""
    return (reply.get("language") or "") if isinstance(reply, dict) else ""


def channels_of(reply: Any) -> Sequence[str]:
    """Kinds of channel that a reply is for, none for all."""
    return reply.get("channels") or () if isinstance(reply, dict) and "messages" in reply else ()


def _check_part(part: Any) -> None:
    if isinstance(part, str):
        _require(0 < len(part.strip()) <= MAX_TEXT, f"A reply must have 1 to {MAX_TEXT} characters.")
        _require_seen("A reply", part)
        return
    try:
        Content.model_validate(part)
    except ContentError as error:
        problem = error.errors()[0]
        place = ".".join(str(step) for step in problem["loc"])
        raise ValidationError(f"A reply is not valid content: {place} {problem['msg']}".strip()) from error
    _require_seen("A text or title of a reply", *_shown_in(part))


def _shown_in(part: Any) -> Iterator[str]:
    """What people are to read of a content, and of what stands in it: buttons, cards, sections."""
    if isinstance(part, dict):
        yield from (words for name in ("text", *READ) if isinstance(words := part.get(name), str))
    for inner in part.values() if isinstance(part, dict) else part if isinstance(part, list) else ():
        yield from _shown_in(inner)


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
    _require(isinstance(slot.get("prompt"), str) and bool(name_clean(slot["prompt"])), f"Slot {name} needs a prompt.")
    _require(isinstance(slot.get("retry", ""), str), f"Slot {name}: retry must be a text.")
    _require_seen(f"Slot {name}: retry", slot.get("retry", ""))
    _require(slot.get("entity") in (None, *ENTITIES), f"Slot {name}: entity must be one of {', '.join(ENTITIES)}.")
    _check_choices(name, slot)
    _check_pattern(name, slot.get("pattern", "."))


def _check_choices(name: str, slot: Any) -> None:
    _require(isinstance(slot.get("choices", []), list), f"Slot {name}: choices must be a list.")
    try:
        good = all(isinstance(part, str) and part for pair in choices(slot) for part in pair)
        also = [word for one in slot.get("choices", ()) if isinstance(one, dict) for word in one.get("also", ())]
        good = good and len(also) <= MAX_ITEMS and all(isinstance(word, str) and 0 < len(word) <= 100 for word in also)
        _require(good and len(slot.get("choices", ())) <= 10, f"Slot {name}: give at most 10 choices, each a text.")
        _require_seen(f"Slot {name}: a choice", *(part for pair in choices(slot) for part in pair), *also)
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


def _require_seen(what: str, *texts: str) -> None:
    """Blanks and signs that are not seen alone would reach people as nothing, or be refused by their platform."""
    _require(all(not text or name_clean(text) for text in texts), f"{what} has nothing that can be seen.")


#: what a language model can do beside answering in words: call tools, keep to a JSON Schema, look at pictures, be told how
#: freely to write
CAPABILITIES = ("tools", "json", "vision", "temperature")
MODEL_DEFAULTS: dict[str, tuple[float, float]] = {"temperature": (0, 2), "max_tokens": (1, 100_000)}


def check_capabilities(value: Any) -> None:
    """A list of some of CAPABILITIES."""
    known = isinstance(value, list) and all(one in CAPABILITIES for one in value) and len(set(value)) == len(value)
    _require(known, f"Give a list of some of {', '.join(CAPABILITIES)}.")


def check_names(value: Any) -> None:
    """A list of at most 100 names of 1 to 60 characters."""
    named = isinstance(value, list) and len(value) <= 100
    named = named and all(isinstance(one, str) and name_clean(one) and len(one.strip()) <= 60 for one in value)
    _require(named, "Give a list of at most 100 names of 1 to 60 characters.")


def check_model_defaults(value: Any) -> None:
    """Some of MODEL_DEFAULTS, each a number within its bounds; of tokens a whole one."""
    _require(isinstance(value, dict), "Give an object.")
    for name, number in value.items():
        least, most = MODEL_DEFAULTS.get(name, (1, 0))
        kinds = (int,) if name == "max_tokens" else (int, float)
        good = isinstance(number, kinds) and not isinstance(number, bool) and least <= number <= most
        _require(good, "Known are temperature, 0 to 2, and max_tokens, a whole number from 1 to 100000.")
