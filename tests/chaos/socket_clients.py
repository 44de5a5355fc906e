"""Web chat clients over real sockets: they reconnect, resume by seq, and write down all that came.

Owns the client's side of RFC 6455 and of protocol ``desk-chat.v1``, without a library, so that a test can stop
reading, vanish or stay silent. Must not import the service.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import random
import socket
import struct
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10
TRANSCRIPT = frozenset({"msg", "edit", "del", "state"})
ESTABLISHED = 1  # of TCP_INFO
GONE = 1006  # there was no close frame


class Connection:
    """One WebSocket. Answers pings unless ``silent``; ``code`` is the one it was closed with."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, silent: bool = False):
        self._reader, self._writer, self._silent = reader, writer, silent
        self.code = GONE

    @classmethod
    async def open(
        cls, port: int, path: str, *, protocol: str = "desk-chat.v1", origin: str = "http://shop.example",
        cookie: str = "", silent: bool = False, receive_buffer: int = 0,
    ) -> Connection:  # fmt: skip
        """Raises OSError when it is refused. ``receive_buffer``: bytes the kernel takes for us; 0: what it likes."""
        raw = socket.socket()
        raw.setblocking(False)
        if receive_buffer:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        try:
            await asyncio.get_running_loop().sock_connect(raw, ("127.0.0.1", port))
            reader, writer = await asyncio.open_connection(sock=raw)
        except BaseException:
            raw.close()
            raise
        connection = cls(reader, writer, silent=silent)
        try:
            await connection._upgrade(path, protocol, origin, cookie)
        except (OSError, EOFError) as error:
            connection.abort()
            raise ConnectionError(str(error)) from error
        return connection

    async def _upgrade(self, path: str, protocol: str, origin: str, cookie: str) -> None:
        key = base64.b64encode(os.urandom(16)).decode()
        wanted = f"Sec-WebSocket-Protocol: {protocol}\r\n" if protocol else ""
        wanted += f"Cookie: {cookie}\r\n" if cookie else ""
        self._writer.write(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{wanted}"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nOrigin: {origin}\r\n\r\n".encode()
        )
        head = await self._reader.readuntil(b"\r\n\r\n")
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise ConnectionError(head.split(b"\r\n")[0].decode())

    def send(self, frame: dict[str, Any]) -> None:
        self._write(TEXT, json.dumps(frame).encode())

    async def next(self) -> dict[str, Any] | None:
        """The next text frame; None when it is closed, for whatever reason."""
        try:
            while True:
                kind, body = await self._frame()
                if kind == TEXT:
                    return json.loads(body)
                if kind == PING and not self._silent:
                    self._write(PONG, body)
                if kind == CLOSE:
                    self.code = struct.unpack("!H", body[:2])[0] if body else 1005
                    self._write(CLOSE, body[:2])
                    return None
        except (OSError, EOFError):
            return None

    async def until(self, kind: str) -> dict[str, Any]:
        """The next frame of this type. Raises ConnectionError when it is closed before."""
        while frame := await self.next():
            if frame["t"] == kind:
                return frame
        raise ConnectionError(f"closed with {self.code} before {kind}")

    def abort(self) -> None:
        """Gone without a word of WebSocket."""
        self._writer.transport.abort()

    def stop_reading(self) -> None:
        self._writer.transport.pause_reading()

    def is_open(self) -> bool:
        """Whether the server still holds its end; told by the kernel, without reading."""
        state: bytes = self._writer.get_extra_info("socket").getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
        return state[0] == ESTABLISHED

    async def _frame(self) -> tuple[int, bytes]:
        first, second = await self._reader.readexactly(2)
        size = second & 0x7F
        if size == 126:
            (size,) = struct.unpack("!H", await self._reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", await self._reader.readexactly(8))
        return first & 0xF, await self._reader.readexactly(size)

    def _write(self, kind: int, body: bytes) -> None:
        mask = os.urandom(4)
        size = struct.pack("!B", 0x80 | len(body)) if len(body) < 126 else struct.pack("!BH", 0x80 | 126, len(body))
        stream = int.from_bytes(body, "big") ^ int.from_bytes((mask * (len(body) // 4 + 1))[: len(body)], "big")
        self._writer.write(bytes([0x80 | kind]) + size + mask + stream.to_bytes(len(body), "big"))


class Client:
    """A widget: connects to one of ``ports``, says hello with the last seq it has, and comes back when it is dropped.

    ``seqs`` is what the server sent of each conversation, nothing sorted or removed; ``codes`` how its sockets
    ended; ``times`` when each of them was ready (the loop's clock).
    """

    def __init__(self, key: str, token: str, ports: Sequence[int], *, pause_s: float = 0.3):
        self._path, self._token, self._pause_s = f"/ws/chat/{key}/", token, pause_s
        self.ports = ports
        self.port = 0  # of the present or last socket
        self.seqs: dict[str, list[int]] = defaultdict(list)
        self.texts: dict[int, str] = {}
        self.passing: list[dict[str, Any]] = []  # what is of the moment: typing, read marks
        self.codes: list[int] = []
        self.times: list[float] = []
        self.conversation: str | None = None
        self._told: list[dict[str, Any]] = []  # of the transcript, before the first ready named its conversation
        self._acks: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._connection: Connection | None = None
        self._ready = asyncio.Event()
        self._news = asyncio.Event()
        self._after_s = 0.0
        self._task = asyncio.get_running_loop().create_task(self._run())

    @property
    def last_seq(self) -> int:
        return max(self.seqs[self.conversation], default=0) if self.conversation else 0

    async def ready(self, seconds: float = 30) -> Client:
        async with asyncio.timeout(seconds):
            await self._ready.wait()
        return self

    async def until(self, true: Callable[[], object], seconds: float, what: str) -> None:
        """Wait until ``true()`` after whatever came. Raises AssertionError naming ``what``."""
        try:
            async with asyncio.timeout(seconds):
                while not true():
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"after {seconds:.0f} s still not so: {what}; {self!r}") from None

    async def say(self, text: str, cid: str, seconds: float = 60) -> dict[str, Any]:
        """Send until it is acknowledged, over as many sockets as that takes."""
        ack = self._acks[cid] = asyncio.get_running_loop().create_future()
        async with asyncio.timeout(seconds):
            while not ack.done():
                await self._ready.wait()
                self.send({"t": "send", "cid": cid, "kind": "text", "text": text})
                await asyncio.wait([ack], timeout=3)
        return ack.result()

    def send(self, frame: dict[str, Any]) -> None:
        """Lost when there is no socket."""
        if self._connection:
            self._connection.send(frame)

    def drop(self) -> None:
        """The network goes away under the socket; the client will come back."""
        self._ready.clear()  # before its own task notices
        if self._connection:
            self._connection.abort()

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        if self._connection:
            self._connection.abort()

    async def _run(self) -> None:
        while True:
            try:
                self.port = random.choice(self.ports)
                self._connection = await Connection.open(self.port, self._path)
                await self._talk(self._connection)
                self.codes.append(self._connection.code)
            except OSError:
                self.port = 0
            self._connection = None
            self._ready.clear()
            self._news.set()
            await asyncio.sleep(self._after_s + random.uniform(0, self._pause_s))
            self._after_s = 0.0

    async def _talk(self, connection: Connection) -> None:
        hello: dict[str, Any] = {"t": "hello", "token": self._token, "after": self.last_seq}
        connection.send({**hello, "conversation": self.conversation} if self.conversation else hello)
        while frame := await connection.next():
            self._take(frame)
            self._news.set()

    def _take(self, frame: dict[str, Any]) -> None:
        kind = frame["t"]
        if kind == "ready":
            if frame["conversation"]:
                self.conversation = frame["conversation"]
                self._keep()
            if not self._ready.is_set():
                self.times.append(asyncio.get_running_loop().time())
                self._ready.set()
        elif kind in TRANSCRIPT:
            self._told.append(frame)
            self._keep()
        elif kind == "ack" and frame["cid"] in self._acks:
            self._acks[frame["cid"]].done() or self._acks[frame["cid"]].set_result(frame)
        elif kind == "bye":
            self._after_s = frame["after_s"]
        elif kind in ("typing", "read"):
            self.passing.append(frame)

    def _keep(self) -> None:
        if not self.conversation:
            return
        for frame in self._told:
            self.seqs[self.conversation].append(frame["seq"])
            self.texts[frame["seq"]] = frame.get("text", "")
        self._told.clear()

    def __repr__(self) -> str:
        return f"Client(port={self.port}, seqs={dict(self.seqs)}, codes={self.codes})"
