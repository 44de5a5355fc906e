"""Bodies are read by the types that the API's document names: no text is a number, no number a truth or a time.

Pydantic's own strict reading refuses times and lists of a model that looks at the whole of its input first; so here its
schema is changed in those places where it would take another JSON type. ``1.0`` stays an integer, as in JSON Schema.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticCustomError, SchemaValidator, core_schema

#: parts of a schema that hold schemas
PARTS = ("schema", "items_schema", "keys_schema", "values_schema", "extras_schema", "lax_schema", "strict_schema",
         "json_schema", "python_schema", "choices", "fields", "definitions", "steps")  # fmt: skip


@cache
def strict_of(model: type[BaseModel]) -> SchemaValidator:
    """The validator of ``model`` for JSON."""
    return SchemaValidator(_strict(model.__pydantic_core_schema__), _use_prebuilt=False)  # type: ignore[call-arg]


def _strict(schema: Any) -> Any:
    if isinstance(schema, tuple):  # of a union: with its label
        return (_strict(schema[0]), *schema[1:])
    if isinstance(schema, list):
        return [_strict(one) for one in schema]
    if "type" not in schema or not isinstance(schema["type"], str):
        return {name: _strict(one) for name, one in schema.items()}
    changed = {name: _strict(part) if name in PARTS else part for name, part in schema.items()}
    match schema["type"]:
        case "bool" | "float":
            return {**changed, "strict": True}
        case "int":
            return core_schema.no_info_before_validator_function(_number, changed)
        case "datetime" | "date" | "time" | "timedelta":
            return core_schema.no_info_before_validator_function(_words, changed)
    return changed


def _number(given: Any) -> Any:
    if isinstance(given, str | bool):
        raise PydanticCustomError("int_type", "Input should be a valid integer")
    return given


def _words(given: Any) -> Any:
    if isinstance(given, int | float):
        raise PydanticCustomError("string_type", "Input should be a valid string")
    return given
