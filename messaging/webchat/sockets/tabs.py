"""The windows ("tabs") in which one visitor has the chat open, in all processes: how many, and what they tell
each other.

Owns the limit. No process keeps a list: a window that comes says so in the visitor's group, and each counts those
that came after it. Must not know what a window shows.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Callable
from typing import Any

from messaging.live.hub import hub
from tenants.storage.db import new_id

MOST_SOCKETS = 5  # of one visitor


class Tab:
    """One socket among those of its visitor. ``too_many()`` is called when MOST_SOCKETS newer ones are open,
    ``elsewhere()`` when another one has begun a conversation. Lives on the server's loop.

    Windows of the same process hear each other at once and always; those of others through the channel layer,
    so that while Redis is away each process counts alone.
    """

    def __init__(self, channel_id: uuid.UUID, visitor_key: str, *, too_many: Callable[[], None],
                 elsewhere: Callable[[], None]):  # fmt: skip
        self.id = str(new_id())
        self._group = f"visitor.{channel_id}.{hashlib.sha256(visitor_key.encode()).hexdigest()[:32]}"
        self._newer: set[str] = set()
        self._too_many, self._elsewhere = too_many, elsewhere

    async def open(self) -> None:
        await hub.join(self._group, self._heard)
        self._tell("opened")

    async def close(self) -> None:
        await hub.leave(self._group, self._heard)
        self._tell("closed")

    def began_elsewhere(self) -> None:
        """Tell the others that the visitor talks in another conversation by now."""
        self._tell("elsewhere")

    def _tell(self, kind: str) -> None:
        frame = {"t": kind, "tab": self.id}
        hub.ring(self._group, frame)
        hub.push(self._group, frame)

    def _heard(self, text: str, frame: dict[str, Any]) -> None:
        """May come twice, from this process and through the layer: it says the same."""
        kind, tab = frame["t"], frame["tab"]
        if kind == "elsewhere" and tab != self.id:
            self._elsewhere()
        elif kind == "closed":
            self._newer.discard(tab)
        elif kind == "opened" and tab > self.id:  # ids count up with time; a push may be late
            self._newer.add(tab)
            if len(self._newer) >= MOST_SOCKETS:
                self._too_many()
