"""The windows ("tabs") that one visitor or member of staff has open, in all processes: how many, and what they tell
each other.

Owns the count. No process keeps a list: a window that comes says so in the person's group, and each counts those
that came after it. Must not know what a window shows.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from messaging.live.hub import hub
from tenants.storage.db import new_id


class Tab:
    """One socket among those of ``group``. ``too_many()`` is called when ``most`` newer ones are open, ``elsewhere()``
    when another one has begun a conversation. Lives on the server's loop.

    Windows of the same process hear each other at once and always; those of others through the channel layer,
    so that while Redis is away each process counts alone.
    """

    def __init__(self, group: str, most: int, *, too_many: Callable[[], None],
                 elsewhere: Callable[[], None] = lambda: None):  # fmt: skip
        self.id = str(new_id())
        self._group, self._most = group, most
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
            if len(self._newer) >= self._most:
                self._too_many()
