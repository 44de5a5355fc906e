"""The address that one browser knows of the service: sockets go to one process, everything else to another, as an
ingress does it.

Owns the connections of one browser, and cuts them. Must not know a protocol, save the path of a first request.
"""

from __future__ import annotations

import socket
import threading
from contextlib import suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer

PIECE_BYTES = 65_536


class Door(ThreadingTCPServer):
    """``ws``: the port of the process that has the browser's sockets; a change holds for the next one. A context
    manager."""

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 64

    def __init__(self, web: int, ws: int) -> None:
        super().__init__(("127.0.0.1", 0), _Link)
        self.web, self.ws, self.shut = web, ws, False
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self._links: set[socket.socket] = set()

    def __enter__(self) -> Door:
        threading.Thread(target=self.serve_forever, args=[0.05], daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.cut()
        self.shutdown()
        self.server_close()

    def cut(self) -> None:
        """What is connected ends, and nothing comes through until ``open``."""
        self.shut = True
        for link in list(self._links):
            with suppress(OSError):
                link.shutdown(socket.SHUT_RDWR)

    def open(self) -> None:
        self.shut = False

    def port_of(self, head: bytes) -> int:
        return self.ws if head.partition(b" ")[2].startswith(b"/ws/") else self.web

    def carry(self, near: socket.socket) -> None:
        """Bytes both ways until one side ends."""
        head = near.recv(PIECE_BYTES, socket.MSG_PEEK)
        if not head or self.shut:
            return
        with socket.create_connection(("127.0.0.1", self.port_of(head)), timeout=20) as far:
            far.settimeout(None)
            self._links |= {near, far}
            back = threading.Thread(target=_pour, args=[far, near], daemon=True)
            back.start()
            _pour(near, far)
            back.join()
            self._links -= {near, far}


class _Link(BaseRequestHandler):
    server: Door

    def handle(self) -> None:
        with suppress(OSError):
            self.server.carry(self.request)


def _pour(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(PIECE_BYTES):
            sink.sendall(piece)
    for end in (source, sink):
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
