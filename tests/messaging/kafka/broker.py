"""A Kafka-protocol broker of our own: noida-db from the development requirements.

noida-db is an independent implementation. It flushes to disk late: killed, it may forget the last second
of what it acknowledged, and stopped under load the last moment. So failures are tested with it, durability
is not (docs/kafka.md).
"""

from __future__ import annotations

import importlib.util
import os
import socket
import subprocess
import tempfile
from pathlib import Path
from typing import NoReturn

import pytest

from tests.chaos.servers import free_port, wait_until


def missing() -> NoReturn:
    words = "No Kafka broker: pip install -r requirements-dev.lock brings one. REQUIRE_SERVICES=1 makes that a failure."
    if os.environ.get("REQUIRE_SERVICES") == "1":
        pytest.fail(words)
    pytest.skip(words)


class Broker:
    """``address`` stays the same over restarts."""

    def __init__(self) -> None:
        found = importlib.util.find_spec("noida_db")
        if found is None or not found.submodule_search_locations:
            missing()
        self.binary = Path(found.submodule_search_locations[0]) / "noida-db"
        self.directory = tempfile.TemporaryDirectory(prefix="chatsvc-kafka-")
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        where = ["--kafka-port", str(self.port), "--data-dir", self.directory.name]
        self.process = subprocess.Popen(
            [str(self.binary), "start", "--only", "kafka", *where],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self.directory.name,
        )
        wait_until(self.listens, 15, "the broker listens", pause=0.02)

    def stop(self) -> None:
        """By SIGTERM: what was acknowledged before is there after the next start. What it acknowledges while
        it stops may be forgotten."""
        assert self.process is not None
        self.process.terminate()
        self.process.wait(10)

    def kill(self) -> None:
        """What it had acknowledged in the last second may be gone."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(10)

    def listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def remove(self) -> None:
        self.stop()
        self.directory.cleanup()
