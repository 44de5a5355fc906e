"""All workers and the clock of one machine, as forks of one process that has imported everything once:
``python -m chatsvc.processes.together [QUEUES … beat] [-- OPTIONS OF EACH WORKER]``.

What none of them changes lies in memory once: modules, models, classes (docs/decisions/0056). Each is the process that
``deploy/run worker`` or ``beat`` would be, with threads and connections of its own. Owns their beginning and their end.
Must not start a thread nor open a connection itself: a fork would believe in them.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import NoReturn

import structlog

log = structlog.get_logger("chatsvc.processes.together")  # `__name__` is what it was started as

CLOCK = "beat"
USUAL = ("inbound", "respond", "deliver", "events,background", CLOCK)
WORKER = ("-A", "chatsvc", "worker", "--without-gossip", "--without-mingle", "--without-heartbeat", "--queues")
BEAT = ("-A", "chatsvc.processes.beat", "beat", "--pidfile=")
#: what a process imports on its way to its first call, beside the tasks
LOADED = (
    "celery.apps.worker", "celery.worker.worker", "celery.worker.consumer", "celery.concurrency.thread",
    "celery.apps.beat", "celery.bin.worker", "celery.bin.beat", "chatsvc.observe.metrics",
    "chatsvc.processes.beat", "chatsvc.processes.crews", "chatsvc.processes.embedded", "chatsvc.processes.standby",
)  # fmt: skip
ANEW_S = 2.0  # until one that has ended is begun anew: it may end at once again
ENDING = (signal.SIGTERM, signal.SIGINT)
TO_DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG of prctl(2)


def main() -> None:
    """Returns when all were ended by SIGTERM or SIGINT."""
    parted = [*sys.argv[1:], "--"].index("--")
    named, options = sys.argv[1 : parted + 1], sys.argv[parted + 2 :]
    load()
    Forks(named or USUAL, options).run()


def load() -> None:
    """What all of them need, and set aside what stays: the collector would write to every object."""
    from celery import current_app

    from chatsvc.processes import garbage

    current_app.loader.import_default_modules()
    for module in LOADED:
        import_module(module)
    garbage.stand()


class Forks:
    """One process for each of ``named``: queues, or CLOCK."""

    def __init__(self, named: Sequence[str], options: Sequence[str]):
        self._named, self._options = named, options
        self._living: dict[int, str] = {}  # by process number
        self._ending = False

    def run(self) -> None:
        """One that ends is begun anew, until a signal ends all of them."""
        for number in ENDING:
            signal.signal(number, self._end)
        for name in self._named:
            self._begin(name)
        while self._living:
            pid, status = os.wait()
            name = self._living.pop(pid, "")
            _measures_no_more(pid)
            if name and not self._ending:
                log.warning("worker_ended", queues=name, code=os.waitstatus_to_exitcode(status))
                time.sleep(ANEW_S)
                self._begin(name)

    def _begin(self, name: str) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, ENDING)  # a signal finds a fork either among the living or not begun
        if not self._ending:
            pid = os.fork()
            if not pid:
                work(name, self._options, shows=name == self._named[0])
            self._living[pid] = name
        signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)

    def _end(self, *_: object) -> None:
        self._ending = True
        for pid in self._living:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)


def _measures_no_more(pid: int) -> None:
    """What it counted stays counted; what it was in the midst of is over."""
    from prometheus_client.multiprocess import mark_process_dead

    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        mark_process_dead(pid)


def work(name: str, options: Sequence[str], *, shows: bool) -> NoReturn:
    """In the fork: be the worker of these queues, or the clock. ``shows``: /metrics, of all of them."""
    from django.conf import settings

    from chatsvc.__main__ import main as celery

    for number in ENDING:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, ENDING)
    with suppress(OSError, AttributeError):  # Linux alone has either
        Path("/proc/self/comm").write_text(name.split(",")[0])  # what `ps -o comm` and `top` show
        ctypes.CDLL(None).prctl(TO_DIE_WITH_PARENT, signal.SIGTERM)
    if not shows:
        settings.ENV["METRICS_PORT"] = 0
    sys.argv[1:] = BEAT if name == CLOCK else [*WORKER, name, *options]
    try:
        celery()
    finally:  # the parent's own way ends here
        os._exit(1)


if __name__ == "__main__":
    main()
