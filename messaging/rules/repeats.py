"""Which requests of a platform are known to be stored: a hint in Redis, so that a repeat costs no statement.

Owns the hint. Must not decide what is new: where there is none the unique key of the receipts does.

A hint is written when the transaction of its receipt has committed, or by a repeat that met the row: what is rolled
back leaves none. Redis may lose or refuse all of them at any time.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.cache import cache

KNOWN_S = 900  # most repeats come within minutes; a hint is about 150 bytes of Redis


def stored_before(channel_id: uuid.UUID, digest: str) -> bool:
    """Whether this very request is certain to be stored. False where that is not known."""
    return bool(settings.REDIS_URL) and cache.get(_key(channel_id, digest)) is not None


def stored(channel_id: uuid.UUID, digest: str) -> None:
    """Call after the commit."""
    if settings.REDIS_URL:
        cache.set(_key(channel_id, digest), 1, KNOWN_S)


def _key(channel_id: uuid.UUID, digest: str) -> str:
    return f"receipt:{channel_id}:{digest}"
