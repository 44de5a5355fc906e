"""The system's clock is set back by two hours under a running service (bug B11).

The service's processes are shown a clock of ours: what `time` and `datetime` tell, not what nothing sets.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from channels_app.twin.server import Twin
from tests.chaos.ledger import Ledger
from tests.chaos.servers import free_port, wait_until
from tests.chaos.service import Process, answers, environment, manage, running, set_up

pytestmark = pytest.mark.chaos
PERSON = "15550700001"
HOURS = 3600.0
#: Python runs it at the start of each process; the file holds by how many seconds the clock is wrong
SITECUSTOMIZE = """
import pathlib, threading, time, time_machine
file, began = pathlib.Path({file!r}), time.time() - time.monotonic()
def real():
    return began + time.monotonic()
def wrong():
    return float(file.read_text() or 0)
def follow(shown):
    while True:
        threading.Event().wait(0.1)
        if wrong() != shown:
            shown = wrong()
            traveller.move_to(real() + shown, tick=True)
traveller = time_machine.travel(real() + wrong(), tick=True).start()
threading.Thread(target=follow, args=(wrong(),), daemon=True).start()
"""
#: another process stores a message; its wake-up reaches no worker, for its broker is in its own memory
WITHOUT_WAKE_UP = """
from channels_app.content.types import text
from channels_app.contract import InboundMessage, Sender
from channels_app.models import Channel
from messaging.accept import accept
from tenants.scope import tenant_scope
channel = Channel.objects.unscoped().get(kind="whatsapp")
with tenant_scope(channel.tenant_id):
    accept(channel, InboundMessage("lost-{number}", Sender("phone", "+1555071{number:04}"), text("When are you open?")))
"""


def test_the_clock_is_set_back(tmp_path: Path, twin: Twin) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text(str(2 * HOURS))
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SITECUSTOMIZE.format(file=str(wrong)))
    port = free_port()
    environ = environment(port, f"sqlite:///{tmp_path}/clock.sqlite3", PYTHONPATH=str(tmp_path / "site"))
    set_up(environ, twin)
    ledger = Ledger(environ["DATABASE_URL"])

    def say(words: str) -> None:
        before = len(twin.sent)
        twin.say({"from": PERSON, "text": words}, "whatsapp")
        wait_until(lambda: len(twin.sent) > before, 30, f"an answer to {words}")

    def lose_a_wake_up(number: int) -> None:
        before = len(twin.sent)
        manage(environ, "shell", "--verbosity", "0", "-c", WITHOUT_WAKE_UP.format(number=number))
        wait_until(lambda: len(twin.sent) > before, 30, f"lost wake-up {number} is found")

    serve = Process(["manage.py", "serve"], environ, tmp_path / "serve.log", lambda: answers(port))
    with running(serve):
        say("What are your opening hours?")
        lose_a_wake_up(1)
        wrong.write_text("0")
        lose_a_wake_up(2)
        say("STOP")
        stopped = "SELECT 1 FROM conversations_identity WHERE stopped_at IS NOT NULL"
        wait_until(lambda: ledger.rows(stopped), 5, "the person has stopped")
    assert "clock_set_back" in (tmp_path / "serve.log").read_text()
