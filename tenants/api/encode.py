"""What answers are written as. Must not know what is said in them."""

from __future__ import annotations

from typing import Any

from pydantic_core import PydanticSerializationError, to_json

from tenants.api.moments import all_written


def encoded(value: Any) -> bytes:
    """JSON, by pydantic's serialiser: models, dates and ids go in as they are."""
    value = all_written(value)
    try:
        return to_json(value, fallback=str, inf_nan_mode="null")
    except (PydanticSerializationError, UnicodeError):
        # Half a surrogate pair, stored before it was refused: one bad letter must not hide a whole page.
        return to_json(_whole_letters(value), fallback=str, inf_nan_mode="null")


def _whole_letters(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_whole_letters(key): _whole_letters(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_whole_letters(item) for item in value]
    return value
