"""The windows of one visitor: how many there may be, and what they hear of each other."""

from __future__ import annotations

import asyncio

import pytest

from messaging.live.hub import Hub
from messaging.sockets import tabs
from messaging.sockets.tabs import Tab
from messaging.webchat.sockets.consumer import MOST_SOCKETS
from tenants.storage.db import new_id

pytestmark = pytest.mark.django_db(transaction=True)


async def test_the_sixth_window_closes_the_oldest(ready):
    windows = [await ready() for _ in range(6)]
    assert await windows[0][0].closed_with() == 4429
    assert (await windows[1][0].ask("pong", t="ping", n=1))["n"] == 1


async def test_a_window_that_was_closed_does_not_count(ready):
    windows = [await ready() for _ in range(5)]
    await windows[1][0].disconnect()
    await ready()
    assert (await windows[0][0].ask("pong", t="ping", n=1))["n"] == 1
    await ready()
    assert await windows[0][0].closed_with() == 4429


class Counted(Tab):
    """A window without a socket; ``full`` and ``called`` tell what it heard."""

    def __init__(self, channel_id, visitor, number=0):
        self.full, self.called = asyncio.Event(), asyncio.Event()
        super().__init__(f"{channel_id}.{visitor}", MOST_SOCKETS, too_many=self.full.set, elsewhere=self.called.set)
        self.id = f"{number:08}"


async def test_windows_in_other_processes_count(monkeypatch, settings):
    settings.REDIS_URL = "redis://nowhere"  # there are several processes; the layer in memory stands for it
    channel_id = new_id()
    first, stranger = Counted(channel_id, "web-1"), Counted(channel_id, "web-2")
    await first.open()
    await stranger.open()
    monkeypatch.setattr(tabs, "hub", Hub())  # as another process has its own
    others = [Counted(channel_id, "web-1", number) for number in range(1, MOST_SOCKETS + 1)]
    for other in others:
        await other.open()
    await asyncio.wait_for(first.full.wait(), 5)
    others[-1].began_elsewhere()
    await asyncio.wait_for(first.called.wait(), 5)
    assert not any(tab.full.is_set() for tab in [stranger, *others])
    assert not stranger.called.is_set()
