"""What must be true of Kafka once all is quiet: the timeline, whole and in order for a consumer that removes repeats by id.

Owns reading topics and those invariants. Must not use the service's own reader.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from tests.chaos.ledger import Ledger

STREAM = "conversation.events.v1"


def read_all(address: str, topics: Iterable[str]) -> list[Any]:
    """Every record in the topics, by partition and offset."""
    consumer = KafkaConsumer(bootstrap_servers=[address], enable_auto_commit=False)
    try:
        partitions = [
            TopicPartition(topic, number) for topic in topics for number in consumer.partitions_for_topic(topic) or ()
        ]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends, records = consumer.end_offsets(partitions), []
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            for batch in consumer.poll(timeout_ms=500).values():
                records += batch
        return sorted(records, key=lambda record: (record.topic, record.partition, record.offset))
    finally:
        consumer.close()


def behind(address: str, group: str, topic: str = STREAM) -> int:
    """How many records of the topic the consumer group has not committed."""
    consumer = KafkaConsumer(bootstrap_servers=[address], group_id=group, enable_auto_commit=False)
    try:
        partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
        ends = consumer.end_offsets(partitions)
        return sum(ends[partition] - (consumer.committed(partition) or 0) for partition in partitions)
    finally:
        consumer.close()


def unstreamed(ledger: Ledger) -> int:
    """Events that wait for Kafka, for integrators' webhooks or for the service's own handlers."""
    waiting = "SELECT COUNT(*) FROM conversations_event WHERE streamed_at IS NULL OR published_at IS NULL"
    return int(ledger.rows(waiting)[0][0])


def assert_streamed(ledger: Ledger, records: Sequence[Any]) -> None:
    """The stream has exactly the events of the timeline. Where an event comes again it is the same; without the
    repeats every conversation is numbered 1, 2, 3 … in the order of reading."""
    numbers: dict[str, list[int]] = defaultdict(list)
    first: dict[str, bytes] = {}
    for record in records:
        event = json.loads(record.value)
        if event["id"] not in first:
            first[event["id"]] = record.value
            numbers[str(event["conversation_id"])].append(event["seq"])
        assert record.value == first[event["id"]], "a repeat is the same event"
    assert sorted(first) == sorted(str(row[0]) for row in ledger.rows("SELECT id FROM conversations_event"))
    last = ledger.rows("SELECT id, event_seq FROM conversations_conversation WHERE event_seq > 0")
    numbers.pop("None", None)  # events of no conversation have no numbers
    assert numbers == {str(conversation): list(range(1, most + 1)) for conversation, most in last}


def figures(records: Sequence[Any]) -> dict[str, int]:
    ids = {dict(record.headers)["event-id"] for record in records}
    return {"events in Kafka": len(ids), "repeats in Kafka": len(records) - len(ids)}
