"""The OpenAPI document, made once a process: it takes seconds, and several files of tests walk it."""

from __future__ import annotations

from functools import cache
from typing import Any

from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator


def document() -> dict[str, Any]:
    """What ``manage.py spectacular`` writes; no test changes it."""
    return _made()[0]


def warned() -> bool:
    """Whether its maker had something to say against it."""
    return _made()[1]


@cache
def _made() -> tuple[dict[str, Any], bool]:
    GENERATOR_STATS.reset()
    made = SchemaGenerator().get_schema(request=None, public=True)
    return made, bool(GENERATOR_STATS)
