"""Structured logs: one JSON object a line, ids from the context. Never message text or secrets (TEN-7)."""

from __future__ import annotations

import logging
import logging.config
import os
import sys
import traceback
from datetime import UTC, datetime
from typing import Any

import structlog

from channels_app.content.moments import written
from chatsvc.observe import traces

MOST_FRAMES = 12  # the innermost


def whose(logger: Any, method: str, line: dict[str, Any]) -> dict[str, Any]:
    """Adds the tenant in scope."""
    from tenants.scope import tenant_id_if_any  # not at import: the settings are read before the models

    tenant_id = tenant_id_if_any()
    if tenant_id:
        line.setdefault("tenant_id", str(tenant_id))
    return line


def when(logger: Any, method: str, line: dict[str, Any]) -> dict[str, Any]:
    """Adds the time, in the form of all our times."""
    line["timestamp"] = written(datetime.now(UTC))
    return line


def place_of_exception(logger: Any, method: str, line: dict[str, Any]) -> dict[str, Any]:
    """Says of an exception which one it is and where it happened. Its words may quote a message or a row."""
    given = line.pop("exc_info", None)
    error = sys.exception() if given is True else given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        line = {"error": type(error).__name__, "where": where(error)} | line
    return line


def where(error: BaseException) -> list[str]:
    """The innermost frames of an exception, as a log may have them: places, no words."""
    frames = traceback.extract_tb(error.__traceback__)[-MOST_FRAMES:]
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames]


SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    whose,
    traces.ids_of_span,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    when,
    place_of_exception,
]


def configure(*, level: str, form: str) -> None:
    """Route structlog and the standard library's loggers through one formatter to stderr."""
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # gRPC's core has lines of its own form; a call says it by status
    renderer: Any = (
        structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "line": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "foreign_pre_chain": SHARED,
                    "processors": [structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"handlers": ["stderr"], "level": level},
            "loggers": {
                "django.server": {"level": "WARNING"},
                "daphne": {"level": "WARNING"},
                "celery": {"level": "WARNING"},
                "celery.app.trace": {
                    "level": "CRITICAL"
                },  # it writes an exception's words; chatsvc/observe/trail.py does not
                "httpx": {"level": "WARNING"},
                "httpcore": {"level": "WARNING"},
                "django.request": {"level": "ERROR"},
            },
        }
    )
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
