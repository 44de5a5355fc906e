"""The way of the timeline to Kafka: away for the whole load no caller notices, and publishers that are killed in the
middle of a backlog lose nothing."""

from __future__ import annotations

import random
import threading
from pathlib import Path

import pytest

from channels_app.twin.server import Twin
from tests.chaos import stream
from tests.chaos.ledger import Ledger, assert_all_well
from tests.chaos.load import Load, under, warm
from tests.chaos.servers import Redis, free_port, wait_until
from tests.chaos.service import answers, deployed, environment, manage, running, set_up
from tests.messaging.kafka.apache import ApacheKafka
from tests.messaging.kafka.broker import Broker

pytestmark = pytest.mark.chaos

LOAD_S = 10.0
BATCH = 500  # events that a publisher has in hand at once, and so the most that a death can repeat
STREAMED_S = 150  # at most: a dead publisher's lanes are free after a minute, a pause lasts half of one
BACKLOG = """
from conversations.models import Conversation
from conversations.timeline import NewEvent, conversation_advance, events_append
from tenants.storage.db import atomic
from tenants.scope import tenant_scope
for conversation in Conversation.objects.unscoped():
    with tenant_scope(conversation.tenant_id):
        for _ in range({times}):
            with atomic():
                taken = conversation_advance({{"id": conversation.id}}, events=50)
                events_append(taken, [NewEvent("chat.conversation.updated", {{"status": "active"}})] * 50)
"""


def test_kafka_is_away_and_then_publishers_are_killed(
    tmp_path: Path, twin: Twin, seed: int, kills: int, postgres_url: str, broker: Redis, kafka: Broker | ApacheKafka
) -> None:
    port, ledger, chance = free_port(), Ledger(postgres_url), random.Random(seed)
    environ = environment(
        port, postgres_url, REDIS_URL=broker.url, KAFKA_BROKERS=kafka.address, KAFKA_TYPE_TOPICS="false",
        WORKER_THREADS="4",
    )  # fmt: skip
    api_key = set_up(environ, twin)["api_key"]
    work = deployed("worker", "inbound,respond,deliver,background", "-n", "work@%h", environ=environ, log=tmp_path / "work.log")  # fmt: skip
    publishers = [
        deployed(
            "worker", "events", "-n", f"events-{number}@%h", environ=environ, log=tmp_path / f"events-{number}.log"
        )
        for number in range(2)
    ]
    others = [
        deployed("web", environ=environ, log=tmp_path / "web.log", ready=lambda: answers(port)),
        deployed("beat", environ=environ, log=tmp_path / "beat.log"),
    ]
    load = Load(twin, seed, LOAD_S, ("whatsapp", "web"), ports=[port], api_key=api_key)
    manage(environ, "kafka_topics", "--partitions", "3")
    kafka.stop()
    kafka.start()
    kafka.kill()  # there is nothing in it yet but the topics
    with running(*others, work, *publishers):
        wait_until(lambda: broker.waiting() == 1 + len(publishers), 120, "all workers wait for tasks")
        warm(port, api_key, load)
        with under(load):
            assert_all_well(ledger, load, twin)
        assert set(load.answers) <= {200, 202}, "no caller noticed"
        assert ledger.rows("SELECT id FROM conversations_event WHERE streamed_at IS NOT NULL") == []
        manage(environ, "shell", "--verbosity", "0", "-c", BACKLOG.format(times=3 + kills // 3))
        print({"backlog": stream.unstreamed(ledger)})
        kafka.start()
        for _ in range(kills):
            before = stream.unstreamed(ledger)
            wait_until(
                lambda before=before: stream.unstreamed(ledger) < before, STREAMED_S, "events are on their way", 0.02
            )
            threading.Event().wait(chance.uniform(0, 0.3))
            one = chance.choice(publishers)
            one.kill()
            one.launch()
        left = stream.unstreamed(ledger)
        wait_until(lambda: not stream.unstreamed(ledger), STREAMED_S, "every event is in Kafka", pause=0.5)
    records = stream.read_all(kafka.address, [stream.STREAM])
    told = stream.figures(records)
    print({"kills": kills, "left after the last": left, **told})
    assert left, "the kills came while there was something to publish"
    stream.assert_streamed(ledger, records)
    assert told["repeats in Kafka"] <= kills * BATCH
