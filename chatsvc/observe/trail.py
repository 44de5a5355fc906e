"""One id through every process: what a log line says of its request is carried on with each Celery task.

Owns which ids are carried. Must not carry anything that people said.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import structlog
from celery import signals

from chatsvc.observe import traces
from tenants.work.crew import SHARED

#: the ids of a log line; the first two say which request or webhook began it all
CARRIED = ("correlation_id", "request_id", "conversation_id", "message_id")
HEADER = "chatsvc_trail"

log = structlog.get_logger(__name__)


def follow() -> None:
    """Connect Celery's signals; once per process."""
    signals.before_task_publish.connect(_carry, dispatch_uid="trail")
    signals.task_prerun.connect(_take_up, dispatch_uid="trail")
    signals.task_postrun.connect(_done, dispatch_uid="trail")
    signals.task_failure.connect(_failed, dispatch_uid="trail")


def begin(correlation_id: str = "", **ids: Any) -> str:
    """Forget whose ids this thread had, and start with these. Returns the correlation id."""
    structlog.contextvars.clear_contextvars()
    correlation_id = correlation_id or str(uuid.uuid4())
    structlog.contextvars.bind_contextvars(correlation_id=correlation_id, **ids)
    return correlation_id


def _carry(headers: dict[str, Any], **_: Any) -> None:
    known = structlog.contextvars.get_contextvars()
    headers[HEADER] = {name: str(known[name]) for name in CARRIED if name in known} | traces.headers()


def _take_up(task: Any, task_id: str, **_: Any) -> None:
    carried: dict[str, str] = (task.request.headers or {}).get(HEADER) or getattr(task.request, HEADER, None) or {}
    task.request.chatsvc_started = time.monotonic()
    begin(**{name: carried[name] for name in CARRIED if name in carried}, task=task.name, task_id=task_id)
    task.request.chatsvc_span = ExitStack()
    task.request.chatsvc_span.enter_context(traces.span(task.name, "CONSUMER", carried))


def take_up(task: str, headers: Mapping[str, Any]) -> None:
    """As if the call had been for the one row of which its headers say this, within the context of that row."""
    carried: dict[str, str] = headers.get(HEADER) or {}
    begin(**{name: carried[name] for name in CARRIED if name in carried}, task=task)
    traces.follow(carried)


def _done(task: Any, state: str, retval: Any = None, **_: Any) -> None:
    started = getattr(task.request, "chatsvc_started", None)
    took_ms = round((time.monotonic() - started) * 1000) if started else None
    if retval != SHARED:  # else the thread that does the work says so
        log.debug("task_done", state=state, took_ms=took_ms)
    getattr(task.request, "chatsvc_span", ExitStack()).close()
    structlog.contextvars.clear_contextvars()


def _failed(exception: BaseException, **_: Any) -> None:
    """Where it broke, not the exception's words: they may hold a message's."""
    from chatsvc.observe.logs import where

    traces.failed(exception)
    log.error("task_failed", error=type(exception).__name__, where=where(exception))
