"""The calls that a worker has taken from Redis and not begun: they are in its memory, and nowhere else.

Owns what becomes of them when its connection ends. Must not know what they are for: calls only wake, and the sweep
makes up for those that are lost (docs/decisions/0040).
"""

from __future__ import annotations

from typing import Any

import structlog
from kombu.transport import virtual

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


def forgive() -> None:
    """For every connection of this process from now on whose transport has no `ack_emulation`."""
    virtual.QoS = ForgivingQoS  # type: ignore[misc]
