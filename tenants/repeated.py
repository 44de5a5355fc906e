"""Entries of a list that stand in it twice: refused where they are entered, for one of the two was meant to be another.

Owns what counts as the same. Must not know any setting. What was stored before is read as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic_core import PydanticCustomError

#: lists whose entries are the same whatever their case, wherever they stand
CASELESS = frozenset({"languages", "words", "skills"})
CODE = "repeated"


def repeated_of(values: Sequence[Any], *, caseless: bool = False) -> list[int]:
    """The places of texts that stand further ahead as well."""
    seen: set[str] = set()
    found = []
    for place, value in enumerate(values):
        if not isinstance(value, str):
            continue
        same = value.casefold() if caseless else value
        if same in seen:
            found.append(place)
        seen.add(same)
    return found


def repeated_in(value: Any, *path: str | int) -> Iterator[dict[str, str]]:
    """A detail (field, message, code) for each such entry of the lists in a checked model, however deep."""
    if isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from repeated_in(getattr(value, name), *path, name)
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from repeated_in(inner, *path, name)
    elif isinstance(value, (tuple, list)):
        for place in repeated_of(value, caseless=bool(path) and path[-1] in CASELESS):
            yield {"field": ".".join(map(str, (*path, place))), "message": twice(value[place]), "code": CODE}
        for place, inner in enumerate(value):
            yield from repeated_in(inner, *path, place)


def once(values: list[str]) -> list[str]:
    """The values themselves, for a field of a request: no two are the same, whatever their case."""
    if again := repeated_of(values, caseless=True):
        raise PydanticCustomError(CODE, "{told}", {"told": twice(values[again[0]])})
    return values


def twice(value: str) -> str:
    """What people are told of such an entry."""
    return f"“{value[:100]}” stands in the list twice."
