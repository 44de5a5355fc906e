"""Form fields for an intent: what is replied, and what is asked for before.

Owns how both look in a form. Must not check them (checks.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from assistant.checks import parts_of
from assistant.slots import ENTITIES
from channels_app.templates.form import WrittenField, content_of, content_schema
from tenants.console.structure import Schema

CHOICE = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "description": "What people see and say"},
        "value": {"type": "string", "default": "", "description": "What it stands for; empty: the same"},
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


class RepliesField(WrittenField):
    """Alternatives, one of which is said; each is one message or several, one after the other."""

    def __init__(self, **options: Any):
        content, defs = content_schema()
        reply = {"type": "object", "properties": {"messages": {"type": "array", "items": content}}}
        super().__init__(Schema({"type": "array", "items": reply}, defs), **options)

    def is_written(self, value: Any) -> bool:
        return isinstance(value, list) and all(isinstance(one, dict) and set(one) == {"messages"} for one in value)

    def to_form(self, stored: Any) -> Any:
        return [{"messages": [_message(part) for part in parts_of(reply)]} for reply in stored]

    def to_store(self, written: Any) -> Any:
        replies = ([_part(content_of(one)) for one in reply["messages"]] for reply in written)
        return [parts if len(parts) > 1 else parts[0] for parts in replies if parts]


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


def _message(part: Any) -> dict[str, Any]:
    return {"type": "text", "text": part} if isinstance(part, str) else dict(part)


def _part(content: dict[str, Any]) -> Any:
    """A text alone is stored as such."""
    return content["text"] if content.keys() == {"type", "text"} and content["type"] == "text" else content


def _choice(stored: Any) -> dict[str, Any]:
    return {"title": stored, "value": ""} if isinstance(stored, str) else dict(stored)


def _slot(written: Mapping[str, Any]) -> dict[str, Any]:
    chosen = [one if one.get("value") else one.get("title", "") for one in written.get("choices") or ()]
    slot = {name: value for name, value in written.items() if value not in ("", None) and name != "choices"}
    slot |= {"choices": chosen} if chosen else {}
    return {name: value for name, value in slot.items() if (name, value) != ("required", True)}
