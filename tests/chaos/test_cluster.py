"""The whole cluster at once: PostgreSQL, Redis, Kafka, and two of every process, all of which die while people write.

Kafka is away for the whole load; in a seeded order PostgreSQL is killed, Redis is killed and comes back empty, and
every kind of process dies by SIGKILL. Afterwards everything that was accepted is stored once, answered, delivered in
order, and its events are in Kafka, whole and in order for a consumer that removes repeats by id.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from channels_app.twin.server import Twin
from tests.chaos import stream
from tests.chaos.ledger import Ledger, assert_all_well
from tests.chaos.load import HUNG, Load, under
from tests.chaos.servers import Postgres, Redis, free_port, wait_until
from tests.chaos.service import Process, answers, deployed, environment, manage, running, set_up
from tests.messaging.kafka.apache import ApacheKafka
from tests.messaging.kafka.broker import Broker

pytestmark = pytest.mark.chaos

GROUP = "figures"
#: name → the words of deploy/run; there are two of each
ROLES = {
    "web": ("web",),
    "ws": ("ws",),
    "worker-in": ("worker", "inbound,respond"),
    "worker-out": ("worker", "deliver"),
    "worker-tell": ("worker", "events,background"),
    "beat": ("beat",),
    "consumer": ("consumer", "--group", GROUP, "--handler", "analytics"),
}
LISTEN = ("web", "ws")
AWAY_S = (0.5, 2.0)  # of whatever was killed
LIFE_S = (0.5, 2.0)  # between two deaths
KILLS_OF_A_ROUND = 5  # of CHAOS_KILLS; in a round everything dies once
ROUND_S = 25.0  # about what a round takes; only spreads the load
STREAMED_S = 150  # at most: a dead publisher's lanes are free after a minute, a pause lasts half of one


def test_the_cluster_loses_nothing(
    tmp_path: Path, twin: Twin, seed: int, kills: int, postgres: Postgres, broker: Redis, kafka: Broker | ApacheKafka
) -> None:
    ports = {(name, number): free_port() for name in LISTEN for number in range(2)}
    webs = [port for (name, _), port in ports.items() if name == "web"]
    environ = environment(
        webs[0], postgres.url, REDIS_URL=broker.url, KAFKA_BROKERS=kafka.address, WORKER_THREADS="3", WEB_THREADS="4"
    )
    api_key = set_up(environ, twin)["api_key"]
    processes = {
        (name, n): process(name, n, ports.get((name, n), 0), environ, tmp_path) for name in ROLES for n in range(2)
    }
    rounds = max(1, kills // KILLS_OF_A_ROUND)
    load = Load(twin, seed, rounds * ROUND_S, ("whatsapp", "webhook", "web"), 36, ports=webs, api_key=api_key)
    ledger, chance = Ledger(postgres.url), random.Random(seed)
    manage(environ, "kafka_topics", "--partitions", "3", "--group", GROUP)
    kafka.stop()
    kafka.start()
    kafka.kill()  # there is nothing in it yet but the topics
    with running(*processes.values()), under(load):
        for _ in range(rounds):
            break_everything(chance, processes, postgres, broker)
        assert_all_well(ledger, load, twin, rounds=rounds)
        assert stream.unstreamed(ledger) > len(load.accepted), "Kafka is away"
        kafka.start()
        wait_until(lambda: not stream.unstreamed(ledger), STREAMED_S, "every event is in Kafka", pause=1)
        wait_until(lambda: not stream.behind(kafka.address, GROUP), 120, "the consumers have handled all", pause=1)
        records = stream.read_all(kafka.address, [stream.STREAM])
        put_aside = stream.read_all(kafka.address, [f"{stream.STREAM}.dead-letters.{GROUP}"])
        wait_until(lambda: all(map(answers, ports.values())), 60, "every server answers", pause=1)
    print(stream.figures(records))
    stream.assert_streamed(ledger, records)
    assert_counted_once(ledger)
    assert put_aside == []
    assert set(load.answers) <= {HUNG, 0, 200, 202, 503}, "every caller that got an answer got a good one"


def process(name: str, number: int, port: int, environ: Mapping[str, str], folder: Path) -> Process:
    words = ROLES[name]
    who = ("-n", f"{name}-{number}@%h") if words[0] == "worker" else ()
    return deployed(
        *words,
        *who,
        environ={**environ, **({"PORT": str(port)} if port else {})},
        log=folder / f"{name}-{number}.log",
        ready=lambda: not port or answers(port),
    )


def break_everything(
    chance: random.Random, processes: Mapping[tuple[str, int], Process], postgres: Postgres, broker: Redis
) -> None:
    """PostgreSQL, Redis and one process of each role die, one after the other in any order, and come back."""
    dying: list[tuple[Callable[[], None], Callable[[], None]]] = [
        (postgres.kill, postgres.start),
        (broker.kill, broker.start),
        *((one.kill, one.launch) for one in (processes[name, chance.randrange(2)] for name in ROLES)),
    ]
    chance.shuffle(dying)
    clock = threading.Event()
    for kill, start in dying:
        clock.wait(chance.uniform(*LIFE_S))
        kill()
        clock.wait(chance.uniform(*AWAY_S))
        start()


def assert_counted_once(ledger: Ledger) -> None:
    """Every event adds one to the figures of its type, by whomever it was handled, the outbox or the consumers."""
    events = ledger.rows("SELECT type, COUNT(*) FROM conversations_event GROUP BY type")
    figures = ledger.rows("SELECT name, SUM(value) FROM messaging_dailyfigure WHERE name LIKE 'chat.%' GROUP BY name")
    assert dict(figures) == dict(events)
