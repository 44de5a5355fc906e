"""Every dependency behind a proxy that goes wrong in five ways, one after the other, under a steady load: nothing
that was accepted is lost, every request ends in time, and afterwards the processes are no bigger than before.
The long form: ``PROXY_SECONDS=60``, seconds of each toxic."""

from __future__ import annotations

import os
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from channels_app.twin.server import Twin
from tests.chaos import ledger as invariants
from tests.chaos.ledger import Ledger
from tests.chaos.load import REST
from tests.chaos.proxy import TOXICS, Proxy, Toxic
from tests.chaos.servers import Postgres, Redis, free_port, wait_until
from tests.chaos.service import Process, answers, deployed, environment, running, set_up
from tests.chaos.steady import Steady
from tests.chaos.stream import STREAM, assert_streamed, read_all, unstreamed

pytestmark = pytest.mark.chaos

#: What is made when it is first needed, a crew's threads say, is bounded; what grows with each of these is a leak.
ROUNDS = 4
SECONDS = float(os.environ.get("PROXY_SECONDS") or 3)
DEADLINE_S = 10.0  # of every request
ANSWER_S = 2.0  # longest that REST waits for an answer another process is writing
RECOVERED_S = 60.0  # at most, until everything goes on after a toxic
QUIET_S = 120.0  # at most, until all is done after the last one; an abandoned turn is taken up after a minute
PEOPLE = {"whatsapp": 16, REST: 5}
POOL = 4
FINE = {200, 202, 409, 503}  # 409: the first try with that key is still at it
MORE_THREADS, MORE_FILES, MORE_CONNECTIONS = 4, 10, 2  # than before the toxics; a leak is one a fault or a request


def test_every_dependency_through_every_toxic(
    tmp_path: Path, twin: Twin, postgres: Postgres, broker: Redis, kafka: Any
) -> None:
    port = free_port()
    servers = {"postgres": postgres.port, "redis": broker.port, "kafka": kafka.port, "channel": _port(twin.url)}
    with ExitStack() as stack:
        ways = {name: stack.enter_context(Proxy(port, name == "kafka")) for name, port in servers.items()}
        twin.url = f"http://127.0.0.1:{ways['channel'].port}"  # where the channels are told that it is
        environ = environment(
            port,
            postgres.url.replace(f":{postgres.port}/", f":{ways['postgres'].port}/"),
            REDIS_URL=f"redis://127.0.0.1:{ways['redis'].port}/0",
            KAFKA_BROKERS=f"127.0.0.1:{ways['kafka'].port}",
            DATABASE_POOL_SIZE=str(POOL),
            REQUEST_TIMEOUT_MS=str(int(ANSWER_S * 1000)),
            DELIVERY_LEASE_S="30",
            DEFAULT_RATE_LIMIT="100000",
            BURST_LIMIT="100000",
        )
        api_key = set_up(environ, twin)["api_key"]
        processes = {
            "web": deployed("web", environ=environ, log=tmp_path / "web.log", ready=lambda: answers(port)),
            "worker": deployed("worker", environ=environ, log=tmp_path / "worker.log"),
            "beat": deployed("beat", environ=environ, log=tmp_path / "beat.log"),
        }
        stack.enter_context(running(*processes.values()))
        load = Steady(twin, port, api_key, PEOPLE)
        load.start()
        stack.callback(load.stop)
        ledger, measure = Ledger(postgres.url), Measure(processes, postgres, broker)
        goes_on(load, twin, "the start")
        for _ in range(ROUNDS):
            before = measure.most(3.0)
            for toxic in TOXICS:
                for name, way in ways.items():
                    break_it(load, twin, name, way, toxic, SECONDS)
            after = measure.settled(before, 60)
            if not after.exceeds(before):
                break
        load.finish(QUIET_S)
        wait_until(lambda: twin.wait_idle(1) and not ledger.unfinished(), QUIET_S, "nothing unfinished", pause=0.5)
        wait_until(lambda: not unstreamed(ledger), 60, "every event is in Kafka", pause=0.5)
        print({"posts": dict(load.statuses()), "slowest": round(max(one.took_s for one in load.told), 1)})
        print({"before": before, "after": after, **ledger.figures(), "repeats at the twin": len(twin.repeats)})
        assert [one for one in load.told if one.status not in FINE] == []
        assert [one for one in load.told if one.took_s > DEADLINE_S] == []
        invariants.assert_stored_once(ledger, load.accepted)
        invariants.assert_dense(ledger)
        invariants.assert_answered_once(ledger)
        invariants.assert_delivered(ledger, twin.sent)
        assert_streamed(ledger, read_all(kafka.address, [STREAM]))
        assert after.exceeds(before) == {}


def break_it(load: Steady, twin: Twin, name: str, way: Proxy, toxic: Toxic, seconds: float) -> None:
    struck, load.during = way.struck, f"{name} {toxic}"
    with way.toxic(toxic):
        threading.Event().wait(seconds)
        wait_until(lambda: way.struck > struck, 30, f"something met {load.during}")
    met = way.struck - struck
    took = goes_on(load, twin, f"{name} {toxic}")
    during = [one for one in load.told if one.during.endswith(f"{name} {toxic}")]
    refused = Counter(one.status for one in during if one.status not in (200, 202))
    slowest = max((one.took_s for one in during), default=0.0)
    print(f"{name:9} {toxic:11} struck {met:5}  goes on after {took:4.1f} s  slowest {slowest:4.1f} s ", dict(refused))


def goes_on(load: Steady, twin: Twin, what: str) -> float:
    """Wait until REST answers again and messages reach people. Returns after how many seconds."""
    started, sent = time.monotonic(), len(twin.sent)
    load.during = after = f"after {what}"
    fine = (REST, 200, after)
    wait_until(
        lambda: any((one.kind, one.status, one.during) == fine for one in load.told),
        RECOVERED_S,
        f"REST answers {after}",
    )
    wait_until(lambda: len(twin.sent) > sent + 2, RECOVERED_S, f"messages are delivered {after}")
    return time.monotonic() - started


# ------------------------------------------------------------------------------------------ leaks


@dataclass(frozen=True)
class Size:
    """What the processes hold."""

    threads: dict[str, int]
    files: dict[str, int]
    postgres: int
    redis: int

    def exceeds(self, before: Size) -> dict[str, tuple[int, int]]:
        """What is more than ``before``, with both figures; {} when nothing has leaked."""
        limits = {"threads": MORE_THREADS, "files": MORE_FILES, "connections": MORE_CONNECTIONS}
        pairs = {
            **{f"threads of {name}": (before.threads[name], self.threads[name]) for name in self.threads},
            **{f"files of {name}": (before.files[name], self.files[name]) for name in self.files},
            "connections of PostgreSQL": (before.postgres, self.postgres),
            "connections of Redis": (before.redis, self.redis),
        }
        return {what: (old, new) for what, (old, new) in pairs.items() if new > old + limits[what.split()[0]]}


class Measure:
    """Counts by the system and by the servers, past the proxies."""

    def __init__(self, processes: dict[str, Process], postgres: Postgres, redis: Redis):
        self._processes, self._postgres, self._redis = processes, Ledger(postgres.url), redis

    def now(self) -> Size:
        trees = {name: _tree(process._process.pid) for name, process in self._processes.items()}
        return Size(
            threads={name: sum(_count(pid, "task") for pid in tree) for name, tree in trees.items()},
            files={name: sum(_count(pid, "fd") for pid in tree) for name, tree in trees.items()},
            postgres=int(
                self._postgres.rows(
                    "SELECT COUNT(*) FROM pg_stat_activity"
                    " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
                )[0][0]
            ),
            redis=len(self._redis.client.client_list()),
        )

    def most(self, seconds: float) -> Size:
        """The most of each within ``seconds``."""
        end, seen = time.monotonic() + seconds, [self.now()]
        while time.monotonic() < end:
            threading.Event().wait(0.2)
            seen.append(self.now())
        return Size(
            threads={name: max(one.threads[name] for one in seen) for name in self._processes},
            files={name: max(one.files[name] for one in seen) for name in self._processes},
            postgres=max(one.postgres for one in seen),
            redis=max(one.redis for one in seen),
        )

    def settled(self, before: Size, seconds: float) -> Size:
        """The size once it is no more than ``before``, or after ``seconds``."""
        end = time.monotonic() + seconds
        while (size := self.now()).exceeds(before) and time.monotonic() < end:
            threading.Event().wait(0.5)
        return size


def _tree(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task").glob("*/children")
    return [pid, *[below for found in children for child in found.read_text().split() for below in _tree(int(child))]]


def _count(pid: int, what: str) -> int:
    return len(os.listdir(f"/proc/{pid}/{what}"))


def _port(url: str) -> int:
    return int(url.rsplit(":", 1)[1])
