"""Load over kept-alive connections, in interleaved rounds, and the table of what came of it.

Owns the measuring. Must not know what is measured.
"""

from __future__ import annotations

import argparse
import http.client
import json
import statistics
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

Request = tuple[str, bytes, Mapping[str, str]]  # path, body, headers


@dataclass
class Line:
    """One thing that is measured. ``make(n)`` gives its n-th request, a GET where it has no body; ``beside`` names
    what it is compared with. ``port``: of its server, where there are several."""

    name: str
    make: Callable[[int], Request]
    beside: str = ""
    expect: int = 200
    port: int = 0
    sent: int = 0
    rates: list[float] = field(default_factory=list)  # per second, one a round
    latencies: list[float] = field(default_factory=list)  # milliseconds


def arguments(about: str, servers: Sequence[str] = ()) -> argparse.Namespace:
    """``servers``: the processes to choose from, the default first."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--requests", type=int, default=100, help="per line and round, over all clients")
    parser.add_argument("--clients", type=int, default=2, help="connections at once")
    if servers:
        parser.add_argument("--server", choices=servers, default=servers[0], help="process in front of the database")
    return parser.parse_args()


def measure(port: int, lines: Sequence[Line], given: argparse.Namespace) -> None:
    """Every line in every round, forwards and backwards in turn; the first round only warms up."""
    rounds = [(lines, False), *((lines[:: 1 if number % 2 else -1], True) for number in range(given.rounds))]
    for ordered, counts in rounds:
        for line in ordered:
            _round(line.port or port, line, given.requests, given.clients, counts)


def _round(port: int, line: Line, requests: int, clients: int, counts: bool) -> None:
    took: list[float] = []
    wrong: list[int] = []
    each = requests // clients
    plan = [[line.make(line.sent + client * each + n) for n in range(each)] for client in range(clients)]
    line.sent += each * clients
    threads = [threading.Thread(target=_client, args=(port, todo, line.expect, took, wrong)) for todo in plan]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    elapsed = time.perf_counter() - started
    if wrong or len(took) != each * clients:
        raise SystemExit(f"{line.name}: {len(took)} answers, unexpected statuses {sorted(set(wrong))}")
    if counts:
        line.rates.append(len(took) / elapsed)
        line.latencies += took


def _client(port: int, todo: Sequence[Request], expect: int, took: list[float], wrong: list[int]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    for path, body, headers in todo:
        started = time.perf_counter()
        connection.request("POST" if body else "GET", path, body, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        answer.read()
        took.append((time.perf_counter() - started) * 1000)
        if answer.status != expect:
            wrong.append(answer.status)
    connection.close()


def table(lines: Sequence[Line]) -> str:
    """Markdown. A ratio is the median over the rounds of this line's rate by the other's."""
    rows = ["| what | per second | p50 ms | p99 ms | ratio | beside |", "|---|---:|---:|---:|---:|---|"]
    by_name = {line.name: line for line in lines}
    for line in lines:
        ratio = ""
        if line.beside:
            pairs = zip(line.rates, by_name[line.beside].rates, strict=True)
            ratio = f"{statistics.median(mine / other for mine, other in pairs):.2f}"
        cuts = statistics.quantiles(line.latencies, n=100)
        rate = statistics.median(line.rates)
        rows.append(f"| {line.name} | {rate:.0f} | {cuts[49]:.1f} | {cuts[98]:.1f} | {ratio} | {line.beside} |")
    return "\n".join(rows)


def show(lines: Sequence[Line]) -> None:
    sys.stdout.write(table(lines) + "\n")


def as_json(value: object) -> bytes:
    return json.dumps(value).encode()
