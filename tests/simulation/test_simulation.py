"""The promises under a scheduler with a seed: some thousand steps, and every trace that was ever worth keeping.

`.ci/run` takes these and 50 worlds in all, 20,000 steps; `make simulate SEEDS=… STEPS=…` as many as one likes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection

from tests.simulation import command, oracle
from tests.simulation.database import in_memory
from tests.simulation.mutations import MUTATIONS
from tests.simulation.run import Outcome, Trace, replay, run, shrunk
from tests.simulation.town import populate

SEEDS = Path(__file__).parent / "seeds"
CHUNKS, WORLDS, STEPS = 2, 3, 240  # with what happens in between and until all is quiet: about 2,500 steps

pytestmark = pytest.mark.skipif(connection.vendor != "sqlite", reason="a world is a copy of an SQLite database")


@pytest.fixture(scope="module")
def origin(django_db_blocker: Any) -> Iterator[sqlite3.Connection]:
    with django_db_blocker.unblock(), in_memory(populate) as populated:
        yield populated


@pytest.fixture(autouse=True)
def looks_behind_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(oracle, "IGNORED", set(oracle.KNOWN))


def told(outcome: Outcome) -> str:
    """What broke, and how: enough to see it, and to keep it as a file of ``seeds``."""
    return "\n".join([outcome.broken, *outcome.diary, repr(outcome.trace)])


@pytest.mark.parametrize("chunk", range(CHUNKS))
def test_the_promises_hold_in_any_order(origin: sqlite3.Connection, chunk: int) -> None:
    outcomes = (run(seed, STEPS, origin) for seed in range(1 + chunk * WORLDS, 1 + (chunk + 1) * WORLDS))
    broken = next((outcome for outcome in outcomes if outcome.broken), Outcome(Trace(0, ())))
    assert not broken.broken, told(shrunk(broken, origin))


@pytest.mark.parametrize("path", sorted(SEEDS.glob("*.json")), ids=lambda path: path.stem)
def test_what_once_broke_a_promise_does_so_no_more(origin: sqlite3.Connection, path: Path) -> None:
    outcome = replay(Trace.load(path), origin)
    assert not outcome.broken, told(outcome)


def test_a_seed_is_the_same_run_again(origin: sqlite3.Connection) -> None:
    first, second = run(3, 150, origin), run(3, 150, origin)
    assert (first.broken, first.diary) == (second.broken, second.diary)
    assert len(first.diary) > 150


def test_a_fault_is_found_and_made_small(origin: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    """The measure of the simulator: `make simulate-mutations` does so with all of them."""
    mutation = MUTATIONS["receipts without lanes"]
    monkeypatch.setattr(oracle, "ONLY", mutation.breaks)
    outcomes = (run(seed, 60, origin, mutation.apply) for seed in range(1, 40))
    found = next(outcome for outcome in outcomes if outcome.broken)

    small = shrunk(found, origin, mutation=mutation.apply)

    assert small.promise in mutation.breaks
    assert len(small.trace.steps) < 10
    assert replay(small.trace, origin, mutation.apply).broken == small.broken
    assert not replay(small.trace, origin).broken


def test_processes_share_the_seeds_and_one_that_finds_something_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[range] = []

    def begin(command_line: list[str]) -> SimpleNamespace:
        told = dict(zip(command_line[-4::2], map(int, command_line[-3::2]), strict=True))
        begun.append(range(told["--first"], told["--first"] + told["--seeds"]))
        assert command_line[7:9] == ["--steps", "7"]
        found = int(len(begun) == 2)
        return SimpleNamespace(wait=lambda: found)

    monkeypatch.setattr(command.subprocess, "Popen", begin)
    assert command.main(["--first", "5", "--seeds", "50", "--steps", "7", "--jobs", "3"]) == 1
    assert [seed for share in begun for seed in share] == list(range(5, 55))
    assert {len(share) for share in begun} == {16, 17}
