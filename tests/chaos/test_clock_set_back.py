"""The system's clock is set back by two hours under a running service (bug B11). Needs libfaketime."""

from __future__ import annotations

from pathlib import Path

import pytest

from channels_app.twin.server import Twin
from tests.chaos.ledger import Ledger
from tests.chaos.servers import free_port, missing, wait_until
from tests.chaos.service import Process, answers, environment, manage, running, set_up

pytestmark = pytest.mark.chaos
PERSON = "15550700001"
#: another process stores a message; its wake-up reaches nobody, for its broker is in its own memory
WITHOUT_WAKE_UP = """
from channels_app.content.types import text
from channels_app.contract import InboundMessage, Sender
from channels_app.models import Channel
from messaging.accept import accept
from tenants.scope import tenant_scope
channel = Channel.objects.unscoped().get(kind="whatsapp")
with tenant_scope(channel.tenant_id):
    accept(channel, InboundMessage({name!r}, Sender("phone", "+1555071{number:04}"), text("When are you open?")))
"""


@pytest.fixture
def faketime() -> str:
    found = sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
    if not found:
        missing("libfaketime", "libfaketime")
    return str(found[0])


def test_the_clock_is_set_back(tmp_path: Path, twin: Twin, faketime: str) -> None:
    offset = tmp_path / "offset"
    offset.write_text("+2h")
    port, database_url = free_port(), f"sqlite:///{tmp_path}/clock.sqlite3"
    fake = {
        "LD_PRELOAD": faketime,
        "FAKETIME_TIMESTAMP_FILE": str(offset),
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "FAKETIME_NO_CACHE": "1",
    }
    environ = environment(port, database_url, **fake)
    set_up(environ, twin)
    ledger = Ledger(database_url)

    def say(words: str) -> None:
        before = len(twin.sent)
        twin.say({"from": PERSON, "text": words}, "whatsapp")
        wait_until(lambda: len(twin.sent) > before, 30, f"an answer to {words}")

    def lose_a_wake_up(number: int, seconds: float) -> None:
        manage(environ, "shell", "--verbosity", "0", "-c", WITHOUT_WAKE_UP.format(name=f"lost-{number}", number=number))
        wait_until(lambda: not ledger.unfinished(), seconds, f"lost wake-up {number} is found")

    serve = Process(["manage.py", "serve"], environ, tmp_path / "serve.log", lambda: answers(port))
    with running(serve):
        say("What are your opening hours?")
        lose_a_wake_up(1, 30)
        offset.write_text("+0")
        lose_a_wake_up(2, 30)
        say("STOP")
        wait_until(
            lambda: ledger.rows("SELECT 1 FROM conversations_identity WHERE stopped_at IS NOT NULL"), 5, "stopped"
        )
    assert "clock_set_back" in (tmp_path / "serve.log").read_text()
