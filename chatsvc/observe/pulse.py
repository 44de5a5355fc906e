"""Which processes of the service live on this database: each has a row that it writes every few seconds.

Owns these rows. Whether the row of a process can be written also tells whether the database takes writes at all.
Must not be used as a lock: a process that is only slow may look dead.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import structlog
from django.db import DatabaseError, close_old_connections

from tenants.models import ServiceProcess
from tenants.storage.db import new_id, now

log = structlog.get_logger(__name__)

EVERY_S = 5.0
LIVES = timedelta(seconds=60)  # not seen for so long, it is dead; no lease that matters is longer
KEPT = timedelta(days=1)


class Pulse:
    """Of this process."""

    def __init__(self) -> None:
        self._stopped = threading.Event()
        self._renew()

    def _renew(self) -> None:
        self.id, self.pid, self._role = new_id(), os.getpid(), Path(sys.argv[0]).name[:40]

    def start(self, role: str) -> None:
        """Write every EVERY_S in a thread. A database that is away is written when it is back."""
        self._role = role
        self._stopped.clear()
        threading.Thread(target=self._go_on, name="pulse", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()
        try:
            ServiceProcess.objects.filter(id=self.id).delete()
        except DatabaseError as error:
            log.warning("pulse_not_ended", error=type(error).__name__)

    def beat(self, role: str = "") -> None:
        """Raises DatabaseError when the database takes no writes."""
        self._role = role or self._role
        if self.pid != os.getpid():
            self._renew()  # we are a fork
        at = now()
        if ServiceProcess.objects.filter(id=self.id).update(seen_at=at):
            return
        ServiceProcess.objects.create(id=self.id, role=self._role, place=place(), pid=self.pid, seen_at=at)
        ServiceProcess.objects.filter(seen_at__lt=at - KEPT).delete()

    def others(self) -> list[ServiceProcess]:
        """The other processes that live. A time ahead of ours counts like one as far behind: a clock was set."""
        at = now()
        seen = ServiceProcess.objects.filter(seen_at__gt=at - LIVES, seen_at__lt=at + LIVES).exclude(id=self.id)
        return [process for process in seen.order_by("seen_at") if not _has_ended(process)]

    def _go_on(self) -> None:
        while True:
            try:
                self.beat()
            except DatabaseError as error:
                log.warning("pulse_not_written", error=type(error).__name__)
            finally:
                close_old_connections()
            if self._stopped.wait(EVERY_S):
                return


def _has_ended(process: ServiceProcess) -> bool:
    """Known of the processes beside us only."""
    if process.place != place():
        return False
    if process.pid == os.getpid():
        return True  # the number is ours now
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    return False


@cache
def place() -> str:
    """Where a process number means the same: a boot of a machine, and within it a container."""
    parts: list[Any] = [socket.gethostname()[:60]]
    for path in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        try:
            parts.append(os.readlink(path) if path.endswith("pid") else Path(path).read_text().strip())
        except OSError:
            continue  # not Linux
    return "/".join(parts)


mine = Pulse()
