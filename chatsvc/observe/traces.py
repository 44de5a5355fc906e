"""OpenTelemetry, when OTEL_EXPORTER_OTLP_ENDPOINT is set and requirements-otel.lock is installed.

Owns what is traced: requests, tasks and outbound calls, each with the ids that its log lines have. Must not
record bodies, queries, headers or the words of an exception, as ready-made instrumentation does.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

MISSING = (
    "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed: pip install -r requirements-otel.lock"
)
IDS = ("correlation_id", "request_id", "tenant_id", "conversation_id", "message_id", "event_id", "task_id")

_tracer: Any = None


def start(service: str, exporter: Any = None) -> None:
    """Begin to trace; once per process, before the first request or task.

    ``service`` is its name, unless OTEL_SERVICE_NAME gives another. ``exporter`` stands in for the OTLP one. Raises SystemExit when the packages are missing.
    """
    global _tracer
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise SystemExit(MISSING) from error
    from assistant.engine import remote
    from channels_app.http import client as http

    name = os.environ.get("OTEL_SERVICE_NAME") or service
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))  # a full queue drops spans
    _tracer = provider.get_tracer("chatsvc")
    http.observe = _call
    remote.observe = _question


@contextmanager
def span(name: str, kind: str, parent: Mapping[str, str] | None = None) -> Iterator[Any]:
    """A span around what is done inside; yields it, or None when nothing is traced.

    ``kind``: SERVER, CONSUMER or CLIENT. ``parent``: headers of the caller; without a ``traceparent`` in
    them the span begins a trace. None: it belongs to the span that runs.
    """
    if _tracer is None:
        yield None
        return
    from opentelemetry.trace import SpanKind

    context = None if parent is None else _propagator().extract(parent)
    options = {"record_exception": False, "set_status_on_exception": False}
    with _tracer.start_as_current_span(name, context=context, kind=SpanKind[kind], **options) as current:
        try:
            yield current
        except Exception as error:
            if current.status.is_unset:  # code that knows the status has set it
                failed(error)
            raise


def failed(error: BaseException | str) -> None:
    """Mark the running span. Of an exception its type alone is told."""
    if _tracer is None:
        return
    from opentelemetry import trace
    from opentelemetry.trace import Status, StatusCode

    words = error if isinstance(error, str) else type(error).__name__
    trace.get_current_span().set_status(Status(StatusCode.ERROR, words))


def on() -> bool:
    return _tracer is not None


def follow(parent: Mapping[str, str]) -> None:
    """What begins in this context from now on belongs to the trace of ``parent``, headers of a caller."""
    if _tracer is not None:
        from opentelemetry.context import attach

        attach(_propagator().extract(parent))


def headers() -> dict[str, str]:
    """What makes a task a part of the running trace."""
    carrier: dict[str, str] = {}
    if _tracer is not None:
        _propagator().inject(carrier)
    return carrier


def ids_of_span(logger: Any, method: str, line: dict[str, Any]) -> dict[str, Any]:
    """A structlog processor: the line gets ``trace_id`` and ``span_id`` of the running span, the span the line's
    ids. Each step writes a line, so each span gets them, whatever LOG_LEVEL shows."""
    if _tracer is None:
        return line
    from opentelemetry import trace

    current = trace.get_current_span()
    context = current.get_span_context()
    if context.is_valid:
        current.set_attributes({f"chatsvc.{name}": str(line[name]) for name in IDS if line.get(name)})
        line["trace_id"], line["span_id"] = f"{context.trace_id:032x}", f"{context.span_id:016x}"
    return line


@contextmanager
def _call(note: Mapping[str, Any]) -> Iterator[None]:
    """Around an outbound exchange. Host only: paths hold people's ids, and some platforms' hold tokens."""
    from channels_app.http.client import authority

    with span(str(note["method"]), "CLIENT") as current:
        try:
            yield
        finally:
            known = {"http.request.method": note["method"], "server.address": authority(note["url"])}
            if note["status"]:
                known["http.response.status_code"] = note["status"]
            current.set_attributes(known)
            if note["error"]:
                failed(note["error"])


@contextmanager
def _question(target: str) -> Iterator[dict[str, str]]:
    """Around a question to the engine; what it does there becomes a part of the trace."""
    with span("ProcessMessage", "CLIENT") as current:
        current.set_attributes({"rpc.system": "grpc", "server.address": target})
        yield headers()


def _propagator() -> Any:
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator()
