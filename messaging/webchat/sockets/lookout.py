"""Who missed something, asked of the rows for all sockets of a process at once: thousands of idle ones cost one
question, not thousands.

Owns the round. It only rings: a socket looks itself what it missed. Must not know frames.
"""

from __future__ import annotations

import asyncio
import itertools
import uuid
from collections.abc import Collection
from typing import Protocol

import structlog

from channels_app.models import Channel
from messaging.sockets.rows import in_thread
from messaging.webchat import rules as webchat
from tenants.errors import ServiceError

log = structlog.get_logger(__name__)

CLOSED_EVERY_S = 1.0  # how long a socket of a closed channel or a suspended tenant may stay open
ROUND_EVERY = 10  # of these looks also ask for lost pushes
AT_ONCE = 500  # conversations in one question


class Follower(Protocol):
    """A socket's place in its transcript; ``behind`` wakes it."""

    channel: Channel
    visitor: webchat.Visitor
    conversation_id: uuid.UUID | None
    cursor: int
    behind: asyncio.Event


class Lookout:
    """One per process, on the server's event loop."""

    def __init__(self) -> None:
        self._followers: set[Follower] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None

    def watch(self, follower: Follower) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._followers.clear()
            self._loop, self._task = loop, loop.create_task(self._run())
        self._followers.add(follower)

    def unwatch(self, follower: Follower) -> None:
        self._followers.discard(follower)

    async def _run(self) -> None:
        for look in itertools.count(1):
            await asyncio.sleep(CLOSED_EVERY_S)
            try:
                await (self.closed() if look % ROUND_EVERY else self.round())
            except Exception as error:  # noqa: BLE001  the database is away: the next round will tell
                log.warning("socket_round_failed", error=type(error).__name__)

    async def closed(self) -> None:
        """Ring those whose channel is closed, or whose tenant is suspended. Costs no statement while that is
        remembered."""
        followers = tuple(self._followers)
        keys = {follower.channel.key for follower in followers}
        closed = await in_thread(_closed, keys) if keys else set()
        for follower in followers:
            if follower.channel.key in closed:
                follower.behind.set()

    async def round(self) -> None:
        """Notify the sockets whose transcript has grown, now belongs to another visitor, or whose channel is closed."""
        followers = tuple(self._followers)
        for start in range(0, len(followers), AT_ONCE):
            part = followers[start : start + AT_ONCE]
            heads, closed = await in_thread(_state, part)
            for follower in part:
                head = heads.get(follower.conversation_id) if follower.conversation_id else (0, follower.visitor.id)
                missing = head is None or head[0] > follower.cursor or head[1] != follower.visitor.id
                if missing or follower.channel.key in closed:
                    follower.behind.set()


def _state(followers: Collection[Follower]) -> tuple[dict[uuid.UUID, tuple[int, str]], set[str]]:
    """How far the conversations are and whose, and which channels are closed."""
    heads = webchat.heads({follower.conversation_id for follower in followers if follower.conversation_id})
    return heads, _closed({follower.channel.key for follower in followers})


def _closed(keys: Collection[str]) -> set[str]:
    return {key for key in keys if not _is_open(key)}


def _is_open(key: str) -> bool:
    try:
        webchat.channel_open(key, None)
    except ServiceError:
        return False
    return True


lookout = Lookout()
