"""Processes die by SIGKILL at random moments under load, and nothing is lost, doubled or out of order.

The long form: ``CHAOS_KILLS=30 pytest -m chaos -s``; ``-s`` shows the figures.
"""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

from channels_app.twin.server import Twin
from tests.chaos import ledger as invariants
from tests.chaos.ledger import Ledger
from tests.chaos.load import Load
from tests.chaos.servers import free_port, wait_until
from tests.chaos.service import Process, answers, environment, set_up

pytestmark = pytest.mark.chaos

LIFE_S = (0.5, 2.0)  # of a process between ready and SIGKILL
QUIET_S = 90  # at most, after the last kill
START_S = 3  # about what a start takes; only spreads the load
QUEUES = "inbound,respond,deliver,events,background"


def test_the_whole_service_is_killed(tmp_path: Path, twin: Twin, seed: int, kills: int) -> None:
    port, database_url = free_port(), f"sqlite:///{tmp_path}/chaos.sqlite3"
    environ = environment(port, database_url)
    set_up(environ, twin)
    serve = Process(["manage.py", "serve"], environ, tmp_path / "serve.log", lambda: answers(port))
    load = Load(twin, seed, kills * (START_S + 1.0))
    with running(serve), under(load):
        kill_again_and_again(serve, kills, seed)
        assert_all_well(Ledger(database_url), load, twin, kills)


def test_the_worker_is_killed_and_redis_flushed(
    tmp_path: Path, twin: Twin, seed: int, kills: int, postgres_url: str, redis_url: str
) -> None:
    port, broker = free_port(), redis.Redis.from_url(redis_url)
    environ = environment(port, postgres_url, REDIS_URL=redis_url)
    set_up(environ, twin)
    listening = ["-m", "daphne", "-b", "127.0.0.1", "-p", str(port), "chatsvc.asgi:application"]
    web = Process(listening, environ, tmp_path / "web.log", lambda: answers(port))
    clock = ["-m", "celery", "-A", "chatsvc", "beat", "-s", str(tmp_path / "beat")]
    beat = Process(clock, environ, tmp_path / "beat.log", lambda: True)
    working = ["-m", "celery", "-A", "chatsvc", "worker", "-Q", QUEUES, "--pool", "threads", "-c", "4"]
    worker = Process(working, environ, tmp_path / "worker.log", lambda: waits_for_tasks(broker))
    load = Load(twin, seed, kills * (START_S + 1.0))
    with running(web), running(beat), running(worker), under(load):
        kill_again_and_again(worker, kills, seed, halfway=broker.flushall)
        assert_all_well(Ledger(postgres_url), load, twin, kills)
    broker.close()


def kill_again_and_again(process: Process, kills: int, seed: int, halfway: Callable[[], object] = lambda: None) -> None:
    """Each life is 0.5 to 2 seconds long; ``halfway`` is called in the midst of one; the last life goes on."""
    chance, life = random.Random(seed), threading.Event()
    actions = {kills // 2: halfway}
    for number in range(kills):
        life.wait(chance.uniform(*LIFE_S))
        actions.get(number, lambda: None)()
        process.kill()
        process.start()


def waits_for_tasks(broker: redis.Redis) -> bool:
    return any(client["cmd"] == "brpop" for client in broker.client_list())


def assert_all_well(ledger: Ledger, load: Load, twin: Twin, kills: int) -> None:
    load.finish(QUIET_S)
    wait_until(lambda: twin.wait_idle(1) and not ledger.unfinished(), QUIET_S, "nothing unfinished", pause=0.5)
    figures = {"kills": kills, "accepted": len(load.accepted), "posts": len(load.tries), **ledger.figures()}
    print({**figures, "at the twin": len(twin.sent), "repeats at the twin": len(twin.repeats)})
    assert Counter(kind for kind, _ in load.accepted) == load.expected
    invariants.assert_stored_once(ledger, load.accepted)
    invariants.assert_dense(ledger)
    invariants.assert_answered_once(ledger)
    invariants.assert_delivered(ledger, twin.sent)


@contextmanager
def running(process: Process) -> Iterator[None]:
    try:
        process.start()
        yield
    finally:
        process.kill()


@contextmanager
def under(load: Load) -> Iterator[None]:
    load.start()
    try:
        yield
    finally:
        load.stop()
