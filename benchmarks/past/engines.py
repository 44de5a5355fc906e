"""Each engine in turn, in servers and files of its own: a benchmark calls itself anew with the address of an empty database."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

ENGINES = ("postgresql", "sqlite")


def on_engines(parser: argparse.ArgumentParser, measure: Callable[[argparse.Namespace], None], module: str) -> None:
    """``measure(arguments)`` in a process for each engine, with Django set up on a migrated database."""
    parser.add_argument("--engines", nargs="+", choices=ENGINES, default=ENGINES)
    parser.add_argument("--url", help="measure this empty database, and no other")
    given = parser.parse_args()
    if given.url:
        settle_django(given.url)
        measure(given)
        return
    for engine in given.engines:
        with DATABASES[engine]() as url:
            command = [sys.executable, "-m", module, *sys.argv[1:], "--url", url]
            subprocess.run(command, check=True, env={**os.environ, "DATABASE_STATEMENT_S": "0"})  # filling takes long


@contextmanager
def sqlite() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="chatsvc-growth-") as folder:
        yield f"sqlite:///{folder}/growth.sqlite3"


@contextmanager
def postgresql() -> Iterator[str]:
    from tests.chaos.servers import Postgres

    server = Postgres()
    try:
        server.start()
        yield server.url
    finally:
        server.remove()


DATABASES: dict[str, Callable[[], Any]] = {"sqlite": sqlite, "postgresql": postgresql}


def settle_django(url: str) -> None:
    os.environ |= {
        "DATABASE_URL": url,
        "DJANGO_SETTINGS_MODULE": "benchmarks.beside.settings",
        "ENABLE_RATE_LIMITING": "false",
        "LOG_LEVEL": "ERROR",
        "ENVIRONMENT": "test",
    }
    os.environ.pop("REDIS_URL", None)
    import django

    import chatsvc  # noqa: F401  first: it reads the settings

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)


def say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()
