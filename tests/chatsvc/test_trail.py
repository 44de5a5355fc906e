"""Which ids a task carries, and what a log line says when something breaks."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import structlog
from celery import current_app, shared_task

from channels_app.contract import SendError
from channels_app.http import client as http
from chatsvc.observe import traces, trail
from chatsvc.observe.logs import whose
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


def test_a_task_without_a_sender_begins_a_trail_of_its_own() -> None:
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


class Finished(list[Any]):
    """An exporter that keeps spans."""

    def export(self, spans: Sequence[Any]) -> Any:
        self.extend(spans)

    def shutdown(self) -> None: ...


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Finished:
    """Spans as they end, of a process that traces."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    provider, finished = TracerProvider(), Finished()
    provider.add_span_processor(SimpleSpanProcessor(finished))  # type: ignore[arg-type]
    monkeypatch.setattr(traces, "_tracer", provider.get_tracer("test"))
    return finished


def test_a_line_names_its_span_and_the_span_the_lines_ids(spans: Finished) -> None:
    with traces.span("step", "SERVER") as current:
        line = traces.ids_of_span(None, "info", {"conversation_id": "k", "text": "Hello", "message_id": ""})
    context = current.get_span_context()
    assert (line["trace_id"], line["span_id"]) == (f"{context.trace_id:032x}", f"{context.span_id:016x}")
    assert dict(spans[0].attributes) == {"chatsvc.conversation_id": "k"}
    assert traces.ids_of_span(None, "info", {}) == {}


def test_a_task_belongs_to_the_trace_of_who_sent_it(spans: Finished) -> None:
    with traces.span("request", "SERVER") as request:
        headers = carried()
    look.apply(headers=headers)
    task = spans[-1]
    assert (task.name, task.parent.span_id) == ("tests.look", request.get_span_context().span_id)
    assert task.context.trace_id == request.get_span_context().trace_id
    look.apply(headers=carried())
    assert spans[-1].parent is None, "the task before left nothing behind"


def test_a_call_belongs_to_what_makes_it(spans: Finished, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "observe", traces._call)
    with traces.span("task", "CONSUMER", {}) as task, pytest.raises(SendError):
        http.HttpClient().request("POST", "http://127.0.0.1:9/bot-token/send?key=swordfish", json={"text": "Hello"})
    call = spans[0]
    assert (call.name, call.parent.span_id) == ("POST", task.get_span_context().span_id)
    assert call.attributes == {"http.request.method": "POST", "server.address": "127.0.0.1:9"}
    assert call.status.description == "address_blocked"


def test_a_span_tells_what_kind_of_failure_and_not_its_words(spans: Finished) -> None:
    fall.apply()
    assert (spans[-1].status.description, spans[-1].events) == ("ValueError", ())
    assert "swordfish" not in spans[-1].to_json()


def test_without_an_endpoint_nothing_is_traced() -> None:
    with traces.span("step", "SERVER") as current:
        assert (current, traces.headers()) == (None, {})
