"""Which sockets this process holds, and how all are sent away when it stops.

Owns the set. Lives on the server's loop. Must not know what a socket follows.
"""

from __future__ import annotations

from typing import Any, Protocol

from messaging.measures import SOCKETS

SERVICE_RESTART = 1012
SPREAD_S = 5  # the last of them is asked to come back that much later than the first


class Socket(Protocol):
    address: str

    def put(self, frame: dict[str, Any]) -> None: ...

    def end(self, code: int) -> None: ...


_open: set[Socket] = set()
_unnamed: dict[str, set[Socket]] = {}  # by the caller's address
_leaving = False  # a socket that opens in the last moment is sent on at once


def socket_opened(socket: Socket) -> None:
    _open.add(socket)
    SOCKETS.set(len(_open))
    if _leaving:
        _say_bye(socket, SPREAD_S)


def socket_closed(socket: Socket) -> None:
    _open.discard(socket)
    SOCKETS.set(len(_open))


def waits(socket: Socket) -> None:
    """It was accepted, and does not say yet whose it is."""
    _unnamed.setdefault(socket.address, set()).add(socket)


def named(socket: Socket) -> None:
    """It has said whose it is, or is gone."""
    waiting = _unnamed.get(socket.address, set())
    waiting.discard(socket)
    if not waiting:
        _unnamed.pop(socket.address, None)


def unnamed(address: str) -> int:
    """How many sockets of an address do not say yet whose they are."""
    return len(_unnamed.get(address, ()))


def all_say_bye() -> int:
    """Tell each to come back, spread over SPREAD_S seconds, and close it with 1012. Returns how many."""
    global _leaving
    _leaving = True
    leaving = list(_open)
    for number, socket in enumerate(leaving):
        _say_bye(socket, round(SPREAD_S * number / len(leaving), 2))
    return len(leaving)


def _say_bye(socket: Socket, after_s: float) -> None:
    socket.put({"t": "bye", "reason": "restart", "reconnect": True, "after_s": after_s})
    socket.end(SERVICE_RESTART)
