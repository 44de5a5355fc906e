"""Form fields for what is said: a content, and a template's variants, as inputs for each of their parts.

Must not check a content: the model does, where it is stored.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from channels_app.content.types import Content
from channels_app.templates.resolve import Variant
from tenants.console.structure import ABSENT, shown
from tenants.console.structure_field import Schema, StructureField

#: what people write in a form; the rest of a content comes about by itself
PARTS = ("type", "text", "format", "language", "quick_replies", "buttons", "media", "cards", "sections", "location")
TYPES = ("text", "quick_reply", "image", "file", "audio", "video", "carousel", "list", "location")
HELP = {
    "type": "What it is; the parts of that kind are filled in below",
    "format": "Markdown: *italics*, **bold**, lists and links",
    "language": "Like en; empty: as the person's",
}


def content_schema() -> tuple[dict[str, Any], dict[str, Any]]:
    """The JSON schema of a content as it is written in a form, and its definitions."""
    whole = Content.model_json_schema()
    members = {name: dict(whole["properties"][name]) for name in PARTS}
    members["type"] = {"type": "string", "enum": list(TYPES), "default": "text"}
    members["format"] = {"type": "string", "enum": ["plain", "markdown"], "default": "plain"}
    for name, told in HELP.items():
        members[name]["description"] = told
    return {"type": "object", "properties": members}, whole["$defs"]


def content_of(written: Mapping[str, Any]) -> dict[str, Any]:
    """A content as it is stored: without what was left empty."""
    usual = {"format": "plain", "language": "", "text": ""}
    content = {name: value for name, value in written.items() if value is not None and value != usual.get(name)}
    if replies := content.get("quick_replies"):
        plain = ("content_type", "text")
        content["quick_replies"] = [
            {name: one for name, one in reply.items() if (name, one) != plain} for reply in replies
        ]
    return content


class ContentField(StructureField):
    """What is said, once."""

    def __init__(self, **options: Any):
        content, defs = content_schema()
        super().__init__(Schema(content, defs), **options)

    def clean(self, value: Any) -> Any:
        return content_of(super().clean(value))


class VariantsField(StructureField):
    """The languages of a template, each with what is said."""

    def __init__(self, **options: Any):
        content, defs = content_schema()
        variant = Variant.model_json_schema()
        variant["properties"]["content"] = content
        languages = {"type": "object", "additionalProperties": variant, "propertyNames": {"type": "string"}}
        super().__init__(Schema(languages, {**variant.pop("$defs"), **defs}), **options)

    def clean(self, value: Any) -> Any:
        return {language: self._stored(one) for language, one in super().clean(value).items()}

    @staticmethod
    def _stored(variant: Mapping[str, Any]) -> dict[str, Any]:
        return {**variant, "content": content_of(variant.get("content", {}))}


class WrittenField(StructureField):
    """A value that is stored in another form than it is written in: ``to_form`` and ``to_store``."""

    def to_form(self, stored: Any) -> Any:
        raise NotImplementedError

    def to_store(self, written: Any) -> Any:
        raise NotImplementedError

    def is_written(self, value: Any) -> bool:
        """Whether a value is in the form's shape already: what was posted is shown again."""
        raise NotImplementedError

    def prepare_value(self, value: Any) -> Any:
        return value if value is ABSENT or self.is_written(value) else self.to_form(value or [])

    def clean(self, value: Any) -> Any:
        return self.to_store(super().clean(value))

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(shown(self.schema, self.to_form(initial or [])) != data)
