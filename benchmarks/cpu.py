"""CPU time of a message, in one process without a server: ``python -m benchmarks.cpu``.

The clock is the thread's CPU time, so other work on the machine counts little; lines are interleaved, and a figure is
the median over the rounds. Compare ratios: **floor** is a plain Django view that reads JSON and answers JSON.
"""

from __future__ import annotations

import argparse
import io
import itertools
import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks.ground import ground
from benchmarks.rest import body

LINES = {
    "floor_us": "/bench/plain",
    "bare_two_commits_us": "/bench/bare",
    "rest_echo_us": "/api/v2/chat/message",
    "rest_builtin_us": "/api/v2/chat/message",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--requests", type=int, default=150, help="of each line in each round")
    parser.add_argument("--json", action="store_true", help="one line of JSON instead of a table")
    given = parser.parse_args()
    with ground() as on:
        from chatsvc.wsgi import application

        keys = {"rest_echo_us": on.echo_key, "rest_builtin_us": on.key}
        calls = {name: caller(application, path, keys.get(name, "")) for name, path in LINES.items()}
        figures = measured(calls, given.rounds, given.requests)
    if given.json:
        print(json.dumps(figures))
        return
    for name, figure in figures.items():
        print(f"{name:22} {figure:8.0f}   {figures['floor_us'] / figure:6.3f} of the floor's rate")


def caller(application: Any, path: str, key: str) -> Callable[[int], None]:
    """A function that makes the n-th request in this thread, and fails unless it is answered with 200."""
    environ = {
        "REQUEST_METHOD": "POST", "PATH_INFO": path, "QUERY_STRING": "", "CONTENT_TYPE": "application/json",
        "SERVER_NAME": "localhost", "SERVER_PORT": "80", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1",
        "wsgi.url_scheme": "http", "wsgi.version": (1, 0), "wsgi.errors": io.StringIO(), "wsgi.multithread": True,
        "wsgi.multiprocess": False, "wsgi.run_once": False, "HTTP_HOST": "localhost",
        **({"HTTP_AUTHORIZATION": f"Bearer {key}"} if key else {}),
    }  # fmt: skip

    def call(n: int) -> None:
        said = body(n)
        told: list[str] = []
        given = {**environ, "wsgi.input": io.BytesIO(said), "CONTENT_LENGTH": str(len(said))}
        answer = application(given, lambda status, *_: told.append(status))
        b"".join(answer)
        answer.close()
        assert told == ["200 OK"], told

    return call


def measured(calls: dict[str, Callable[[int], None]], rounds: int, requests: int) -> dict[str, float]:
    """Microseconds of CPU per request, by line; the first round warms up."""
    spent: dict[str, list[float]] = {name: [] for name in calls}
    numbers = itertools.count()
    for _ in range(rounds + 1):
        for name, call in calls.items():
            began = time.thread_time()
            for number in itertools.islice(numbers, requests):
                call(number)
            spent[name].append((time.thread_time() - began) / requests * 1e6)
    return {name: round(statistics.median(figures[1:]), 1) for name, figures in spent.items()}


if __name__ == "__main__":
    main()
