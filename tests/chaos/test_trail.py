"""One message, followed by one id through every process: web or socket, workers, Kafka, its consumer, and the
integrator's webhook (OPS-6). PostgreSQL, Redis, a Kafka broker, and one of each process as the image starts them."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from channels_app.twin.platforms import PLATFORMS
from channels_app.twin.server import Twin
from tests.chaos import stream
from tests.chaos.ledger import Ledger
from tests.chaos.servers import Redis, free_port, wait_until
from tests.chaos.service import answers, deployed, environment, manage, running, set_up
from tests.chaos.socket_clients import Client
from tests.messaging.kafka.apache import ApacheKafka
from tests.messaging.kafka.broker import Broker

pytestmark = pytest.mark.chaos

SECRET = "swordfish"
TEXT = f"What are your opening hours, {SECRET}?"
WAIT_S = 90  # at most, until the id has come everywhere
ENDPOINT = """
from messaging.integrators.endpoints import endpoint_create
from tenants.models import Tenant
from tenants.scope import tenant_scope
tenant = Tenant.objects.get(id={tenant!r})
with tenant_scope(tenant.id):
    endpoint_create(tenant.id, url={url!r}, event_types=["*"])
"""
WORK = {
    "worker-in": {"message_accepted", "turn_done", "task_done"},
    "worker-tell": {"webhook_called"},  # its tasks serve whatever waits, under the id of who called first
    "consumer": {"event_handled"},
}
#: process → what its log lines tell under the id of a webhook; the platform's channel is answered by a worker
OF_A_WEBHOOK = {"web": {"request_done"}, **WORK, "worker-out": {"delivery_tried", "task_done"}}
#: the same of a socket, which stores its messages itself; nothing is delivered but by the socket
OF_A_SOCKET = {**WORK, "ws": {"message_accepted"}, "worker-in": {"turn_done", "task_done"}}


class Integrator(ThreadingHTTPServer):
    """``calls``: correlation id and type of every webhook we made."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.calls: list[tuple[str, str]] = []


class _Handler(BaseHTTPRequestHandler):
    server: Integrator

    def do_POST(self) -> None:
        event = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.calls.append((self.headers.get("X-Correlation-ID", ""), event["type"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None: ...


@pytest.fixture
def integrator() -> Iterator[Integrator]:
    with Integrator() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_one_id_goes_through_every_process(
    tmp_path: Path, twin: Twin, postgres_url: str, broker: Redis, kafka: Broker | ApacheKafka, integrator: Integrator
) -> None:
    port, ws_port = free_port(), free_port()
    inside = f"127.0.0.1:{integrator.server_port}"
    environ = environment(
        port, postgres_url, REDIS_URL=broker.url, KAFKA_BROKERS=kafka.address, KAFKA_TYPE_TOPICS="false",
        OUTBOUND_ALLOW_HOSTS=inside, LOG_LEVEL="DEBUG", LOG_FORMAT="json", WORKER_THREADS="3",
    )  # fmt: skip
    access = set_up(environ, twin)
    manage(environ, "shell", "-c", ENDPOINT.format(tenant=access["tenant_id"], url=f"http://{inside}/hook"))
    manage(environ, "kafka_topics", "--partitions", "3", "--group", "figures")

    def process(name: str, *words: str, at: int = 0) -> Any:
        ready: Callable[[], object] = lambda: not at or answers(at)  # noqa: E731
        own = {**environ, "PORT": str(at or port)}
        return deployed(*words, environ=own, log=tmp_path / f"{name}.log", ready=ready)

    processes = [
        process("web", "web", at=port),
        process("ws", "ws", at=ws_port),
        process("worker-in", "worker", "inbound,respond", "-n", "in@%h"),
        process("worker-out", "worker", "deliver", "-n", "out@%h"),
        process("worker-tell", "worker", "events,background", "-n", "tell@%h"),
        process("consumer", "consumer", "--group", "figures", "--handler", "analytics"),
    ]
    with running(*processes):
        by_webhook(twin, "follow-me-0001")
        came_everywhere(tmp_path, integrator, "follow-me-0001", OF_A_WEBHOOK)
        conversation = asyncio.run(by_socket(access["web_channel_key"], port, ws_port))
        [(trail,)] = Ledger(postgres_url).rows(
            f"SELECT DISTINCT correlation_id FROM conversations_event WHERE conversation_id = '{conversation}'"
            " AND type = 'chat.message.received'"
        )
        came_everywhere(tmp_path, integrator, trail, OF_A_SOCKET)
        records = stream.read_all(kafka.address, [stream.STREAM])
    assert_in_kafka(records, "follow-me-0001")
    assert_in_kafka(records, trail)
    assert_named(tmp_path, "follow-me-0001", access["tenant_id"])
    for log in tmp_path.glob("*.log"):
        assert SECRET not in log.read_text(), log.stem


def by_webhook(twin: Twin, trail: str) -> None:
    _, [webhook] = PLATFORMS["whatsapp"].say(twin, {"from": "15550700001", "text": TEXT})
    where = urlsplit(webhook.url)
    with closing(http.client.HTTPConnection(where.netloc, timeout=30)) as connection:
        connection.request("POST", where.path, webhook.body, {**webhook.headers, "X-Request-ID": trail})
        answer = connection.getresponse()
        assert (answer.status, answer.headers["X-Correlation-ID"]) == (200, trail)


async def by_socket(key: str, web_port: int, ws_port: int) -> str:
    """A visitor asks over a socket and gets the answer. Returns the conversation."""
    with closing(http.client.HTTPConnection("127.0.0.1", web_port, timeout=30)) as connection:
        headers = {"Content-Type": "application/json", "Origin": "http://shop.example"}
        connection.request("POST", f"/api/v2/webchat/{key}/session", "{}", headers)
        token = json.loads(connection.getresponse().read())["data"]["visitor_token"]
    client = await Client(key, token, [ws_port]).ready()
    try:
        await client.say(TEXT, "0192f0d0-7b1a-4c3e-9a55-1f0a7a3c9e10")
        await client.until(lambda: client.last_seq >= 2, WAIT_S, "the bot has answered")
        assert client.conversation
        return client.conversation
    finally:
        await client.stop()


def came_everywhere(folder: Path, integrator: Integrator, trail: str, wanted: Mapping[str, set[str]]) -> None:
    """Wait until each process has told of its part under this id, and the integrator was called with it."""

    def missing() -> dict[str, set[str]]:
        told = {name: {line["event"] for line in lines_of(folder / f"{name}.log", trail)} for name in wanted}
        return {name: events - told[name] for name, events in wanted.items() if events - told[name]}

    try:
        wait_until(lambda: not missing(), WAIT_S, f"{trail} is in every log", pause=0.3)
    except AssertionError:
        raise AssertionError(f"not told under {trail}: {missing()}") from None
    calls = {"chat.message.received", "chat.message.sent"}
    wait_until(lambda: calls <= {type for given, type in integrator.calls if given == trail}, WAIT_S, "webhooks came")


def lines_of(log: Path, trail: str) -> list[dict[str, Any]]:
    """Its log lines under this id."""
    lines = [json.loads(line) for line in log.read_text().splitlines() if line.startswith("{") and line.endswith("}")]
    return [line for line in lines if line.get("correlation_id") == trail]


def assert_in_kafka(records: list[Any], trail: str) -> None:
    """The events of the message and of its answer carry the id as a header."""
    types: dict[str, set[str]] = defaultdict(set)
    for record in records:
        headers = {name: value.decode() for name, value in record.headers}
        types[headers.get("correlation-id", "")].add(headers["event-type"])
    assert {"chat.message.received", "chat.message.sent", "chat.message.processed"} <= types[trail]


def assert_named(folder: Path, trail: str, tenant_id: str) -> None:
    """Every process that deals with the message logs it: the lines name it, its conversation and its tenant."""
    told = [line for name in OF_A_WEBHOOK for line in lines_of(folder / f"{name}.log", trail)]
    steps = [line for line in told if line["event"] in ("message_accepted", "turn_done", "delivery_tried")]
    assert {line["tenant_id"] for line in steps} == {tenant_id}
    assert len({line["conversation_id"] for line in steps}) == 1
    assert all(line["message_id"] for line in steps)
