"""Which web chat sockets this process holds, and how all are sent away when it stops.

Owns the set. Lives on the server's loop. Must not know what a socket follows.
"""

from __future__ import annotations

from typing import Any, Protocol

from messaging.measures import SOCKETS

SERVICE_RESTART = 1012
SPREAD_S = 5  # the last of them is asked to come back that much later than the first


class Socket(Protocol):
    def put(self, frame: dict[str, Any]) -> None: ...

    def end(self, code: int) -> None: ...


_open: set[Socket] = set()


def came(socket: Socket) -> None:
    _open.add(socket)
    SOCKETS.set(len(_open))


def left(socket: Socket) -> None:
    _open.discard(socket)
    SOCKETS.set(len(_open))


def all_say_bye() -> int:
    """Tell each to come back, spread over SPREAD_S seconds, and close it with 1012. Returns how many."""
    leaving = list(_open)
    for number, socket in enumerate(leaving):
        after_s = round(SPREAD_S * number / len(leaving), 2)
        socket.put({"t": "bye", "reason": "restart", "reconnect": True, "after_s": after_s})
        socket.end(SERVICE_RESTART)
    return len(leaving)
