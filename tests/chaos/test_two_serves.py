"""A second process is started on a database on which one is at work: it takes nothing from it (bug B12)."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from channels_app.twin.server import Twin
from tests.chaos.ledger import Ledger
from tests.chaos.servers import free_port, wait_until
from tests.chaos.service import Process, answers, environment, running, set_up

pytestmark = pytest.mark.chaos
SLOW_S = 12.0  # longer than the second one needs to start
PEOPLE = [f"15550600{number:03}" for number in range(6)]
ON_THEIR_WAY = "SELECT count(*) FROM messaging_delivery WHERE status = 'sending'"


def serve(port: int, database_url: str, log: Path) -> Process:
    environ = environment(port, database_url, DELIVERY_LEASE_S="60")
    return Process(["manage.py", "serve"], environ, log, lambda: answers(port))


def test_a_second_serve_sends_nothing_again(tmp_path: Path, twin: Twin) -> None:
    port, database_url = free_port(), f"sqlite:///{tmp_path}/two.sqlite3"
    set_up(environment(port, database_url), twin)
    twin.configure(dedupe=False)
    ledger = Ledger(database_url)
    first = serve(port, database_url, tmp_path / "first.log")
    second = serve(free_port(), database_url, tmp_path / "second.log")
    with running(first):
        twin.faults.order("slow", times=len(PEOPLE), seconds=SLOW_S)
        for person in PEOPLE:
            twin.say({"from": person, "text": "What are your opening hours?"}, "whatsapp")
        wait_until(lambda: ledger.rows(ON_THEIR_WAY)[0][0] >= len(PEOPLE), 60, "all answers are on their way")
        with running(second):
            wait_until(lambda: not ledger.unfinished(), 60, "nothing unfinished")
    assert "Works on the same database: serve, process" in (tmp_path / "second.log").read_text()
    assert Counter(entry["person"].lstrip("+") for entry in twin.sent) == Counter(PEOPLE)
    assert ledger.rows("SELECT DISTINCT attempts FROM messaging_delivery") == [(1,)]


def test_what_a_killed_one_held_is_taken_up_at_once(tmp_path: Path, twin: Twin) -> None:
    """Its process number tells that it is dead, long before its lease ends."""
    port, database_url = free_port(), f"sqlite:///{tmp_path}/two.sqlite3"
    set_up(environment(port, database_url), twin)
    ledger = Ledger(database_url)
    process = serve(port, database_url, tmp_path / "serve.log")
    with running(process):
        twin.faults.order("slow", times=1, seconds=SLOW_S)
        twin.say({"from": PEOPLE[0], "text": "What are your opening hours?"}, "whatsapp")
        wait_until(lambda: ledger.rows(ON_THEIR_WAY)[0][0], 60, "the answer is on its way")
        process.kill()
        process.start()
        wait_until(lambda: not ledger.unfinished(), 30, "taken up before the lease of 60 s ends")
