"""Reading the timeline back from Kafka: handled first, committed after, put aside when it cannot be handled.

Owns offsets, retries and dead letters. A handler sees an event at least once and must know its ids;
the service's own handlers do (messaging/outbox/handlers.py).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from threading import Event as Signal
from typing import Any

import structlog
from kafka import KafkaConsumer, TopicPartition
from kafka.errors import CommitFailedError, RebalanceInProgressError
from kafka.structs import OffsetAndMetadata

from conversations.event_schemas import Envelope, envelope_read
from messaging.kafka.stream import client_options, dead_letter_topic, open_producer
from messaging.measures import CONSUMED, lag_show
from tenants.storage.db import server_trouble

log = structlog.get_logger(__name__)

Handler = Callable[[Envelope], None]

PAUSES_S = (0.2, 1.0, 5.0, 15.0)  # between tries; jittered
SERVER_BACK_S = 1.0  # after trouble of our own servers; then the brokers hear of us, and the event is tried again
POLL_MS = 500
MOST_AT_ONCE = 100
PUT_ASIDE_S = 20.0


@dataclass
class Consumption:
    """One run of a consumer group's member. ``stopped`` ends it after the record in hand."""

    group: str
    topics: Iterable[str]
    handler: Handler
    stopped: Signal = field(default_factory=Signal)
    pauses_s: tuple[float, ...] = PAUSES_S
    until_end: bool = False  # stop at what was the end when a partition was first seen
    handled: int = 0
    put_aside: int = 0
    _ends: dict[TopicPartition, int] = field(default_factory=dict)
    _slow: bool = False  # the record in hand had to be tried again
    _last_ms: int = 0  # when the event that was handled last happened
    _shown: dict[tuple[str, int], int] = field(default_factory=dict)  # lag by topic and partition

    def run(self) -> None:
        """Until stopped. Raises KafkaError when the brokers cannot be reached at the start, or a dead letter
        cannot be written: what was not committed is read again."""
        consumer = KafkaConsumer(
            *self.topics,
            **client_options(),
            group_id=self.group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_poll_records=MOST_AT_ONCE,
            session_timeout_ms=15_000,
        )
        try:
            while not self.stopped.is_set() and not self._done(consumer):
                for partition, records in consumer.poll(timeout_ms=POLL_MS).items():
                    self._take(consumer, partition, records)
                self._show_lag(consumer)
        finally:
            self._show({})
            consumer.close(autocommit=False)

    def _take(self, consumer: KafkaConsumer, partition: TopicPartition, records: Iterable[Any]) -> None:
        """One partition's records in order, then the commit, also of what was done before a stop."""
        last = None
        end = self._end_of(consumer, partition) if self.until_end else None
        try:
            for record in records:
                if self.stopped.is_set() or (end is not None and record.offset >= end):
                    break
                if not self._handle(record):
                    consumer.seek(partition, record.offset)  # it is the next one again
                    break
                last = record
                if self._slow:  # poll again before the brokers take us for dead
                    consumer.seek(partition, record.offset + 1)
                    break
        finally:
            if last is not None:
                self._commit(consumer, partition, last.offset + 1)

    def _show_lag(self, consumer: KafkaConsumer) -> None:
        """Of the partitions this member has, as far as the brokers have told where they end."""
        lags: dict[tuple[str, int], int] = {}
        for partition in consumer.assignment():
            end, position = consumer.highwater(partition), consumer.position(partition, timeout_ms=0)
            if end is not None and position is not None:
                lags[partition.topic, partition.partition] = max(0, end - position)
        self._show(lags)

    def _show(self, lags: dict[tuple[str, int], int]) -> None:
        """A partition that another member has now is not behind here any more."""
        behind_s = max(0.0, time.time() - self._last_ms / 1000) if self._last_ms and any(lags.values()) else 0.0
        lag_show(self.group, {**dict.fromkeys(self._shown, 0), **lags}, behind_s)
        self._shown = lags

    def _handle(self, record: Any) -> bool:
        """Whether the record is behind us: handled or put aside. Not when a stop came between two tries, nor while our
        own servers are in trouble: that tells nothing of the event."""
        self._slow = False
        try:
            envelope = envelope_read(record.value)
        except (ValueError, TypeError) as error:  # it will not become readable by waiting
            self._put_aside(record, error)
            return True
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(
            correlation_id=_header(record, "correlation-id"), event_id=str(envelope.id), type=envelope.type,
            tenant_id=str(envelope.tenant_id), conversation_id=str(envelope.conversation_id or ""),
            message_id=str(envelope.data.get("message_id", "")),
        )  # fmt: skip
        failure = self._tried(envelope)
        self._last_ms = record.timestamp
        if failure is None:
            self.handled += 1
            CONSUMED.labels(self.group, "handled").inc()
            log.debug("event_handled", group=self.group)
        elif self.stopped.is_set() or server_trouble(failure):
            return False
        else:
            self._put_aside(record, failure)
        return True

    def _tried(self, envelope: Envelope) -> Exception | None:
        """None when it worked, else the last failure."""
        failure: Exception | None = None
        for pause_s in (0.0, *self.pauses_s):
            if pause_s and self.stopped.wait(pause_s * random.uniform(0.5, 1)):  # noqa: S311  no secret
                return failure
            try:
                self.handler(envelope)
            except Exception as error:  # noqa: BLE001  whatever it is, the record is tried again, then put aside
                self._slow = True
                log.warning("event_not_handled", error=type(error).__name__)
                failure = error
                if server_trouble(error):
                    self.stopped.wait(SERVER_BACK_S * random.uniform(0.5, 1))  # noqa: S311  no secret
                    return failure
            else:
                return None
        return failure

    def _put_aside(self, record: Any, error: Exception) -> None:
        """The record as it was, to the group's dead letters, before its offset is committed."""
        where = {"topic": record.topic, "partition": record.partition, "offset": record.offset}
        headers = [
            *(record.headers or ()),
            *((f"dead-{name}", str(value).encode()) for name, value in where.items()),
            ("dead-error", type(error).__name__.encode()),
        ]
        topic = dead_letter_topic(self.group.removesuffix(AGAIN))
        future = open_producer().send(topic, value=record.value, key=record.key, headers=headers)
        future.get(timeout=PUT_ASIDE_S)
        self.put_aside += 1
        CONSUMED.labels(self.group, "put aside").inc()
        log.error("event_put_aside", **where, error=type(error).__name__)

    def _commit(self, consumer: KafkaConsumer, partition: TopicPartition, offset: int) -> None:
        try:
            consumer.commit({partition: OffsetAndMetadata(offset, "", -1)})
        except (CommitFailedError, RebalanceInProgressError) as error:
            log.warning("offset_not_committed", partition=str(partition), error=type(error).__name__)

    def _done(self, consumer: KafkaConsumer) -> bool:
        """Whether everything that was there at the start is behind us."""
        if not self.until_end:
            return False
        mine = consumer.assignment()
        ends = {partition: self._end_of(consumer, partition) for partition in mine}
        return bool(mine) and all(consumer.position(partition) >= end for partition, end in ends.items())

    def _end_of(self, consumer: KafkaConsumer, partition: TopicPartition) -> int:
        if partition not in self._ends:
            self._ends |= consumer.end_offsets([partition])
        return self._ends[partition]


AGAIN = ".again"  # a group's dead letters are read by a group of their own


def dead_letters_of(group: str, handler: Handler, **options: Any) -> Consumption:
    """Reads what the group put aside until now, and tries it again; what fails again is put aside anew."""
    return Consumption(f"{group}{AGAIN}", [dead_letter_topic(group)], handler, until_end=True, **options)


def _header(record: Any, name: str) -> str:
    values = [value for key, value in record.headers or () if key == name]
    return values[0].decode("utf-8", "replace") if values else ""
