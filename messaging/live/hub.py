"""The doorbell: frames to every socket of this process, and through the channel layer to the others.

Owns the listeners of this process. Best effort by design: a frame carries its ``seq``, and a client that missed one
fetches it from the transcript. Must not read or write rows.
"""

from __future__ import annotations

import asyncio
import json
import threading
import uuid
from collections import defaultdict
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import structlog
from channels.layers import get_channel_layer
from django.conf import settings

log = structlog.get_logger(__name__)

encoded = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode  # `json.dumps` would make one each time

Listener = Callable[[str, dict[str, Any]], None]  # (encoded frame, frame), called on the server's loop
MOST_PENDING = 2000  # pushes on their way to the layer; beyond that they are dropped, as a doorbell may
LAYER_S = 2.0  # how long the layer may take
BEAT_S = 1.0  # a missing beat is how a process notices that it may have missed pushes
SPREAD_S = 2.0  # not everybody looks at the rows in the same instant


class Beat:
    """A frame that is pushed again and again, until ``stop()``."""

    def __init__(self, push: Callable[[], None], every_s: float) -> None:
        self._push, self._every_s = push, every_s
        self._lock = threading.Lock()  # after stop() there is no further push, whichever thread was first
        self._pushed = self._stopped = False

    def stop(self) -> bool:
        """Whether it had been pushed at all. From any thread."""
        with self._lock:
            self._stopped = True
            return self._pushed

    def after(self, seconds: float) -> None:
        """On the hub's loop."""
        asyncio.get_running_loop().call_later(seconds, self._beat)

    def _beat(self) -> None:
        with self._lock:
            if self._stopped:
                return
            self._pushed = True
            self._push()
        self.after(self._every_s)


class Hub:
    """One per process. ``join`` and ``leave`` run on the server's event loop, ``push`` anywhere.

    Neither of them fails while Redis is away: listeners get the pushes of this process alone until the
    subscription can be made. Every function in ``gaps`` is called when pushes may have been missed.
    """

    def __init__(self) -> None:
        self.groups: dict[str, set[Listener]] = defaultdict(set)
        self.gaps: set[Callable[[], None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._channel = ""
        self._missing: set[str] = set()  # groups whose subscription could not be made
        self._beats = self._heard = 0  # numbers of the last beat sent and heard
        self._pending = 0
        self._pushed: list[tuple[str, str, dict[str, Any]]] = []  # (group, encoded, frame) for the loop to take
        self._called: asyncio.AbstractEventLoop | None = None  # that takes them
        self._sends: set[asyncio.Task[None]] = set()
        self._lock = threading.Lock()

    async def join(self, group: str, listener: Listener) -> None:
        """Get everything that is pushed to ``group`` from now on, from any process."""
        self._start()
        await asyncio.sleep(0)  # the receiver begins first: the layer subscribes no channel that does not receive
        self.groups[group].add(listener)
        # Each time: the second listener must not go on before the first one's subscription stands.
        if settings.REDIS_URL and not await self._try(self._subscribe(group)):
            self._missing.add(group)

    async def leave(self, group: str, listener: Listener) -> None:
        listeners = self.groups.get(group)
        if listeners is None:
            return
        listeners.discard(listener)
        if not listeners:
            del self.groups[group]
            self._missing.discard(group)
            if settings.REDIS_URL:
                await self._try(get_channel_layer().group_discard(group, self._channel))

    def heard(self, group: str) -> bool:
        """Whether a push to the group may reach a listener: without Redis no other process hears it."""
        return bool(settings.REDIS_URL) or group in self.groups

    @property
    def attended(self) -> bool:
        """Whether there may be a listener at all: a socket joins the group of its conversation just after that began."""
        return bool(settings.REDIS_URL or self.groups)

    def push(self, group: str, frame: dict[str, Any]) -> None:
        """Send ``frame`` to the group; never blocks, never raises."""
        if not self.heard(group):
            return
        loop = self.sending_loop()
        if not self._begin():
            return
        text = encoded(frame)
        with self._lock:  # what comes before the loop has looked needs no call of its own: a batch wakes it once
            waits, self._called = bool(self._pushed) and self._called is loop, loop
            self._pushed.append((group, text, frame))
        if not waits:
            with suppress(RuntimeError):  # the loop is closing: so is this process
                loop.call_soon_threadsafe(self._take_pushed)

    def _take_pushed(self) -> None:
        with self._lock:
            pushed, self._pushed = self._pushed, []
        loop = asyncio.get_running_loop()
        for group, text, frame in pushed:
            if settings.REDIS_URL:
                task = loop.create_task(self._send(group, {"type": "push", "group": group, "text": text}))
                self._sends.add(task)
                task.add_done_callback(self._sends.discard)
            else:
                loop.call_soon(self._arrive, group, text, frame)

    def _arrive(self, group: str, text: str, frame: dict[str, Any]) -> None:
        """A push of this process, where there is no other."""
        self._end()
        self._hand_on(group, text, frame)

    def repeat(self, group: str, frame: dict[str, Any], *, after_s: float, every_s: float) -> Beat:
        """Push ``frame`` after ``after_s`` seconds and then every ``every_s``, until the result's ``stop()``."""
        return self.every(lambda: self.push(group, frame), after_s=after_s, every_s=every_s)

    def every(self, push: Callable[[], None], *, after_s: float, every_s: float) -> Beat:
        """The same of a ``push`` that finds out itself what there is to show. It must not block."""
        beat = Beat(push, every_s)
        if settings.REDIS_URL or self._loop:  # else this process has no sockets, and no other hears it
            with suppress(RuntimeError):  # the loop is closing: so is this process
                self.sending_loop().call_soon_threadsafe(beat.after, after_s)
        return beat

    def ring(self, group: str, frame: dict[str, Any]) -> None:
        """Tell the listeners of this process, at once. On the server's loop only."""
        self._hand_on(group, encoded(frame), frame)

    def _hand_on(self, group: str, text: str, frame: dict[str, Any]) -> None:
        for listener in tuple(self.groups.get(group, ())):
            listener(text, frame)

    async def _send(self, group: str, message: dict[str, Any]) -> None:
        await self._try(get_channel_layer().group_send(group, message))  # a lost push is made up for by seq
        self._end()

    def _begin(self) -> bool:
        """False when too many pushes are on their way. Many threads count here: one that is counted and never
        ends would, in the long run, silence the process."""
        with self._lock:
            free = self._pending < MOST_PENDING
            self._pending += free
        return free

    def _end(self) -> None:
        with self._lock:
            self._pending -= 1

    async def _try(self, call: Awaitable[Any]) -> bool:
        """Whether the layer did it, within LAYER_S."""
        try:
            async with asyncio.timeout(LAYER_S):
                await call
        except Exception as error:  # noqa: BLE001  Redis away: sockets live on and catch up by seq
            log.warning("push_lost", error=type(error).__name__)
            return False
        return True

    def _start(self) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is loop and self._channel:
            return
        self._loop = loop
        self.groups.clear()
        self.gaps.clear()
        self._missing.clear()
        # A name of our own, not the layer's `new_channel`: a start must not wait for Redis to get it.
        self._channel = f"hub.{uuid.uuid4().hex}"
        tasks = [self._receive(), self._beat()] if settings.REDIS_URL else []
        self._tasks = [loop.create_task(task) for task in tasks]

    async def _subscribe(self, group: str) -> None:
        await get_channel_layer().group_add(group, self._channel)

    async def _receive(self) -> None:
        """Hand on what arrives, decoded and encoded once for all sockets of this process."""
        while True:
            try:
                message = await get_channel_layer().receive(self._channel)
                self._take(message)
            except Exception as error:  # noqa: BLE001  Redis away: sockets live on and catch up by seq
                log.warning("push_receive_failed", error=type(error).__name__)
                await asyncio.sleep(1)

    def _take(self, message: dict[str, Any]) -> None:
        if "beat" in message:
            self._hear_beat(message["beat"])
            return
        self._hand_on(message["group"], message["text"], json.loads(message["text"]))

    # ------------------------------------------------------------- what Redis may have swallowed

    async def _beat(self) -> None:
        """Make up for subscriptions that failed, and send ourselves a number the way pushes come."""
        while not await self._try(self._subscribe(self._channel)):
            await asyncio.sleep(BEAT_S)
        while True:
            await asyncio.sleep(BEAT_S)
            for group in tuple(self._missing):
                if not await self._try(self._subscribe(group)):
                    break
                self._missing.discard(group)
                self._heard = -1  # what was pushed before now was not heard
            self._beats += 1
            beat = {"type": "push", "beat": self._beats}
            await self._try(get_channel_layer().group_send(self._channel, beat))

    def _hear_beat(self, number: int) -> None:
        former, self._heard = self._heard, number
        if number == former + 1:
            return
        log.info("push_gap_suspected", sockets=len(self.gaps))
        for place, call in enumerate(tuple(self.gaps)):
            asyncio.get_running_loop().call_later(SPREAD_S * place / len(self.gaps), call)

    def sending_loop(self) -> asyncio.AbstractEventLoop:
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
