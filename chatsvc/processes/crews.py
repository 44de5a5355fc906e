"""The crews of a worker: for each queue it serves the threads that do the work of rows, shared out fairly.

Celery's own threads only hand the work on, so a wake-up call of one tenant is never behind the slow work of another.
Owns how many threads a queue has. Must not know what is done.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Hashable, Iterable, Sequence
from contextvars import Context, copy_context
from dataclasses import replace
from functools import cache, partial
from typing import Any

import structlog
from django.db import close_old_connections

from chatsvc.observe import logs, traces, trail
from chatsvc.observe.workers import queue_of
from messaging import tasks
from messaging.many import respond as respond_many
from messaging.sweep import lane_more
from messaging.tasks import RowWork, Together, rows_work
from tenants.storage.db import on_mongo
from tenants.work.crew import Alike, Crew, Lane, Told
from tenants.work.leases import TABLES

log = structlog.get_logger(__name__)

WAITING = 4  # times WORKER_THREADS: threads of a queue whose work mostly waits for the outside
LEAST_WAITING = 32
TOGETHER = 16  # rows that one thread works on at once, where that many wait
COMPUTING = frozenset({"inbound"})  # queues whose work does not wait


class Crews:
    """One for each of the ``queues`` of this process. ``threads``: WORKER_THREADS, those of a queue that compute."""

    def __init__(self, queues: Iterable[str], threads: int):
        rooms = {queue: threads if queue in COMPUTING else max(LEAST_WAITING, WAITING * threads) for queue in queues}
        self._crews = {
            queue: Crew(queue, room, computing=threads, more=partial(_more, queue)) for queue, room in rooms.items()
        }

    def start(self) -> None:
        tasks.share, tasks.share_all = self.share, self.share_all
        respond_many.sends_here = self._sends_quickly

    def stop(self, timeout_s: float) -> bool:
        """Begin nothing more. Whether all that was begun ended within ``timeout_s`` seconds; rows keep their place."""
        tasks.share = tasks.share_all = respond_many.sends_here = None
        end = time.monotonic() + timeout_s
        stopped = [crew.stop(max(0.0, end - time.monotonic())) for crew in self._crews.values()]
        return all(stopped)

    def _sends_quickly(self, lane: Lane) -> bool:
        """Whether this process sends, no platform of the lane has kept a thread waiting of late, for those who answer are
        no place to wait in, and each piece needs no span of its own."""
        return (
            "deliver" in self._crews
            and not traces.on()
            and not any(crew.is_slow(lane) for crew in self._crews.values())
        )

    def share(self, task: str, lane: Lane, row_id: str, work: Callable[[], object]) -> bool:
        """Have the work of a row done by its queue's crew; False when there is none. Log lines keep their ids."""
        crew = self._crews.get(queue_of(task))
        if crew is None:
            return False
        if isinstance(work, RowWork):
            return self.share_all(task, lane, [work])
        return crew.take(lane, (task, row_id), partial(copy_context().run, _done_by_a_thread, task, work))

    def share_all(self, task: str, lane: Lane, works: Sequence[RowWork]) -> bool:
        """`share` for rows of a lane that one call has named."""
        crew = self._crews.get(queue_of(task))
        if crew is None:
            return False
        alike = _alike(task, works[0].together) if works[0].together else None
        pieces: dict[Hashable, Any] = {(task, str(work.told.row_id)): _piece(task, work) for work in works}
        return crew.take_all(lane, pieces, alike)


def _piece(task: str, work: RowWork) -> Any:
    context = copy_context()
    if work.trail is not None:
        context.run(trail.take_up, task, work.trail)
    if work.together:
        return replace(work, told=Told(work.told.row_id, context))
    return partial(context.run, _done_by_a_thread, task, work)


@cache
def _alike(task: str, together: Together) -> Alike:
    """Not on MongoDB, where no statement serves many rows and a longer transaction meets others more often; nor where
    each piece has a span of its own."""
    return Alike(partial(_done_together, task), 1 if on_mongo() or traces.on() else TOGETHER)


def _done_together(task: str, works: Sequence[RowWork]) -> None:
    """One that is alone is done in its own context, several in none: what is logged of a row is in that of the row."""
    if len(works) > 1:
        Context().run(_done_by_a_thread, task, partial(rows_work, works))
    else:
        works[0].told.context.run(_done_by_a_thread, task, works[0])


def _more(queue: str, lane: Lane) -> None:
    """A crew has done all that it was told of a tenant who had more: the rows tell the rest."""
    if isinstance(lane.tenant, uuid.UUID):
        for table in TABLES.values():
            if table.queue == queue:
                lane_more(table, lane.tenant)
    close_old_connections()


def _done_by_a_thread(task: str, work: Callable[[], object]) -> None:
    started, state = time.monotonic(), "SUCCESS"
    try:
        with traces.span(task, "CONSUMER"):  # that of the call ended when it was handed on
            work()
    except Exception as error:  # noqa: BLE001  the row is found again when its lease ends
        state = "FAILURE"
        traces.failed(error)
        log.error("task_failed", error=type(error).__name__, where=logs.where(error))
    finally:
        log.debug("task_done", state=state, took_ms=round((time.monotonic() - started) * 1000))
        close_old_connections()
