"""Redis is killed under load, stays away for some seconds and comes back empty: everything goes on, and
nothing is lost."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from channels_app.twin.server import Twin
from tests.chaos.ledger import Ledger, assert_all_well
from tests.chaos.load import Load, post, rest_message, under, warm
from tests.chaos.servers import Redis, free_port, wait_until
from tests.chaos.service import answers, deployed, environment, running, set_up

pytestmark = pytest.mark.chaos
AWAY_S = 8.0
AWAY = [f"away-{number}" for number in range(5)]  # messages of that time
SLOWEST_S = 5.0  # a REST message while Redis is away, on a machine that has other things to do


def test_redis_away_loses_nothing(tmp_path: Path, twin: Twin, seed: int, postgres_url: str, broker: Redis) -> None:
    port = free_port()
    environ = environment(port, postgres_url, REDIS_URL=broker.url)
    api_key = set_up(environ, twin)["api_key"]
    processes = [
        deployed("web", environ=environ, log=tmp_path / "web.log", ready=lambda: answers(port)),
        deployed("worker", environ=environ, log=tmp_path / "worker.log", ready=broker.waiting),
        deployed("beat", environ=environ, log=tmp_path / "beat.log"),
    ]
    load = Load(twin, seed, AWAY_S + 4, ("whatsapp", "web"), api_key=api_key, ports=[port])
    with running(*processes):
        warm(port, api_key, load)
        with under(load):
            threading.Event().wait(2)
            broker.kill()
            sent_before, away_until = len(twin.sent), time.monotonic() + AWAY_S
            told = {name: message(port, api_key, name) for name in AWAY}
            wait_until(lambda: len(twin.sent) > sent_before + 10, AWAY_S + 60, "deliveries go on without Redis")
            threading.Event().wait(max(0.0, away_until - time.monotonic()))
            broker.start()
            for name in AWAY:
                load.also("web", name)
            assert_all_well(Ledger(postgres_url), load, twin)
    assert {status for status, _ in told.values()} == {200}
    assert max(took for _, took in told.values()) < SLOWEST_S, told
    assert set(load.answers) == {200}, "platforms and callers noticed nothing"


def message(port: int, key: str, message_id: str) -> tuple[int, float]:
    """Status and seconds of a message by REST that is answered in the response."""
    _, request = rest_message(key, message_id, message_id, "What are your opening hours?")
    started = time.monotonic()
    status, _, body = post(f"127.0.0.1:{port}", "/api/v2/chat/message", request.body, request.headers)
    assert status != 200 or b'"text"' in body
    return status, time.monotonic() - started
