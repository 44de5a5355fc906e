"""Form fields for an intent: what is replied, and what is asked for before.

Owns how both look in a form. Must not check them (checks.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from unfold.widgets import UnfoldAdminTextInputWidget

from assistant.checks import channels_of, language_of, parts_of
from assistant.slots import ENTITIES
from channels_app.registry import KINDS
from channels_app.templates.form import WrittenField, content_of, content_schema
from tenants.console.structure import Schema

CHOICE = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "description": "What people see and say"},
        "value": {"type": "string", "default": "", "description": "What it stands for; empty: the same"},
        "also": {"type": "array", "items": {"type": "string"}, "description": "Further words for it, one per line"},
    },
}
SLOT = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "description": "As replies name it: {order_number}"},
        "prompt": {"type": "string", "maxLength": 4096, "description": "The question"},
        "retry": {"type": "string", "maxLength": 4096, "default": "", "description": "Asked where the answer did not fit"},
        "required": {"type": "boolean", "default": True, "description": "It is asked for; off: only taken where it is said"},
        "entity": {
            "type": "string", "enum": list(ENTITIES), "absent": True, "nullable": True,
            "description": "What the answer is; or give choices, or a pattern; with none of them any answer will do",
        },
        "choices": {"type": "array", "items": CHOICE, "nullable": True, "description": "What may be answered"},
        "pattern": {
            "type": "string", "default": "", "description": "A regular expression; its first group, if it has one, is the value"
        },
    },
}  # fmt: skip

LANGUAGE = {"type": "string", "pattern": "^[a-z]{2}$", "description": "Two letters, as de"}
TRANSLATION = {
    "title": {"type": "string", "maxLength": 20, "default": ""},
    "slots": {
        "type": "array",
        "items": {
            "type": "object",
            "properties": {
                "name": {"type": "string", "description": "Of the question above"},
                "prompt": {"type": "string", "maxLength": 4096, "default": ""},
                "retry": {"type": "string", "maxLength": 4096, "default": ""},
                "choices": {
                    "type": "array", "items": {"type": "string"}, "description": "Titles, in the order of the question's"
                },
            },
        },
    },
}  # fmt: skip


class LanguageField(forms.RegexField):
    """The code of a language, or none. ``places``: that of a country may follow."""

    def __init__(self, *, places: bool = False, **options: Any):
        super().__init__(
            r"^[a-z]{2}(-[A-Z]{2})?$" if places else r"^[a-z]{2}$", required=False, widget=UnfoldAdminTextInputWidget(),
            error_messages={"invalid": "A language has two small letters, as en."}, **options,
        )  # fmt: skip


class RepliesField(WrittenField):
    """Alternatives, one of which is said; each is one message or several, one after the other, for one language or some
    channels alone where that is said."""

    def __init__(self, **options: Any):
        content, defs = content_schema()
        reply = {
            "type": "object",
            "properties": {
                "messages": {"type": "array", "items": content},
                "language": {**LANGUAGE, "default": "", "description": "Two letters, as de; empty: every language"},
                "channels": {
                    "type": "array", "items": {"type": "string", "enum": list(KINDS)}, "default": [],
                    "description": "None: every channel",
                },
            },
        }  # fmt: skip
        super().__init__(Schema({"type": "array", "items": reply}, defs), **options)

    def is_written(self, value: Any) -> bool:
        return isinstance(value, list) and all(
            isinstance(one, dict) and "messages" in one and all(isinstance(part, dict) for part in one["messages"])
            for one in value
        )

    def to_form(self, stored: Any) -> Any:
        return [
            {
                "messages": [_message(part) for part in parts_of(reply)],
                "language": language_of(reply) if "messages" in reply else "",
                "channels": list(channels_of(reply)),
            }
            for reply in stored
        ]

    def to_store(self, written: Any) -> Any:
        replies = (([_part(content_of(one)) for one in reply["messages"]], reply) for reply in written)
        return [_reply(parts, reply) for parts, reply in replies if parts]


class SlotsField(WrittenField):
    """What must be known before the reply, asked for in this order."""

    def __init__(self, **options: Any):
        super().__init__(Schema({"type": "array", "items": SLOT}, {}), **options)

    def is_written(self, value: Any) -> bool:
        return False  # both shapes are read alike

    def to_form(self, stored: Any) -> Any:
        return [{**slot, "choices": [_choice(one) for one in slot.get("choices", ())]} for slot in stored]

    def to_store(self, written: Any) -> Any:
        return [_slot(slot) for slot in written]


class TranslationsField(WrittenField):
    """Title and questions of an intent in further languages."""

    def __init__(self, **options: Any):
        row = {"type": "object", "properties": {"language": LANGUAGE, **TRANSLATION}}
        super().__init__(Schema({"type": "array", "items": row}, {}), **options)

    def is_written(self, value: Any) -> bool:
        return isinstance(value, list) and bool(value)

    def to_form(self, stored: Any) -> Any:
        return [
            {
                "language": language,
                "title": words.get("title", ""),
                "slots": [
                    {"name": name, "prompt": slot.get("prompt", ""), "retry": slot.get("retry", ""),
                     "choices": list(slot.get("choices", ()))}
                    for name, slot in words.get("slots", {}).items()
                ],
            }
            for language, words in (stored.items() if stored else ())
        ]  # fmt: skip

    def to_store(self, written: Any) -> Any:
        return {row["language"]: _translation(row) for row in written}


def _translation(row: Mapping[str, Any]) -> dict[str, Any]:
    slots = {
        slot["name"]: {name: slot[name] for name in ("prompt", "retry", "choices") if slot.get(name)}
        for slot in row.get("slots") or ()
    }
    title = {"title": row["title"]} if row.get("title") else {}
    return {**title, **({"slots": slots} if slots else {})}


def _reply(parts: list[Any], written: Mapping[str, Any]) -> Any:
    limits = {name: written[name] for name in ("language", "channels") if written.get(name)}
    if limits:
        return {"messages": parts, **limits}
    return parts if len(parts) > 1 else parts[0]


def _message(part: Any) -> dict[str, Any]:
    return {"type": "text", "text": part} if isinstance(part, str) else dict(part)


def _part(content: dict[str, Any]) -> Any:
    """A text alone is stored as such."""
    return content["text"] if content.keys() == {"type", "text"} and content["type"] == "text" else content


def _choice(stored: Any) -> dict[str, Any]:
    return {"title": stored, "value": "", "also": []} if isinstance(stored, str) else {"also": [], **stored}


def _slot(written: Mapping[str, Any]) -> dict[str, Any]:
    chosen = [_chosen(one) for one in written.get("choices") or ()]
    slot = {name: value for name, value in written.items() if value not in ("", None) and name != "choices"}
    slot |= {"choices": chosen} if chosen else {}
    return {name: value for name, value in slot.items() if (name, value) != ("required", True)}


def _chosen(written: Mapping[str, Any]) -> Any:
    kept = {name: value for name, value in written.items() if value or name == "title"}
    return kept if len(kept) > 1 else kept.get("title", "")
