"""All sockets are sent away when the process stops: told first, spread, and closed with 1012."""

from __future__ import annotations

from typing import Any

import pytest

from messaging.live import open_sockets
from messaging.measures import SOCKETS


class Socket:
    def __init__(self) -> None:
        self.said: list[Any] = []

    def put(self, frame: dict[str, Any]) -> None:
        self.said.append(frame)

    def end(self, code: int) -> None:
        self.said.append(code)


@pytest.fixture(autouse=True)
def none_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(open_sockets, "_open", set())
    monkeypatch.setattr(open_sockets, "_leaving", False)


def test_everybody_is_told_to_come_back_at_another_moment() -> None:
    sockets = [Socket() for _ in range(4)]
    for socket in sockets:
        open_sockets.socket_opened(socket)
    assert open_sockets.all_say_bye() == 4
    assert [socket.said[1] for socket in sockets] == [1012] * 4
    byes = [socket.said[0] for socket in sockets]
    assert {(bye["t"], bye["reconnect"]) for bye in byes} == {("bye", True)}
    assert sorted(bye["after_s"] for bye in byes) == [0, 1.25, 2.5, 3.75]


def test_open_sockets_are_measured() -> None:
    socket = Socket()
    open_sockets.socket_opened(socket)
    assert SOCKETS._value.get() == 1
    open_sockets.socket_closed(socket)
    open_sockets.socket_closed(socket)
    assert SOCKETS._value.get() == 0
    assert open_sockets.all_say_bye() == 0


def test_who_comes_in_the_last_moment_is_sent_on_at_once() -> None:
    open_sockets.all_say_bye()
    late = Socket()
    open_sockets.socket_opened(late)
    bye, code = late.said
    assert (bye["t"], bye["reconnect"], code) == ("bye", True, 1012)
