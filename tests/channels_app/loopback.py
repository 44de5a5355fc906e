"""A scripted TCP server on loopback: each connection is handed to the given function."""

from __future__ import annotations

import socketserver
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from socket import socket


@dataclass
class Loopback:
    port: int
    connections: list[str] = field(default_factory=list)
    requests: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def authority(self) -> str:
        return f"127.0.0.1:{self.port}"


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that turns away is part of many tests."""


@contextmanager
def served(talk: Callable[[socket, Loopback], None]) -> Iterator[Loopback]:
    """Serve ``talk`` until the end of the block."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            seen.connections.append(self.client_address[0])
            talk(self.request, seen)

    with _Server(("127.0.0.1", 0), Handler) as server:
        seen = Loopback(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield seen
        finally:
            server.shutdown()
            thread.join()


def answers(*raw: bytes) -> Callable[[socket, Loopback], None]:
    """Give each request the next raw answer, on whatever connection it comes; hang up after the last."""
    left = deque(raw)

    def talk(connection: socket, seen: Loopback) -> None:
        while left:
            seen.requests.append(read_request(connection))
            connection.sendall(left.popleft())

    return talk


def read_request(connection: socket) -> bytes:
    """One request: the head, and as much body as its content-length tells."""
    data = b""
    while b"\r\n\r\n" not in data:
        data += _more(connection)
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    while len(body) < int((lengths or [b"0"])[0]):
        body += _more(connection)
    return head + b"\r\n\r\n" + body


def _more(connection: socket) -> bytes:
    chunk = connection.recv(65536)
    if not chunk:
        raise ConnectionError("the client hung up")
    return chunk


def http_answer(status: str = "200 OK", body: bytes = b"{}", headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body
