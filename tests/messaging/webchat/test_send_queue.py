"""A slow reader costs little and harms no other."""

from __future__ import annotations

import asyncio

import pytest

from messaging.live import send_queue
from messaging.live.send_queue import MOST_BYTES, MOST_FRAMES, SendQueue


class SlowReader:
    """Takes one frame and then no more."""

    def __init__(self):
        self.sent, self.code, self.closed = [], None, asyncio.Event()

    async def send(self, frame):
        self.sent.append(frame)
        await asyncio.Event().wait()

    async def close(self, code):
        self.code = code
        self.closed.set()


async def test_a_slow_reader_loses_what_is_passing_first_and_then_the_socket():
    reader = SlowReader()
    queue = SendQueue(reader.send, reader.close)
    queue.put("first")
    await asyncio.sleep(0)  # the writer takes it and is stuck
    for _ in range(MOST_FRAMES):
        queue.put("typing", passing=True)
    for _ in range(MOST_FRAMES):
        queue.put("message")
    assert not queue.ended
    queue.put("one too many")
    await asyncio.wait_for(reader.closed.wait(), 5)
    assert (reader.code, reader.sent) == (4503, ["first"])


async def test_a_slow_reader_holds_at_most_a_mebibyte():
    reader = SlowReader()
    queue = SendQueue(reader.send, reader.close)
    for _ in range(33):
        queue.put("a" * 32 * 1024)
    await asyncio.wait_for(reader.closed.wait(), 5)
    assert reader.code == 4503


async def test_a_frame_that_does_not_leave_in_time_ends_the_socket(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(send_queue, "MOST_WAIT_S", 0.05)
    reader = SlowReader()
    SendQueue(reader.send, reader.close).put("one is enough")
    await asyncio.wait_for(reader.closed.wait(), 5)
    assert reader.code == 4503


async def test_who_waits_for_room_can_say_more_than_fits():
    sent = []

    async def send(text):
        await asyncio.sleep(0)
        sent.append(text)

    reader = SlowReader()
    queue = SendQueue(send, reader.close)
    for _ in range(5 * MOST_BYTES // 32768):
        await queue.room()
        queue.put("a" * 32768)
    queue.end(1000)
    await asyncio.wait_for(reader.closed.wait(), 5)
    assert (len(sent), reader.code) == (160, 1000)


async def test_no_sender_waits_for_room_in_a_socket_that_is_gone():
    reader = SlowReader()
    queue = SendQueue(reader.send, reader.close)
    for _ in range(MOST_FRAMES):
        queue.put("message")
    waiting = asyncio.ensure_future(queue.room())
    await asyncio.sleep(0)
    queue.cancel()
    await asyncio.wait_for(waiting, 5)
