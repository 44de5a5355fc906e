"""One socket's place in one transcript: up to which number it was told.

Owns ``cursor``. A push is only a doorbell, the rows are what counts. Must not know who reads, nor which conversation
they should see.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from messaging.live import transcript
from messaging.live.hub import conversation_group, encoded, hub
from messaging.live.send_queue import SendQueue
from messaging.sockets.rows import Rows

LOOK_EVERY_S = 600.0  # by itself; what a conversation misses is noticed much sooner
TRANSCRIPT = frozenset({"msg", "edit", "del", "state"})

#: (last number, frames sent, whether those were all, whether the client has to begin anew) → the frame that says so
Told = Callable[[int, int, bool, bool], Awaitable[dict[str, Any]]]


class Follower:
    """Puts into ``queue`` what is new in a conversation: nothing missed, nothing twice. Lives on the server's loop."""

    def __init__(self, rows: Rows, queue: SendQueue):
        self.conversation_id: uuid.UUID | None = None
        self.cursor = self.thought_of = (
            0  # where the transcript ends here, and the one that the bot is seen to think about
        )
        self.behind = asyncio.Event()  # set: there is something to look for
        self.rows, self.queue = rows, queue
        self.catching_up = asyncio.Lock()  # held while the cursor follows the rows rather than the pushes

    def shown(self, text: str, frame: dict[str, Any]) -> str:
        """A frame as this client gets it. ``text``: ``frame``, encoded."""
        return text

    def passing(self, text: str, frame: dict[str, Any]) -> None:
        """A push that has no number in the transcript."""
        self.queue.put(self.shown(text, frame), passing=True)

    async def close(self) -> None:
        await self.listen_to(None)

    async def follow(self) -> None:
        """Look at the rows when there is a hole, and now and then in case a push was lost."""
        while not self.queue.ended:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self.behind.wait()
            self.behind.clear()
            await self.look()

    async def look(self) -> None:
        await self.catch_up()

    async def catch_up(self) -> int:
        """Send what the rows have beyond the cursor. Returns how many frames that were."""
        sent = 0
        async with self.catching_up:
            while self.conversation_id and not self.queue.ended:
                frames = await self.rows.ask(transcript.frames_after, self.conversation_id, self.cursor)
                for frame in frames:
                    await self._put(frame)
                    self.cursor = frame["seq"]
                sent += len(frames)
                if len(frames) < transcript.PAGE:
                    break
        return sent

    async def resume(self, conversation_id: uuid.UUID | None, after: int, told: Told, *, reset: bool = False) -> None:
        """What the client, which knows the conversation up to ``after``, has missed, and ``told``'s frame.

        Listen first, then read: nothing falls between. Pushes that come meanwhile find the lock held and are read from
        the rows afterwards.
        """
        async with self.catching_up:
            await self.listen_to(conversation_id)
            end = await self.rows.ask(transcript.last_seq, conversation_id) if conversation_id else 0
            reset = reset or after > end
            self.cursor, self.thought_of = 0 if reset else after, 0
            frames: list[dict[str, Any]] = []
            if conversation_id:
                frames = await self.rows.ask(transcript.frames_after, conversation_id, self.cursor)
            self.cursor = frames[-1]["seq"] if frames else self.cursor
            end, complete = max(end, self.cursor), self.cursor >= end
            self.cursor = end  # what the replay leaves out the client fetches over HTTP
            ready = await told(end, len(frames), complete, reset)
            # After a reset the client forgets everything on that frame: the replay has to follow it.
            for frame in [ready, *frames] if reset else [*frames, ready]:
                await self._put(frame)
            await self.files_again(0 if reset else after)
        self.behind.set()

    async def files_again(self, upto: int) -> None:
        """Say what became of the files of what the client knows already: of that it may have missed a push."""
        files = await self.rows.ask(transcript.files_upto, self.conversation_id, upto) if upto else []
        for frame in files:
            await self._put(frame)

    async def listen_to(self, conversation_id: uuid.UUID | None) -> None:
        if conversation_id == self.conversation_id:
            return
        former, self.conversation_id = self.conversation_id, conversation_id
        if former:
            await hub.leave(conversation_group(former), self._pushed)
        if conversation_id:
            await hub.join(conversation_group(conversation_id), self._pushed)

    async def _put(self, frame: dict[str, Any]) -> None:
        await self.queue.room()
        self.queue.put(self.shown(encoded(frame), frame))

    def _thought(self, after: int, *, on: bool) -> bool:
        """Whether it matters that the bot thinks about a transcript that ends at ``after``: not of an answer that does not count
        any more; and that this one has ended, not where the next is on its way."""
        if on and after >= self.cursor:
            self.thought_of = after
            return True
        return not on and after >= self.thought_of

    def _pushed(self, text: str, frame: dict[str, Any]) -> None:
        """The doorbell rang. In order and alone: pass it on; anything else is read from the rows."""
        if frame["t"] == "moved":  # the visitor has logged in: the conversation is the user's
            self.behind.set()
        elif frame["t"] not in TRANSCRIPT:
            if "after" not in frame or self._thought(frame["after"], on=frame["on"]):
                self.passing(text, frame)
        elif frame["seq"] == self.cursor + 1 and not self.catching_up.locked():
            self.cursor += 1
            self.queue.put(self.shown(text, frame))
        elif frame["seq"] > self.cursor or self.catching_up.locked():
            self.behind.set()
