"""The engine of docs/examples that speaks on its own, run as it stands against the real port."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from assistant.engine.remote import Remote
from conversations.models import Message
from messaging import reply
from messaging.models import Turn
from messaging.respond import respond
from messaging.unasked.port import EnginePort
from tenants.storage.db import now

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).parents[3]


def test_the_example_answers_and_reminds_once(talk, make_key, scope, monkeypatch) -> None:
    written = threading.Semaphore(0)
    monkeypatch.setattr(reply, "push_message", lambda message: written.release())
    port = EnginePort(host="127.0.0.1", port=0, threads=2)
    port.start()
    command = [sys.executable, str(ROOT / "docs/examples/reminder.py"), "127.0.0.1:0", f"127.0.0.1:{port.port}"]
    command += [make_key(scope, "engine:speak")[1], "0.2"]
    with subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            engine: Any = Remote(f"127.0.0.1:{process.stdout.readline().strip()}")
            monkeypatch.setattr("messaging.turns.thinking.engine_for", lambda settings: engine)
            Turn.objects.update(due_at=now())
            respond(Turn.objects.get().id)
            assert written.acquire(timeout=30) and written.acquire(timeout=30)
        finally:
            process.kill()
            port.stop(5)
    said = Message.objects.filter(role="bot").order_by("seq").values_list("text", "client_message_id")
    about = Message.objects.get(role="visitor").id
    assert list(said) == [
        ("How can I help you?", ""), ("Are you still there? I am happy to go on.", f"reminder:{about}"),
    ]  # fmt: skip
