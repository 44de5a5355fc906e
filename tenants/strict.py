"""Bodies are read by the types that the API's document names: no text is a number, no number a truth or a time.

Pydantic's own strict reading refuses times and lists of a model that looks at the whole of its input first; so here its
schema is changed in those places where it would take another JSON type. ``1.0`` stays an integer, as in JSON Schema.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticCustomError, SchemaValidator, core_schema

NUMBER = re.compile(r"\s*[+-]?[0-9._]+(?:[eE][+-]?[0-9]+)?\s*")
#: parts of a schema that hold schemas
PARTS = ("schema", "items_schema", "keys_schema", "values_schema", "extras_schema", "lax_schema", "strict_schema",
         "json_schema", "python_schema", "choices", "fields", "definitions", "steps")  # fmt: skip


@cache
def strict_of(model: type[BaseModel]) -> SchemaValidator:
    """The validator of ``model`` for JSON."""
    return _made(model, _strict)


@cache
def written_of(model: type[BaseModel]) -> SchemaValidator:
    """The validator of ``model`` for what is all text, as a query: no number is a time."""
    return _made(model, _timed)


def _made(model: type[BaseModel], change: Callable[[Any], Any]) -> SchemaValidator:
    return SchemaValidator(_walked(model.__pydantic_core_schema__, change), _use_prebuilt=False)  # type: ignore[call-arg]


def _walked(schema: Any, change: Callable[[Any], Any]) -> Any:
    if isinstance(schema, tuple):  # of a union: with its label
        return (_walked(schema[0], change), *schema[1:])
    if isinstance(schema, list):
        return [_walked(one, change) for one in schema]
    if "type" not in schema or not isinstance(schema["type"], str):
        return {name: _walked(one, change) for name, one in schema.items()}
    return change({name: _walked(part, change) if name in PARTS else part for name, part in schema.items()})


def _strict(schema: Any) -> Any:
    match schema["type"]:
        case "bool" | "float":
            return {**schema, "strict": True}
        case "int":
            return core_schema.no_info_before_validator_function(_number, schema)
    return _timed(schema)


def _timed(schema: Any) -> Any:
    if schema["type"] in ("datetime", "date", "time", "timedelta"):
        return core_schema.no_info_before_validator_function(_words, schema)
    return schema


def _number(given: Any) -> Any:
    if isinstance(given, str | bool):
        raise PydanticCustomError("int_type", "Input should be a valid integer")
    return given


def _words(given: Any) -> Any:
    if isinstance(given, int | float):
        raise PydanticCustomError("string_type", "Input should be a valid string")
    if isinstance(given, str) and NUMBER.fullmatch(given):  # seconds since 1970, to pydantic
        raise PydanticCustomError("time_form", "Input should be written as ISO 8601 says")
    return given
