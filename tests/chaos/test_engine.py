"""An engine in a process of its own is killed in the middle of its stream, is slow, answers nonsense, is away and back: the
visitor has an answer within the documented deadline, counted from the stored message (AI-1)."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from channels_app.twin.server import Twin
from tests.chaos.ledger import Ledger
from tests.chaos.odd_engine import WRONG
from tests.chaos.servers import free_port, wait_until
from tests.chaos.service import Process, answers, environment, running, set_up
from tests.chaos.socket_clients import Client

pytestmark = pytest.mark.chaos
DEADLINE_S = 5.0
AFTER_S = 1.5  # for the fallback's row, on a machine that does other things
TIMES = """
SELECT asked.text, answer.text, (julianday(answer.created_at) - julianday(asked.created_at)) * 86400
FROM conversations_message asked JOIN conversations_message answer
    ON answer.conversation_id = asked.conversation_id AND answer.seq = asked.seq + 1 AND answer.role = 'bot'
WHERE asked.role = 'visitor' ORDER BY asked.seq
"""


def listens(port: int) -> bool:
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


def visitor(port: int, key: str) -> str:
    headers = {"Content-Type": "application/json", "Origin": "http://shop.example"}
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
        connection.request("POST", f"/api/v2/webchat/{key}/session", "{}", headers)
        return str(json.loads(connection.getresponse().read())["data"]["visitor_token"])


@pytest.fixture
def place(tmp_path: Path, twin: Twin) -> Any:
    """(environment, key of the web chat, the engine's process)"""
    port, engine_port = free_port(), free_port()
    environ = environment(
        port, f"sqlite:///{tmp_path / 'engine.sqlite3'}", MCP_ENGINE_URL=f"127.0.0.1:{engine_port}",
        ENGINE_TIMEOUT_MS=str(int(DEADLINE_S * 1000)),
    )  # fmt: skip
    key = set_up(environ, twin)["web_channel_key"]
    engine = Process(
        ["-m", "tests.chaos.odd_engine", f"127.0.0.1:{engine_port}"], environ, tmp_path / "engine.log",
        lambda: listens(engine_port),
    )  # fmt: skip
    service = Process(
        ["manage.py", "serve", "--port", str(port)], environ, tmp_path / "serve.log", lambda: answers(port)
    )
    with running(service, engine):
        yield port, key, engine, Ledger(environ["DATABASE_URL"])


async def talk(port: int, key: str, engine: Process) -> list[dict[str, Any]]:
    """What was seen of the moment, while one visitor meets all that can happen to an engine."""
    client = await Client(key, visitor(port, key), [port]).ready()

    async def say(text: str) -> None:
        ack = await client.say(text, text.replace(" ", "-"))
        await client.until(lambda: client.last_seq > ack["seq"], DEADLINE_S + 30, f"an answer to {text}")

    try:
        for text in ("hello", *WRONG, "slow", "die"):
            await say(text)
        wait_until(lambda: not engine.lives(), 10, "the engine is dead")
        await say("away")
        engine.start()
        await asyncio.sleep(6)  # an engine that was away is looked after every 5 s
        await say("back")
        await say("back again")
    finally:
        await client.stop()
    return client.passing


def test_whatever_happens_to_the_engine_there_is_an_answer_within_the_deadline(place: Any) -> None:
    port, key, engine, ledger = place
    asyncio.run(talk(port, key, engine))
    told = {asked: (answer, seconds) for asked, answer, seconds in ledger.rows(TIMES)}
    print({asked: round(seconds, 2) for asked, (_, seconds) in told.items()})
    assert told.keys() == {"hello", *WRONG, "slow", "die", "away", "back", "back again"}
    assert max(seconds for _, seconds in told.values()) <= DEADLINE_S + AFTER_S, told
    by_engine = {asked for asked, (answer, _) in told.items() if answer == f"You said {asked}"}
    assert by_engine >= {"hello", "back again"} and by_engine <= {"hello", "back", "back again"}
    assert len({answer for asked, (answer, _) in told.items() if asked not in by_engine}) == 1  # the tenant's fallback
    assert ledger.unfinished() == 0
