"""Does Redis take tasks? One that is full, read-only or cannot save answers all the same, and refuses what is written.

Must not send or take any.
"""

from __future__ import annotations

from typing import Any

import redis
from django.conf import settings

PROBE = "chatsvc:broker-takes-writes"


def broker_client() -> Any:
    """None for a broker in memory."""
    if not settings.REDIS_URL:
        return None
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)


def broker_write(broker: Any) -> None:
    """Raises redis.RedisError or OSError when it takes nothing."""
    if broker is not None:
        broker.set(PROBE, 1, ex=60)


def broker_takes_writes(broker: Any) -> bool:
    """Of a broker in memory: always."""
    try:
        broker_write(broker)
    except (redis.RedisError, OSError):
        return False
    return True
