"""Reading of JSON whose shape cannot be trusted: what is not there, or is something else, is empty.

Owns these few readers, and the look whether a body has the shape that its platform promises (`misshapen`); must not know any
platform. They never raise, whatever they are given. A webhook is read by a
hundred of their calls: what JSON gives is told by its exact kind, and anything else as ever.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from channels_app.contract import Malformed
from channels_app.words.moments import moment_of_unix

MAX_ID = 255  # longer ids are no platform's; they are read as absent


def at(value: Any, *path: str) -> Any:
    """The member at the end of ``path`` through objects, or None."""
    for name in path:
        value = value.get(name) if type(value) is dict or isinstance(value, dict) else None
    return value


def obj(value: Any, *path: str) -> dict[str, Any]:
    """The object at ``path``, or {}."""
    found = at(value, *path)
    return found if type(found) is dict or isinstance(found, dict) else {}


def array(value: Any, *path: str) -> list[Any]:
    """The array at ``path``, or []."""
    found = at(value, *path)
    return found if type(found) is list or isinstance(found, list) else []


def string(value: Any, *path: str, limit: int | None = None) -> str:
    """The string or number at ``path`` as a string of at most ``limit`` characters, or ""."""
    found = at(value, *path)
    if found is None or type(found) is str:
        return found[:limit] if found else ""
    if isinstance(found, (int, float)) and not isinstance(found, bool):
        found = str(found)
    return found[:limit] if isinstance(found, str) else ""


def identifier(value: Any, *path: str) -> str:
    """The id at ``path``, or "" when there is none or it is longer than MAX_ID."""
    found = string(value, *path).strip()
    return found if len(found) <= MAX_ID else ""


def moment(value: Any, *path: str) -> datetime | None:
    """The Unix time at ``path``, in seconds or milliseconds, number or string; None when it is neither, or
    outside the years 1970 to 2100."""
    return moment_of_unix(string(value, *path))


#: what stands where: an object with these members, a list of such entries, a text (or number, as ids are written)
Shape = dict[str, Any] | list[Any] | type[str]


def misshapen(value: Any, shape: Shape) -> list[Malformed]:
    """Every part of ``value`` that is of another kind than ``shape`` says, by its place. What is absent or null is none of
    them, nor is what the shape does not name."""
    return [Malformed(f"malformed:{place or 'body'}"[:200]) for place in _misshapen(value, shape)]


def _misshapen(value: Any, shape: Shape) -> Sequence[str]:
    """Places beneath ``value``; "" is itself. None are written down for a body that is as it should be."""
    if shape is str:
        return () if isinstance(value, (str, int, float)) and not isinstance(value, bool) else ("",)
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            return ("",)
        parts = [
            (name, _misshapen(found, shape[name]))
            for name, found in value.items()
            if name in shape and found is not None
        ]
    else:
        if not isinstance(value, list):
            return ("",)
        parts = [(number, _misshapen(entry, shape[0])) for number, entry in enumerate(value)]  # type: ignore[index]
    return [f"{name}.{place}".removesuffix(".") for name, places in parts if places for place in places]
