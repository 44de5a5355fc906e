"""The OpenAPI document, made once by the first process that asks: it takes seconds, and several files of tests walk it
already when they are collected."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import Any

from django.conf import settings
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer

from tests.migrated import FOLDER, alone


def document() -> dict[str, Any]:
    """What ``manage.py spectacular`` writes; no test changes it."""
    return _kept()[0]


def warned() -> bool:
    """Whether its maker had something to say against it."""
    return _kept()[1]


@cache
def _kept() -> tuple[dict[str, Any], bool]:
    environment = hashlib.sha256(repr(sorted(settings.ENV.items())).encode()).hexdigest()[:20]
    with alone("openapi") as name:
        file = FOLDER / f"{name}{environment}.json"
        if not file.exists():
            GENERATOR_STATS.reset()
            made = OpenApiJsonRenderer().render(SchemaGenerator().get_schema(request=None, public=True))
            fresh = FOLDER / "fresh.json"
            fresh.write_text(json.dumps([json.loads(made), bool(GENERATOR_STATS)]))
            fresh.rename(file)
    known, complained = json.loads(file.read_text())
    return known, complained
