"""What kombu's Redis transport does when Redis is gone while it holds calls that no worker has begun.

Owns that the worker outlives it. Must not know what the calls are for.
"""

from __future__ import annotations

from typing import Any

import structlog
from kombu.transport import redis

log = structlog.get_logger(__name__)


class ForgivingQoS(redis.QoS):  # type: ignore[misc]
    """kombu (5.7) closes a lost connection, then wants to give its calls back by that very connection, and
    ends the worker with an AttributeError. Calls only wake: the sweep makes up for those that are lost here.
    Where it does find a way, it opens another connection for it, and leaves it open."""

    def restore_unacked_once(self, stderr: Any = None) -> None:
        try:
            super().restore_unacked_once(stderr)
        except Exception as error:  # noqa: BLE001  whatever it is, to go on is better than to end
            log.warning("wake_ups_not_restored", error=type(error).__name__)
        finally:
            self.channel._disconnect_pools()

    def ack(self, delivery_tag: Any) -> None:
        """A task that ends after its channel was closed has nothing to confirm: its call went back, or was lost."""
        if not self.channel.closed:
            super().ack(delivery_tag)


def forgive() -> None:
    """For every connection of this process from now on."""
    redis.Channel.QoS = ForgivingQoS
