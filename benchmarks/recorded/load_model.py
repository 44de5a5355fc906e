"""What so many messages a second need, worked out from the recorded cost of one: ``python -m benchmarks.recorded.load_model``.

Its tables stand in docs/scaling.md. With ``--locust PROGRAM`` the model is held against Locust: every process on this
machine, people who write by REST without a pause, and the rate that the model says (within TOLERANCE, exit code 1
otherwise). A message here is one that comes in by WhatsApp, is understood and answered once.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.recorded.record import RECORD

RATES = (10, 100, 1_000, 10_000)
BUSY = 0.6  # of a core, at most, on average: what is above is for bursts, and for the loss of one machine in three
CONNECTIONS = 8 + 1  # of a process, at most: DATABASE_POOL_SIZE, and the one of its clock
DATABASE_CORES = 32  # of one PostgreSQL server: beyond it its own locks are what is waited for
REDIS_CORES = 1  # of one Redis: it works off its commands in one thread
KAFKA_EVENT_BYTES = 900  # of one record: 600 of its value and its headers, before compression
KAFKA_TOPICS = 2  # that an event goes into: its conversation's stream, and that of its type
PARTITION_BYTES = 1_000_000  # a second, that one partition and its reader should carry
SPREAD = ("web", "inbound", "respond", "deliver", "events")  # what there may be any number of
TOLERANCE = 0.3
DAY_S = 86_400


@dataclass(frozen=True)
class Cost:
    """Of one message: CPU microseconds by process of ours, of PostgreSQL and Redis; bytes; events."""

    ours: Mapping[str, float]
    postgresql: float
    redis: float
    wal_bytes: float = 0.0
    stored_bytes: float = 0.0
    commits: float = 0.0
    events: float = 0.0

    @property
    def whole(self) -> float:
        return sum(self.ours.values()) + self.postgresql + self.redis


@dataclass(frozen=True)
class Need:
    """For a rate. ``processes`` of a kind: each computes on one core at most (the interpreter's lock)."""

    rate: float
    processes: Mapping[str, int]
    database_cores: float
    redis_cores: float
    shards: int
    connections: int
    commits: float
    wal_mb_s: float
    stored_gb_day: float
    events: float
    kafka_mb_s: float
    partitions: int


def cost_of(cluster: Mapping[str, Any], prefix: str = "") -> Cost:
    """From the figures of benchmarks.end_to_end; ``prefix`` "rest_" for a message by REST, whose bytes were not taken."""
    facts = {} if prefix else cluster["per_message"]
    ours = cluster[f"{prefix}us_by_process"]
    return Cost(ours, cluster[f"{prefix}postgresql_us"], cluster[f"{prefix}redis_us"], **facts)


def need(cost: Cost, rate: float) -> Need:
    def cores(us: float) -> float:
        return rate * us / 1e6 / BUSY

    processes = {name: max(1, math.ceil(cores(cost.ours[name]))) for name in SPREAD}
    kafka = rate * cost.events * KAFKA_EVENT_BYTES
    return Need(
        rate=rate,
        processes=processes,
        database_cores=cores(cost.postgresql),
        redis_cores=cores(cost.redis),
        shards=math.ceil(max(1, cores(cost.postgresql) / DATABASE_CORES, cores(cost.redis) / REDIS_CORES)),
        connections=sum(processes.values()) * CONNECTIONS,
        commits=rate * cost.commits,
        wal_mb_s=rate * cost.wal_bytes / 1e6,
        stored_gb_day=rate * cost.stored_bytes * DAY_S / 1e9,
        events=rate * cost.events,
        kafka_mb_s=kafka * KAFKA_TOPICS / 1e6,
        partitions=max(6, math.ceil(kafka / PARTITION_BYTES)),
    )


def most_per_second(cost: Cost, cores: float, beside_us: float = 0.0) -> float:
    """Messages a second that a machine of so many cores carries when it does nothing else; ``beside_us`` is what a client
    on the same machine takes for each. A single process of each kind."""
    return min(cores * 1e6 / (cost.whole + beside_us), 1e6 / max(cost.ours.values()))


# ------------------------------------------------------------------------------- tables


def tables(cost: Cost) -> str:
    """Markdown, a column for each rate."""
    needs = [need(cost, rate) for rate in RATES]
    head = ["", *(f"{rate:,}/s" for rate in RATES)]
    rows: list[Sequence[object]] = [
        *([f"`{name}` processes", *(one.processes[name] for one in needs)] for name in SPREAD),
        ["PostgreSQL, cores", *(f"{one.database_cores:,.1f}" for one in needs)],
        ["shards: a PostgreSQL and a Redis each", *(one.shards for one in needs)],
        ["Redis, cores", *(f"{one.redis_cores:,.2f}" for one in needs)],
        ["connections to PostgreSQL, at most", *(f"{one.connections:,}" for one in needs)],
        ["transactions of PostgreSQL a second, reads included", *(f"{one.commits:,.0f}" for one in needs)],
        ["WAL, MB/s", *(f"{one.wal_mb_s:,.1f}" for one in needs)],
        ["rows and indexes, GB a day", *(f"{one.stored_gb_day:,.0f}" for one in needs)],
        ["events a second", *(f"{one.events:,.0f}" for one in needs)],
        ["Kafka, MB/s before replication", *(f"{one.kafka_mb_s:,.2f}" for one in needs)],
        ["Kafka, partitions of a topic", *(one.partitions for one in needs)],
    ]
    return f"{_costs(cost)}\n\n{_markdown(head, rows)}"


def end_of_a_server(cost: Cost) -> str:
    """A sentence: the rates at which one PostgreSQL and one Redis end, and what is written and stored there."""
    rate = BUSY * DATABASE_CORES * 1e6 / cost.postgresql
    there, redis = need(cost, rate), BUSY * REDIS_CORES * 1e6 / cost.redis
    return (
        f"The model ends a PostgreSQL server at {DATABASE_CORES} cores (`DATABASE_CORES`): about **{rate:,.0f} messages "
        f"a second**, {there.stored_gb_day:,.0f} GB a day, {there.wal_mb_s:,.0f} MB/s of WAL. One Redis works in one "
        f"thread and ends at about **{redis:,.0f} messages a second**. What ends first is what the line “shards” counts."
    )


def _costs(cost: Cost) -> str:
    us = {**cost.ours, "PostgreSQL": cost.postgresql, "Redis": cost.redis, "all": cost.whole}
    shown = {name: figure for name, figure in us.items() if name in SPREAD or name[0].isupper() or name == "all"}
    return _markdown(["CPU of a message, ms", *shown], [["", *(f"{figure / 1000:.1f}" for figure in shown.values())]])


def _markdown(head: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


# ------------------------------------------------------------------------------- Locust


def against_locust(cost: Cost, program: str, people: int, seconds: int) -> bool:
    """Whether Locust's rate is the model's. Says both."""
    from benchmarks.cluster.service import cluster
    from benchmarks.end_to_end import LONGEST_S, rest_burst
    from tests.chaos.servers import wait_until

    with cluster() as running:
        rest_burst(running, 200)  # the processes are warm
        before, client = running.cpu(), os.times()
        said = _locust(program, running.port, running.on.echo_key, people, seconds)
        after_client = os.times()
        wait_until(running.finished, LONGEST_S, "all is published", 0.5)
        spent = {name: at - before[name] for name, at in running.cpu().items() if name not in ("client", "platform")}
    messages = said["num_requests"]
    rate = messages / (said["last_request_timestamp"] - said["start_time"])
    client_us = sum(after_client[2:4]) - sum(client[2:4])
    client_us *= 1e6 / messages
    us = sum(spent.values()) / messages * 1e6
    predicted = most_per_second(cost, os.cpu_count() or 1, client_us)
    print(f"Locust: {messages} messages, {said['num_failures']} failures, its own CPU {client_us:,.0f} us each")
    print(f"rate: {rate:.1f}/s, the model says {predicted:.1f}/s ({rate / predicted - 1:+.0%})")
    print(f"CPU of a message: {us:,.0f} us, the model says {cost.whole:,.0f} us ({us / cost.whole - 1:+.0%})")
    return not said["num_failures"] and abs(rate / predicted - 1) <= TOLERANCE


def _locust(program: str, port: int, key: str, people: int, seconds: int) -> dict[str, Any]:
    """Locust's figures of the messages."""
    command = [program, "-f", "tests/performance/locustfile.py", f"--host=http://127.0.0.1:{port}", "--headless",
               "--tags", "message", "-u", str(people), "-r", str(people), "-t", f"{seconds}s", "--json",
               "--only-summary", "--exit-code-on-error", "0"]  # fmt: skip
    environ = {"PATH": os.environ["PATH"], "CHATSVC_API_KEY": key, "CHATSVC_PAUSE_S": "0"}
    done = subprocess.run(command, env=environ, stdout=subprocess.PIPE, text=True, check=True)
    [said] = json.loads(done.stdout[done.stdout.index("[") :])
    return dict(said)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--locust", help="the program that the model is held against")
    parser.add_argument("--people", type=int, default=16)
    parser.add_argument("--seconds", type=int, default=60)
    given = parser.parse_args()
    cluster = json.loads(RECORD.read_text())["cluster"]
    if not given.locust:
        print(tables(cost_of(cluster)))
    elif not against_locust(cost_of(cluster, "rest_"), given.locust, given.people, given.seconds):
        sys.exit(1)


if __name__ == "__main__":
    main()
