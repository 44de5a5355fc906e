"""The client that docs/channels/web.md shows, run as it stands against the service, over a real socket."""

from __future__ import annotations

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.chaos.socket_clients import Connection
from tests.journeys.line import SHOP, Line
from tests.journeys.service import Service, said

PAGE = (Path(__file__).parents[2] / "docs/channels/web.md").read_text()
[SAMPLE] = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


class Socket:
    """A connection of the package `websockets`, as far as the sample uses it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def send(self, text: str) -> None:
        self._connection.send(json.loads(text))

    async def __aiter__(self) -> AsyncIterator[str]:
        while (frame := await self._connection.next()) is not None:
            yield json.dumps(frame)


@asynccontextmanager
async def connect(address: str, *, subprotocols: list[str], origin: str) -> AsyncIterator[Socket]:
    at = urlsplit(address)
    connection = await Connection.open(at.port or 0, at.path, protocol=subprotocols[0], origin=origin)
    yield Socket(connection)
    connection.abort()


@pytest.fixture
def sample(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    package = ModuleType("websockets")
    package.connect = connect  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "websockets", package)
    names: dict[str, Any] = {"__name__": "sample"}
    exec(SAMPLE, names)  # noqa: S102 — our own page
    return names


def test_the_client_of_the_page_gets_the_answer_and_writes_once(sample: dict[str, Any], service: Service, line: Line):
    service.answer = lambda words: said(f"You said: {words}")
    answer = asyncio.run(sample["ask"](line.service, line.channel, SHOP, "Hello"))
    assert answer == "You said: Hello"
    assert [(entry.role, entry.text) for entry in service.log] == [("visitor", "Hello"), ("bot", "You said: Hello")]
