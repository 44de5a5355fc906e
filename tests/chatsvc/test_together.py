"""``deploy/run workers``: forks of one process, each a worker of its own or the clock (OPS-1, issue 10.2)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from benchmarks.cluster.processes import named_children
from tests.chaos.servers import Redis, free_port, wait_until
from tests.chaos.service import ROOT, deployed, environment
from tests.migrated import migrated_copy

NAMES = {"inbound", "events", "beat"}
DRAWN = """
import os, random, chatsvc, django
django.setup()
from tenants.storage.db import new_id
def drawn(say):
    if not os.fork():
        os.write(say, f"{new_id().int % 2**62:x} {random.random()}\\n".encode())
        os._exit(0)
    os.wait()
heard, say = os.pipe()
drawn(say), drawn(say)
print(os.read(heard, 1000).decode())
"""


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory, port: int) -> Iterator[int]:
    """The number of the process that runs them, when all of them listen."""
    folder, redis = tmp_path_factory.mktemp("workers"), Redis()
    migrated_copy(folder / "chatsvc.sqlite3")
    environ = environment(free_port(), f"sqlite:///{folder}/chatsvc.sqlite3", METRICS_PORT=str(port))
    redis.start()
    process = deployed("workers", "inbound", "events,background", "beat", environ={**environ, "REDIS_URL": redis.url},
                       log=folder / "log", ready=lambda: redis.waiting() >= len(NAMES - {"beat"}))  # fmt: skip
    try:
        process.start()
        yield process.pid
    finally:
        process.kill()
        redis.remove()


def own_share(pid: int) -> float:
    """Of a process's memory, what no other one has."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    kib = {line.split(":")[0]: int(line.split()[1]) for line in lines}
    return (kib["Private_Dirty"] + kib["Private_Clean"]) / kib["Rss"]


def test_they_have_names_and_share_what_they_have_imported(started: int) -> None:
    living = named_children(started)
    assert set(living) == NAMES
    assert {name: share for name, pid in living.items() if (share := own_share(pid)) > 0.45} == {}


def test_measures_of_all_are_at_one_port(started: int, port: int) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        assert b"chatsvc_" in answer.read()


def test_one_that_ends_is_begun_anew(started: int) -> None:
    before = named_children(started)
    os.kill(before["events"], signal.SIGKILL)
    wait_until(lambda: named_children(started).get("events", 0) not in (0, before["events"]), 60, "it is there again")
    after = named_children(started)
    assert {name for name in NAMES if after[name] != before[name]} == {"events"}


def test_sigterm_ends_all_of_them(started: int) -> None:
    living = named_children(started)
    os.kill(started, signal.SIGTERM)
    assert os.waitstatus_to_exitcode(os.waitpid(started, 0)[1]) == 0
    assert [name for name, pid in living.items() if lives(pid)] == []


def lives(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def test_forks_draw_ids_and_chances_of_their_own() -> None:
    done = subprocess.run([sys.executable, "-c", DRAWN], cwd=ROOT, capture_output=True, text=True, check=True,
                          env={**os.environ, "DJANGO_SETTINGS_MODULE": "chatsvc.settings"})  # fmt: skip
    first, second = (line.split() for line in done.stdout.split("\n")[:2])
    assert first[0] != second[0]
    assert first[1] != second[1]
