"""OpenTelemetry, when OTEL_EXPORTER_OTLP_ENDPOINT is set and requirements-otel.txt is installed.

Owns what is traced: requests, tasks and outbound calls. Must not record bodies, queries or headers.
"""

from __future__ import annotations

import os
from typing import Any

MISSING = "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry is not installed: pip install -r requirements-otel.txt"
_on = False


def start(exporter: Any = None) -> None:
    """Begin to trace; once per process, before the first request or task.

    ``exporter`` stands in for the OTLP one. Raises SystemExit when the packages are missing.
    """
    global _on
    try:
        from opentelemetry import trace
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.celery import CeleryInstrumentor
        from opentelemetry.instrumentation.django import DjangoInstrumentor
        from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise SystemExit(MISSING) from error
    name = os.environ.get("OTEL_SERVICE_NAME", "chatsvc")
    provider = TracerProvider(resource=Resource.create({"service.name": name}))
    provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
    trace.set_tracer_provider(provider)
    DjangoInstrumentor().instrument(tracer_provider=provider)
    CeleryInstrumentor().instrument(tracer_provider=provider)
    HTTPXClientInstrumentor().instrument(tracer_provider=provider)
    _on = True


def ids_of_span(logger: Any, method: str, line: dict[str, Any]) -> dict[str, Any]:
    """A structlog processor: adds ``trace_id`` and ``span_id`` of the running span."""
    if not _on:
        return line
    from opentelemetry import trace

    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        line["trace_id"], line["span_id"] = f"{span.trace_id:032x}", f"{span.span_id:016x}"
    return line
