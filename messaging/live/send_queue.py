"""What waits to be sent to one socket: bounded, so that a slow reader costs little and harms no other.

Owns the limits and what is dropped first. Must not know what frames mean.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from messaging.live.hub import encoded

MOST_FRAMES = 256
MOST_BYTES = 1 << 20
MOST_WAIT_S = 20.0  # how long one frame may take to leave
SLOW_CONSUMER = 4503


class SendQueue:
    """Sends in order from a task of its own. Lives on the server's loop."""

    def __init__(self, send: Callable[[str], Awaitable[None]], close: Callable[[int], Awaitable[None]]):
        self._send, self._close = send, close
        self._waiting: deque[tuple[str, int, bool]] = deque()
        self._bytes = 0
        self._news, self._sent = asyncio.Event(), asyncio.Event()
        self._code: int | None = None
        self._task = asyncio.get_running_loop().create_task(self._run())

    @property
    def ended(self) -> bool:
        return self._code is not None

    def put(self, text: str, *, passing: bool = False) -> None:
        """Send ``text`` as soon as possible. ``passing`` frames give way to others when there is no room;
        if that does not make room the socket is closed with SLOW_CONSUMER."""
        if self.ended:
            return
        size = _size(text)
        if not self._room_for(size):
            if passing:
                return
            self._drop_passing()
            if not self._room_for(size):
                self._overflow()
                return
        self._waiting.append((text, size, passing))
        self._bytes += size
        self._news.set()

    def put_frame(self, frame: dict[str, Any]) -> None:
        self.put(encoded(frame))

    async def room(self) -> None:
        """Wait until most of it is free, or the socket has ended: for a sender whose frames do not fit at once."""
        while not self.ended and (len(self._waiting) > MOST_FRAMES // 4 or self._bytes > MOST_BYTES // 4):
            self._sent.clear()
            await self._sent.wait()

    def end(self, code: int) -> None:
        """Close with ``code`` once everything that waits has been sent."""
        if not self.ended:
            self._code = code
            self._news.set()

    def cancel(self) -> None:
        """The socket is gone."""
        self._code = self._code or 1000
        self._sent.set()
        self._task.cancel()

    def _room_for(self, size: int) -> bool:
        return len(self._waiting) < MOST_FRAMES and self._bytes + size <= MOST_BYTES

    def _drop_passing(self) -> None:
        self._waiting = deque(item for item in self._waiting if not item[2])
        self._bytes = sum(size for _, size, _ in self._waiting)

    def _overflow(self) -> None:
        """The reader does not read: what waits is let go, the client resumes by seq."""
        self._code = SLOW_CONSUMER
        self._waiting.clear()
        self._sent.set()
        self._task.cancel()
        self._task = asyncio.get_running_loop().create_task(self._finish())

    async def _run(self) -> None:
        while not (self.ended and not self._waiting):
            await self._news.wait()
            while self._waiting:
                text, size, _ = self._waiting.popleft()
                self._bytes -= size
                try:
                    async with asyncio.timeout(MOST_WAIT_S):
                        await self._send(text)
                except TimeoutError:
                    self._overflow()
                    return
                self._sent.set()
            self._news.clear()
        await self._finish()

    async def _finish(self) -> None:
        await self._close(self._code or 1000)


def _size(text: str) -> int:
    """Of the text in UTF-8, without encoding what need not be."""
    return len(text) if text.isascii() else len(text.encode())
