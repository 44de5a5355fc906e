"""CPU time and memory of processes, as the kernel tells them.

Owns reading /proc (Linux). CPU time comes in ticks of 10 ms: take it over thousands of messages.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PARENT, CPU, CHILDREN_CPU = 1, slice(11, 13), slice(13, 15)  # of /proc/PID/stat, after the name


def cpu_s(pid: int) -> float:
    """Of the process, of all below it, and of those of them that have ended and were waited for."""
    ticks = 0
    for one in family(pid):
        with suppress(OSError):
            fields = _fields(one)
            ticks += sum(map(int, fields[CPU])) + sum(map(int, fields[CHILDREN_CPU]))
    return ticks * TICK_S


def pss_mb(pid: int) -> float:
    """Memory of the process and of all below it; what several share is divided among them (PSS)."""
    return sum(_pss_kib(one) for one in family(pid)) / 1024


def family(pid: int) -> list[int]:
    """The process and all below it."""
    below: dict[int, list[int]] = {}
    for one, fields in _all():
        below.setdefault(int(fields[PARENT]), []).append(one)
    return list(_descend(pid, below))


def named_children(pid: int) -> dict[str, int]:
    """Those that the process has begun itself, by what they call themselves."""
    children = [one for one, fields in _all() if int(fields[PARENT]) == pid]
    return {Path(f"/proc/{one}/comm").read_text().strip(): one for one in children}


def _descend(pid: int, below: dict[int, list[int]]) -> Iterator[int]:
    yield pid
    for child in below.get(pid, ()):
        yield from _descend(child, below)


def _all() -> Iterable[tuple[int, list[str]]]:
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            yield int(folder.name), _fields(int(folder.name))


def _fields(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _pss_kib(pid: int) -> int:
    with suppress(OSError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        return next((int(line.split()[1]) for line in lines if line.startswith("Pss:")), 0)
    return 0
