"""A slow reader costs little and harms nobody."""

from __future__ import annotations

import asyncio

from messaging.send_queue import MOST_FRAMES, SendQueue


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
