"""What idle web chats cost one process, beside a bare echo consumer: ``python -m benchmarks.idle_sockets``.

``ws`` on a PostgreSQL and a Redis of this run, or with ``--server serve`` the whole service on SQLite. Every second
visitor has a conversation. Loopback only.
"""

from __future__ import annotations

import argparse
import asyncio
import http.client
import json
import os
import resource
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos.servers import Postgres, Redis, free_port
from tests.chaos.service import Process, answers, deployed, environment, manage, running
from tests.chaos.socket_clients import Connection

OPENING = 20  # at once
SETTLE_S = 5.0


@dataclass(frozen=True)
class Figures:
    """Of one server that holds ``sockets``. ``closed`` counts those it did not keep."""

    name: str
    sockets: int
    kib_each: float
    cpu: float  # per cent of a core
    closed: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sockets", type=int, default=2000)
    parser.add_argument("--seconds", type=int, default=60, help="how long they are held")
    parser.add_argument("--server", choices=("ws", "serve"), default="ws")
    given = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        environ = stack.enter_context(database(Path(folder), given.server))
        key = json.loads(manage(environ, "seed_demo", "--bare", "--json"))["web_channel_key"]
        chat = served(given.server, environ, Path(folder))
        say("| what | sockets | KiB each | CPU, % of a core | closed by us |\n|---|---:|---:|---:|---:|")
        with running(chat):
            tokens = visitors(int(environ["PORT"]), key, given.sockets)
            show(asyncio.run(hold("web chat", chat, environ, f"/ws/chat/{key}/", tokens, given.seconds)))
        bare = served("daphne", environ, Path(folder))
        with running(bare):
            tokenless = [""] * given.sockets
            show(asyncio.run(hold("bare echo", bare, environ, "/ws/bench/echo/", tokenless, given.seconds)))


@contextmanager
def database(folder: Path, server: str) -> Iterator[dict[str, str]]:
    """The environment of the processes, over engines of our own; all are gone afterwards."""
    postgres, redis = Postgres(), Redis()
    with ExitStack() as stack:
        more = {"ENABLE_RATE_LIMITING": "false", "LOG_LEVEL": "ERROR"}
        url = f"sqlite:///{folder}/benchmark.sqlite3"
        if server == "ws":
            stack.callback(postgres.remove)
            postgres.start()
            stack.callback(redis.remove)
            redis.start()
            url, more["REDIS_URL"] = postgres.url, redis.url
        environ = environment(free_port(), url, **more)
        manage(environ, "migrate", "--verbosity", "0")
        yield environ


def served(server: str, environ: dict[str, str], folder: Path) -> Process:
    port, log = environ["PORT"], folder / f"{server}.log"
    if server == "daphne":
        arguments = ["-m", "daphne", "-b", "127.0.0.1", "-v", "0", "-p", port, "benchmarks.beside.asgi:application"]
        return Process(arguments, environ, log, lambda: answers(int(port)))
    if server == "serve":
        arguments = ["manage.py", "serve", "--host", "127.0.0.1"]
        return Process(arguments, environ, log, lambda: answers(int(port)))
    return deployed(server, environ=environ, log=log, ready=lambda: answers(int(port)))


def visitors(port: int, key: str, number: int) -> list[str]:
    """The tokens of so many; every second one has said something."""

    def post(path: str, body: Any, token: str = "") -> Any:
        headers = {"Content-Type": "application/json", "Origin": "http://shop.example"}
        headers |= {"Authorization": f"Bearer {token}"} if token else {}
        with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            connection.request("POST", f"/api/v2/webchat/{key}/{path}", json.dumps(body), headers)
            answer = connection.getresponse()
            said = json.loads(answer.read())
        if answer.status != 200:
            raise SystemExit(str(said))
        return said["data"]

    def visitor(place: int) -> str:
        token = str(post("session", {})["visitor_token"])
        if place % 2:
            post("messages", {"t": "send", "cid": f"c{place}", "kind": "text", "text": "Hello"}, token)
        return token

    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(visitor, range(number)))


async def hold(
    name: str, server: Process, environ: dict[str, str], path: str, tokens: list[str], seconds: int
) -> Figures:
    """Open a socket for every token, and keep all of them for so many seconds."""
    port = int(environ["PORT"])
    closed: list[int] = []
    readers: list[asyncio.Task[None]] = []
    at_once = asyncio.Semaphore(OPENING)

    async def one(token: str) -> Connection:
        async with at_once:
            connection = await Connection.open(port, path, protocol="desk-chat.v1" if token else "")
            if token:
                connection.send({"t": "hello", "token": token})
                await connection.until("ready")
            else:
                connection.send({"t": "send", "cid": "c"})
                await connection.until("ack")
        readers.append(asyncio.create_task(read(connection)))  # at once: the first pings come before all are open
        return connection

    async def read(connection: Connection) -> None:
        """Pings are answered; what comes is let go."""
        while await connection.next():
            pass
        closed.append(connection.code)

    for connection in await asyncio.gather(*(one(token) for token in tokens[:50])):
        connection.abort()  # what the first ones make grow is not what a socket costs
    await asyncio.sleep(SETTLE_S)
    closed.clear()
    before = memory_kib(server)
    held = await asyncio.gather(*(one(token) for token in tokens))
    await asyncio.sleep(SETTLE_S)
    busy = cpu_s(server)
    await asyncio.sleep(seconds)
    figures = Figures(
        name=name,
        sockets=len(held),
        kib_each=(memory_kib(server) - before) / len(held),
        cpu=100 * (cpu_s(server) - busy) / seconds,
        closed=len(closed),
    )
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    for connection in held:
        connection.abort()
    return figures


def memory_kib(server: Process) -> int:
    status = Path(f"/proc/{server.pid}/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1])


def cpu_s(server: Process) -> float:
    after_name = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")


def show(one: Figures) -> None:
    say(f"| {one.name} | {one.sockets} | {one.kib_each:.1f} | {one.cpu:.1f} | {one.closed} |")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
