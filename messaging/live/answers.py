"""Requests of this process that wait for an answer which another thread or process gives.

Owns how many may wait, and which are woken when a turn is settled here. An answer of another process wakes none: look
at the rows now and then. Must not read or write rows.
"""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

MOST_WAITING = 2  # threads of a web process (it has eight): repeats of a slow message must not stop the others

_waiting: dict[uuid.UUID, list[threading.Event]] = {}
_lock = threading.Lock()


@contextmanager
def answer_awaited(conversation_id: uuid.UUID) -> Iterator[threading.Event | None]:
    """An event that is set when a turn of the conversation is settled; None when enough requests wait already."""
    event = threading.Event()
    with _lock:
        room = sum(map(len, _waiting.values())) < MOST_WAITING
        if room:
            _waiting.setdefault(conversation_id, []).append(event)
    try:
        yield event if room else None
    finally:
        with _lock:
            if room:
                _waiting[conversation_id].remove(event)
            if not _waiting.get(conversation_id, True):
                del _waiting[conversation_id]


def turn_settled(conversation_id: uuid.UUID) -> None:
    """Call after the commit that settled a turn."""
    with _lock:
        for event in _waiting.get(conversation_id, ()):
            event.set()
