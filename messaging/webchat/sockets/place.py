"""One socket's place in the transcript: which conversation it follows, and up to which number it was told.

Owns ``cursor``. A push is only a doorbell, the rows are what counts. Must not know what a client asks for.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from channels_app.models import Channel
from conversations.models import Conversation
from messaging.live.hub import conversation_group, hub
from messaging.live.send_queue import SendQueue
from messaging.media.fetch import most_bytes
from messaging.webchat import rules as webchat
from messaging.webchat.frames import MAX_TEXT
from messaging.webchat.sockets import reader
from messaging.webchat.sockets.lookout import lookout
from messaging.webchat.sockets.rows import Rows
from tenants.storage.db import new_id

LOOK_EVERY_S = 600.0  # by itself; what a conversation misses is noticed much sooner (lookout.py)
TRANSCRIPT = frozenset({"msg", "edit", "del", "state"})


class Place:
    """Follows the visitor's conversation, and puts into ``queue`` what is new in it: nothing missed, nothing twice.

    ``gone()`` is called when the conversation is another visitor's by now. Lives on the server's loop.
    """

    def __init__(self, channel: Channel, visitor: webchat.Visitor, rows: Rows, queue: SendQueue, *,
                 gone: Callable[[], None]):  # fmt: skip
        self.channel, self.visitor = channel, visitor
        self.conversation_id: uuid.UUID | None = None
        self.cursor = 0
        self.behind = asyncio.Event()  # set: there is something to look for
        self._rows, self._queue, self._gone = rows, queue, gone
        self._catching_up = asyncio.Lock()  # held while the cursor follows the rows rather than the pushes

    async def open(self, conversation: str | None, after: int) -> None:
        """The client knows ``conversation`` up to ``after``."""
        hub.gaps.add(self.behind.set)
        current = await self._rows.ask(webchat.conversation_of, self.channel, self.visitor)
        if current and not current.is_open and conversation != str(current.id):
            current = None  # the client does not know it, and it is over
        reset = bool(conversation) and conversation != str(current.id if current else None)
        await self._resume(current, after, reset=reset)
        lookout.watch(self)

    async def close(self) -> None:
        hub.gaps.discard(self.behind.set)
        lookout.unwatch(self)
        await self._listen_to(None)

    async def resume(self, after: int) -> None:
        """Once more from ``after`` on."""
        await self._resume(await self._rows.ask(self._conversation), after)

    async def follow(self) -> None:
        """Look at the rows when there is a hole, and now and then in case a push was lost. Raises Forbidden and
        NotFound when the channel is switched off or its tenant suspended."""
        while not self._queue.ended:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self.behind.wait()
            self.behind.clear()
            await self.look()

    async def look(self) -> None:
        """What is missing of this conversation, and whether the visitor talks in another by now."""
        await self._rows.ask(webchat.channel_open, self.channel.key, None)
        if self.conversation_id and not await self._rows.ask(
            webchat.owns, self.channel, self.visitor, self.conversation_id
        ):
            self._gone()
            return
        await self.catch_up()
        current = await self._rows.ask(webchat.conversation_of, self.channel, self.visitor)
        if current and current.is_open and current.id != self.conversation_id:
            async with self._catching_up:
                await self._listen_to(current.id)
                self.cursor = 0
            replay = await self.catch_up()
            async with self._catching_up:  # a change of hands that is pushed meanwhile is told after it
                self._queue.put_frame(await self._ready(self.cursor, replay))

    async def catch_up(self) -> int:
        """Send what the rows have beyond the cursor. Returns how many frames that were."""
        sent = 0
        async with self._catching_up:
            while self.conversation_id and not self._queue.ended:
                frames = await self._rows.ask(webchat.frames_after, self.conversation_id, self.cursor)
                for frame in frames:
                    await self._queue.room()
                    self._queue.put_frame(frame)
                    self.cursor = frame["seq"]
                sent += len(frames)
                if len(frames) < webchat.PAGE:
                    break
        return sent

    async def _resume(self, current: Conversation | None, after: int, *, reset: bool = False) -> None:
        """Listen first, then read what was missed: nothing falls between. Pushes that come meanwhile
        find the lock held and are read from the rows afterwards."""
        async with self._catching_up:
            await self._listen_to(current.id if current else None)
            end = await self._rows.ask(webchat.last_seq, current.id) if current else 0
            reset = reset or after > end
            self.cursor = 0 if reset else after
            frames = await self._rows.ask(webchat.frames_after, current.id, self.cursor) if current else []
            self.cursor = frames[-1]["seq"] if frames else self.cursor
            end, complete = max(end, self.cursor), self.cursor >= end
            self.cursor = end  # what the replay leaves out the client fetches over HTTP
            ready = await self._ready(end, len(frames), complete=complete)
            # After a reset the client forgets everything on `ready`: the replay has to follow it.
            for frame in [{**ready, "reset": True}, *frames] if reset else [*frames, ready]:
                await self._queue.room()
                self._queue.put_frame(frame)
        self.behind.set()

    async def _ready(self, end: int, replay: int, *, complete: bool = True) -> dict[str, Any]:
        return {
            "t": "ready",
            "session": f"ws_{new_id()}",
            "conversation": str(self.conversation_id) if self.conversation_id else None,
            "last_seq": end,
            "replay": replay,
            "complete": complete,
            "limits": {"text": MAX_TEXT, "frame": reader.MOST_BYTES, "file": most_bytes(), "rate": "20/60s"},
            "heartbeat": {"interval_s": 25, "timeout_s": 10},
            "resume_ttl_s": webchat.TOKEN_LIFE_S,
            **await self._rows.ask(webchat.standing, self.conversation_id),
        }

    def _pushed(self, text: str, frame: dict[str, Any]) -> None:
        """The doorbell rang. In order and alone: pass it on; anything else is read from the rows."""
        if frame["t"] == "moved":  # the visitor has logged in: the conversation is the user's
            self.behind.set()
        elif frame["t"] not in TRANSCRIPT:
            self._queue.put(text, passing=True)
        elif frame["seq"] == self.cursor + 1 and not self._catching_up.locked():
            self.cursor += 1
            self._queue.put(text)
        elif frame["seq"] > self.cursor or self._catching_up.locked():
            self.behind.set()

    async def _listen_to(self, conversation_id: uuid.UUID | None) -> None:
        if conversation_id == self.conversation_id:
            return
        former, self.conversation_id = self.conversation_id, conversation_id
        if former:
            await hub.leave(conversation_group(former), self._pushed)
        if conversation_id:
            await hub.join(conversation_group(conversation_id), self._pushed)

    def _conversation(self) -> Conversation | None:
        return Conversation.objects.filter(id=self.conversation_id).first() if self.conversation_id else None
