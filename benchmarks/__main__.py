"""All that is held against the record, in one table: ``make bench``. Under ten minutes on two quiet cores.

``--write`` makes what was measured the record. Exit code 1: something is worse than the record (benchmarks/record.py).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.record import ENGINES, RECORD, worse
from tests.chaos.servers import Postgres

SMALL = {"cpu": ("--rounds", "1", "--requests", "5", "--messages", "5", "--sends", "2"),
         "end_to_end": ("--messages", "40", "--settle", "2")}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="keep what was measured as the record")
    parser.add_argument("--small", action="store_true", help="see that everything runs; the figures are worth nothing")
    given = parser.parse_args()
    figures = measured(small=given.small)
    print(table(figures))
    if given.write:
        RECORD.write_text(json.dumps(figures, indent=1) + "\n")
    elif not given.small:
        held(figures)


def measured(*, small: bool) -> dict[str, Any]:
    def run(what: str, **environ: str) -> Any:
        return figures_of(what, SMALL[what] if small else (), environ)

    machine = facts()
    sqlite = run("cpu")
    database = Postgres(settings=("listen_addresses=127.0.0.1", "max_wal_size=4GB"))
    database.start()
    try:
        postgresql = run("cpu", DATABASE_URL=database.url)
    finally:
        database.remove()
    return {"machine": machine, "sqlite": sqlite, "postgresql": postgresql, "cluster": run("end_to_end")}


def figures_of(what: str, size: tuple[str, ...], environ: Mapping[str, str]) -> Any:
    """What a benchmark says in its last line; it runs in a process of its own."""
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("DATABASE", "REDIS", "KAFKA"))
    }
    command = [sys.executable, "-m", f"benchmarks.{what}", "--json", *size]
    done = subprocess.run(command, env={**inherited, **environ}, stdout=subprocess.PIPE, text=True, check=True)
    print(done.stdout, file=sys.stderr, flush=True)  # as it comes: a run that is cut short has shown what it has
    return json.loads(done.stdout.splitlines()[-1])


def facts() -> dict[str, str]:
    """Of the machine, as it is before anything runs."""
    cpus = [
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if "model name" in line
    ]
    return {
        "processor": f"{os.cpu_count()} × {cpus[0] if cpus else platform.machine()}",
        "system": platform.release(),
        "python": platform.python_version(),
        "load": f"{os.getloadavg()[0]:.1f}",
    }


def table(figures: Mapping[str, Any]) -> str:
    """Markdown: microseconds, and what part of the floor's rate that is."""
    machine = ", ".join(f"{name} {fact}" for name, fact in figures["machine"].items())
    rows = [machine, "", "| in one process | SQLite | of F | PostgreSQL | of F |", "|---|---:|---:|---:|---:|"]
    for name in figures["sqlite"]:
        cells = [cell for engine in ENGINES for cell in _cells(name, figures[engine])]
        rows.append(f"| {name} | {' | '.join(cells)} |")
    rows += ["", "| all processes, PostgreSQL, Redis | |", "|---|---:|"]
    return "\n".join([*rows, *(f"| {name} | {_shown(figure)} |" for name, figure in figures["cluster"].items())])


def _cells(name: str, run: Mapping[str, float]) -> list[str]:
    part = f"{run['floor_us'] / run[name]:.3f}" if name.endswith("_us") else ""
    return [f"{run[name]:,.1f}", part]


def _shown(figure: Any) -> str:
    if isinstance(figure, dict):
        return ", ".join(f"{name} {one:,.0f}" for name, one in figure.items())
    return f"{figure:,}"


def held(figures: Mapping[str, Any]) -> None:
    found = worse(figures, json.loads(RECORD.read_text()))
    print("\n".join(["", "Worse than the record:", *found] if found else ["", "Nothing is worse than the record."]))
    if found:
        sys.exit(1)


if __name__ == "__main__":
    main()
