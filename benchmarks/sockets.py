"""A web chat message from send to ack, beside a bare Channels echo: ``python -m benchmarks.sockets``."""

from __future__ import annotations

import base64
import os
import socket
import struct
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from benchmarks.ground import ORIGIN, ground
from benchmarks.load import Line, Request, arguments, as_json, show

MOST = 50  # sends of one connection: the service allows bursts of 60 frames
CROWD = 50  # connections at once


class Socket:
    """As much of a WebSocket client as this needs: masked text frames out, unmasked ones in."""

    def __init__(self, port: int, path: str):
        self.raw = socket.create_connection(("127.0.0.1", port), timeout=30)
        self.raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        nonce = base64.b64encode(os.urandom(16)).decode()
        lines = [f"GET {path} HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade",
                 f"Sec-WebSocket-Key: {nonce}", "Sec-WebSocket-Version: 13", f"Origin: {ORIGIN}",
                 *(["Sec-WebSocket-Protocol: desk-chat.v1"] if "chat" in path else [])]  # fmt: skip
        self.raw.sendall("\r\n".join([*lines, "", ""]).encode())
        self.file = self.raw.makefile("rb")
        status = self.file.readline()
        if b" 101 " not in status:
            raise SystemExit(f"{path}: {status.decode().strip()}")
        while self.file.readline().strip():
            pass

    def send(self, frame: dict[str, Any]) -> None:
        body, mask = as_json(frame), os.urandom(4)
        size = bytes([0x80 | len(body)]) if len(body) < 126 else bytes([0x80 | 126]) + struct.pack("!H", len(body))
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(body))
        self.raw.sendall(b"\x81" + size + mask + masked)

    def until(self, kind: str) -> None:
        """Read frames up to one of this type."""
        wanted = b'"%s"' % kind.encode()
        while True:
            head = self.file.read(2)
            size = head[1] if head else 0
            size = struct.unpack("!H", self.file.read(2))[0] if size == 126 else size
            body = self.file.read(size)
            if not head or head[0] & 0xF == 8:
                raise SystemExit(f"closed: {body!r}")
            if b'"error"' in body:
                raise SystemExit(body.decode())
            if wanted in body:
                return


def measure(port: int, line: Line, tokens: Sequence[str], sends: int) -> None:
    """A connection for each token, each with one frame at a time."""
    clients = [_greeted(port, line, token) for token in tokens]
    with ThreadPoolExecutor(len(clients)) as pool:
        started = time.perf_counter()
        for took in pool.map(lambda client: _say(client, sends), clients):
            line.latencies += took
        line.rates.append(sends * len(clients) / (time.perf_counter() - started))
    for client in clients:
        client.raw.close()


def _greeted(port: int, line: Line, token: str) -> Socket:
    path, _, _ = line.make(0)
    client = Socket(port, path)
    if token:
        client.send({"t": "hello", "token": token})
        client.until("ready")
    return client


def _say(client: Socket, sends: int) -> list[float]:
    """How long each send took to its ack, in milliseconds."""
    took = []
    for n in range(sends):
        sent = time.perf_counter()
        client.send({"t": "send", "cid": uuid.uuid4().hex, "text": f"Where is my order {n}?"})
        client.until("ack")
        took.append((time.perf_counter() - sent) * 1000)
    return took


def main() -> None:
    given = arguments(__doc__ or "")
    with ground("daphne") as on:

        def at(path: str) -> Request:
            return path, b"", {}

        echo = Line("bare consumer, echo, stores nothing", lambda n: at("/ws/bench/echo/"))
        chat = Line("web chat, send to ack, stored", lambda n: at(f"/ws/chat/{on.web_key}/"), beside=echo.name)
        echoes = replace(echo, name=f"the same, {CROWD} at once", rates=[], latencies=[])
        chats = Line(f"web chat, {CROWD} visitors at once", chat.make, beside=echoes.name)
        sends = min(MOST, given.requests)
        for _ in range(given.rounds):
            measure(on.port, echo, [""], sends)
            measure(on.port, chat, [on.visitor_token()], sends)
            measure(on.port, echoes, [""] * CROWD, sends)
            measure(on.port, chats, [on.visitor_token() for _ in range(CROWD)], sends)
    show([echo, chat, echoes, chats])


if __name__ == "__main__":
    main()
