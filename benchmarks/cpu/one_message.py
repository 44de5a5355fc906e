"""Where the time of a WhatsApp message goes, in one process: ``python -m benchmarks.cpu.one_message``.

The journey is that of benchmarks/cpu/journey.py. cProfile makes each call dearer: read shares, not seconds.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.cpu.counting import BRACKETS
from benchmarks.cpu.journey import PEOPLE, Journey
from benchmarks.ground import ground

OURS = r"/(chatsvc|messaging|assistant|conversations|channels_app|tenants)/"
WIDTH = 110  # characters of a statement that are shown


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=100)
    parser.add_argument("--sort", choices=("cumulative", "tottime", "calls"), default="cumulative")
    parser.add_argument("--lines", type=int, default=25)
    parser.add_argument("--all", action="store_true", help="libraries, too; else our own functions")
    parser.add_argument("--statements", action="store_true", help="instead, each SQL statement of one message")
    given = parser.parse_args()
    with ground() as on:
        from chatsvc.wsgi import application

        with Journey.on(application, on.whatsapp, on.phone) as journey:
            journey.slice(PEOPLE)  # known people, and everything is imported
            if given.statements:
                with shown():
                    journey.slice(1)
            else:
                profiled(journey, given)


def profiled(journey: Journey, given: argparse.Namespace) -> None:
    with cProfile.Profile() as profile:
        journey.slice(given.messages)
    only = () if given.all else (OURS,)
    pstats.Stats(profile).sort_stats(given.sort).print_stats(*only, given.lines)


@contextmanager
def shown() -> Iterator[None]:
    """Prints each statement of this thread's connection with its milliseconds, the database's share included."""
    from django.db import connection

    def execute(run: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        began = time.perf_counter()
        try:
            return run(sql, params, many, context)
        finally:
            if sql.split(None, 1)[0].upper() not in BRACKETS:
                print(f"{(time.perf_counter() - began) * 1000:6.1f} ms  {' '.join(sql.split())[:WIDTH]}")

    with connection.execute_wrapper(execute):
        yield


if __name__ == "__main__":
    main()
