"""The clients of docs/examples that are no browsers, run as they stand against the service: nothing is lost, doubled or
out of order, whatever happens to the line or to them."""

from __future__ import annotations

import importlib.util
import os
import queue
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from messaging.live.transcript import PAGE
from messaging.rules.control import conversation_end
from tests.journeys.line import Line
from tests.journeys.relay import Relay
from tests.journeys.service import Service, said

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
WAIT_S = 30


def _absent(how_to: str) -> None:
    """Skips the test, or fails it when REQUIRE_SERVICES=1."""
    (pytest.fail if os.environ.get("REQUIRE_SERVICES") == "1" else pytest.skip)(how_to)


def _python() -> list[str]:
    if not importlib.util.find_spec("websockets"):
        _absent("the client in Python needs websockets: pip install -r requirements-dev.lock")
    return [sys.executable, str(EXAMPLES / "client.py")]


def _node() -> list[str]:
    found = shutil.which("node")
    if not found:
        _absent("the client in JavaScript needs Node.js 20 or newer: https://nodejs.org/, or apt-get install nodejs")
    return [str(found), "--experimental-websocket", "--no-warnings", str(EXAMPLES / "client.mjs")]


class Client:
    """A process, what is written to it and what it prints."""

    def __init__(self, command: list[str], relay: Relay, line: Line, state: Path):
        self._process = subprocess.Popen(
            [*command, relay.url, line.channel, str(state)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._lines, self.typing = queue.Queue[str](), queue.Queue[str]()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            (self.typing if line.endswith("is typing\n") else self._lines).put(line.rstrip("\n"))

    def write(self, *lines: str) -> None:
        assert self._process.stdin
        for line in lines:
            self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()

    def prints(self, *expected: str) -> None:
        """These lines come next, and no other between them but of those who type."""
        assert [self._lines.get(timeout=WAIT_S) for _ in expected] == list(expected)

    def ends(self) -> tuple[int, str]:
        """By itself, with this code and these words."""
        assert self._process.stderr
        return self._process.wait(WAIT_S), self._process.stderr.read()

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def relay(service: Service, line: Line) -> Iterator[Relay]:
    service.configure(allowed_origins=[], without_origin=True)
    service.answer = lambda words: said(f"You said {words}")
    relay = Relay(urlsplit(line.service).port or 0)
    yield relay
    relay.close()


@pytest.fixture(params=[_python, _node], ids=["python", "node"])
def start(request: pytest.FixtureRequest, relay: Relay, line: Line, tmp_path: Path) -> Iterator[Callable[[], Client]]:
    """``start()``: the same person's client, once more."""
    command, clients = request.param(), list[Client]()

    def start() -> Client:
        clients.append(Client(command, relay, line, tmp_path / "state.json"))
        return clients[-1]

    yield start
    for client in clients:
        client.kill()


def hear(client: Client, words: str) -> None:
    client.prints(f"visitor: {words}", f"bot: You said {words}")


def test_a_client_writes_sees_who_types_and_reads(start: Callable[[], Client], service: Service) -> None:
    client = start()
    service.may_answer.clear()
    client.write("Hello")
    client.prints("visitor: Hello")
    assert client.typing.get(timeout=WAIT_S) == "bot is typing"
    service.may_answer.set()
    client.prints("bot: You said Hello")
    service.bot("One more thing", "And another")
    client.prints("bot: One more thing", "bot: And another")


def test_a_client_that_is_not_wanted_says_so_and_ends(start: Callable[[], Client], service: Service) -> None:
    service.configure(without_origin=False)
    assert start().ends() == (1, "The service does not want us: origin_not_allowed\n")


def test_what_is_said_while_the_line_is_cut_comes_once_and_in_order(
    start: Callable[[], Client], service: Service, relay: Relay
) -> None:
    client = start()
    client.write("Hello")
    hear(client, "Hello")
    service.thinking.clear()
    service.may_answer.clear()
    relay.deaf = True
    client.write("Are you there?")
    assert service.thinking.wait(WAIT_S)  # it is stored, and the client has not learned of it
    relay.cut()
    service.bot("We are")
    client.write("Still here", "And here")
    relay.restore()
    client.prints("visitor: Are you there?", "bot: We are", "visitor: Still here", "visitor: And here")
    said = [entry.text for entry in service.log if entry.role == "visitor"]
    assert said == ["Hello", "Are you there?", "Still here", "And here"]


def test_a_client_that_was_killed_goes_on_where_it_was(start: Callable[[], Client], service: Service) -> None:
    client = start()
    client.write("Hello")
    hear(client, "Hello")
    client.write(" ")
    client.prints("not sent: empty_message")  # so what was printed before is kept
    client.kill()
    missed = [f"While you were away {number}" for number in range(PAGE + 5)]  # more than one page of the transcript
    service.bot(*missed)
    again = start()
    again.prints(*(f"bot: {words}" for words in missed))
    again.write("Back")
    hear(again, "Back")
    assert [entry.text for entry in service.log if entry.role == "visitor"] == ["Hello", "Back"]


def test_a_client_follows_into_the_next_conversation(start: Callable[[], Client], service: Service) -> None:
    client = start()
    client.write("Hello")
    hear(client, "Hello")
    conversation_end(service.conversation.id)
    client.prints("state: closed")
    client.write("Another question")
    hear(client, "Another question")
    assert [entry.seq for entry in service.log] == [1, 2]
