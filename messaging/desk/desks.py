"""What the windows of staff of this process show: what changed, and who may still look.

Owns the one reader of rows, which reads for all windows what changed for any, and the rounds that find what a lost push
did not tell. Must not know frames of clients. Lives on the server's loop.
"""

from __future__ import annotations

import asyncio
import itertools
import time
import uuid
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import structlog

from messaging.desk import reading
from messaging.desk.desk import Desk, Told
from messaging.desk.people import people
from messaging.desk.reading import Statuses, Wanted, mark_now, moment_of
from messaging.desk.rows import Row
from messaging.desk.watched import Watched
from messaging.desk.windows import Window, Windows
from messaging.live.hub import encoded, hub
from messaging.live.staff import GROUP
from messaging.sockets.rows import in_thread

log = structlog.get_logger(__name__)

LONGEST = timedelta(minutes=10)  # that is looked back
MOST_CHANGED = 500  # conversations that a window is told of when it comes back
LOOK_EVERY_S = 5.0
ROUND_EVERY, SAY_EVERY, PRESENT_EVERY = 2, 2, 6  # of these looks also ask for lost pushes, say who looks, who is there
IDLE_S = 60.0  # a desk without windows is kept so long

Seen = tuple[Row | None, Statuses]  # a watched conversation, as it was told last


class Desks:
    """One per process."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._begin()

    def _begin(self) -> None:
        self.windows = Windows()
        self.desks: dict[uuid.UUID, Desk] = {}
        self._seen: dict[uuid.UUID, Seen] = {}  # watched conversations
        self._changed: dict[uuid.UUID, set[uuid.UUID]] = defaultdict(set)
        self._news = asyncio.Event()
        self._kept: list[Callable[[], None]] = []
        self._keeping = asyncio.Event()
        self._round_from = datetime.now(UTC)
        self._tasks: list[asyncio.Task[None]] = []

    # ------------------------------------------------------------------ windows come and go

    async def enter(self, window: Window) -> None:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._begin()
            self._loop = loop
            self._tasks = [loop.create_task(task) for task in (self._read_on(), self._look_around(), self._keep_on())]
        self.windows.add(window)
        hub.gaps.add(self.missed)
        await hub.join(GROUP, self._heard)

    async def leave(self, window: Window) -> None:
        self.windows.discard(window)
        if not self.windows:
            for desk in self.desks.values():
                desk.rest()
            self.desks.clear()
            hub.gaps.discard(self.missed)
            await hub.leave(GROUP, self._heard)

    async def desk(self, tenant_id: uuid.UUID) -> Desk:
        """The tenant's, with its open conversations."""
        desk = self.desks.get(tenant_id)
        if desk is None:
            desk = self.desks[tenant_id] = Desk(tenant_id, partial(self._back, tenant_id))
            try:
                mark = mark_now()
                rows, whole = await in_thread(reading.opened, tenant_id)
                desk.fill(rows, whole=whole, mark=mark)
            except BaseException as error:
                self.desks.pop(tenant_id, None)
                desk.failed = error if isinstance(error, Exception) else RuntimeError("broken off")
                raise
            finally:
                desk.loaded.set()
                self._news.set()  # what changed meanwhile may be read now
        await desk.loaded.wait()
        if desk.failed:
            raise desk.failed
        self.desks.setdefault(tenant_id, desk)  # its last window may have left meanwhile
        return desk

    async def watch(self, watched: Watched) -> None:
        """What becomes of its messages is told from now on."""
        if watched.id not in self._seen:
            ((_, rows, statuses),) = await in_thread(reading.read, {watched.tenant_id: [watched.id]}, [watched.id])
            self._seen.setdefault(watched.id, (rows.get(watched.id), statuses.get(watched.id, {})))

    def unwatch(self, id: uuid.UUID) -> None:
        """A window watches it no longer."""
        if not self.windows.watching(id):
            self._seen.pop(id, None)

    # -------------------------------------------------------------------- what is told

    def _heard(self, text: str, frame: dict[str, Any]) -> None:
        for tenant, ids in frame["changed"].items():
            tenant_id = uuid.UUID(tenant)
            if tenant_id in self.desks or self.windows.watch(tenant_id):
                self.changed(tenant_id, map(uuid.UUID, ids))
        for tenant, told in frame["told"]:
            self.windows.tell(tenant, told)

    def changed(self, tenant_id: uuid.UUID, ids: Iterable[uuid.UUID]) -> None:
        """These are to be read."""
        self._changed[tenant_id].update(ids)
        self._news.set()

    def _back(self, tenant_id: uuid.UUID, ids: Iterable[uuid.UUID]) -> None:
        """Their time has come: it is written, which tells all windows, here and elsewhere."""
        if self._loop:
            self._task(self._bring_back(tenant_id, list(ids)))

    async def _bring_back(self, tenant_id: uuid.UUID, ids: list[uuid.UUID]) -> None:
        try:
            await in_thread(reading.bring_back, tenant_id, ids)
        except Exception as error:  # noqa: BLE001  the database is away: housekeeping finds them
            log.warning("desk_look_failed", error=type(error).__name__)

    def keep(self, call: Callable[..., None], *said: Any) -> None:
        """For those who ask in other ways: ``call(*said)``, in a thread, soon."""
        self._kept.append(partial(call, *said))
        self._keeping.set()

    async def _keep_on(self) -> None:
        while True:
            await self._keeping.wait()
            self._keeping.clear()
            calls, self._kept = self._kept, []
            try:
                await in_thread(_all, calls)
            except Exception as error:  # noqa: BLE001  the cache is away: it is said again
                log.warning("presence_lost", error=type(error).__name__)

    # --------------------------------------------------------------------- what changed

    async def _read_on(self) -> None:
        """What comes while one batch is read is the next batch."""
        while True:
            await self._news.wait()
            self._news.clear()
            loading = {id for id, desk in self.desks.items() if not desk.loaded.is_set()}
            wanted = {id: ids for id, ids in self._changed.items() if id not in loading}
            self._changed = defaultdict(set, {id: ids for id, ids in self._changed.items() if id in loading})
            if not wanted:
                continue
            try:
                await self.read(wanted)
            except Exception as error:  # noqa: BLE001  the database is away: the next round will tell
                log.warning("desk_read_failed", error=type(error).__name__)

    async def read(self, wanted: Wanted) -> None:
        """Read these conversations, and tell the windows what is new of them."""
        mark, watched = mark_now(), set(self._seen)
        for tenant_id, rows, statuses in await in_thread(reading.read, wanted, watched):
            if desk := self.desks.get(tenant_id):
                for id in wanted[tenant_id]:
                    desk.take(id, rows.get(id), mark)
            for id in watched & set(wanted[tenant_id]):
                self._follow(tenant_id, id, rows.get(id), statuses.get(id, {}), mark)

    def _follow(self, tenant_id: uuid.UUID, id: uuid.UUID, row: Row | None, statuses: Statuses, mark: str) -> None:
        """Of a watched conversation: entries that were missed, its row, and new statuses of our messages."""
        (former, before), self._seen[id] = self._seen.get(id, (None, {})), (row, statuses)
        news = [
            encoded({"t": "status", "conversation": str(id), "of": of, "of_seq": seq, "status": status})
            for of, (seq, status) in statuses.items()
            if before.get(of) != (seq, status)
        ]
        told = Told(tenant_id, id, row, mark) if row and row != former else None
        for window in self.windows.watching(id):
            if row:
                window.watched[id].heard(row)
            if told and window.tenant_id != tenant_id:  # else its list has told it
                window.put_text(told.conv(words=True))
            for text in news:
                window.put_text(text)

    def missed(self) -> None:
        """Pushes may have been lost."""
        if self._loop:
            self._task(self.round())

    def _task(self, work: Coroutine[Any, Any, None]) -> None:
        assert self._loop is not None
        self._tasks = [task for task in self._tasks if not task.done()] + [self._loop.create_task(work)]

    async def _look_around(self) -> None:
        for look in itertools.count(1):
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await self.look(look)
            except Exception as error:  # noqa: BLE001  the database is away: the next look will tell
                log.warning("desk_look_failed", error=type(error).__name__)

    async def look(self, number: int) -> None:
        for tenant, frame in self.windows.colleagues.over():
            self.windows.to_all(tenant, {**frame, "tenant": tenant})
        for conversation in self.windows.colleagues.looked_away():
            self.windows.looking(conversation)
        for window in self.windows:
            window.say(looks=number % SAY_EVERY == 0, presence=number % PRESENT_EVERY == 0)
        self._forget_idle()
        await self.people()
        if number % ROUND_EVERY == 0:
            await self.round()

    def _forget_idle(self) -> None:
        at = time.monotonic()
        for tenant_id, desk in list(self.desks.items()):
            if desk.seats or not desk.loaded.is_set():
                desk.idle_since = at
            elif at - desk.idle_since > IDLE_S:
                desk.rest()
                del self.desks[tenant_id]

    async def people(self) -> None:
        """Who may still look, and at what."""
        windows = tuple(self.windows)
        found = await in_thread(people, {window.proof for window in windows}) if windows else {}
        for window in windows:
            window.seen_as(found[window.proof])

    async def round(self) -> None:
        """What changed since the last round and was not told."""
        begun = datetime.now(UTC)
        for desk in list(self.desks.values()):
            found = await in_thread(reading.changed, desk.tenant_id, self._round_from)
            behind = set(desk.rows) if found is None else {id for id, seq in found.items() if _behind(desk, id, seq)}
            if found is None:  # more than can be told: each row is read
                behind |= set(await in_thread(reading.ids_opened, desk.tenant_id))
            if behind:
                self.changed(desk.tenant_id, behind)
        self._round_from = begun

    async def since(self, desk: Desk, mark: str) -> list[tuple[uuid.UUID, Row | None]] | None:
        """The conversations of a desk that changed since ``mark``, as they are now; None: that cannot be told."""
        at = moment_of(mark)
        if at is None or datetime.now(UTC) - at > LONGEST:
            return None
        found = await in_thread(reading.changed, desk.tenant_id, at)
        if found is None or len(found) > MOST_CHANGED:
            return None
        missing = {id for id, seq in found.items() if _behind(desk, id, seq)}
        rows: dict[uuid.UUID, Row] = {}
        if missing:
            ((_, rows, _),) = await in_thread(reading.read, {desk.tenant_id: missing})
            self.changed(desk.tenant_id, missing)  # for the other windows
        return [(id, rows.get(id) if id in missing else desk.known(id)) for id in found]


desks = Desks()


def _behind(desk: Desk, id: uuid.UUID, seq: int) -> bool:
    """Whether the desk does not know of the event ``seq`` of a conversation."""
    known = desk.known(id)
    return known is None or known.version < seq


def _all(calls: Iterable[Callable[[], None]]) -> None:
    for call in calls:
        call()
