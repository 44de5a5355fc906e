"""The check of every event as it is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from pydantic import ValidationError

from conversations.event_schemas.catalogue import UnknownEvent, model_of

log = structlog.get_logger(__name__)


class BadEvent(AssertionError):
    """An event does not say what its schema promises: a bug of the code that writes it."""


def event_check(type: str, version: int, payload: Mapping[str, Any], *, strict: bool) -> None:
    """See that ``payload`` is what its schema promises; ``strict``, that it says nothing else either.

    Costs microseconds. Raises BadEvent when ``strict`` (tests, development); elsewhere it is logged, for
    an event that is wrong in a detail is worth more than the message it would take down with it.
    """
    try:
        read = model_of(type, version).model_validate(payload)
    except (ValidationError, UnknownEvent) as error:
        wrong = [".".join(map(str, e["loc"])) for e in error.errors()] if isinstance(error, ValidationError) else []
        if strict:
            raise BadEvent(f"{type}: {error}") from error
        log.error("event_schema_violated", type=type, version=version, fields=wrong)
    else:
        if strict and read.model_extra:
            raise BadEvent(f"{type}: {', '.join(read.model_extra)} not in conversations/event_schemas/")
