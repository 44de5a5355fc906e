"""The calls that a worker has taken from Redis and not begun: they are in its memory, and nowhere else.

Owns what becomes of them when its connection ends, and by what client calls are sent. Must not know what they are for: calls only wake, and the sweep
makes up for those that are lost (docs/decisions/0040).
"""

from __future__ import annotations

from typing import Any

import structlog
from kombu.transport import redis, virtual

log = structlog.get_logger(__name__)


class ForgivingQoS(virtual.QoS):  # type: ignore[misc]
    """Gives calls back when the connection is closed in good order. Where it is lost they are, too: kombu (5.7) would try
    each of them by that very connection, and keep in a file what it could not give back; it opens another connection for
    giving back, and leaves it open."""

    def restore_unacked(self) -> list[Any]:
        self._flush()
        try:
            while self._delivered:
                self.channel._restore(self._delivered.popitem(last=False)[1])
        except Exception as error:  # noqa: BLE001  whatever it is, to go on is better than to end
            log.warning("wake_ups_not_restored", error=type(error).__name__, calls=len(self._delivered) + 1)
            self._delivered.clear()
        return []

    def restore_unacked_once(self, stderr: Any = None) -> None:
        try:
            super().restore_unacked_once(stderr)
        finally:
            self.channel._disconnect_pools()


class OneClient(redis.Channel):  # type: ignore[misc]
    """kombu makes a client for each call that it sends; one sends them all, over the same pool of connections."""

    _kept: tuple[Any, Any] = (None, None)  # pool, client

    def _create_client(self, asynchronous: bool = False) -> Any:
        if asynchronous:  # of the connection that listens
            return super()._create_client(asynchronous=True)
        pool, client = self._kept
        if pool is not self.pool:
            client = super()._create_client()
            self._kept = (self.pool, client)
        return client


def forgive() -> None:
    """For every connection of this process from now on; its transport has no `ack_emulation`."""
    virtual.QoS = ForgivingQoS  # type: ignore[misc]
    redis.Transport.Channel = OneClient
