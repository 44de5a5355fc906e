"""Servers, twin and seed of the chaos tests."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator

import pytest

from channels_app.twin import server
from tests.chaos.servers import Postgres, Redis
from tests.messaging.kafka.apache import ApacheKafka
from tests.messaging.kafka.broker import Broker


@pytest.fixture(scope="module", autouse=True)
def meaning() -> Iterator[None]:
    """Processes that are killed look at words' meaning, as they do in life; those of other tests do not."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("ASSISTANT_MEANING", raising=False)
        yield


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    database = Postgres()
    database.start()
    yield database
    database.remove()


@pytest.fixture
def postgres_url(postgres: Postgres) -> str:
    return postgres.url


@pytest.fixture
def broker() -> Iterator[Redis]:
    redis = Redis()
    redis.start()
    yield redis
    redis.remove()


@pytest.fixture
def redis_url(broker: Redis) -> str:
    return broker.url


@pytest.fixture
def kafka() -> Iterator[Broker | ApacheKafka]:
    """Apache Kafka where tests/run_kafka.sh has fetched it, else noida-db, which may forget what it had
    acknowledged when it is killed: it must not be killed while it holds something."""
    brokers = ApacheKafka() if os.environ.get("KAFKA_CLASSPATH") else Broker()
    brokers.start()
    yield brokers
    brokers.remove()


@pytest.fixture
def twin(tmp_path) -> Iterator[server.Twin]:
    """A platform that removes repeats by our reference and reports one status of each message."""
    with server.start(log=tmp_path / "twin.jsonl") as running:
        running.configure(dedupe=True, statuses=["delivered"])
        yield running


@pytest.fixture
def seed() -> int:
    """Printed when a test fails; CHAOS_SEED repeats the same choices."""
    chosen = int(os.environ.get("CHAOS_SEED") or random.randrange(10**6))
    print(f"CHAOS_SEED={chosen}")
    return chosen


@pytest.fixture
def kills() -> int:
    """5 unless CHAOS_KILLS says otherwise; the long form has 30."""
    return int(os.environ.get("CHAOS_KILLS") or 5)
