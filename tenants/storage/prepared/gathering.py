"""New rows that wait for the end of their transaction, so that those of many callers go in one statement per table.

Owns what waits, for the thread whose transaction it is. Must not know how rows are written.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from django.db.models import Model

Write = Callable[[Sequence[Model]], None]

_thread = threading.local()


@contextmanager
def gathering(models: Sequence[type[Model]], write: Write) -> Iterator[None]:
    """Inside, new rows of ``models`` wait; at the end ``write`` gets those of each model, in the order of ``models``.
    A block that raises has them written nowhere. Not to be nested."""
    assert not _waiting(), "rows are gathered already"
    waiting: dict[type[Model], list[Model]] = {model: [] for model in models}
    _thread.waiting = waiting
    try:
        yield
    finally:
        _thread.waiting = None
    for rows in waiting.values():
        if rows:
            write(rows)


def gather(rows: Sequence[Model]) -> bool:
    """Whether the rows, of one model, wait now."""
    waiting = _waiting()
    if not waiting or type(rows[0]) not in waiting:
        return False
    waiting[type(rows[0])].extend(rows)
    return True


def _waiting() -> dict[type[Model], list[Model]] | None:
    return getattr(_thread, "waiting", None)
