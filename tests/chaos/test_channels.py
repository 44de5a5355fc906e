"""The whole service dies by SIGKILL while people write on three kinds of channel at once, each time when a platform
has taken a message and not answered yet: the same holds on each of them as on one."""

from __future__ import annotations

import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from channels_app.twin.server import Twin
from tests.chaos.ledger import Ledger, assert_all_well
from tests.chaos.load import Load, under
from tests.chaos.servers import free_port
from tests.chaos.service import Process, answers, environment, running, set_up
from tests.chaos.test_kill import START_S

pytestmark = pytest.mark.chaos

KINDS = ("whatsapp", "slack", "webhook")
SLOW_S = 1.5  # of every second send
LIFE_S = 10.0  # at most, of a process that sends nothing


def test_the_whole_service_is_killed_under_three_channels(tmp_path: Path, twin: Twin, seed: int, kills: int) -> None:
    port, database_url = free_port(), f"sqlite:///{tmp_path}/chaos.sqlite3"
    environ = environment(port, database_url)
    set_up(environ, twin)
    twin.configure("slack", dedupe=True, echoes=False)  # nothing but the answer tells that it was taken
    twin.configure("webhook", dedupe=True, statuses=[])
    twin.faults.order("slow", times=None, probability=0.5, seconds=SLOW_S)
    serve = Process(["manage.py", "serve"], environ, tmp_path / "serve.log", lambda: answers(port))
    load, ledger = Load(twin, seed, kills * (START_S + 3.0), KINDS, conversations=30), Ledger(database_url)
    with running(serve), under(load):
        kill_in_flight(serve, kills, twin)
        twin.faults.clear()
        assert_all_well(ledger, load, twin, kills=kills)
    assert twin.repeats, "no kill hit a send in flight"
    reached = Counter(entry["platform"] for entry in twin.sent)
    print({"answers by channel": dict(reached)})
    assert set(reached) == set(KINDS)


def kill_in_flight(process: Process, kills: int, twin: Twin) -> None:
    """Each life ends when a send is under way, or after ``LIFE_S``; the last one goes on."""
    life = threading.Event()
    for _ in range(kills):
        end = time.monotonic() + LIFE_S
        while not in_flight(twin) and time.monotonic() < end:
            life.wait(0.05)
        process.kill()
        process.start()


def in_flight(twin: Twin) -> bool:
    """Has the twin kept a message whose sender still waits for the answer?"""
    return any(call.fault == "slow" and not call.status for call in list(twin.requests))
