"""Beside each worker: it says that it lives, works straight from the rows while the broker is away, and corrects
their times after the clock was set back.

Owns the thread that watches. Must not hold rules: it sweeps, and runs the worker's own tasks here.
"""

from __future__ import annotations

import math
import threading
import time
import uuid
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

import structlog
from celery import Celery
from django.core.cache import cache
from django.db import close_old_connections

from chatsvc.observe.broker import broker_client, broker_takes_writes
from chatsvc.observe.workers import queue_of, seen_key
from chatsvc.processes.clock import ClockWatch
from messaging import wake
from messaging.housekeeping.set_back import rows_correct
from messaging.sweep import sweep

log = structlog.get_logger(__name__)

LOOK_EVERY_S = 1.0
SAY_EVERY_S = 10.0
SEEN_FOR_S = 600
CORRECT_EVERY_S = 60.0
SWEEPING = "inbound"  # the queue whose workers sweep, and correct times
ALWAYS = ("messaging.tasks.publish", "messaging.tasks.stream")  # no row of their own: they take what is in the outboxes


class Standby:
    """One per worker, for the queues it serves, with about as many threads as it has."""

    def __init__(self, app: Celery, queues: Collection[str], threads: int):
        self._app, self._queues = app, frozenset(queues)
        each = max(2, threads // len(self._queues))  # a pool each: one queue does not wait for another here either
        self._pools = {queue: ThreadPoolExecutor(each, thread_name_prefix=f"standby-{queue}") for queue in self._queues}
        self._at_work: set[tuple[str, str]] = set()
        self._stopped = threading.Event()
        self._broker = broker_client()
        self._away, self._said_at, self._corrected_at = False, -math.inf, -math.inf
        self._clock = ClockWatch()
        self._thread = threading.Thread(target=self._watch, name="standby", daemon=True)

    def start(self) -> None:
        wake.stand_in = self.take
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing more and wait for what has been begun."""
        self._stopped.set()
        wake.stand_in = None
        for pool in self._pools.values():
            pool.shutdown(cancel_futures=True)

    def take(self, task: str, row_id: uuid.UUID | None = None) -> bool:
        """Run the task here if its queue is ours; a row that is waiting or running here is not taken twice."""
        piece = (task, str(row_id or ""))
        pool = self._pools.get(queue_of(task))
        if pool is None or self._stopped.is_set():
            return False
        if piece not in self._at_work:
            self._at_work.add(piece)
            pool.submit(self._run, piece)
        return True

    def _run(self, piece: tuple[str, str]) -> None:
        task, row_id = piece
        self._at_work.discard(piece)  # first: a call that comes meanwhile may have news of the same row
        try:
            self._app.tasks[task].apply(args=[row_id] if row_id else [])
        finally:
            close_old_connections()

    def _watch(self) -> None:
        while not self._stopped.wait(LOOK_EVERY_S):
            try:
                self._look()
            except Exception as error:  # noqa: BLE001  the database may be away, too; look again
                log.warning("standby_look_failed", error=type(error).__name__)
            finally:
                close_old_connections()

    def _look(self) -> None:
        if time.monotonic() - self._said_at >= SAY_EVERY_S:
            self._said_at = time.monotonic()
            cache.set_many({seen_key(queue): time.time() for queue in self._queues}, SEEN_FOR_S)
        if SWEEPING in self._queues:
            self._correct_times()
        away = not broker_takes_writes(self._broker)
        if away != self._away:
            self._away = away
            log.warning("broker_away" if away else "broker_back", queues=sorted(self._queues))
        if away:
            sweep()  # its calls find no broker and come to us
            for task in ALWAYS:
                self.take(task)

    def _correct_times(self) -> None:
        set_back_s = self._clock.set_back_s()
        if set_back_s:
            log.warning("clock_set_back", seconds=round(set_back_s))
        if set_back_s or time.monotonic() - self._corrected_at >= CORRECT_EVERY_S:
            self._corrected_at = time.monotonic()
            rows_correct(set_back=bool(set_back_s))
