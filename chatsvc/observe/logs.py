"""Structured logs: one JSON object a line, ids from the context. Never message text or secrets (TEN-7)."""

from __future__ import annotations

import logging
import logging.config
import os
import sys
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from typing import Any

import structlog

from channels_app.words.moments import written
from chatsvc.observe import traces

OWN = ("assistant", "channels_app", "chatsvc", "conversations", "messaging", "tenants")
DEFAULT_NAME = "chatsvc"
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


class Line(logging.Formatter):
    """Renders our own lines, which come as what they hold, and those of libraries, which get the same members.

    structlog's own formatter copies line and record first, which costs more than all else that is done to a line.
    """

    def __init__(self, render: Callable[[Any, str, dict[str, Any]], str | bytes]):
        super().__init__()
        self._render = render

    def format(self, record: logging.LogRecord) -> str:
        line = record.msg if isinstance(record.msg, _Own) else _of_library(record)
        return str(self._render(None, record.levelname, {**line}))  # a renderer may take it apart; others read it too


def _of_library(record: logging.LogRecord) -> dict[str, Any]:
    line: dict[str, Any] = {"event": record.getMessage(), "exc_info": record.exc_info}
    for process in SHARED:
        line = process(logging.getLogger(record.name), record.levelname.lower(), line)
    return line


class _Own(dict[str, Any]):
    """A line of ours, told from whatever a library may log."""


def _as_it_is(logger: Any, method: str, line: dict[str, Any]) -> tuple[tuple[_Own], dict[str, Any]]:
    """Hands the line to the standard library's logger, for `Line` to render."""
    return (_Own(line),), {}


def _logger(name: str = "", *_: Any) -> logging.Logger:
    """Looks for no caller: a line names its logger, and walking up the stack costs as much as writing the line."""
    logger = logging.getLogger(name or "chatsvc")
    logger.findCaller = lambda *_: ("", 0, "", None)  # type: ignore[method-assign, assignment]
    return logger


def _with_service(render: Any, service: str, logger: Any, method: str, line: dict[str, Any]) -> str | bytes:
    rendered: str | bytes = render(logger, method, {**line, "service": service})
    return rendered


def configure(*, level: str, form: str, traced: bool = False, service: str = DEFAULT_NAME) -> None:
    """Route structlog and the standard library's loggers through one formatter to stderr.

    ``traced``: spans get their ids from the lines written in them, also from those that ``level`` leaves out; else
    such a line costs nothing. ``service`` stands in every line where it is not the default name.
    """
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # gRPC's core has lines of its own form; a call says it by status
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False  # no line has them
    renderer: Any = (
        structlog.processors.JSONRenderer() if form == "json" else structlog.dev.ConsoleRenderer(colors=False)
    )
    named = renderer if service == DEFAULT_NAME else partial(_with_service, renderer, service)
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"line": {"()": Line, "render": named}},
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            # below INFO libraries tell bodies, keys and statements
            "root": {"handlers": ["stderr"], "level": max(logging.getLevelNamesMapping()[level], logging.INFO)},
            "loggers": {
                **{app: {"level": level} for app in OWN},
                "django.server": {"level": "WARNING"},
                "daphne": {"level": "WARNING"},
                "celery": {"level": "WARNING"},
                "celery.app.trace": {
                    "level": "CRITICAL"
                },  # it writes an exception's words; chatsvc/observe/trail.py does not
                **{name: {"level": "WARNING"} for name in ("httpx", "httpx2", "openai", "anthropic", "mcp")},
                "httpcore": {"level": "WARNING"},
                "django.request": {"level": "ERROR"},
            },
        }
    )
    structlog.configure(
        processors=[*SHARED, _as_it_is],  # type: ignore[list-item]
        logger_factory=_logger,
        wrapper_class=structlog.make_filtering_bound_logger(logging.NOTSET if traced else level),
        cache_logger_on_first_use=True,
    )
