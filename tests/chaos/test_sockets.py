"""The web chat's sockets on two ``ws`` processes, PostgreSQL and Redis (tests 4 and 13 to 16 of the reliability
plan): everybody has every message of their conversation once and in order, whatever is killed, dropped or slow.

The long form: ``SOCKETS_SCALE=12.5 SOCKETS_DROPS=20 SOCKETS_MESSAGES=20 pytest -m chaos -s`` with this file; ``-s``
shows the figures.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.chaos.servers import Postgres, Redis, free_port, wait_until
from tests.chaos.service import Process, answers, deployed, environment, manage, running, seeded
from tests.chaos.socket_clients import Client, Connection

pytestmark = pytest.mark.chaos

SCALE = float(os.environ.get("SOCKETS_SCALE") or 1)
DROPS = int(os.environ.get("SOCKETS_DROPS") or 5)
MESSAGES = int(os.environ.get("SOCKETS_MESSAGES") or 10)
WAIT_S = 60  # at most, for whatever has to come
SOON_S = 15  # with Redis back: a missing beat tells within seconds, the round over all sockets after 10
SILENT_S = 60  # within which a peer that vanished without a word must have been noticed
KIB = 1024


class Cluster:
    """Two ``ws``, one ``web`` and one ``worker`` over one PostgreSQL and one Redis."""

    def __init__(self, folder: Path, postgres: Postgres, redis: Redis):
        self.postgres, self.redis = postgres, redis
        self.web_port, self.ports = free_port(), [free_port(), free_port()]
        more = {"REDIS_URL": redis.url, "ENABLE_RATE_LIMITING": "false", "SWEEP_INTERVAL_S": "1"}
        self.environ = environment(self.web_port, postgres.url, **more)
        self.access = seeded(self.environ)
        self.key = self.access["web_channel_key"]
        self.ws = [
            deployed("ws", environ={**self.environ, "PORT": str(port)}, log=folder / f"ws{number}.log",
                     ready=lambda port=port: answers(port))
            for number, port in enumerate(self.ports)
        ]  # fmt: skip
        self.web = deployed("web", environ=self.environ, log=folder / "web.log", ready=lambda: answers(self.web_port))
        self.worker = deployed("worker", environ=self.environ, log=folder / "worker.log")

    def call(self, method: str, path: str, body: Any = None, *, token: str = "", port: int = 0) -> Any:
        """What the API says; the caller is an integrator unless ``token`` is a visitor's."""
        headers = {"Content-Type": "application/json", "Origin": "http://shop.example"}
        headers["Authorization"] = f"Bearer {token or self.access['api_key']}"
        with closing(http.client.HTTPConnection("127.0.0.1", port or self.web_port, timeout=WAIT_S)) as connection:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            answer = connection.getresponse()
            said = json.loads(answer.read())
        assert answer.status < 300, said
        return said["data"]

    def visitor(self) -> str:
        """The token of a new visitor."""
        path = f"/api/v2/webchat/{self.key}/session"
        with closing(http.client.HTTPConnection("127.0.0.1", self.web_port, timeout=WAIT_S)) as connection:
            connection.request(
                "POST", path, "{}", {"Content-Type": "application/json", "Origin": "http://shop.example"}
            )
            return str(json.loads(connection.getresponse().read())["data"]["visitor_token"])

    def reply(self, conversation: str | None, text: str, message_id: str, *, port: int = 0) -> int:
        """A colleague answers by REST. Returns the seq."""
        body = {"content": {"type": "text", "text": text}, "message_id": message_id}
        path = f"/api/v2/chat/conversations/{conversation}/messages"
        return int(self.call("POST", path, body, port=port)["seq"])

    def last_seq(self, conversation: str | None) -> int:
        with psycopg.connect(self.postgres.url) as rows:
            sql = "SELECT last_seq FROM conversations_conversation WHERE id = %s"
            return int(rows.execute(sql, [conversation]).fetchall()[0][0])


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    postgres, redis = Postgres(), Redis()
    try:
        postgres.start()
        redis.start()
        made = Cluster(tmp_path_factory.mktemp("sockets"), postgres, redis)
        with running(*made.ws, made.web, made.worker):
            yield made
    finally:
        redis.remove()
        postgres.remove()


@pytest.fixture
async def arrive(cluster: Cluster) -> AsyncIterator[Callable[..., Any]]:
    """``await arrive(ports, token=…, talks=True)`` → a client that is ready; one that talks has a conversation
    in which a colleague is in control."""
    here: list[Client] = []

    async def one(ports: list[int], *, token: str = "", talks: bool = True) -> Client:
        client = Client(cluster.key, token or await in_thread(cluster.visitor), ports)
        here.append(client)
        await client.ready(WAIT_S)
        for cid in ["first"][: talks and not client.conversation]:
            await client.say("Hello", cid)
            await client.until(lambda: client.conversation, WAIT_S, "the conversation has begun")
            await in_thread(cluster.call, "POST", f"/api/v2/chat/conversations/{client.conversation}/take-over")
        return client

    yield one
    await asyncio.gather(*(client.stop() for client in here))


@pytest.fixture(autouse=True)
def enough_threads(cluster: Cluster) -> Iterator[None]:
    """As many callers at once as a test has; the loop's own executor has six."""
    with ThreadPoolExecutor(16) as pool:
        POOL.append(pool)
        yield
        POOL.pop()


POOL: list[ThreadPoolExecutor] = []


async def in_thread(call: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(POOL[-1], lambda: call(*arguments, **options))


async def assert_complete(cluster: Cluster, *clients: Client, seconds: float = WAIT_S) -> None:
    """Every transcript frame has come once and in order, up to the last row."""
    for client in clients:
        last = await in_thread(cluster.last_seq, client.conversation)
        await client.until(lambda: client.last_seq >= last, seconds, f"everything up to {last} has come")  # noqa: B023
        assert dict(client.seqs) == {client.conversation: list(range(1, last + 1))}


def scaled(number: int) -> int:
    return max(1, round(number * SCALE))


def pid(process: Process) -> int:
    assert process._process is not None
    return process._process.pid


def memory_kib(process: Process) -> int:
    [line] = [line for line in Path(f"/proc/{pid(process)}/status").read_text().splitlines() if "VmRSS" in line]
    return int(line.split()[1])


# ---------------------------------------------------------------------------------------- two processes


async def test_two_tabs_on_two_processes_see_the_same(cluster: Cluster, arrive: Any) -> None:
    one = await arrive(cluster.ports[:1])
    two = await arrive(cluster.ports[1:], token=one._token)
    said = []
    for number in range(10):
        tab = (one, two)[number % 2]
        said += [f"visitor {number}", f"agent {number}"]
        await tab.say(said[-2], f"cid-{number}")
        await in_thread(cluster.reply, one.conversation, said[-1], f"reply-{number}")
    await assert_complete(cluster, one, two)
    assert one.texts == two.texts
    assert [text for _, text in sorted(two.texts.items()) if text in said] == said

    two.send({"t": "read", "conversation": two.conversation, "seq": 3})
    await one.until(lambda: ("read", 3) in [(f["t"], f.get("seq")) for f in one.passing], WAIT_S, "it was read")
    await in_thread(manage, cluster.environ, "shell", "--verbosity", "0", "-c", TYPES.format(one.conversation))
    for tab in (one, two):
        await tab.until(lambda: "agent" in who_types(tab), WAIT_S, "an agent types")  # noqa: B023


TYPES = """
import time
from messaging.live.hub import hub
from messaging.live.push import push_typing
push_typing("{0}", "agent", on=True)
while hub._pending:
    time.sleep(0.05)
"""


def who_types(client: Client) -> list[str]:
    return [frame["from"]["role"] for frame in client.passing if frame["t"] == "typing"]


async def test_a_process_is_killed_and_its_visitors_go_on_at_the_other(cluster: Cluster, arrive: Any) -> None:
    clients = await asyncio.gather(*(arrive(cluster.ports[:1]) for _ in range(scaled(12))))
    for client in clients:
        client.ports = cluster.ports
    replies = asyncio.gather(*(
        in_thread(cluster.reply, client.conversation, f"answer {number}", f"kill-{number}")
        for number in range(8) for client in clients
    ))  # fmt: skip
    await clients[0].until(lambda: clients[0].last_seq > 3, WAIT_S, "the first replies have come")
    cluster.ws[0].kill()
    try:
        await replies
        await assert_complete(cluster, *clients)
        assert {client.port for client in clients} == {cluster.ports[1]}
        assert {len(client.times) for client in clients} == {2}
    finally:
        await in_thread(cluster.ws[0].start)


async def test_redis_is_killed_and_comes_back_empty(cluster: Cluster, arrive: Any) -> None:
    clients = [await arrive([port]) for port in cluster.ports for _ in range(4)]
    await in_thread(cluster.redis.kill)
    try:
        for number in range(4):
            for client in clients:
                await in_thread(cluster.reply, client.conversation, f"away {number}", f"away-{number}")
        late = await arrive(cluster.ports[:1], token=clients[-1]._token)  # that of a visitor of the other process
    finally:
        await in_thread(cluster.redis.start)
    await assert_complete(cluster, *clients, late, seconds=SOON_S)
    for client in clients:
        await in_thread(cluster.reply, client.conversation, "back", "back")
    await assert_complete(cluster, *clients, late, seconds=SOON_S)
    assert [client.codes for client in clients] == [[]] * len(clients)  # no client lost its socket


async def test_clients_that_are_dropped_again_and_again_miss_nothing(cluster: Cluster, arrive: Any) -> None:
    """Test 13: in CI 40 clients × 5 drops while 400 messages flow."""
    clients = await asyncio.gather(*(arrive(cluster.ports) for _ in range(scaled(40))))
    at_once = asyncio.Semaphore(4)

    async def talk(client: Client) -> None:
        for number in range(MESSAGES // 2):
            async with at_once:
                await in_thread(cluster.reply, client.conversation, f"agent {number}", f"drop-{number}")
            await client.say(f"visitor {number}", f"drop-{number}")

    async def drop(client: Client) -> None:
        for _ in range(DROPS):
            await asyncio.sleep(random.uniform(0.2, 2))
            await client.ready(WAIT_S)
            client.drop()
        await client.ready(WAIT_S)

    async with asyncio.timeout(200 * SCALE * max(1, DROPS / 5)):
        await asyncio.gather(*(play(client) for client in clients for play in (talk, drop)))
    await assert_complete(cluster, *clients)
    sockets = [len(client.times) for client in clients]
    print({"clients": len(clients), "sockets": sum(sockets), "messages": sum(client.last_seq for client in clients)})
    assert min(sockets) > DROPS


# ------------------------------------------------------------------------------------------ slow readers


async def test_a_reader_that_stops_costs_little_and_is_closed(cluster: Cluster, arrive: Any) -> None:
    """Test 14. Each slow reader asks for about 25 MB and takes none of it."""
    slow, process = 4, cluster.ws[1]
    other, long = await arrive(cluster.ports[1:]), await arrive(cluster.ports[:1])
    for number in range(60):
        await in_thread(cluster.reply, long.conversation, "w" * 4000, f"long-{number}")
    await assert_complete(cluster, long)
    hello = {"t": "hello", "token": long._token, "conversation": long.conversation, "after": long.last_seq}
    warm = await stuck(cluster, hello)  # what the first of them makes grow is not what a reader costs
    warm.abort()
    await long.stop()
    before = memory_kib(process)
    readers = [await stuck(cluster, hello) for _ in range(slow)]
    grown, told, began = 0, 0, time.monotonic()
    while any(reader.is_open() for reader in readers) and time.monotonic() < began + WAIT_S:
        grown = max(grown, memory_kib(process) - before)
        told = await in_thread(cluster.reply, other.conversation, "for readers", f"others-{told}")
        await other.until(lambda: other.last_seq >= told, WAIT_S, "others go on")  # noqa: B023
        await asyncio.sleep(0.1)
    print({"slow readers": slow, "KiB each": grown // slow, "closed after s": round(time.monotonic() - began)})
    assert told, "the readers were never stuck"
    assert not any(reader.is_open() for reader in readers)
    assert grown / slow < 3 * KIB
    await assert_complete(cluster, other)
    assert other.codes == []
    for reader in readers:
        reader.abort()
    await assert_complete(cluster, await back(cluster, arrive, long))


async def stuck(cluster: Cluster, hello: dict[str, Any]) -> Connection:
    """Says hello, asks for its transcript again and again, and reads nothing of it."""
    connection = await Connection.open(cluster.ports[1], f"/ws/chat/{cluster.key}/", receive_buffer=8 * KIB)
    connection.send(hello)
    assert (await connection.until("ready"))["t"] == "ready"
    connection.stop_reading()
    for _ in range(50):
        connection.send({"t": "sync", "after": 0})
    return connection


async def back(cluster: Cluster, arrive: Any, client: Client) -> Client:
    """The same visitor with a new, empty client."""
    again: Client = await arrive(cluster.ports, token=client._token)
    return again


# ------------------------------------------------------------------------------------------- a new version


async def test_a_deploy_cuts_no_client_off(cluster: Cluster, arrive: Any) -> None:
    """Test 15: SIGTERM for one ``ws`` with 200 sockets and for ``web`` with requests in flight."""
    silent = await asyncio.gather(*(arrive(cluster.ports[:1], talks=False) for _ in range(scaled(180))))
    talking = await asyncio.gather(*(arrive(cluster.ports[:1]) for _ in range(20)))
    clients = [*silent, *talking]
    for client in clients:
        client.ports = cluster.ports[1:]
    with psycopg.connect(cluster.postgres.url) as rows:  # an agent's reply in there waits for us
        lock = "SELECT id FROM conversations_conversation WHERE id = ANY(%s) FOR UPDATE"
        held = [client.conversation for client in talking[:6]]
        rows.execute(lock, [held])
        in_flight = asyncio.gather(*(in_thread(cluster.reply, one, "held up", "deploy") for one in held))
        await in_thread(wait_until, lambda: waiting(cluster) == len(held), WAIT_S, "the requests are in flight")
        began = asyncio.get_running_loop().time()
        os.kill(pid(cluster.web), signal.SIGTERM)
        os.kill(pid(cluster.ws[0]), signal.SIGTERM)
        await in_thread(wait_until, lambda: not answers(cluster.ports[0]), WAIT_S, "no new client is let in")
        rows.rollback()
    await in_flight
    others = [(one.conversation, "elsewhere", "elsewhere") for one in talking[6:]]
    await asyncio.gather(*(in_thread(cluster.reply, *other, port=cluster.ports[1]) for other in others))
    for client in clients:
        await client.until(lambda: len(client.times) == 2, WAIT_S, "back at the other process")  # noqa: B023
    try:
        assert {tuple(client.codes) for client in clients} == {(1012,)}
        assert {client.port for client in clients} == {cluster.ports[1]}
        await assert_complete(cluster, *talking)
        seconds = Counter(int(client.times[1] - began) for client in clients)
        print({"came back, by second": dict(sorted(seconds.items()))})
        assert max(seconds.values()) < len(clients) / 2, "they came in a herd"
    finally:
        for process in (cluster.web, cluster.ws[0]):
            await in_thread(ended, process)
            await in_thread(process.start)


def waiting(cluster: Cluster) -> int:
    with psycopg.connect(cluster.postgres.url) as rows:
        sql = "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        return int(rows.execute(sql).fetchall()[0][0])


def ended(process: Process) -> None:
    assert process._process is not None
    assert process._process.wait(WAIT_S) == 0, "stopped in its own time"


# --------------------------------------------------------------------------------------------------- idle


async def test_idle_sockets_stay_and_a_vanished_peer_is_noticed(cluster: Cluster, arrive: Any) -> None:
    """Test 16, short: 300 sockets for as long as it takes to notice the one that no longer answers pings."""
    process = cluster.ws[0]
    clients = await asyncio.gather(*(arrive(cluster.ports[:1], talks=False) for _ in range(scaled(300))))
    gone = await Connection.open(cluster.ports[0], f"/ws/chat/{cluster.key}/", silent=True)
    gone.send({"t": "hello", "token": clients[0]._token})
    await gone.until("ready")
    before, began = memory_kib(process), time.monotonic()
    async with asyncio.timeout(SILENT_S):
        assert await gone.next() is None, "the server has let go of it"
    after = memory_kib(process)
    print({"sockets": len(clients), "KiB": (before, after), "noticed after s": round(time.monotonic() - began)})
    assert [client.codes for client in clients] == [[]] * len(clients)
    assert after < before * 1.1
