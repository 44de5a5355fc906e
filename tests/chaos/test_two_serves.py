"""A second process is started on a database on which one is at work: it takes nothing from it (bug B12)."""

from __future__ import annotations

import sqlite3
import threading
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import pytest

from channels_app.twin.server import Twin
from tests.chaos.ledger import Ledger
from tests.chaos.servers import free_port, wait_until
from tests.chaos.service import Process, answers, environment, running, set_up

pytestmark = pytest.mark.chaos
PEOPLE = [f"15550600{number:03}" for number in range(4)]
#: as a worker of the first one leaves it while a platform takes its time to answer
ON_THEIR_WAY = """
UPDATE messaging_delivery SET status = 'sending', attempts = 1, claim = 'c1a1c1a1c1a1c1a1c1a1c1a1c1a1c1a1',
    due_at = strftime('%Y-%m-%d %H:%M:%f', 'now', '+50 seconds')
"""
LOOKS_S = 6.0  # in which the second one would have sent them


def serve(environ: Mapping[str, str], port: int, log: Path) -> Process:
    return Process(["manage.py", "serve", "--port", str(port)], environ, log, lambda: answers(port))


def test_a_second_serve_sends_nothing_again(tmp_path: Path, twin: Twin) -> None:
    port, database = free_port(), tmp_path / "two.sqlite3"
    environ = environment(port, f"sqlite:///{database}", DELIVERY_LEASE_S="60")
    set_up(environ, twin)
    twin.configure(dedupe=False, statuses=[])
    ledger = Ledger(environ["DATABASE_URL"])
    first = serve(environ, port, tmp_path / "first.log")
    second, third = (serve(environ, free_port(), tmp_path / f"{name}.log") for name in ("second", "third"))
    with running(first):
        for person in PEOPLE:
            twin.say({"from": person, "text": "What are your opening hours?"}, "whatsapp")
        wait_until(lambda: len(twin.sent) == len(PEOPLE) and not ledger.unfinished(), 60, "all are answered")
        with sqlite3.connect(database) as connection:
            connection.execute(ON_THEIR_WAY)
        with running(second):
            threading.Event().wait(LOOKS_S)
            assert Counter(entry["person"].lstrip("+") for entry in twin.sent) == Counter(PEOPLE), "each once"
    assert "Works on the same database: serve, process" in (tmp_path / "second.log").read_text()
    with running(third):  # both are dead: their numbers tell, long before the leases end
        wait_until(lambda: not ledger.unfinished(), 30, "what the dead held is taken up at once")
