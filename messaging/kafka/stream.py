"""The timeline in Kafka: what is committed is published at least once, in order per conversation.

Owns producer, topics, keys and headers. An event is marked only after the brokers acknowledged it and
all earlier ones of its conversation. Must not decide what happens when (messaging/outbox/lanes.py does).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Sequence
from threading import Lock
from typing import TYPE_CHECKING, Any

import structlog
from django.conf import settings

from conversations.event_schemas import SCHEMAS, Envelope, envelope_of
from conversations.models import Event
from messaging.measures import batch_count
from messaging.outbox.lanes import BATCH, STREAMED, drain, key_of
from tenants.work.breaker import Breaker

if TYPE_CHECKING:  # the library is imported where there are brokers
    from messaging.kafka.producer import OrderedProducer

log = structlog.get_logger(__name__)
logging.getLogger("kafka").setLevel(logging.CRITICAL)  # it tells of every retry; kafka_away says what matters

STREAM = "conversation.events.v1"  # every event, so that one conversation is in order over all types
DEAD_LETTERS = "dead-letters"
MOST_BYTES = 900_000  # of a record; brokers refuse a million
REQUEST_MS = 10_000
DELIVERY_MS = 20_000
MOST_BLOCKED_MS = 5_000
FLUSH_S = 25.0  # less than the lease of a lane
BATCH_BYTES = 131_072
LONGEST_HOLD_S = 30.0

_one_at_a_time = Lock()  # a Kafka that is away takes one worker thread of a process, not all
_producer: OrderedProducer | None = None
_breaker = Breaker(failures=1, cool_s=1.0, longest_s=LONGEST_HOLD_S)


def stream_events(limit: int = BATCH) -> int:
    """Publish the oldest events that wait for Kafka. Returns how many were acknowledged.

    0 as well without KAFKA_BROKERS, while another thread does it, and for some seconds after a failure.
    """
    if not settings.ENV["KAFKA_BROKERS"] or _breaker.resting:
        return 0
    if not _one_at_a_time.acquire(blocking=False):
        return 0
    try:
        return drain(STREAMED, _publish, limit)
    finally:
        _one_at_a_time.release()


def topics_of(type: str, version: int) -> list[str]:
    """Where an event goes: the topic of its type, and the stream of everything."""
    prefix = settings.ENV["KAFKA_TOPIC_PREFIX"]
    names = [f"{type}.v{version}"] if settings.ENV["KAFKA_TYPE_TOPICS"] else []
    return [f"{prefix}.{name}" if prefix else name for name in [*names, STREAM]]


def stream_topic() -> str:
    return topics_of("", 0)[-1]


def dead_letter_topic(group: str) -> str:
    """Where a consumer group leaves what it cannot handle."""
    return f"{stream_topic()}.{DEAD_LETTERS}.{group}"


def every_topic() -> list[str]:
    """All topics that events may go to, sorted."""
    return sorted({topic for key in SCHEMAS for topic in topics_of(*key)})


def publish_again(events: Iterable[Event]) -> int:
    """Send these anew, marked as repeats, whatever was acknowledged before. Returns how many; raises KafkaError."""
    producer, futures, count = open_producer(), [], 0
    for event in events:
        futures += _send(producer, event, (("replayed", b"1"),))
        count += 1
        if len(futures) >= BATCH:
            _settle_all(producer, futures)
            futures = []
    _settle_all(producer, futures)
    return count


def client_options() -> dict[str, Any]:
    """How to reach the brokers, for producers, consumers and admin clients alike."""
    env = settings.ENV
    options: dict[str, Any] = {
        "bootstrap_servers": env["KAFKA_BROKERS"],
        "security_protocol": env["KAFKA_SECURITY_PROTOCOL"],
        "client_id": "chatsvc",
        "bootstrap_timeout_ms": 5_000,
        "request_timeout_ms": REQUEST_MS,
        "reconnect_backoff_max_ms": 2_000,
    }
    if env["KAFKA_SASL_MECHANISM"]:
        options |= {
            "sasl_mechanism": env["KAFKA_SASL_MECHANISM"],
            "sasl_plain_username": env["KAFKA_USERNAME"],
            "sasl_plain_password": env["KAFKA_PASSWORD"],
        }
    if env["KAFKA_CA_FILE"]:
        options["ssl_cafile"] = env["KAFKA_CA_FILE"]
    return options


def open_producer() -> OrderedProducer:
    """This process' producer; made at first use, so after a worker's fork. Raises KafkaError."""
    global _producer
    if _producer is None:
        from messaging.kafka.producer import OrderedProducer

        _producer = OrderedProducer(
            **client_options(),
            acks="all",
            enable_idempotence=True,
            linger_ms=settings.ENV["KAFKA_LINGER_MS"],
            batch_size=BATCH_BYTES,
            max_block_ms=MOST_BLOCKED_MS,
            delivery_timeout_ms=DELIVERY_MS,
        )
    return _producer


def close_producer() -> None:
    """Forget the producer and what it has not sent. The next one has a new id and no memory of what went wrong."""
    global _producer
    producer, _producer = _producer, None
    if producer is not None:
        producer.drop()


# --------------------------------------------------------------------------- publishing


def _publish(events: Sequence[Event]) -> Collection[Event]:
    """Send, wait for all acknowledgements, and tell which events may be marked."""
    from kafka.errors import KafkaError

    futures: dict[Any, list[Any]] = {}
    failure: Exception | None = None
    started = time.monotonic()
    try:
        producer = open_producer()
        try:
            for event in events:
                futures[event.id] = _send(producer, event)
        finally:
            producer.flush(timeout=FLUSH_S)
    except KafkaError as error:
        failure = error
    taken = _acknowledged(events, futures)
    batch_count(len(taken), len(events) - len(taken), time.monotonic() - started)
    if len(taken) == len(events):
        _breaker.succeeded()
    else:
        _hold(failure or _first_failure(futures), len(events) - len(taken))
    return taken


def _send(producer: OrderedProducer, event: Event, more_headers: Iterable[tuple[str, bytes]] = ()) -> list[Any]:
    """Raises KafkaError when no broker tells where the topic is."""
    envelope = envelope_of(event)
    value, key = _value(envelope), str(key_of(event)).encode()
    at_ms = int(event.created_at.timestamp() * 1000)
    headers = [*headers_of(envelope, event.correlation_id), *more_headers]
    return [
        producer.send(topic, value=value, key=key, headers=headers, timestamp_ms=at_ms)
        for topic in topics_of(event.type, event.version)
    ]


def headers_of(envelope: Envelope, correlation_id: str) -> list[tuple[str, bytes]]:
    """What a consumer may route by without reading the value."""
    known = {
        "event-id": str(envelope.id),
        "event-type": envelope.type,
        "event-version": str(envelope.version),
        "tenant-id": str(envelope.tenant_id),
        "correlation-id": correlation_id,
        "content-type": "application/json",
    }
    return [(name, text.encode()) for name, text in known.items() if text]


def _value(envelope: Envelope) -> bytes:
    """An event that no broker would take goes without its longest words, for it must not stop the others."""
    value = envelope.to_bytes()
    if len(value) > MOST_BYTES:
        log.error("event_too_large", event_id=str(envelope.id), type=envelope.type, bytes=len(value))
        data = {name: part for name, part in envelope.data.items() if len(str(part)) <= 1_000}
        value = envelope.model_copy(update={"data": data}).to_bytes()
    return value


def _acknowledged(events: Sequence[Event], futures: dict[Any, list[Any]]) -> list[Event]:
    """The events that arrived with all before them in their conversation: the others go again, in order."""
    taken: list[Event] = []
    broken: set[Any] = set()
    for event in events:
        sent = futures.get(event.id, [])
        if key_of(event) not in broken and sent and all(future.succeeded() for future in sent):
            taken.append(event)
        else:
            broken.add(key_of(event))
    return taken


def _first_failure(futures: dict[Any, list[Any]]) -> Exception | None:
    failed = (future.exception for sent in futures.values() for future in sent if future.failed())
    return next(failed, None)


def _hold(error: Exception | None, left: int) -> None:
    """What was not acknowledged may be there or not. A new producer sends it again; readers know the ids."""
    _breaker.failed()
    words = str(error)[:200]  # names brokers and topics, never what people said
    log.warning("kafka_away", error=type(error).__name__, detail=words, events_left=left, pause_s=_breaker.pause_s)
    close_producer()


def _settle_all(producer: OrderedProducer, futures: Sequence[Any]) -> None:
    producer.flush(timeout=FLUSH_S)
    for future in futures:
        future.get(timeout=1)


def forget() -> None:
    """Close the producer and end any pause, as a new process would begin."""
    close_producer()
    _breaker.succeeded()
