"""Is the database away? Then one request at a time finds out whether it is back, and the others need not wait.

Owns that memory, of this process. Must not ask the database itself.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

_asking = threading.Lock()
_away = False
_losses = 0


def database_lost() -> None:
    """A request got no connection, or lost its own."""
    global _away, _losses
    _away = True
    _losses += 1


@contextmanager
def turn() -> Iterator[bool]:
    """Whether it makes sense to ask the database now. Who was let through and lost nothing ends the absence."""
    global _away
    if not _away:
        yield True
    elif not _asking.acquire(blocking=False):
        yield False
    else:
        try:
            before = _losses
            yield True
            _away = _losses != before
        finally:
            _asking.release()
