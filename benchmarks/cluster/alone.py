"""What one process of a kind does in a second, with work enough before it and all other workers gone.

Owns the order in which they go. Ends all workers.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.cluster.service import Cluster
from tests.chaos.servers import wait_until

QUEUED = "SELECT count(*)::float8 FROM messaging_delivery WHERE status = 'queued'"
UNSENT = "SELECT count(*)::float8 FROM messaging_delivery WHERE status IN ('queued', 'sending')"
WAITING = "SELECT count(*)::float8 FROM conversations_event WHERE published_at IS NULL"
#: a second, by the rows' own times
SENT = """
    SELECT (count(*) - 1) / extract(epoch FROM max(sent_at) - min(sent_at))::float8 FROM messaging_delivery
    WHERE sent_at > to_timestamp(%s)
"""
PUBLISHED = """
    SELECT count(*) / extract(epoch FROM max(published_at) - to_timestamp(%s))::float8 FROM conversations_event
    WHERE published_at > to_timestamp(%s)
"""
NOW = "SELECT extract(epoch FROM clock_timestamp())::float8"


def alone(running: Cluster, messages: int, burst: Callable[[], None], longest_s: float) -> dict[str, float]:
    """``burst`` brings ``messages`` messages: answers to them wait, are sent by one process, and all events of it
    are published by another."""
    running.processes["workers"].kill()
    running.processes["answering"].start()
    burst()
    wait_until(lambda: running.asked(QUEUED) >= messages, longest_s, "every answer waits", 0.5)
    running.processes["answering"].kill()
    began = running.asked(NOW)
    running.processes["deliver"].start()
    wait_until(lambda: running.asked(UNSENT) == 0, longest_s, "every answer is sent", 0.5)
    delivered = running.asked(SENT, began)
    running.processes["deliver"].kill()
    return {"deliver_per_second": round(delivered, 1), "events_per_second": round(_published(running, longest_s), 1)}


def _published(running: Cluster, longest_s: float) -> float:
    """A second, from the call that wakes the process on."""
    from messaging import wake

    running.redis.client.flushdb()  # the calls of the burst: the process is woken when it listens
    running.processes["publisher"].start()
    wait_until(running.redis.waiting, longest_s, "the process listens")
    began = running.asked(NOW)
    wake.publish()
    wait_until(lambda: running.asked(WAITING) == 0, longest_s, "all is published", 0.5)
    running.processes["publisher"].kill()
    return running.asked(PUBLISHED, began, began)
