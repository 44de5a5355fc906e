"""One program over one file, in a child with limits: time, memory, size of what it writes, no standard input, no
environment.

Owns the child. Must not know what it converts.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

LIMITS = Path(__file__).with_name("limits.py")
MEMORY = 1024 * 1024 * 1024  # bytes of address space: a film of 4K takes about 600 MB
MOST_SAID = 64 * 1024  # bytes of what it prints that are read
WAIT_S = 5.0  # for the child that is running
#: one at a time: how much memory a process needs must not grow with its threads
_running = threading.BoundedSemaphore(1)


class NotConverted(Exception):
    """No form was made. ``code``: no_converter, conversion_failed, conversion_too_long, conversion_busy."""

    def __init__(self, code: str):
        super().__init__(code)
        self.code = code


def run(command: Sequence[str], *, folder: str, seconds: int, most_bytes: int) -> bytes:
    """What the program prints. It works in ``folder``, for ``seconds`` at most, and writes no file of more than
    ``most_bytes``. Raises NotConverted."""
    if not _running.acquire(timeout=seconds + WAIT_S):
        raise NotConverted("conversion_busy")
    try:
        return _run(command, folder, seconds, most_bytes)
    finally:
        _running.release()


def _run(command: Sequence[str], folder: str, seconds: int, most_bytes: int) -> bytes:
    limits = [sys.executable, "-I", "-S", str(LIMITS), str(seconds), str(most_bytes), str(MEMORY)]
    said = Path(folder, "said")
    with said.open("wb") as out:
        child = subprocess.Popen(
            [*limits, *command], cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL,
            env={"PATH": os.defpath, "LC_ALL": "C"}, start_new_session=True, close_fds=True,
        )  # fmt: skip
        try:
            status = child.wait(seconds)
        except subprocess.TimeoutExpired as error:
            raise NotConverted("conversion_too_long") from error
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)  # its own session: what it has started goes with it
                child.wait()
    if status == -signal.SIGXCPU:
        raise NotConverted("conversion_too_long")
    if status != 0:
        raise NotConverted("conversion_failed")
    with said.open("rb") as file:
        return file.read(MOST_SAID)
