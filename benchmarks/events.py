"""Events published per second beside kafka-python's bare producer: ``python -m benchmarks.events``.

Both send the same records to the same topic of the same broker, in turn; the ratio is of the medians.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kafka import KafkaProducer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=3_000, help="per round (default: 3000)")
    parser.add_argument("--rounds", type=int, default=3, help="default: 3")
    given = parser.parse_args()
    from tests.messaging.kafka.broker import Broker

    broker = Broker()
    broker.start()
    try:
        with tempfile.TemporaryDirectory(prefix="chatsvc-events-") as directory:
            settle_django(broker.address, Path(directory))
            compare(given.events, given.rounds)
    finally:
        broker.remove()


def settle_django(address: str, directory: Path) -> None:
    """A database of its own, unless DATABASE_URL names one."""
    os.environ.setdefault("DATABASE_URL", f"sqlite:///{directory}/events.sqlite3")
    os.environ |= {
        "KAFKA_BROKERS": address,
        "KAFKA_TYPE_TOPICS": "false",
        "LOG_LEVEL": "ERROR",
        "DJANGO_SETTINGS_MODULE": "chatsvc.settings",
    }
    subprocess.run([sys.executable, "manage.py", "migrate", "--verbosity", "0"], check=True)
    import django

    django.setup()


def compare(events: int, rounds: int) -> None:
    from chatsvc.management.commands.kafka_topics import topics_create
    from messaging.kafka import stream as kafka

    topics_create([kafka.stream_topic()], 6, 1)
    ours, bare = [], []
    for number in range(rounds + 1):
        records = write(events)
        ours.append(events / seconds_of(publish))
        bare.append(events / seconds_of(lambda records=records: send(records)))
        print(f"round {number}: outbox {ours[-1]:,.0f}/s, bare producer {bare[-1]:,.0f}/s", flush=True)
    outbox, producer = statistics.median(ours[1:]), statistics.median(bare[1:])  # the first one warms up
    print(f"outbox {outbox:,.0f}/s, bare producer {producer:,.0f}/s, ratio {outbox / producer:.2f}")


def write(events: int) -> list[tuple[bytes, bytes]]:
    """Events of 50 conversations, in the database; and the records they make."""
    from conversations.event_schemas import envelope_of
    from conversations.models import Event
    from tests.factories import ConversationFactory, TenantFactory

    tenant = TenantFactory()
    talks = [ConversationFactory(tenant=tenant) for _ in range(min(50, events))]
    rows = [
        Event(tenant=tenant, conversation=talks[n % 50], seq=n // 50 + 1, type="chat.message.sent", payload=said(n))
        for n in range(events)
    ]
    # unscoped: the benchmark's own rows
    Event.objects.unscoped().bulk_create(rows, batch_size=500)
    return [(str(row.conversation_id).encode(), envelope_of(row).to_bytes()) for row in rows]


def said(number: int) -> dict[str, object]:
    some = "0192f0d0-7b1a-7c3e-9a55-00000000000e"
    return {"conversation_id": some, "channel_id": some, "message_id": some, "seq": number, "role": "bot",
            "content_type": "text", "reply_to": some}  # fmt: skip


def publish() -> None:
    from messaging.kafka import stream as kafka

    while kafka.stream_events():
        pass


def send(records: list[tuple[bytes, bytes]]) -> None:
    """What a program without an outbox would do: same options, no rows, no headers."""
    from messaging.kafka import stream as kafka

    producer = KafkaProducer(**kafka.client_options(), acks="all", batch_size=kafka.BATCH_BYTES, linger_ms=100)
    for key, value in records:
        producer.send(kafka.stream_topic(), key=key, value=value)
    producer.flush()
    producer.close()


def seconds_of(work: object) -> float:
    started = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
