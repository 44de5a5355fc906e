"""A clamd on a socket of its own, as far as files are shown to it. Must not assert anything."""

from __future__ import annotations

import socket
import socketserver
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

#: what every scanner calls a virus, in two pieces so that this file is none
EICAR = b"X5O!P%@AP[4\\PZX54(P^)7CC)7}$EICAR-" + b"STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"


@dataclass
class Clamd:
    """``seen``: the files as they came. ``most``: bytes that it takes. ``says``: its answer, whatever comes; ``silent``:
    it takes the file and answers nothing."""

    url: str
    most: int = 1 << 26
    says: bytes | None = None
    silent: bool = False
    seen: list[bytes] = field(default_factory=list)

    def talk(self, peer: socket.socket, stop: threading.Event) -> None:
        command = _exactly(peer, 1)
        while not command.endswith(b"\0"):
            command += _exactly(peer, 1)
        if command == b"zPING\0":
            peer.sendall(self.says or b"PONG\0")
            return
        assert command == b"zINSTREAM\0"
        body = b""
        while length := struct.unpack("!L", _exactly(peer, 4))[0]:
            body += _exactly(peer, length)
            if len(body) > self.most:
                peer.sendall(b"INSTREAM size limit exceeded. ERROR\0")
                return
        self.seen.append(body)
        if self.silent:
            stop.wait(30)
            return
        peer.sendall(self.says or (b"stream: Eicar-Test-Signature FOUND\0" if EICAR in body else b"stream: OK\0"))


def _exactly(peer: socket.socket, count: int) -> bytes:
    got = b""
    while len(got) < count:
        piece = peer.recv(count - len(got))
        if not piece:
            raise ConnectionError
        got += piece
    return got


class _Quiet:
    def handle_error(self, request: object, client_address: object) -> None:
        """A client that turns away is part of some tests."""


class _Tcp(_Quiet, socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True


class _Unix(_Quiet, socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


@contextmanager
def clamd(path: Path | None = None) -> Iterator[Clamd]:
    """One that listens on a port, or on a socket at ``path``."""
    stop = threading.Event()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            peer.talk(self.request, stop)

    with _Unix(str(path), Handler) if path else _Tcp(("127.0.0.1", 0), Handler) as server:
        peer = Clamd(f"unix://{path}" if path else f"tcp://127.0.0.1:{server.server_address[1]}")
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield peer
        finally:
            stop.set()
            server.shutdown()
