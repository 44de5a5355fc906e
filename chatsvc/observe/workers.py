"""Which queues there are, which of them a task belongs to, and when each last had a worker.

Must not know what a worker does.
"""

from __future__ import annotations

import time

from django.conf import settings
from django.core.cache import cache


def queues() -> list[str]:
    """Every queue that a task may be sent to."""
    routed = [route["queue"] for route in settings.CELERY["task_routes"].values()]
    return sorted({*routed, settings.CELERY["task_default_queue"]})


def queue_of(task: str) -> str:
    routes: dict[str, dict[str, str]] = settings.CELERY["task_routes"]
    return routes.get(task, {}).get("queue") or settings.CELERY["task_default_queue"]


def seen_key(queue: str) -> str:
    """Under this key of the cache stands when a worker of the queue was last seen (Unix time)."""
    return f"worker-seen:{queue}"


def workers_seen() -> dict[str, float]:
    """Seconds, of the queues that had a worker lately."""
    seen: dict[str, float] = cache.get_many([seen_key(queue) for queue in queues()])
    return {queue: time.time() - seen[seen_key(queue)] for queue in queues() if seen_key(queue) in seen}
