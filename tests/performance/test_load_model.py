"""The model's arithmetic, what is worse than the record, and that the pages show the recorded figures."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import Any

import pytest

from benchmarks.recorded import pages
from benchmarks.recorded.load_model import SPREAD, Cost, cost_of, most_per_second, need, tables
from benchmarks.recorded.record import RECORD, worse

RECORDED = json.loads(RECORD.read_text())
COST = Cost(
    ours={**dict.fromkeys(SPREAD, 1_000.0), "deliver": 6_000.0}, postgresql=8_000.0, redis=1_000.0,
    wal_bytes=20_000.0, stored_bytes=10_000.0, commits=10.0, events=3.0,
)  # fmt: skip


def test_cores_and_processes_of_a_rate() -> None:
    found = need(COST, 100)
    assert found.processes == {"web": 1, "inbound": 1, "respond": 1, "deliver": 1, "events": 1}
    assert found.database_cores == pytest.approx(100 * 0.008 / 0.6)
    assert found.connections == 45
    assert (found.commits, found.events, found.wal_mb_s) == (1_000, 300, 2.0)
    assert found.stored_gb_day == pytest.approx(86.4)


def test_beyond_one_core_and_one_server() -> None:
    found = need(COST, 10_000)
    assert found.processes["deliver"] == 100
    assert found.processes["web"] == 17
    assert found.shards == 17  # cores of Redis, one for each; PostgreSQL's 133 would be 5 servers of 32
    assert need(replace(COST, redis=0.0), 10_000).shards == 5
    assert found.partitions == 27


def test_the_most_is_the_machine_or_one_process() -> None:
    assert most_per_second(COST, cores=2) == pytest.approx(2e6 / 19_000)
    assert most_per_second(COST, cores=2, beside_us=1_000) == pytest.approx(100)
    assert most_per_second(COST, cores=64) == pytest.approx(1e6 / 6_000)


def test_nothing_is_worse_than_itself() -> None:
    assert worse(RECORDED, RECORDED) == []


@pytest.mark.parametrize(
    ("where", "name", "factor", "said"),
    [
        ("sqlite", "rest_echo_us", 1.3, "sqlite, rest_echo_us, floors"),
        ("postgresql", "respond_statements", 1.1, "postgresql, respond_statements"),
        ("cluster", "machine_us", 1.3, "machine_us, floors"),
        ("cluster", "idle_mb", 1.2, "idle_mb"),
    ],
)
def test_what_is_worse_is_named(where: str, name: str, factor: float, said: str) -> None:
    figures = _with(where, name, factor)
    assert [line.partition(":")[0] for line in worse(figures, RECORDED)] == [said]


@pytest.mark.parametrize(
    ("where", "name", "factor"),
    [
        ("sqlite", "rest_echo_us", 1.2),
        ("sqlite", "respond_statements", 1.04),
        ("postgresql", "respond_statements", 0.5),
        ("sqlite", "usual_rest_us", 9.0),
    ],
)
def test_noise_gains_and_what_is_not_ours_are_not_worse(where: str, name: str, factor: float) -> None:
    assert worse(_with(where, name, factor), RECORDED) == []


def test_a_slower_machine_is_no_worse_service() -> None:
    figures = copy.deepcopy(RECORDED)
    for part in ("sqlite", "postgresql", "cluster"):
        us = {name: 3 * figure for name, figure in figures[part].items() if name.endswith("_us")}
        figures[part] |= us
    assert worse(figures, RECORDED) == []


@pytest.mark.parametrize("page", pages.PAGES)
def test_the_pages_show_the_recorded_figures(page: str) -> None:
    """``python -m benchmarks.recorded.pages`` writes them."""
    assert (pages.ROOT / page).read_text() == pages.page_of(page, RECORDED)
    assert tables(cost_of(RECORDED["cluster"])) in (pages.ROOT / "docs/scaling.md").read_text()


def _with(where: str, name: str, factor: float) -> dict[str, Any]:
    figures = copy.deepcopy(RECORDED)
    figures[where][name] *= factor
    return figures
