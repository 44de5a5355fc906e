"""What stands still and goes on: a worker that is stopped for longer than its leases, a database that takes no writes for
a while (a replica after a failover, a managed server whose disk is full)."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from pathlib import Path

import psycopg
import pytest

from channels_app.twin.server import Twin
from tests.chaos.ledger import Ledger, assert_all_well
from tests.chaos.load import Load, under
from tests.chaos.servers import Postgres, Redis, free_port, wait_until
from tests.chaos.service import Process, answers, deployed, environment, running, set_up
from tests.chaos.test_postgres_away import rest_of, webhook_of

pytestmark = pytest.mark.chaos

LEASE_S = 25.0
FROZEN_S = LEASE_S + 60.0  # at most: until another worker has taken it up
READ_ONLY_S = 5.0
SLOW_S = 0.5  # of every second answer of the platform, so that the worker has something in hand


def test_a_worker_that_stood_still_for_longer_than_its_leases_changes_nothing(
    tmp_path: Path, twin: Twin, seed: int, postgres: Postgres, broker: Redis
) -> None:
    """What it had in hand was taken over, and it goes on in the midst of it."""
    port, life = free_port(), threading.Event()
    environ = environment(port, postgres.url, REDIS_URL=broker.url, WORKER_THREADS="4")
    set_up(environ, twin)
    web = deployed("web", environ=environ, log=tmp_path / "web.log", ready=lambda: answers(port))
    beat = deployed("beat", environ=environ, log=tmp_path / "beat.log")
    frozen, other = (
        deployed("worker", environ=environ, log=tmp_path / f"worker-{name}.log", ready=broker.waiting)
        for name in ("frozen", "other")
    )
    twin.faults.order("slow", times=None, probability=0.5, seconds=SLOW_S)
    load = Load(twin, seed, 20.0, ("whatsapp", "messenger"))
    ledger = Ledger(postgres.url)
    with running(web, beat, frozen), under(load):
        wait_until(lambda: twin.sent, 60, "the first worker sends")
        held = stopped_with_something_in_hand(frozen, ledger)
        with running(other):
            wait_until(lambda: not held & leased(ledger), FROZEN_S, "what it had in hand is taken over")
            life.wait(1.0)
            frozen.thaw()
            assert_all_well(ledger, load, twin, held=len(held))
    assert [log for log in tmp_path.glob("worker-*.log") if "Traceback" in log.read_text()] == []


def test_a_database_that_takes_no_writes_for_a_while_is_away_and_comes_back(
    tmp_path: Path, twin: Twin, seed: int, postgres: Postgres, broker: Redis
) -> None:
    port, life = free_port(), threading.Event()
    environ = environment(port, postgres.url, REDIS_URL=broker.url)
    api_key = set_up(environ, twin)["api_key"]
    processes = [
        deployed("web", environ=environ, log=tmp_path / "web.log", ready=lambda: answers(port)),
        deployed("worker", environ=environ, log=tmp_path / "worker.log", ready=broker.waiting),
        deployed("beat", environ=environ, log=tmp_path / "beat.log"),
    ]
    load = Load(twin, seed, 12.0, ("whatsapp", "web"), ports=[port], api_key=api_key)
    while_away: list[tuple[int, float, bytes, str]] = []
    with running(*processes), under(load):
        wait_until(lambda: twin.sent, 60, "the worker sends")
        asks = [webhook_of(twin, load, "15550900001"), rest_of(port, api_key, load, "away-1")]
        read_only(postgres, on=True)
        until = time.monotonic() + READ_ONLY_S
        while time.monotonic() < until:
            while_away += [ask() for ask in asks]
            life.wait(0.1)
        read_only(postgres, on=False)
        for ask in asks:
            wait_until(lambda ask=ask: ask()[0] == 200, 60, "it is accepted")
        assert_all_well(Ledger(postgres.url), load, twin)
    assert Counter(status for status, *_ in while_away) == {503: len(while_away)}
    assert {json.loads(body)["error"]["code"] for _, _, body, _ in while_away} == {"unavailable"}
    assert set(load.answers) <= {200, 202, 503}, "neither hung nor broken"


def stopped_with_something_in_hand(process: Process, ledger: Ledger) -> frozenset[str]:
    """Stand the process still at a moment in which it has leased rows; their claims."""
    for _ in range(200):
        process.freeze()
        held = leased(ledger)
        if held:
            return held
        process.thaw()
        time.sleep(0.05)
    raise AssertionError("it never had anything in hand")


def leased(ledger: Ledger) -> frozenset[str]:
    """The claims of deliveries that are on their way."""
    return frozenset(str(row[0]) for row in ledger.rows("SELECT claim FROM messaging_delivery WHERE claim IS NOT NULL"))


def read_only(postgres: Postgres, *, on: bool) -> None:
    """Of all transactions that begin from now on, of connections that are open as well."""
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        connection.execute(f"ALTER SYSTEM SET default_transaction_read_only = {'on' if on else 'off'}")
        connection.execute("SELECT pg_reload_conf()")
