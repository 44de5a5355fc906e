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
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from channels_app.twin.platforms import PLATFORMS
from channels_app.twin.server import Twin, start
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


@dataclass(frozen=True)
class Demo:
    """A database with the demo tenant, which one process after another serves."""

    environ: dict[str, str]
    access: dict[str, Any]
    twin: Twin
    log: Path

    @contextmanager
    def served(self, endpoint: str) -> Iterator[int]:
        """By `manage.py serve` on SQLite, which tells its spans to ``endpoint``: its port."""
        port = int(self.environ["PORT"])
        traced = {**self.environ, **EXPORT, "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint}
        with running(Process(["manage.py", "serve"], traced, self.log, lambda: answers(port))):
            yield port


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("traces")
    with start() as twin:
        twin.configure(dedupe=True, statuses=["delivered"])
        environ = environment(free_port(), f"sqlite:///{folder}/traces.sqlite3")
        yield Demo(environ, set_up(environ, twin), twin, folder / "serve.log")


def test_one_webhook_is_one_trace(demo: Demo, collector: Collector) -> None:
    with demo.served(collector.url):
        platform_id, [webhook] = PLATFORMS["whatsapp"].say(demo.twin, {"from": "15550700001", "text": TEXT})
        assert platform_id
        assert post(webhook.url, webhook.body, {**webhook.headers, "X-Correlation-ID": "follow-me"}) == 200
        wait_until(lambda: sent(collector) and all(lines_of_calls(collector)), 120, "what is above each call is told")
    own = [span for span in collector.spans if span["attributes"].get("chatsvc.correlation_id") == "follow-me"]
    [trace_id] = {span["trace_id"] for span in own}
    in_it = {span["name"]: span for span in collector.spans if span["trace_id"] == trace_id}
    calls = [span for span in collector.spans if span["name"] == "POST"]
    assert {call["attributes"]["server.address"] for call in calls} == {urlsplit(demo.twin.url).netloc}
    assert {line[-1] for line in lines_of_calls(collector)} == {"POST api/v2/webhooks/<str:kind>/<str:key>"}
    for task in ("messaging.tasks.parse", "messaging.tasks.respond", "messaging.tasks.deliver"):
        known = in_it[task]["attributes"]
        assert known["chatsvc.tenant_id"] == demo.access["tenant_id"]
        assert known["chatsvc.conversation_id"] and known["chatsvc.message_id"]
    assert b"swordfish" not in collector.raw and b"15550700001" not in collector.raw
    assert not any(span["events"] for span in collector.spans)


def sent(collector: Collector) -> bool:
    """Whether the call of the delivery is told: that of the typing sign comes before it, or after."""
    return any(line[:1] == ["messaging.tasks.deliver"] for line in lines_of_calls(collector))


def lines_of_calls(collector: Collector) -> list[list[str]]:
    """What is above each call to a platform, once the request at its top is told. The looks at the channels come by
    themselves, a while after the start."""
    lines = [parents(span, collector.spans) for span in collector.spans if span["name"] == "POST"]
    asked = [line for line in lines if line[-1:] != ["messaging.tasks.watch_channels"]]
    return [line if line and line[-1].startswith("POST api") else [] for line in asked]


def parents(span: dict[str, Any], spans: list[dict[str, Any]]) -> list[str]:
    """Names, from the nearest on."""
    by_id = {each["span_id"]: each for each in spans}
    above = []
    while span := by_id.get(span["parent_span_id"], {}):
        above.append(span["name"])
    return above


@pytest.mark.parametrize("begin", [socket.socket.fileno, socket.socket.listen], ids=["refuses", "says nothing"])
def test_a_dead_collector_costs_no_request(demo: Demo, begin: Callable[[socket.socket], object]) -> None:
    """An export to one that says nothing waits longer than any of these requests may."""
    with closing(socket.socket()) as collector:
        collector.bind(("127.0.0.1", 0))
        begin(collector)
        with demo.served(f"http://127.0.0.1:{collector.getsockname()[1]}") as port:
            address = f"http://127.0.0.1:{port}/api/v2/chat/message"
            asked = {"Authorization": f"Bearer {demo.access['api_key']}", "Content-Type": "application/json"}
            body = {"user_id": "ada", "channel": "web", "content": {"type": "text", "text": TEXT}}
            assert [post(address, json.dumps(body).encode(), asked) for _ in range(5)] == [200] * 5
    assert "swordfish" not in demo.log.read_text()


def post(url: str, body: bytes, headers: dict[str, str]) -> int:
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.netloc, timeout=30)
    try:
        connection.request("POST", where.path, body, dict(headers))
        return connection.getresponse().status
    finally:
        connection.close()
