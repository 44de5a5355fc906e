"""Values with parts, as forms show and read them: lists of rows, groups and tables of names, by their JSON schema.

Owns what a posted form means for a schema, and what of it was touched. Must not draw anything (structure_field.py).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, get_args

from tenants.members.alert_choice import KINDS
from tenants.tenant_settings import Quiet

LONG = 200  # characters from which a text gets several lines
MOST_ROWS = 200  # of one list that are read
ABSENT: Any = type("Absent", (), {"__repr__": lambda self: "ABSENT", "__bool__": lambda self: False})()

#: words of members' names that are written otherwise
WORDS = {
    "api": "API", "ip": "IP", "id": "ID", "waba": "WABA", "csat": "rating", "url": "address", "tts": "speech", "stt": "hearing",
    "usd": "US dollars", "llm": "language models", "sms": "SMS", "mms": "MMS", "dtmf": "keys", "ref": "reference", "uri": "address",
}  # fmt: skip


#: members and values that have a name of their own
CALLED = {
    "quiet": "Do not tell staff of", "bad_signatures": "Unproven requests", "silent_after_hours": "Silence (hours)",
    "silent_after_hours_of": "Silence of one channel (hours)", "email": "E-mail",
    "high": "To answer", "medium": "To ask back", "known": "To know a fact", **{kind: KINDS[kind] for kind in get_args(Quiet)},
    "handover_after": "Misunderstandings until a human is asked for", "ip_allow_list": "IP allow list",
    "soft_usd": "Cheapest model from (US dollars)", "hard_usd": "No paid model beyond (US dollars)", "round_robin": "In turn",
    "pre_chat": "Questions before the chat", "alt_text": "In words, for people who cannot see it",
}  # fmt: skip


def label_of(name: str) -> str:
    """What people read for a member's name: "waba_id" becomes "WABA ID"."""
    if name in CALLED:
        return CALLED[name]
    words = " ".join(WORDS.get(word, word) for word in name.split("_"))
    return words[:1].upper() + words[1:]


def choice_of(value: Any) -> str:
    """What people read for one of several values: a word of ours as a word, all else as it stands."""
    return label_of(value) if re.fullmatch(r"[a-z_]{3,}", str(value)) else str(value)


def told_of(schema: Schema) -> str:
    """The description, with values that it names as the form shows them: "round_robin: …" becomes "In turn: …"."""
    told = str(schema["description"] or "")
    for value in filter(None, schema["enum"] or ()):
        told = re.sub(rf"(?<!\w){re.escape(str(value))}(?=:)", choice_of(value), told)
    return told


def plain(schema: Mapping[str, Any], defs: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of the value itself: references are followed, and ``nullable`` says that None is allowed beside it."""
    found = dict(schema)
    if "$ref" in found:
        found = {**defs[found.pop("$ref").rpartition("/")[2]], **found}
    if len(found.get("allOf", ())) == 1:
        found = {**plain(found.pop("allOf")[0], defs), **found}
    options = [option for option in found.get("anyOf", ()) if option.get("type") != "null"]
    if options:
        nullable = len(options) < len(found["anyOf"])
        found = {**plain(options[0], defs), **{key: value for key, value in found.items() if key != "anyOf"}}
        found["nullable"] = nullable
    return found


class Schema:
    """A JSON schema of pydantic's, with its parts as Schemas."""

    def __init__(self, schema: Mapping[str, Any], defs: Mapping[str, Any] | None = None):
        self.defs = schema.get("$defs", {}) if defs is None else defs
        self.own = plain(schema, self.defs)

    def __getitem__(self, key: str) -> Any:
        return self.own.get(key)

    @property
    def kind(self) -> str:
        """group, names (a table of free names), rows, lines (of texts), choices (several of them) or leaf."""
        type_, items = self["type"], self.items.own if self["items"] else {}
        if type_ == "object":
            return "group" if self.parts else "names"
        if type_ != "array":
            return "leaf"
        if "enum" in items:
            return "choices"
        return "lines" if items.get("type") == "string" else "rows"

    @property
    def items(self) -> Schema:
        return Schema(self["items"] or {}, self.defs)

    @property
    def parts(self) -> dict[str, Schema]:
        """Members by their names; those of a table whose names are known are optional."""
        if self["properties"]:
            return {name: Schema(part, self.defs) for name, part in self["properties"].items()}
        names = (self["propertyNames"] or {}).get("enum", ())
        return {name: Schema({**self["additionalProperties"], "absent": True}, self.defs) for name in names}

    @property
    def pair(self) -> Schema:
        """A row of a table of names."""
        key = {"type": "string", **(self["propertyNames"] or {})}
        if self["keys"]:  # those there are to choose from, by what they are called
            key |= {"enum": list(self["keys"]), "labels": self["keys"]}
        patterns: dict[str, Any] = self["patternProperties"] or {}  # where a name has to fit one
        value = next(iter(patterns.values()), self["additionalProperties"])
        parts = {"key": key, "value": value if isinstance(value, dict) else {"type": "string"}}
        return Schema({"type": "object", "properties": parts, "required": ["key"]}, self.defs)

    @property
    def optional(self) -> bool:
        return bool(self["nullable"] or self["absent"] or "default" in self.own)


# ------------------------------------------------------------------------------- what was posted


def read(schema: Schema, data: Any, name: str) -> Any:
    """The value that a posted form gives; ABSENT where nothing was entered and nothing need be."""
    kind = schema.kind
    if kind == "choices":
        return data.getlist(name) if hasattr(data, "getlist") else data.get(name, [])
    if kind == "lines":
        return [line.strip() for line in str(data.get(name, "")).splitlines() if line.strip()]
    if kind == "leaf":
        return _leaf(schema, name in data if schema["type"] == "boolean" else data.get(name, ""))
    if kind == "group":
        return _group(schema, {part: read(sub, data, f"{name}-{part}") for part, sub in schema.parts.items()})
    row = schema.items if kind == "rows" else schema.pair
    untouched = shown(row, ABSENT)
    found = [read(row, data, f"{name}-{index}") for index in _indexes(data, name)]
    rows = [value for value in found if value is not ABSENT and not _left(value, untouched)]
    if kind == "rows":
        return ABSENT if not rows and schema["nullable"] else rows
    return {pair.get("key", ""): pair.get("value") for pair in rows}


def shown(schema: Schema, value: Any) -> Any:
    """What comes back of ``value`` when it was shown and left as it is; ABSENT: an empty form."""
    kind = schema.kind
    if absent(schema, value):
        value = schema["default"] if schema["default"] is not None and kind != "rows" else ABSENT
    if kind == "choices" or kind == "lines":
        return list(value or ())
    if kind == "leaf":
        empty = value is ABSENT or value is None
        return _leaf(schema, bool(value) if schema["type"] == "boolean" else "" if empty else str(value))
    if kind == "group":
        given = value if isinstance(value, Mapping) else {}
        return _group(schema, {part: shown(sub, given.get(part, ABSENT)) for part, sub in schema.parts.items()})
    if kind == "rows":
        rows = [shown(schema.items, one) for one in value or ()]
        return ABSENT if not rows and schema["nullable"] else rows
    return {str(key): shown(schema.pair.parts["value"], one) for key, one in (value or {}).items()}


def absent(schema: Schema, value: Any) -> bool:
    """Nothing was given; None is a value where it may be chosen."""
    return value is ABSENT or (value is None and not schema["nullable"])


def _group(schema: Schema, members: dict[str, Any]) -> Any:
    found = {name: value for name, value in members.items() if value is not ABSENT}
    if schema["nullable"] and _left(found, _untouched(schema)):
        return ABSENT
    return found


def _left(found: Any, untouched: Any) -> bool:
    """Nothing was entered: what was posted of a row or a group is as in an empty form."""
    if isinstance(found, dict) and isinstance(untouched, dict):
        return all(name in untouched and untouched[name] == value for name, value in found.items())
    return bool(found == untouched)


def _untouched(schema: Schema) -> dict[str, Any]:
    members = {name: shown(part, ABSENT) for name, part in schema.parts.items()}
    return {name: value for name, value in members.items() if value is not ABSENT}


def _leaf(schema: Schema, given: Any) -> Any:
    """A number where one is meant and was typed, the text as it stands where not: the model says what is wrong."""
    if schema["type"] == "boolean":
        return bool(given)
    text = str(given).replace("\r\n", "\n")
    text = text if schema["type"] == "string" and (schema["maxLength"] or 0) > LONG else text.strip()
    if not text.strip():
        if schema["nullable"]:  # nothing is what holds by itself, or is chosen: where something else would hold
            return ABSENT if schema["absent"] or ("default" in schema.own and schema["default"] is None) else None
        needed = schema["type"] == "string" and "enum" not in schema.own and schema["default"] in (None, "")
        return "" if needed and not schema["absent"] else ABSENT
    if schema["type"] in ("integer", "number"):
        try:
            return int(text) if schema["type"] == "integer" else float(text)
        except ValueError:
            return text
    return text


def _indexes(data: Any, name: str) -> list[int]:
    row = re.compile(re.escape(name) + r"-(\d{1,6})-")
    return sorted({int(found[1]) for key in data if (found := row.match(key))})[:MOST_ROWS]
