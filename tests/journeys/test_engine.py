"""A message answered by an engine in a process of its own, which dies and comes back; its id is in both logs."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from assistant.engine.remote import Remote
from assistant.port import EngineError
from tests.chaos.servers import free_port, wait_until
from tests.chaos.service import ROOT, Process, answers, environment, seeded

TOKEN = "between-us"
TRAIL = "engine-0123456789"


@dataclass
class Shop:
    """The service and its engine, as two processes on one SQLite file."""

    service: Process
    engine: Process
    port: int
    access: dict[str, Any]
    folder: Path

    def ask(self, words: str) -> dict[str, Any]:
        """What the REST API answers to a message."""
        body = {"user_id": "ada", "channel": "web", "content": {"type": "text", "text": words}}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v2/chat/message",
            json.dumps(body).encode(),
            {
                "Content-Type": "application/json",
                "Authorization": f"Bearer {self.access['api_key']}",
                "X-Correlation-ID": TRAIL,
            },
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())["data"]

    def is_degraded(self) -> bool:
        return self.ask("What are your opening hours?")["processing_metadata"]["degraded"]

    def lines(self, process: str) -> list[dict[str, Any]]:
        text = (self.folder / f"{process}.log").read_text()
        return [json.loads(line) for line in text.splitlines() if line.startswith("{")]

    def health(self) -> dict[str, Any]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/detailed", timeout=20) as answer:
            return json.loads(answer.read())["dependencies"]["engine"]


def serves(engine: Remote) -> bool:
    try:
        engine.health()
    except EngineError:
        return False
    return True


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Shop]:
    port, engine_port = free_port(), free_port()
    environ = environment(
        port, f"sqlite:///{tmp_path}/engine.sqlite3", MCP_ENGINE_URL=f"127.0.0.1:{engine_port}", ENGINE_TOKEN=TOKEN,
        ENGINE_LISTEN_PORT=str(engine_port), HOST="127.0.0.1", LOG_LEVEL="DEBUG",
    )  # fmt: skip
    access = seeded(environ)
    probe = Remote(environ["MCP_ENGINE_URL"])
    engine = Process(["manage.py", "run_engine"], environ, tmp_path / "engine.log", lambda: serves(probe))
    service = Process(["manage.py", "serve"], environ, tmp_path / "serve.log", lambda: answers(port))
    try:
        engine.start()
        service.start()
        yield Shop(service, engine, port, access, tmp_path)
    finally:
        service.kill()
        engine.kill()


def test_an_engine_answers_dies_and_comes_back(shop: Shop) -> None:
    answered = shop.ask("What are your opening hours?")
    assert answered["processing_metadata"]["degraded"] is False
    assert shop.health()["status"] == "up"

    shop.engine.kill()
    fallback = shop.ask("What are your opening hours?")
    assert fallback["processing_metadata"]["degraded"] is True
    assert fallback["response"]["text"] != answered["response"]["text"]
    assert [shop.is_degraded() for _ in range(4)] == [True] * 4
    assert (shop.health()["status"], shop.health()["error"]) == ("down", "engine_unavailable")

    shop.engine.start()
    wait_until(lambda: not shop.is_degraded(), 60, "the engine answers again")

    asked = [line for line in shop.lines("engine") if line["event"] == "engine_call"]
    turns = [line for line in shop.lines("serve") if line["event"] == "turn_done"]
    assert {line["correlation_id"] for line in (*asked, *turns)} == {TRAIL}
    assert asked[0]["tenant_id"] == turns[0]["tenant_id"] == shop.access["tenant_id"]
    assert asked[0]["message_id"] == turns[0]["message_id"]
    assert asked[0]["conversation_id"] == turns[0]["conversation_id"]
    written = (shop.folder / "engine.log").read_text() + (shop.folder / "serve.log").read_text()
    assert "opening hours" not in written
    assert TOKEN not in written


def test_sigterm_ends_an_engine_in_peace(tmp_path: Path) -> None:
    """It also starts before its database is there."""
    port = free_port()
    environ = environment(port, f"sqlite:///{tmp_path}/engine.sqlite3", LOG_LEVEL="DEBUG")
    probe, command = Remote(f"127.0.0.1:{port}"), [sys.executable, "manage.py", "run_engine", "--port", str(port)]
    with (tmp_path / "engine.log").open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=output)
    try:
        wait_until(lambda: serves(probe), 120, "the engine serves")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0
    finally:
        process.kill()
    assert '"engine_stopped"' in (tmp_path / "engine.log").read_text()


@pytest.mark.parametrize(
    ("environ", "complaint"),
    [
        ({"ENGINE_TLS_CERT_FILE": "manage.py"}, "go together"),
        (
            {
                "ENVIRONMENT": "production",
                "SECRET_KEY": "k3!x_-~Z" * 7,
                "JWT_SECRET_KEY": "j3!x_-~Z" * 4,
                "ENCRYPTION_KEYS": "e3!x_-~Z" * 4,
            },
            "ENGINE_TOKEN must be set",
        ),
        ({"MCP_ENGINE_URL": "http://engine"}, "grpcs://host:port"),
    ],
    ids=["half of TLS", "open in production", "another protocol"],
)
def test_what_makes_no_sense_does_not_start(environ: dict[str, str], complaint: str, tmp_path: Path) -> None:
    whole = environment(free_port(), f"sqlite:///{tmp_path}/engine.sqlite3", **environ)
    command = [sys.executable, "manage.py", "run_engine", "--port", str(free_port())]
    done = subprocess.run(command, cwd=ROOT, env=whole, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert complaint in done.stderr
    assert "Traceback" not in done.stderr
