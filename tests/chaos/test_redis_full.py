"""Redis answers, and takes nothing more (`noeviction`): workers go on from the rows, and outlive it (bug B10)."""

from __future__ import annotations

import http.client
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from channels_app.twin.server import Twin
from tests.chaos.ledger import Ledger, assert_all_well
from tests.chaos.load import Load, under, warm
from tests.chaos.servers import Redis, free_port, wait_until
from tests.chaos.service import answers, deployed, environment, running, set_up

pytestmark = pytest.mark.chaos
FULL_S = 15.0


def ready(port: int) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", "/health/ready")
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def fill(redis: Redis) -> None:
    redis.client.config_set("maxmemory-policy", "noeviction")
    redis.client.config_set("maxmemory", 1)


def test_redis_full_loses_nothing_and_ends_no_process(
    tmp_path: Path, twin: Twin, seed: int, postgres_url: str, broker: Redis
) -> None:
    port = free_port()
    environ = environment(port, postgres_url, REDIS_URL=broker.url)
    api_key = set_up(environ, twin)["api_key"]
    web = deployed("web", environ=environ, log=tmp_path / "web.log", ready=lambda: answers(port))
    worker = deployed("worker", environ=environ, log=tmp_path / "worker.log", ready=broker.waiting)
    beat = deployed("beat", environ=environ, log=tmp_path / "beat.log")
    load = Load(twin, seed, FULL_S + 4, ("whatsapp", "web"), api_key=api_key, ports=[port])
    with running(web, worker, beat):
        warm(port, api_key, load)
        with under(load):
            threading.Event().wait(2)
            fill(broker)
            sent_before = len(twin.sent)
            wait_until(lambda: ready(port)[1]["status"] == "degraded", 15, "it says so")
            assert ready(port) == (200, {"status": "degraded", "database": "up", "media": "up", "broker": "down"})
            wait_until(lambda: len(twin.sent) > sent_before + 10, 60, "deliveries go on without the broker")
            worker.kill()
            worker.launch()  # a start while Redis is full
            before = len(twin.sent)
            wait_until(lambda: len(twin.sent) > before + 5, 90, "a worker that was started meanwhile works, too")
            broker.client.config_set("maxmemory", 0)
            wait_until(broker.waiting, 60, "the worker listens again")
            assert_all_well(Ledger(postgres_url), load, twin)
        assert worker.lives() and beat.lives() and web.lives()
    assert set(load.answers) == {200}, "platforms and callers noticed nothing"
