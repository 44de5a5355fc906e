"""The recorded figures (record.json), and what is worse than they say.

Owns the tolerance. Figures of CPU time are held as multiples of the floor of their own run, since machines differ; counts
to one more.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

RECORD = Path(__file__).with_name("record.json")
TOLERANCE = 0.25  # of CPU time, for the noise of one machine and the difference of two
MEMORY_TOLERANCE = 0.1
MORE = 1  # statement: what a process remembers is read anew now and then. tests/performance/test_stages.py holds each count
ENGINES = ("sqlite", "postgresql")
#: of the whole machine, beside the floor of the run on SQLite
MACHINE = ("machine_us", "postgresql_us", "rest_machine_us", "webhook_new_us", "webhook_again_us")
BESIDE = ("floor_us", "bare_two_commits_us", "usual_rest_us", "usual_socket_us", "echo_socket_us")  # not the service's


def worse(figures: Mapping[str, Any], record: Mapping[str, Any]) -> list[str]:
    """A sentence for each figure that is beyond the record and its tolerance. Both have the form of record.json."""
    return [
        f"{name}: {now:,.2f}, recorded {before:,.2f}, {most - 1:.0%} more would do"
        for name, now, before, most in _pairs(figures, record)
        if now > before * most
    ]


def _pairs(figures: Mapping[str, Any], record: Mapping[str, Any]) -> Iterator[tuple[str, float, float, float]]:
    """Name, figure, recorded figure, and the largest quotient of both."""
    for engine in ENGINES:
        for name, before in record[engine].items():
            now, where = figures[engine][name], f"{engine}, {name}"
            if name.endswith("_us") and name not in BESIDE:
                yield f"{where}, floors", _floors(now, figures[engine]), _floors(before, record[engine]), 1 + TOLERANCE
            elif name.endswith(("_statements", "_commits")):
                yield where, now, before, (before + MORE) / before
    for name in MACHINE:
        now, before = figures["cluster"][name], record["cluster"][name]
        yield f"{name}, floors", _floors(now, figures["sqlite"]), _floors(before, record["sqlite"]), 1 + TOLERANCE
    yield "idle_mb", figures["cluster"]["idle_mb"], record["cluster"]["idle_mb"], 1 + MEMORY_TOLERANCE


def _floors(us: float, run: Mapping[str, float]) -> float:
    return us / run["floor_us"]
