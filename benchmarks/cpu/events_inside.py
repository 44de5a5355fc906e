"""CPU time of publishing without Kafka, handlers and outbox only: ``python -m benchmarks.cpu.events_inside``.

In process, on SQLite unless DATABASE_URL says otherwise. The clock is the thread's CPU time; beside each figure
stands that of the floor, one kept row read and written by the ORM, so that figures of two runs compare by ratio.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable

from benchmarks.ground import ground

BATCHES = {"batch_1_us": (1, 1), "batch_50_us": (50, 1), "batch_500_us": (500, 1), "tenants_50_us": (10, 50)}
MOST_BATCHES = 10  # of each line in each round
EVENTS = 1_000  # at most


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="one line of JSON instead of a table")
    given = parser.parse_args()
    with ground():
        figures = measured(given.rounds)
    if given.json:
        print(json.dumps(figures))
        return
    for name, figure in figures.items():
        print(f"{name:22} {figure:8.1f}   {figure / figures['floor_us']:6.3f} of the floor")


def measured(rounds: int) -> dict[str, float]:
    """Microseconds of CPU for each event, by line; the first round warms up."""
    spent: dict[str, list[float]] = {name: [] for name in ("floor_us", *BATCHES)}
    for _ in range(rounds + 1):
        spent["floor_us"].append(floor_us())
        for name, (size, tenants) in BATCHES.items():
            spent[name].append(batch_us(size, tenants))
    return {name: round(statistics.median(figures[1:]), 1) for name, figures in spent.items()}


def batch_us(size: int, tenants: int) -> float:
    """``size`` events of each tenant happen at a time, and are handed on as one batch."""
    from benchmarks.events import write
    from messaging.publish import publish_events

    took, total = 0.0, size * tenants
    batches = min(EVENTS // total, MOST_BATCHES)
    for _ in range(batches):
        for _ in range(tenants):
            write(size)
        took += cpu_s(lambda: expect(publish_events(), total))
    return took / (batches * total) * 1e6


def floor_us() -> float:
    """The ORM's own price of a row that is read and written."""
    from conversations.models import Event

    # unscoped: the benchmark's own rows
    rows = Event.objects.unscoped()
    return (
        cpu_s(lambda: [(rows.filter(seq=number).first(), rows.filter(seq=-1).update(seq=0)) for number in range(50)])
        / 50
        * 1e6
    )


def expect(count: int, wanted: int) -> None:
    assert count == wanted, f"{count} of {wanted} events were published"


def cpu_s(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began


if __name__ == "__main__":
    main()
