"""One webhook's spans, as a collector gets them from the real service: one trace, all ids, no words. And a
collector that is away, which costs no caller anything (OPS-6)."""

from __future__ import annotations

import gzip
import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from channels_app.twin.platforms import PLATFORMS
from channels_app.twin.server import Twin
from tests.chaos.servers import free_port, wait_until
from tests.chaos.service import Process, answers, environment, set_up
from tests.chaos.test_kill import running

pytest.importorskip("opentelemetry.proto")

TEXT = "What are your opening hours, swordfish?"
EXPORT = {"OTEL_BSP_SCHEDULE_DELAY": "200", "OTEL_EXPORTER_OTLP_TIMEOUT": "60"}


class Collector(ThreadingHTTPServer):
    """Takes OTLP over HTTP. ``spans``: (trace id, span id, parent's id, kind, name, attributes)."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.spans: list[dict[str, Any]] = []
        self.raw = b""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def take(self, body: bytes) -> None:
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        self.raw += body
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                self.spans += [_shown(span) for span in scope.spans]


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.take({"gzip": gzip.decompress}.get(self.headers.get("Content-Encoding", ""), bytes)(body))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None: ...


def _shown(span: Any) -> dict[str, Any]:
    ids = {name: getattr(span, name).hex() for name in ("trace_id", "span_id", "parent_span_id")}
    known = {each.key: each.value.string_value or each.value.int_value for each in span.attributes}
    return {**ids, "name": span.name, "events": len(span.events), "attributes": known}


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@contextmanager
def served(directory: Path, twin: Twin, endpoint: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """`manage.py serve` on SQLite: its port and the demo tenant's access."""
    port = free_port()
    environ = environment(port, f"sqlite:///{directory}/traces.sqlite3")
    access = set_up(environ, twin)
    traced = {**environ, **EXPORT, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
    with running(Process(["manage.py", "serve"], traced, directory / "serve.log", lambda: answers(port))):
        yield port, access


def test_one_webhook_is_one_trace(tmp_path: Path, twin: Twin, collector: Collector) -> None:
    with served(tmp_path, twin, collector.url) as (_, access):
        platform_id, [webhook] = PLATFORMS["whatsapp"].say(twin, {"from": "15550700001", "text": TEXT})
        assert platform_id
        assert post(webhook.url, webhook.body, {**webhook.headers, "X-Correlation-ID": "follow-me"}) == 200
        wait_until(lambda: sent(collector) and all(lines_of_calls(collector)), 60, "what is above each call is told")
    own = [span for span in collector.spans if span["attributes"].get("chatsvc.correlation_id") == "follow-me"]
    [trace_id] = {span["trace_id"] for span in own}
    in_it = {span["name"]: span for span in collector.spans if span["trace_id"] == trace_id}
    calls = [span for span in collector.spans if span["name"] == "POST"]
    assert {call["attributes"]["server.address"] for call in calls} == {urlsplit(twin.url).netloc}
    assert {line[-1] for line in lines_of_calls(collector)} == {"POST api/v2/webhooks/<str:kind>/<str:key>"}
    for task in ("messaging.tasks.parse", "messaging.tasks.respond", "messaging.tasks.deliver"):
        known = in_it[task]["attributes"]
        assert known["chatsvc.tenant_id"] == access["tenant_id"]
        assert known["chatsvc.conversation_id"] and known["chatsvc.message_id"]
    assert b"swordfish" not in collector.raw and b"15550700001" not in collector.raw
    assert not any(span["events"] for span in collector.spans)


def sent(collector: Collector) -> bool:
    """Whether the call of the delivery is told: that of the typing sign comes before it, or after."""
    return any(line[:1] == ["messaging.tasks.deliver"] for line in lines_of_calls(collector))


def lines_of_calls(collector: Collector) -> list[list[str]]:
    """What is above each call to a platform, once the request at its top is told."""
    lines = [parents(span, collector.spans) for span in collector.spans if span["name"] == "POST"]
    return [line if line and line[-1].startswith("POST api") else [] for line in lines]


def parents(span: dict[str, Any], spans: list[dict[str, Any]]) -> list[str]:
    """Names, from the nearest on."""
    by_id = {each["span_id"]: each for each in spans}
    above = []
    while span := by_id.get(span["parent_span_id"], {}):
        above.append(span["name"])
    return above


@pytest.mark.parametrize("begin", [socket.socket.fileno, socket.socket.listen], ids=["refuses", "says nothing"])
def test_a_dead_collector_costs_no_request(
    tmp_path: Path, twin: Twin, begin: Callable[[socket.socket], object]
) -> None:
    """An export to one that says nothing waits longer than any of these requests may."""
    with closing(socket.socket()) as collector:
        collector.bind(("127.0.0.1", 0))
        begin(collector)
        url = f"http://127.0.0.1:{collector.getsockname()[1]}"
        with served(tmp_path, twin, url) as (port, access):
            address = f"http://127.0.0.1:{port}/api/v2/chat/message"
            asked = {"Authorization": f"Bearer {access['api_key']}", "Content-Type": "application/json"}
            body = {"user_id": "ada", "channel": "web", "content": {"type": "text", "text": TEXT}}
            assert [post(address, json.dumps(body).encode(), asked) for _ in range(5)] == [200] * 5
    assert "swordfish" not in (tmp_path / "serve.log").read_text()


def post(url: str, body: bytes, headers: dict[str, str]) -> int:
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.netloc, timeout=30)
    try:
        connection.request("POST", where.path, body, dict(headers))
        return connection.getresponse().status
    finally:
        connection.close()
