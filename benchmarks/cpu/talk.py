"""Web chats in this process: 50 sockets, each with one message on its way at any time, from send to stored ack.

Owns the ends that a server would hold. Everything runs on one core; its CPU is the process's, the 50 clients' included.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.ground import ORIGIN, Ground

SOCKETS = 50
PROTOCOL = "desk-chat.v1"
OPEN_S = 30.0


class Talk:
    """Slices of so many sends on each socket. Sockets are opened anew for each, and have said one word before."""

    def __init__(self, on: Ground, runner: asyncio.Runner):
        from benchmarks.beside.asgi import application

        self._on, self._runner, self._application = on, runner, application

    @classmethod
    @contextmanager
    def on(cls, on: Ground) -> Iterator[Talk]:
        """How often one socket may send is out of the way."""
        from messaging.sockets import reader

        with asyncio.Runner() as runner, patch.object(reader, "FRAMES_BURST", 10**9):
            yield cls(on, runner)

    def slice(self, name: str, path: str, sends: int) -> dict[str, float]:
        """CPU per message, messages a second, and the 99th percentile of send to ack."""
        with one_core():
            return self._runner.run(self._slice(name, path, sends))

    async def _slice(self, name: str, path: str, sends: int) -> dict[str, float]:
        wires = [Wire(self._application, path) for _ in range(SOCKETS)]
        await asyncio.gather(*(wire.open(self._token(path)) for wire in wires))
        await asyncio.gather(*(wire.say() for wire in wires))
        began, busy = time.perf_counter(), time.process_time()
        took = await asyncio.gather(*(wire.say_all(sends) for wire in wires))
        spent, elapsed = time.process_time() - busy, time.perf_counter() - began
        await asyncio.gather(*(wire.close() for wire in wires))
        messages = sends * SOCKETS
        cuts = statistics.quantiles([ms for one in took for ms in one], n=100)
        return {
            f"{name}_us": spent / messages * 1e6,
            f"{name}_per_second": messages / elapsed,
            f"{name}_p99_ms": cuts[98],
        }

    def _token(self, path: str) -> str:
        return self._on.visitor_token() if "chat" in path else ""


class Wire:
    """What stands between a client and the application: one ASGI connection."""

    def __init__(self, application: Any, path: str):
        self._application, self._in, self._acked = application, asyncio.Queue[dict[str, Any]](), asyncio.Event()
        self._ready = asyncio.Event()
        self._scope = {
            "type": "websocket", "path": path, "raw_path": path.encode(), "root_path": "", "query_string": b"",
            "scheme": "ws", "http_version": "1.1", "asgi": {"version": "3.0", "spec_version": "2.4"}, "extensions": {},
            "headers": [(b"host", b"localhost"), (b"origin", ORIGIN.encode())], "subprotocols": [PROTOCOL],
            "client": ("127.0.0.1", 40_000), "server": ("127.0.0.1", 80),
        }  # fmt: skip

    async def open(self, token: str) -> None:
        self._in.put_nowait({"type": "websocket.connect"})
        self._task = asyncio.create_task(self._application(self._scope, self._in.get, self._send))
        async with asyncio.timeout(OPEN_S):
            await self._ready.wait()
            if token:
                self._ready.clear()
                self._put({"t": "hello", "token": token})
                await self._ready.wait()

    async def say_all(self, sends: int) -> list[float]:
        """Milliseconds of each."""
        return [await self.say() for _ in range(sends)]

    async def say(self) -> float:
        self._acked.clear()
        sent = time.perf_counter()
        self._put({"t": "send", "cid": uuid.uuid4().hex, "text": "Where is my order?"})
        async with asyncio.timeout(OPEN_S):
            await self._acked.wait()
        return (time.perf_counter() - sent) * 1000

    async def close(self) -> None:
        self._in.put_nowait({"type": "websocket.disconnect", "code": 1000})
        await self._task

    def _put(self, frame: dict[str, Any]) -> None:
        self._in.put_nowait({"type": "websocket.receive", "text": json.dumps(frame)})

    async def _send(self, message: Any) -> None:
        text = message.get("text") or ""
        assert message["type"] != "websocket.close", message
        assert '"error"' not in text, text
        if message["type"] == "websocket.accept" or '"ready"' in text:
            self._ready.set()
        elif '"ack"' in text:
            self._acked.set()


@contextmanager
def one_core() -> Iterator[None]:
    """All threads of this process on one core; those that begin meanwhile inherit it."""
    before = os.sched_getaffinity(0)
    _all_on({min(before)})
    try:
        yield
    finally:
        _all_on(before)


def _all_on(cores: set[int]) -> None:
    for thread in Path("/proc/self/task").iterdir():
        os.sched_setaffinity(int(thread.name), cores)
