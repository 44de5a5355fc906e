"""A conversation that a window of staff has before it: its transcript, and what becomes of our messages.

The transcript is followed by messaging/sockets/follower.py. Must not know who may watch.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from typing import Any

from messaging.desk.rows import Row
from messaging.live.hub import encoded, hub
from messaging.live.send_queue import SendQueue
from messaging.sockets.follower import Follower
from messaging.sockets.rows import Rows


class Watched(Follower):
    """One of a window's."""

    def __init__(self, tenant_id: uuid.UUID, conversation_id: uuid.UUID, queue: SendQueue):
        super().__init__(Rows(tenant_id), queue)
        self.tenant_id, self.id = tenant_id, conversation_id
        self._name = encoded(str(conversation_id))
        self._task: asyncio.Task[None] | None = None

    async def open(self, after: int, looking: Callable[[], list[dict[str, Any]]]) -> None:
        """What follows ``after``, and then `watching`, with what `looking()` gives when it is told: a `looking` frame may
        have come before it."""
        hub.gaps.add(self.behind.set)

        async def watching(end: int, replay: int, complete: bool, reset: bool) -> dict[str, Any]:
            frame = {"t": "watching", "conversation": str(self.id), "last_seq": end, "complete": complete}
            return {**frame, "looking": looking(), **({"reset": True} if reset else {})}

        await self.resume(self.id, after, watching)

    def begin(self, failed: Callable[[Exception], None]) -> None:
        """Go on by itself; ``failed(error)`` is called when that is not possible."""
        self._task = asyncio.get_running_loop().create_task(self._follow(failed))

    async def close(self) -> None:
        hub.gaps.discard(self.behind.set)
        if self._task:
            self._task.cancel()
        await super().close()

    def heard(self, row: Row) -> None:
        """The row was read anew."""
        if row.last_seq > self.cursor:
            self.behind.set()

    def shown(self, text: str, frame: dict[str, Any]) -> str:
        return text if "conversation" in frame else f'{text[:-1]},"conversation":{self._name}}}'

    def passing(self, text: str, frame: dict[str, Any]) -> None:
        if frame["t"] == "queue":
            return  # their list shows who waits
        if frame["t"] == "typing" and frame["from"]["role"] == "agent":
            return  # colleagues are told by name (messaging/live/staff.py)
        super().passing(text, frame)

    async def _follow(self, failed: Callable[[Exception], None]) -> None:
        try:
            await self.follow()
        except Exception as error:  # noqa: BLE001  a task of its own: the server would only log it
            failed(error)
