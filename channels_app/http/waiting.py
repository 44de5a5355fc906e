"""Calls out that a request waits for: few at a time and short, so that no tenant's slow server holds up others.

Owns the room that a process has for them. Must not call anything, and is not for workers, whose whole task
is to wait (tenants/work/crew.py).
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from channels_app.contract import Unreachable
from channels_app.http.network import deadline
from tenants.errors import TooMany
from tenants.scope import tenant_id_if_any

ASK_S = 3.0
MOST = 2  # in a process, of different tenants; the other threads go on serving

_inside: set[object] = set()
_lock = threading.Lock()


@contextmanager
def asking(seconds: float | None = None) -> Iterator[None]:
    """Everything called out to inside ends within ``seconds`` (ASK_S). Raises TooMany ``busy`` at once, without
    waiting, when the tenant in scope asks already or MOST tenants do."""
    with _room() as free:
        if not free:
            raise TooMany("Other questions to outside are being asked; try again soon.", code="busy", retry_after=ASK_S)
        with deadline(seconds or ASK_S):
            yield


@contextmanager
def exchanging() -> Iterator[None]:
    """The same for one exchange of an adapter. Raises Unreachable ``busy``."""
    with _room() as free:
        if not free:
            raise Unreachable("busy", "other calls to outside are under way in this process")
        with deadline(ASK_S):
            yield


@contextmanager
def _room() -> Iterator[bool]:
    tenant = tenant_id_if_any()
    with _lock:
        free = tenant not in _inside and len(_inside) < MOST
        if free:
            _inside.add(tenant)
    try:
        yield free
    finally:
        if free:
            with _lock:
                _inside.discard(tenant)
