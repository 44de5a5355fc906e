"""kafka-python's producer, made to stop at its first failure.

Owns that what stands in the log of a partition is a beginning of what was sent there, without a hole. Must
not know what is sent.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from kafka import KafkaProducer
from kafka.errors import KafkaError

LAST_WORDS_S = 2.0


class OrderedProducer(KafkaProducer):
    """After a record has failed for good, nothing that this producer still holds goes out.

    The library would go on under a new epoch: batches that waited behind the lost one would stand in the log
    before it, for it is sent again later. Batches of one partition go out one by one (idempotence), so the
    failure is known before the next one leaves. To go on, drop this one and make another.
    """

    def send(self, *args: Any, **options: Any) -> Any:
        return super().send(*args, **options).add_errback(self._stop)

    def drop(self) -> None:
        """Close without sending what is left: the library's ``close`` sends it first, or raises and leaves
        its thread behind, which sends it whenever the brokers are back."""
        self._stop()
        self._sender.join(LAST_WORDS_S)
        with suppress(KafkaError):  # the thread still waits for a connection; it ends after that
            self.close(timeout=0)

    def _stop(self, _: object = None) -> None:
        self._sender.force_close()  # the library has no other way; it runs in that thread's own callbacks, too
