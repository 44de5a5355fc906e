"""One socket's place in the web chat: which conversation it follows, as the visitor begins and ends them.

The transcript itself is followed by messaging/sockets/follower.py. Must not know what a client asks for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from channels_app.models import Channel
from conversations.models import Conversation
from messaging.live.hub import hub
from messaging.live.send_queue import SendQueue
from messaging.media.fetch import most_bytes
from messaging.sockets import reader
from messaging.sockets.follower import Follower
from messaging.sockets.rows import Rows
from messaging.webchat import rules as webchat
from messaging.webchat.frames import MAX_TEXT
from messaging.webchat.sockets.lookout import lookout
from tenants.storage.db import new_id


class Place(Follower):
    """Follows the visitor's conversation. ``gone()`` is called when it is another visitor's by now."""

    def __init__(self, channel: Channel, visitor: webchat.Visitor, rows: Rows, queue: SendQueue, *,
                 gone: Callable[[], None]):  # fmt: skip
        super().__init__(rows, queue)
        self.channel, self.visitor = channel, visitor
        self._gone = gone

    async def open(self, conversation: str | None, after: int) -> None:
        """The client knows ``conversation`` up to ``after``."""
        hub.gaps.add(self.behind.set)
        current = await self.rows.ask(webchat.conversation_of, self.channel, self.visitor)
        if current and not current.is_open and conversation != str(current.id):
            current = None  # the client does not know it, and it is over
        current_id = current.id if current else None
        reset = bool(conversation) and conversation != str(current_id)
        await self.resume(current_id, after, self._ready, reset=reset)
        lookout.watch(self)

    async def close(self) -> None:
        hub.gaps.discard(self.behind.set)
        lookout.unwatch(self)
        await super().close()

    async def again(self, after: int) -> None:
        """Once more from ``after`` on."""
        current = await self.rows.ask(self._conversation)
        await self.resume(current.id if current else None, after, self._ready)

    async def look(self) -> None:
        """What is missing of this conversation, and whether the visitor talks in another by now. Raises Forbidden and
        NotFound when the channel is switched off or its tenant suspended."""
        await self.rows.ask(webchat.channel_open, self.channel.key, None)
        if self.conversation_id and not await self.rows.ask(
            webchat.owns, self.channel, self.visitor, self.conversation_id
        ):
            self._gone()
            return
        await self.catch_up()
        current = await self.rows.ask(webchat.conversation_of, self.channel, self.visitor)
        if current and current.is_open and current.id != self.conversation_id:
            async with self.catching_up:
                await self.listen_to(current.id)
                self.cursor = 0
                # first which conversation it is, then what was said in it: numbers begin anew with a conversation
                self.queue.put_frame(await self._ready(0, 0))
            await self.catch_up()
            await self.files_again(self.cursor)  # the client knows its own words by their `ack`

    async def _ready(self, end: int, replay: int, complete: bool = True, reset: bool = False) -> dict[str, Any]:
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
            **await self.rows.ask(webchat.standing, self.conversation_id),
            **({"reset": True} if reset else {}),
        }

    def _conversation(self) -> Conversation | None:
        return Conversation.objects.filter(id=self.conversation_id).first() if self.conversation_id else None
