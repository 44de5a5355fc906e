"""The doorbell: frames to every socket of this process, and through the channel layer to the others.

Owns who listens here. Best effort by design: a frame carries its ``seq``, and whoever missed one
fetches it from the transcript. Must not read or write rows.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import structlog
from channels.layers import get_channel_layer
from django.conf import settings

log = structlog.get_logger(__name__)

Listener = Callable[[str, dict[str, Any]], None]  # (encoded frame, frame), called on the server's loop
MOST_PENDING = 2000  # pushes on their way to the layer; beyond that they are dropped, as a doorbell may


class Hub:
    """One per process. ``join`` and ``leave`` run on the server's event loop, ``push`` anywhere."""

    def __init__(self) -> None:
        self.groups: dict[str, set[Listener]] = defaultdict(set)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._pump: asyncio.Task[None] | None = None
        self._channel = ""
        self._pending = 0
        self._lock = threading.Lock()

    async def join(self, group: str, listener: Listener) -> None:
        """Hear everything that is pushed to ``group`` from now on, from any process."""
        await self._start()
        self.groups[group].add(listener)
        # Each time: who comes second must not go on before the first one's subscription stands.
        await get_channel_layer().group_add(group, self._channel)

    async def leave(self, group: str, listener: Listener) -> None:
        listeners = self.groups.get(group)
        if listeners is None:
            return
        listeners.discard(listener)
        if not listeners:
            del self.groups[group]
            await get_channel_layer().group_discard(group, self._channel)

    def push(self, group: str, frame: dict[str, Any]) -> None:
        """Send ``frame`` to the group; never blocks, never raises."""
        if not settings.REDIS_URL and group not in self.groups:
            return  # the layer is this process' own, and nobody listens
        loop = self._sending_loop()
        if self._pending >= MOST_PENDING:
            return
        self._pending += 1
        message = {"type": "push", "group": group, "text": json.dumps(frame, ensure_ascii=False, separators=(",", ":"))}
        try:
            asyncio.run_coroutine_threadsafe(self._send(group, message), loop)
        except RuntimeError:  # the loop is closing: so is this process
            self._pending -= 1

    def ring(self, group: str, frame: dict[str, Any]) -> None:
        """Tell who listens in this process, at once. On the server's loop only."""
        text = json.dumps(frame, ensure_ascii=False, separators=(",", ":"))
        for listener in tuple(self.groups.get(group, ())):
            listener(text, frame)

    async def _send(self, group: str, message: dict[str, Any]) -> None:
        try:
            await asyncio.wait_for(get_channel_layer().group_send(group, message), timeout=2)
        except Exception as error:  # noqa: BLE001  a lost push is made up for by seq
            log.warning("push_lost", error=type(error).__name__)
        finally:
            self._pending -= 1

    async def _start(self) -> None:
        loop = asyncio.get_running_loop()
        if self._pump and not self._pump.done() and self._loop is loop:
            return
        self._loop = loop
        self.groups.clear()
        self._channel = await get_channel_layer().new_channel("hub")
        self._pump = loop.create_task(self._receive())

    async def _receive(self) -> None:
        """Hand on what arrives, decoded and encoded once for all sockets of this process."""
        while True:
            try:
                message = await get_channel_layer().receive(self._channel)
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001  Redis away: sockets live on and catch up by seq
                log.warning("push_receive_failed", error=type(error).__name__)
                await asyncio.sleep(1)
                continue
            frame = json.loads(message["text"])
            for listener in tuple(self.groups.get(message["group"], ())):
                listener(message["text"], frame)

    def _sending_loop(self) -> asyncio.AbstractEventLoop:
        """The server's loop where this process has one (the in-memory layer is not woken from any other),
        else a thread of our own."""
        if self._loop and not self._loop.is_closed():
            return self._loop
        with self._lock:
            if self._loop is None or self._loop.is_closed():
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="push", daemon=True).start()
        return self._loop


hub = Hub()


def conversation_group(conversation_id: Any) -> str:
    return f"conversation.{conversation_id}"


def tenant_group(tenant_id: Any) -> str:
    """For staff: everything that happens at a tenant."""
    return f"tenant.{tenant_id}"
