"""A TCP line to the service that breaks on demand, for clients that are no browsers. Must not know what goes over it."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Relay:
    """``up`` False: who calls is hung up on, as by a service that is not there. ``deaf``: what the service says gets
    lost."""

    def __init__(self, port: int):
        self.up, self.deaf = True, False
        self._port, self._open = port, set[socket.socket]()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._serve, name="relay", daemon=True).start()

    def cut(self) -> None:
        """All connections end at once, without a word."""
        self.up = False
        for end in tuple(self._open):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def restore(self) -> None:
        self.up, self.deaf = True, False

    def close(self) -> None:
        self.cut()
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):  # closed
            while True:
                near, _ = self._listener.accept()
                if not self.up:
                    near.close()
                    continue
                far = socket.create_connection(("127.0.0.1", self._port))
                self._open |= {near, far}
                for ends in ((near, far), (far, near)):
                    threading.Thread(target=self._carry, args=(*ends, ends[0] is far), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, down: bool) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                if not (down and self.deaf):
                    sink.sendall(data)
        for end in (source, sink):
            self._open.discard(end)
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            if end is source:
                end.close()
