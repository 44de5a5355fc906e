"""What the sockets of a process say, stored together: what comes while one transaction runs goes into the next.

Owns the one transaction that runs at a time. Lives on the server's loop. Must not know what is stored, nor in which
order (turns.py).
"""

from __future__ import annotations

import asyncio
import contextvars
import uuid
from collections.abc import Hashable
from dataclasses import dataclass

from messaging.arrivals.entrance import Accepted
from messaging.sockets.rows import in_thread
from messaging.webchat import rules as webchat
from messaging.webchat.rules import Words
from messaging.webchat.sockets.turns import Turns

MOST_TOGETHER = 32  # messages of one transaction: each waits for the commit of all


@dataclass(frozen=True)
class Waiting:
    """Words whose socket awaits ``outcome``."""

    words: Words
    outcome: asyncio.Future[Accepted]

    @property
    def tenant_id(self) -> uuid.UUID:
        return self.words.channel.tenant_id

    @property
    def of(self) -> Hashable:
        return self.words.of


class Writer:
    """One per process. A message whose socket ends meanwhile is stored all the same."""

    def __init__(self) -> None:
        self._turns: Turns[Waiting] = Turns()
        self._task: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def write(self, words: Words) -> Accepted:
        """Returns after the commit. Raises what `webchat.say` raises, Forbidden ``tenant_suspended``, and Busy."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._task, self._turns = loop, None, Turns()
        waiting = Waiting(words, loop.create_future())
        self._turns.put(waiting)
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._run(), context=contextvars.Context())  # of no socket
        return await waiting.outcome

    async def _run(self) -> None:
        while batch := self._turns.take(MOST_TOGETHER):
            outcomes: list[Accepted | Exception]
            try:
                outcomes = await in_thread(webchat.say_many, [waiting.words for waiting in batch])
            except Exception as error:  # noqa: BLE001  each socket is told
                outcomes = [error] * len(batch)
            for waiting, outcome in zip(batch, outcomes, strict=True):
                _settle(waiting.outcome, outcome)


def _settle(waiting: asyncio.Future[Accepted], outcome: Accepted | Exception) -> None:
    if waiting.done():  # its socket is gone
        return
    if isinstance(outcome, Exception):
        waiting.set_exception(outcome)
    else:
        waiting.set_result(outcome)


writer = Writer()
