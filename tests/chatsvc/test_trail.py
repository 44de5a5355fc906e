"""Which ids a task carries, and what a log line says when something breaks."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterator

import pytest
import structlog
from celery import current_app, shared_task

from chatsvc import traces, trail
from chatsvc.logs import whose
from tenants.scope import tenant_scope


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    structlog.contextvars.clear_contextvars()
    yield
    structlog.contextvars.clear_contextvars()


@shared_task(name="tests.look")
def look() -> dict[str, str]:
    return dict(structlog.contextvars.get_contextvars())


@shared_task(name="tests.fall")
def fall() -> None:
    raise ValueError("Ana said: my secret is swordfish")


def carried() -> dict[str, dict[str, str]]:
    headers: dict[str, dict[str, str]] = {}
    trail._carry(headers=headers)
    return headers


def test_a_task_goes_on_under_the_ids_of_its_caller() -> None:
    structlog.contextvars.bind_contextvars(
        correlation_id="c-1", request_id="r-1", conversation_id="k", message_id="m", text="Hello"
    )
    seen = look.apply(headers=carried()).result
    assert seen.pop("task_id")
    assert seen == {
        "correlation_id": "c-1", "request_id": "r-1", "conversation_id": "k", "message_id": "m", "task": "tests.look",
    }  # fmt: skip


def test_a_task_nobody_sent_begins_a_trail_of_its_own() -> None:
    first, second = look.apply().result["correlation_id"], look.apply().result["correlation_id"]
    assert first != second
    assert structlog.contextvars.get_contextvars() == {}


def test_a_failure_says_where_but_not_what(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        fall.apply()
    shown = [record.getMessage() for record in caplog.records if record.name.startswith("chatsvc")]
    assert any("task_failed" in line and "ValueError" in line and "test_trail.py" in line for line in shown)
    assert not any("swordfish" in line for line in shown)
    assert logging.getLogger("celery.app.trace").level == logging.CRITICAL


def test_a_line_names_the_tenant_in_scope() -> None:
    tenant_id = uuid.uuid4()
    with tenant_scope(tenant_id):
        assert whose(None, "info", {"event": "x"}) == {"event": "x", "tenant_id": str(tenant_id)}
    assert whose(None, "info", {"event": "x"}) == {"event": "x"}


def test_every_task_has_its_queue(settings: object) -> None:
    current_app.loader.import_default_modules()
    ours = {name for name in current_app.tasks if name.startswith("messaging.")}
    routes = settings.CELERY["task_routes"]  # type: ignore[attr-defined]
    assert ours == set(routes)
    assert {route["queue"] for route in routes.values()} == {"inbound", "respond", "deliver", "events", "background"}
    scheduled = {entry["task"] for entry in settings.CELERY["beat_schedule"].values()}  # type: ignore[attr-defined]
    assert scheduled <= ours


def test_traces_name_the_span(monkeypatch: pytest.MonkeyPatch) -> None:
    from opentelemetry.sdk.trace import TracerProvider

    monkeypatch.setattr(traces, "_on", True)
    with TracerProvider().get_tracer("test").start_as_current_span("step") as span:
        line = traces.ids_of_span(None, "info", {})
    assert line == {
        "trace_id": f"{span.get_span_context().trace_id:032x}", "span_id": f"{span.get_span_context().span_id:016x}",
    }  # fmt: skip
    assert traces.ids_of_span(None, "info", {}) == {}
    assert json.dumps(line)
