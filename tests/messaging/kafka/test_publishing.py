"""The timeline in Kafka: complete, in order per conversation, whatever breaks (EVT-1, EVT-2, EVT-3)."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest
import structlog
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from kafka.errors import KafkaConnectionError, OutOfOrderSequenceNumberError
from kafka.future import Future
from kafka.producer.sender import Sender
from kafka.protocol.producer import ProduceRequest

from conversations.event_schemas import envelope_read
from conversations.models import Conversation
from conversations.timeline import system_event
from messaging import measures
from messaging.kafka import stream as kafka
from messaging.models import OutboxLane
from messaging.outbox import lanes as outbox
from messaging.publish import publish_events
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tenants.work.breaker import Breaker
from tests.chaos.servers import wait_until
from tests.messaging.kafka.broker import Broker
from tests.messaging.kafka.conftest import first_of_each, happen, publish_all, unscoped

Read = Callable[[str], list[Any]]


def test_an_event_arrives_with_key_headers_and_schema(
    topics: str, conversations: list[Conversation], read_all: Read
) -> None:
    with structlog.contextvars.bound_contextvars(correlation_id="what-began-it"):
        happen(conversations[0])
    publish_all()
    [record] = read_all(topics)
    event = unscoped().get()
    assert record.key.decode() == str(conversations[0].id)
    assert dict(record.headers) == {
        "event-id": str(event.id).encode(),
        "event-type": b"chat.conversation.updated",
        "event-version": b"1",
        "tenant-id": str(event.tenant_id).encode(),
        "correlation-id": b"what-began-it",
        "content-type": b"application/json",
    }
    envelope = envelope_read(record.value)
    assert (envelope.id, envelope.seq, envelope.data) == (event.id, 1, event.payload)
    assert event.streamed_at is not None


def test_every_type_has_its_topic_beside_the_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(settings.ENV, "KAFKA_TOPIC_PREFIX", "chatbot.platform")
    assert kafka.topics_of("chat.message.received", 1) == [
        "chatbot.platform.chat.message.received.v1",
        "chatbot.platform.conversation.events.v1",
    ]
    assert "chatbot.platform.chat.session.ended.v1" in kafka.every_topic()


def test_an_event_goes_to_both_topics(
    topics: str, conversations: list[Conversation], read_all: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.ENV, "KAFKA_TYPE_TOPICS", True)
    call_command("kafka_topics", partitions=1)
    happen(conversations[0])
    publish_all()
    of_type, _ = kafka.topics_of("chat.conversation.updated", 1)
    assert [record.value for record in read_all(of_type)] == [record.value for record in read_all(topics)] != []


def test_events_without_a_conversation_are_keyed_by_tenant(topics: str, tenant: Tenant, read_all: Read) -> None:
    with tenant_scope(tenant.id):
        system_event(tenant.id, "chat.system.webhook_paused", {"endpoint_id": str(tenant.id), "reason": "n"})
    publish_all()
    assert [record.key.decode() for record in read_all(topics)] == [str(tenant.id)]


def test_a_broker_that_was_away_gets_everything(
    topics: str, broker: Broker, conversations: list[Conversation], read_all: Read
) -> None:
    happen(conversations[0], 3)
    publish_all()
    broker.stop()
    for conversation in conversations:
        happen(conversation, 5)
    assert kafka.stream_events() == 0
    assert publish_events() == 23, "webhooks and handlers do not wait for Kafka"
    behind = outbox.lag(outbox.STREAMED)
    assert (behind.rows, behind.age_s >= 0) == (20, True)
    broker.start()
    kafka.forget()  # the pause after a failure
    publish_all()
    counts = {str(c.id): list(range(1, 9 if c == conversations[0] else 6)) for c in conversations}
    assert first_of_each(read_all(topics)) == counts
    assert outbox.lag(outbox.STREAMED) == outbox.Lag(0.0, 0)


def test_a_failure_is_followed_by_a_pause(
    topics: str, broker: Broker, conversations: list[Conversation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kafka, "_breaker", Breaker(failures=1, cool_s=60))  # the pauses have grown
    happen(conversations[0])
    broker.stop()
    assert kafka.stream_events() == 0
    broker.start()
    assert kafka.stream_events() == 0, "the pause lasts"
    kafka.forget()
    assert kafka.stream_events() == 1


def test_batches_failures_and_the_pause_are_measured(
    topics: str, broker: Broker, conversations: list[Conversation]
) -> None:
    def counted() -> list[float]:
        outcomes = [measures.BATCHES.labels(outcome) for outcome in ("acknowledged", "failed")]
        return [one._value.get() for one in (*outcomes, measures.STREAMED, measures.PAUSED)]

    acknowledged, failed, events, _ = counted()
    happen(conversations[0], 3)
    kafka.stream_events()
    assert counted() == [acknowledged + 1, failed, events + 3, 0]
    broker.stop()
    happen(conversations[0])
    kafka.stream_events()
    assert counted() == [acknowledged + 1, failed + 1, events + 3, 1]
    broker.start()
    kafka.forget()
    publish_all()
    assert counted() == [acknowledged + 2, failed + 1, events + 4, 0]


def test_without_kafka_it_begins_with_what_happens_after(
    conversations: list[Conversation], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(settings.ENV, "KAFKA_BROKERS", [])
    happen(conversations[0], 2)
    publish_events()
    assert unscoped().filter(streamed_at=None).count() == 0


def test_a_lane_in_other_hands_is_left_alone(topics: str, conversations: list[Conversation]) -> None:
    happen(conversations[0])
    number = conversations[0].id.int % outbox.LANES
    OutboxLane.objects.create(outbox="streamed", number=number, claim=conversations[0].id, due_at=now() + outbox.LEASE)
    assert kafka.stream_events() == 0
    OutboxLane.objects.update(due_at=now())
    assert kafka.stream_events() == 1, "the lease of a dead worker ends"


def test_an_event_after_a_lost_one_waits_for_it(conversations: list[Conversation]) -> None:
    class Outcome:
        def __init__(self, came: bool):
            self.came = came

        def succeeded(self) -> bool:
            return self.came

    happen(conversations[0], 3)
    happen(conversations[1], 1)
    events = list(unscoped().order_by("conversation_id", "seq"))
    futures = {event.id: [Outcome(True), Outcome(event.seq != 2)] for event in events}
    taken = kafka._acknowledged(events, futures)
    assert [(event.conversation_id, event.seq) for event in taken] == [
        (conversations[0].id, 1),
        (conversations[1].id, 1),
    ]


@pytest.mark.parametrize("refused", [1, 2], ids=["first", "second"])
def test_after_a_refused_batch_nothing_later_goes_out(
    topics: str, conversations: list[Conversation], read_all: Read, monkeypatch: pytest.MonkeyPatch, refused: int
) -> None:
    """As by a broker that came back without its memory of the producer: the batch fails for good, and those that
    wait behind it would be welcome."""
    monkeypatch.setattr(kafka, "BATCH_BYTES", 1)  # each event is a batch
    happen(conversations[0], 4)
    client = kafka.open_producer()._sender._client
    send, sent = client.send, []

    def refusing(node: int, request: Any, **options: Any) -> Any:
        if not isinstance(request, ProduceRequest):
            return send(node, request, **options)
        sent.append(request)
        if len(sent) == refused:
            return Future().failure(OutOfOrderSequenceNumberError())
        return send(node, request, **options)

    monkeypatch.setattr(client, "send", refusing)
    assert kafka.stream_events() == refused - 1
    assert len(sent) == refused
    kafka.forget()
    publish_all()
    assert [json.loads(record.value)["seq"] for record in read_all(topics)] == [1, 2, 3, 4]


def test_a_producer_is_thrown_away_with_what_it_holds(
    topics: str, conversations: list[Conversation], read_all: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its brokers do not answer: what it could not send must not come later, behind what its successor sends."""
    monkeypatch.setattr(kafka, "FLUSH_S", 0.2)
    happen(conversations[0], 2)
    producer = kafka.open_producer()
    held, free = threading.Event(), threading.Event()

    def hold() -> None:  # in the middle of a round that sends nothing any more
        held.set()
        free.wait(30)

    monkeypatch.setattr(producer._sender, "run_once", hold)
    producer._sender.wakeup()
    assert held.wait(30)  # the round that it was in has ended: what comes now stays with it
    assert kafka.stream_events() == 0
    free.set()
    producer._sender.join(10)
    assert not producer._sender.is_alive()
    assert read_all(topics) == []
    kafka.forget()
    assert kafka.stream_events() == 2
    assert [json.loads(record.value)["seq"] for record in read_all(topics)] == [1, 2]


def test_an_event_too_large_goes_without_its_longest_words(
    topics: str, conversations: list[Conversation], read_all: Read
) -> None:
    happen(conversations[0])
    event = unscoped().get()
    unscoped().update(payload={**event.payload, "data": "x" * 2_000_000})
    publish_all()
    [record] = read_all(topics)
    assert json.loads(record.value)["data"] == event.payload


def test_the_order_is_the_conversations_and_not_the_ids(
    topics: str, conversations: list[Conversation], read_all: Read
) -> None:
    """Two machines' clocks disagree: a later event has the smaller id."""
    happen(conversations[0], 2)
    first, second = unscoped().order_by("seq")
    unscoped().filter(id=second.id).delete()
    second.id = type(first.id)(int=first.id.int - (1 << 80))
    second.save(force_insert=True)
    publish_all()
    assert first_of_each(read_all(topics)) == {str(conversations[0].id): [1, 2]}


@pytest.mark.django_db(transaction=True)
def test_two_publishers_and_a_restart_leave_no_gap(
    topics: str, broker: Broker, conversations: list[Conversation], read_all: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two publish while events happen and the broker is restarted in the middle of it. What it acknowledges
    while it stops never comes back: noida-db forgets some of that, and for us it is the harder case anyway."""
    monkeypatch.setattr(kafka, "_one_at_a_time", threading.Semaphore(2))
    monkeypatch.setattr(kafka, "LONGEST_HOLD_S", 0.3)
    each, over, cut = 40, threading.Event(), threading.Event()
    monkeypatch.setattr(Sender, "_handle_produce_response", lost_while(cut))

    def stop() -> None:
        cut.set()
        broker.stop()

    def start() -> None:
        broker.start()
        cut.clear()

    def publish() -> None:
        try:
            while not over.wait(0.01):
                kafka.stream_events(limit=20)
        finally:
            connection.close()

    publishers = [threading.Thread(target=publish) for _ in range(2)]
    for publisher in publishers:
        publisher.start()
    try:
        for round in range(each):
            for conversation in conversations:
                happen(conversation)
            {15: stop, 25: start}.get(round, bool)()
        wait_until(lambda: not unscoped().filter(streamed_at=None).exists(), 60, "all events are acknowledged")
    finally:
        over.set()
        for publisher in publishers:
            publisher.join(40)
    told = first_of_each(read_all(topics))
    assert {key: numbers for key, numbers in told.items() if numbers != list(range(1, each + 1))} == {}
    assert len(told) == len(conversations)


def lost_while(cut: threading.Event) -> Callable[..., None]:
    """Acknowledgements that arrive meanwhile are lost with their connection."""
    handle = Sender._handle_produce_response

    def handled(sender: Sender, node_id: int, sent_at: float, batches: list[Any], response: Any) -> None:
        if cut.is_set():
            sender._failed_produce(batches, node_id, KafkaConnectionError("cut"))
        else:
            handle(sender, node_id, sent_at, batches, response)

    return handled


def test_topics_are_created_once(topics: str, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("kafka_topics", partitions=2, group=["figures"])
    call_command("kafka_topics", partitions=2, group=["figures"])
    first, second = capsys.readouterr().out.splitlines()
    assert (first.split()[0], second.split()[0]) == ("1", "0")
