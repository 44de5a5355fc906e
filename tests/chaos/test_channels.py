"""The whole service dies by SIGKILL while people write on three kinds of channel at once, whose platforms answer
slowly at times, so that kills hit sends in flight: the same holds on each of them as on one."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from channels_app.twin.server import Twin
from tests.chaos.ledger import Ledger
from tests.chaos.load import Load
from tests.chaos.servers import free_port
from tests.chaos.service import Process, answers, environment, set_up
from tests.chaos.test_kill import START_S, assert_all_well, kill_again_and_again, running, under

pytestmark = pytest.mark.chaos

KINDS = ("whatsapp", "slack", "webhook")
SLOW_S = 1.5  # more than half of the life of a process


def test_the_whole_service_is_killed_under_three_channels(tmp_path: Path, twin: Twin, seed: int, kills: int) -> None:
    port, database_url = free_port(), f"sqlite:///{tmp_path}/chaos.sqlite3"
    environ = environment(port, database_url)
    set_up(environ, twin)
    [twin.configure(kind, dedupe=True) for kind in KINDS]
    twin.faults.order("slow", times=None, probability=0.2, seconds=SLOW_S)
    serve = Process(["manage.py", "serve"], environ, tmp_path / "serve.log", lambda: answers(port))
    load, ledger = Load(twin, seed, kills * (START_S + 1.0), KINDS, conversations=30), Ledger(database_url)
    with running(serve), under(load):
        kill_again_and_again(serve, kills, seed)
        twin.faults.clear()
        assert_all_well(ledger, load, twin, kills)
    assert twin.repeats, "no kill hit a send in flight"
    reached = Counter(entry["platform"] for entry in twin.sent)
    print({"answers by channel": dict(reached)})
    assert set(reached) == set(KINDS)
