"""The long form: `make simulate SEEDS=200 STEPS=1000`, `make simulate-mutations`.

Owns the command line. Exits with 1 when a promise breaks, or a mutation is not found.
"""

from __future__ import annotations

import argparse
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from tests.simulation import oracle
from tests.simulation.database import in_memory
from tests.simulation.mutations import MUTATIONS
from tests.simulation.run import Outcome, Trace, replay, run, shrunk
from tests.simulation.town import populate

MUTATION_STEPS = 200_000  # within which a mutation must be found


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="simulate", description=__doc__)
    parser.add_argument("--first", type=int, default=1, help="the first seed")
    parser.add_argument("--seeds", type=int, default=200)
    parser.add_argument("--steps", type=int, default=1000, help="of each world")
    parser.add_argument("--jobs", type=int, default=1, help="processes that share the seeds")
    parser.add_argument("--mutations", action="store_true", help="find each fault of mutations.py")
    parser.add_argument("--only", default="", help="a mutation's name")
    parser.add_argument("--ignore", action="append", default=[], help="a promise that is known to be broken")
    parser.add_argument("--replay", type=Path, help="a saved trace")
    parser.add_argument("--save", type=Path, help="a folder for the traces of what is found")
    chosen = parser.parse_args(arguments)
    if chosen.jobs > 1 and not (chosen.replay or chosen.mutations):
        return _shared(arguments, chosen)
    oracle.IGNORED.update(chosen.ignore)
    with in_memory(populate) as origin:
        if chosen.replay:
            return _shown(replay(Trace.load(chosen.replay), origin))
        if chosen.mutations:
            names = [chosen.only] if chosen.only else list(MUTATIONS)
            return max([_mutated(name, chosen.steps, origin) for name in names])
        return _searched(range(chosen.first, chosen.first + chosen.seeds), chosen.steps, chosen.save, origin)


def _shared(arguments: Sequence[str], chosen: argparse.Namespace) -> int:
    """A world depends on its seed alone: each process takes some of them."""
    begun = []
    for job in range(chosen.jobs):
        first, end = (chosen.first + chosen.seeds * place // chosen.jobs for place in (job, job + 1))
        share = ["--jobs", "1", "--first", str(first), "--seeds", str(end - first)]  # of one option the last one counts
        begun.append(subprocess.Popen([sys.executable, "-m", "tests.simulation", *arguments, *share]))
    return max([one.wait() for one in begun])


def _searched(seeds: Sequence[int], length: int, folder: Path | None, origin: sqlite3.Connection) -> int:
    """Every world; of each promise that breaks the first trace is shrunk and shown."""
    found: dict[str, int] = {}
    began, steps = time.perf_counter(), 0
    for seed in seeds:
        outcome = run(seed, length, origin)
        steps += outcome.steps
        if outcome.broken and outcome.promise not in found:
            print(f"seed {seed}")
            small = shrunk(outcome, origin)
            _shown(small)
            if folder:
                small.trace.save(folder / f"{outcome.promise.replace(' ', '_')}.json", outcome.promise)
        if outcome.broken:
            found[outcome.promise] = found.get(outcome.promise, 0) + 1
    print(f"{len(seeds)} worlds, {steps} steps, {time.perf_counter() - began:.0f} s")
    for promise, times in sorted(found.items(), key=lambda item: -item[1]):
        print(f"broken in {times} worlds: {promise}")
    return int(bool(found))


def _mutated(name: str, length: int, origin: sqlite3.Connection) -> int:
    """How many steps it takes to find a mutation. What else breaks meanwhile is not looked at."""
    mutation, steps, seed = MUTATIONS[name], 0, 0
    began = time.perf_counter()
    oracle.ONLY = mutation.breaks
    while steps < MUTATION_STEPS:
        seed += 1
        outcome = run(seed, length, origin, mutation.apply)
        steps += outcome.steps
        if outcome.promise in mutation.breaks:
            print(
                f"{name}: found after {steps} steps, seed {seed}, {time.perf_counter() - began:.0f} s: {outcome.broken}"
            )
            return 0
    print(f"{name}: NOT FOUND in {steps} steps")
    return 1


def _shown(outcome: Outcome) -> int:
    print("\n".join(outcome.diary))
    print(outcome.broken or "all promises hold", end="\n\n")
    return int(bool(outcome.broken))
