"""How a window's socket ends: its reader is too slow, or the process stops."""

from __future__ import annotations

import asyncio

import pytest
from asgiref.sync import sync_to_async

from messaging.desk.desks import desks
from messaging.live import open_sockets, send_queue

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def stays(monkeypatch):
    monkeypatch.setattr(open_sockets, "_leaving", False)


async def test_a_window_that_does_not_read_is_closed_and_its_colleague_goes_on(ana, member, window, says, monkeypatch):
    ben = await sync_to_async(member)("ben")
    slow, other = await window(ana, "all"), await window(ben, "all")
    await slow.settled()
    [consumer] = [one for one in desks.windows if one.person.user_id == ana.id]

    async def stuck(text_data=None):
        await asyncio.Event().wait()

    monkeypatch.setattr(consumer, "send", stuck)
    monkeypatch.setattr(send_queue, "MOST_FRAMES", 3)
    for number in range(6):
        await says(f"person{number}", "Hello")
        await other.until("conv")
    assert await slow.closed_with() == 4503
    assert "conv" not in {frame["t"] for frame in slow.seen}


async def test_windows_are_told_when_the_process_stops_and_come_back_spread(ana, member, window, says):
    ben = await sync_to_async(member)("ben")
    windows = [await window(ana, "all"), await window(ben, "all")]
    assert open_sockets.all_say_bye() == 2
    byes = [(await socket.until("bye"))[-1] for socket in windows]
    assert [await socket.closed_with() for socket in windows] == [1012, 1012]
    assert {(bye["reason"], bye["reconnect"]) for bye in byes} == {("restart", True)}
    assert sorted(bye["after_s"] for bye in byes) == [0, 2.5]
