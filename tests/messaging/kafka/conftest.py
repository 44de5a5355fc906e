"""A broker, topics of each test's own, and events to publish."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.conf import settings

from chatsvc.management.commands.kafka_topics import topics_create
from conversations.models import Conversation, Event
from conversations.timeline import NewEvent, conversation_advance, events_append
from messaging.kafka import stream as kafka
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.storage.db import atomic
from tests.chaos import stream
from tests.factories import ConversationFactory
from tests.messaging.kafka.apache import ApacheKafka
from tests.messaging.kafka.broker import Broker


@pytest.fixture(scope="session")
def broker() -> Iterator[Broker | ApacheKafka]:
    broker = ApacheKafka() if os.environ.get("KAFKA_CLASSPATH") else Broker()
    broker.start()
    yield broker
    broker.remove()


@pytest.fixture
def apache(broker: Broker | ApacheKafka) -> ApacheKafka:
    if not isinstance(broker, ApacheKafka):
        pytest.skip("durability is asserted against Apache Kafka: tests/run_kafka.sh")
    return broker


@pytest.fixture
def topics(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The stream's topic, with three partitions; the types have no topics, so that a test says what it means."""
    given = {
        "KAFKA_BROKERS": [broker.address],
        "KAFKA_TOPIC_PREFIX": f"test-{uuid.uuid4().hex[:8]}",
        "KAFKA_TYPE_TOPICS": False,
        "KAFKA_LINGER_MS": 5,
    }
    for name, value in given.items():
        monkeypatch.setitem(settings.ENV, name, value)
    for name, milliseconds in {"REQUEST_MS": 1_000, "DELIVERY_MS": 2_000, "MOST_BLOCKED_MS": 1_500}.items():
        monkeypatch.setattr(kafka, name, milliseconds)
    kafka.forget()
    topics_create([kafka.stream_topic()], 3, 1)
    yield kafka.stream_topic()
    kafka.forget()


@pytest.fixture
def conversations(tenant: Tenant) -> list[Conversation]:
    return [ConversationFactory(tenant=tenant) for _ in range(4)]


def happen(conversation: Conversation, count: int = 1) -> None:
    """``count`` transactions, each with one event."""
    with tenant_scope(conversation.tenant_id):
        for _ in range(count):
            with atomic():
                taken = conversation_advance({"id": conversation.id}, events=1)
                assert taken is not None
                events_append(taken, [NewEvent("chat.conversation.updated", {"status": "active"})])


def unscoped() -> Any:
    # unscoped: tests count the rows of all tenants
    return Event.objects.unscoped()


def publish_all() -> int:
    """Until nothing is taken any more."""
    return sum(iter(kafka.stream_events, 0))


@pytest.fixture
def read_all(broker: Broker) -> Callable[..., list[Any]]:
    """``read_all(topic)`` → every record in it, by partition and offset."""

    return lambda topic: stream.read_all(broker.address, [topic])


def first_of_each(records: list[Any]) -> dict[str, list[int]]:
    """By conversation, the numbers of its events in the order in which a reader meets each id first."""
    seen: set[str] = set()
    numbers: dict[str, list[int]] = {}
    for record in records:
        event = json.loads(record.value)
        if event["id"] not in seen:
            seen.add(event["id"])
            numbers.setdefault(event["conversation_id"], []).append(event["seq"])
    return numbers
