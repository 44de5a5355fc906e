"""Redis is killed under load, stays away for some seconds and comes back empty: everything goes on, and
nothing is lost (tests 4 and 5 of the reliability plan, short)."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

from channels_app.twin.server import Twin
from tests.chaos import ledger as invariants
from tests.chaos import servers
from tests.chaos.ledger import Ledger
from tests.chaos.load import CONVERSATIONS, MESSAGES, Load
from tests.chaos.servers import free_port, wait_until
from tests.chaos.service import Process, answers, environment, set_up
from tests.chaos.test_kill import QUIET_S, running, under

pytestmark = pytest.mark.chaos
AWAY_S = 8.0
SLOWEST_S = 5.0  # a REST message while Redis is away, on a machine that has other things to do


class Redis:
    """A server that can be killed and comes back on the same port with nothing in it."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._client = redis.Redis(port=self.port)

    def start(self) -> None:
        binary = shutil.which("redis-server") or servers._bundled_valkey()
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen([binary, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until(self.answers, 15, "Redis answers")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait(10)

    def answers(self) -> bool:
        try:
            return bool(self._client.ping())
        except redis.RedisError:
            return False


@pytest.fixture
def broker() -> Iterator[Redis]:
    server = Redis()
    server.start()
    yield server
    server.kill()


def test_redis_away_loses_nothing(tmp_path: Path, twin: Twin, seed: int, postgres_url: str, broker: Redis) -> None:
    port = free_port()
    venv = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environ = environment(port, postgres_url, REDIS_URL=broker.url, HOST="127.0.0.1", PATH=venv)
    rest_key = set_up(environ, twin)["api_key"]
    roles = {
        "web": Process(["-c", ROLE.format("web")], environ, tmp_path / "web.log", lambda: answers(port)),
        "worker": Process(["-c", ROLE.format("worker")], environ, tmp_path / "worker.log", lambda: True),
        "beat": Process(["-c", ROLE.format("beat")], environ, tmp_path / "beat.log", lambda: True),
    }
    load = Load(twin, seed, AWAY_S + 4)
    with ExitStack() as stack:
        for process in roles.values():
            stack.enter_context(running(process))
        wait_until(lambda: message(port, rest_key, "warm")[0] == 200, 30, "the first message is answered")
        stack.enter_context(under(load))
        pause(2)
        broker.kill()
        sent_before, away_until = len(twin.sent), time.monotonic() + AWAY_S
        told = [message(port, rest_key, f"away-{number}") for number in range(5)]
        wait_until(lambda: len(twin.sent) > sent_before + 10, AWAY_S + 60, "deliveries go on without Redis")
        pause(max(0.0, away_until - time.monotonic()))
        broker.start()
        load.finish(QUIET_S)
        ledger = Ledger(postgres_url)
        wait_until(lambda: twin.wait_idle(1) and not ledger.unfinished(), QUIET_S, "nothing unfinished", pause=0.5)
    assert [status for status, _ in told] == [200] * 5
    assert max(took for _, took in told) < SLOWEST_S, told
    assert len(load.accepted) == CONVERSATIONS * MESSAGES
    invariants.assert_stored_once(ledger, [*load.accepted, *[("web", "")] * (1 + len(told))])
    invariants.assert_dense(ledger)
    invariants.assert_answered_once(ledger)
    invariants.assert_delivered(ledger, twin.sent)


ROLE = "import os; os.execvp('deploy/run', ['deploy/run', '{0}'])"


def message(port: int, key: str, message_id: str) -> tuple[int, float]:
    """Status and seconds of a message by REST that is answered in the response."""
    body = {"user_id": message_id, "channel": "web", "message_id": message_id}
    body["content"] = {"type": "text", "text": "What are your opening hours?"}
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {key}"}
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    started = time.monotonic()
    try:
        connection.request("POST", "/api/v2/chat/message", json.dumps(body), headers)
        answer = connection.getresponse()
        said = json.loads(answer.read())
        assert answer.status != 200 or said["data"]["response"]["text"]
        return answer.status, time.monotonic() - started
    finally:
        connection.close()


def pause(seconds: float) -> None:
    threading.Event().wait(seconds)
