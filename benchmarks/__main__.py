"""All that is held against the record, in one table: ``make bench``. Under ten minutes on two quiet cores.

``--write`` makes what was measured the record, and writes it into the pages (benchmarks/recorded/pages.py). Exit code 1: something is worse than the record (benchmarks/recorded/record.py).
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.recorded import pages
from benchmarks.recorded.record import RECORD, worse
from tests.chaos.servers import Postgres

Sizes = Mapping[str, tuple[str, ...]]  # options of each benchmark
WHOLE: Sizes = {"cpu": ("--rounds", "8"), "end_to_end": ("--messages", "1000")}
SMALL: Sizes = {"cpu": ("--rounds", "1", "--requests", "5", "--messages", "5", "--sends", "2"),
                "end_to_end": ("--messages", "40", "--settle", "2")}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true", help="keep what was measured as the record, and in the pages")
    parser.add_argument("--small", action="store_true", help="see that everything runs; the figures are worth nothing")
    given = parser.parse_args()
    figures = measured(small=given.small)
    print(pages.table(figures))
    if given.write:
        RECORD.write_text(json.dumps(figures, indent=1) + "\n")
        pages.main()
    elif not given.small:
        held(figures)


def measured(*, small: bool) -> dict[str, Any]:
    sizes = SMALL if small else WHOLE

    def run(what: str, **environ: str) -> Any:
        return figures_of(what, sizes[what], environ)

    machine = facts() | {what: " ".join(options) for what, options in sizes.items()}
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
        "taken": datetime.now(UTC).strftime("%Y-%m-%d %H:%M"),
    }


def held(figures: Mapping[str, Any]) -> None:
    found = worse(figures, json.loads(RECORD.read_text()))
    print("\n".join(["", "Worse than the record:", *found] if found else ["", "Nothing is worse than the record."]))
    if found:
        sys.exit(1)


if __name__ == "__main__":
    main()
