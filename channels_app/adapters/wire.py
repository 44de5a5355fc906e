"""Reading of JSON whose shape cannot be trusted: what is not there, or is something else, is empty.

Owns these few readers; must not know any platform. They never raise, whatever they are given. A webhook is read by a
hundred of their calls: what JSON gives is told by its exact kind, and anything else as ever.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

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
