"""What real Kafka has acknowledged survives its sudden death; asserted only against real Kafka (tests/run_kafka.sh)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from conversations.models import Conversation
from messaging.kafka import stream as kafka
from tests.messaging.kafka.apache import ApacheKafka
from tests.messaging.kafka.conftest import first_of_each, happen, publish_all, unscoped


def test_nothing_acknowledged_is_lost_by_a_kill(
    apache: ApacheKafka, topics: str, conversations: list[Conversation], read_all: Callable[[str], list[Any]]
) -> None:
    for conversation in conversations:
        happen(conversation, 25)
    publish_all()
    assert not unscoped().filter(streamed_at=None).exists()
    apache.kill()
    happen(conversations[0], 5)
    assert kafka.stream_events() == 0
    apache.start()
    kafka.forget()
    publish_all()
    counts = {str(c.id): list(range(1, 31 if c == conversations[0] else 26)) for c in conversations}
    assert first_of_each(read_all(topics)) == counts
