"""Fields of the console's forms: what people type is whole, and can be stored, when it gets further."""

from __future__ import annotations

import json
from typing import Any, ClassVar

from django import forms
from django.forms.fields import InvalidJSONInput
from pydantic_core import PydanticCustomError
from unfold.widgets import UnfoldAdminTextareaWidget

from tenants.names import text_taken
from tenants.repeated import CODE, repeated_of, twice
from tenants.storage.json_values import unstorable


class IndentedJSON(json.JSONEncoder):
    """JSON that people edit in a form stands on lines of its own."""

    def __init__(self, **options: Any):
        super().__init__(**{**options, "indent": 2})


class LinesField(forms.CharField):
    """A list of texts, one on each line. ``repeats``: two may be the same, as what people say in two languages may be."""

    def __init__(self, *, repeats: bool = False, **options: Any):
        self._repeats = repeats
        super().__init__(widget=UnfoldAdminTextareaWidget(attrs={"rows": 6}), **options)
        self.help_text = self.help_text or "One per line"

    def prepare_value(self, value: Any) -> Any:
        return "\n".join(map(str, value)) if isinstance(value, (list, tuple)) else value

    def to_python(self, value: Any) -> Any:
        if "\0" in str(value or ""):  # Django's own check looks at one text, not at a list of them
            raise forms.ValidationError("NUL characters are not allowed.", code="nul_character")
        return self._lines(value)

    def clean(self, value: Any) -> Any:
        """Raises ValidationError that names each line which stands there twice and should not."""
        lines = super().clean(value)
        if not self._repeats and (again := [lines[place] for place in repeated_of(lines)]):
            raise forms.ValidationError(
                [forms.ValidationError(twice(line), code=CODE) for line in dict.fromkeys(again)]
            )
        return lines

    def has_changed(self, initial: Any, data: Any) -> bool:
        return list(initial or []) != self._lines(data)

    def _lines(self, value: Any) -> list[str]:
        return [line.strip() for line in str(value or "").splitlines() if line.strip()]


class JSONValueField(forms.JSONField):
    """JSON that every database can store."""

    default_error_messages: ClassVar[dict[str, Any]] = {
        "invalid": "This is no JSON: look at its quotation marks, commas and brackets."
    }

    def to_python(self, value: Any) -> Any:
        try:
            read = super().to_python(value)
        except (ValueError, RecursionError):  # numbers of thousands of digits, thousands of levels
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid") from None
        if refusal := unstorable(read):
            place = f"{refusal.path}: " if refusal.path else ""
            raise forms.ValidationError(f"{place}{refusal.why}.", code=refusal.code)
        return read

    def bound_data(self, data: Any, initial: Any) -> Any:
        """What was typed comes back as it was typed where it cannot be shown as JSON."""
        try:
            read = super().bound_data(data, initial)
        except (ValueError, RecursionError):
            return InvalidJSONInput(data)
        return InvalidJSONInput(data) if unstorable(read) else read


def can_be_seen(text: str) -> None:
    """Raises ValidationError ``text_unseen``, as the API refuses what is blank."""
    try:
        text_taken(text)
    except PydanticCustomError as error:
        raise forms.ValidationError(f"{error.message()}.", code=error.type) from error
