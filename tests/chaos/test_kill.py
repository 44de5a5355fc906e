"""Processes die by SIGKILL at random moments under load, and nothing is lost, doubled or out of order.

The long form: ``CHAOS_KILLS=30 pytest -m chaos -s``; ``-s`` shows the figures.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from channels_app.twin.server import Twin
from tests.chaos.ledger import Ledger, assert_all_well
from tests.chaos.load import Load, under
from tests.chaos.servers import Redis, free_port
from tests.chaos.service import Process, answers, deployed, environment, running, set_up

pytestmark = pytest.mark.chaos

LIFE_S = (0.5, 2.0)  # of a process between ready and SIGKILL
START_S = 3  # about what a start takes; only spreads the load


def test_the_whole_service_is_killed(tmp_path: Path, twin: Twin, seed: int, kills: int) -> None:
    port, database_url = free_port(), f"sqlite:///{tmp_path}/chaos.sqlite3"
    environ = environment(port, database_url)
    set_up(environ, twin)
    serve = Process(["manage.py", "serve"], environ, tmp_path / "serve.log", lambda: answers(port))
    load = Load(twin, seed, kills * (START_S + 1.0))
    with running(serve), under(load):
        kill_again_and_again(serve, kills, seed)
        assert_all_well(Ledger(database_url), load, twin, kills=kills)


def test_the_worker_is_killed_and_redis_flushed(
    tmp_path: Path, twin: Twin, seed: int, kills: int, postgres_url: str, broker: Redis
) -> None:
    port = free_port()
    environ = environment(port, postgres_url, REDIS_URL=broker.url, WORKER_THREADS="4")
    set_up(environ, twin)
    web = deployed("web", environ=environ, log=tmp_path / "web.log", ready=lambda: answers(port))
    beat = deployed("beat", environ=environ, log=tmp_path / "beat.log")
    worker = deployed("worker", environ=environ, log=tmp_path / "worker.log", ready=broker.waiting)
    load = Load(twin, seed, kills * (START_S + 1.0))
    with running(web, beat, worker), under(load):
        kill_again_and_again(worker, kills, seed, halfway=broker.client.flushall)
        assert_all_well(Ledger(postgres_url), load, twin, kills=kills)


def kill_again_and_again(process: Process, kills: int, seed: int, halfway: Callable[[], object] = lambda: None) -> None:
    """Each life is 0.5 to 2 seconds long; ``halfway`` is called in the midst of one; the last life goes on."""
    chance, life = random.Random(seed), threading.Event()
    actions = {kills // 2: halfway}
    for number in range(kills):
        life.wait(chance.uniform(*LIFE_S))
        actions.get(number, lambda: None)()
        process.kill()
        process.start()
