"""CPU time of a message, in one process without a server: ``python -m benchmarks.cpu``.

The clock is CPU time (the thread's; for sockets the process's), so other work on the machine counts little; lines are
interleaved, and a figure is the median over the rounds. Compare ratios: **floor** is a plain Django view that reads
JSON and answers JSON, **usual** the same task as benchmarks/beside/usual.py writes it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack

from benchmarks.cpu.journey import Journey
from benchmarks.cpu.requests import Requests
from benchmarks.cpu.talk import Talk
from benchmarks.ground import Ground, ground

Slice = Callable[[], Mapping[str, float]]  # does a part of a round; figure by name
MESSAGE = "/api/v2/chat/message"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--requests", type=int, default=100, help="of each REST line in each round")
    parser.add_argument(
        "--messages", type=int, default=50, help="WhatsApp messages in each round, published as one batch"
    )
    parser.add_argument("--sends", type=int, default=6, help="of each of 50 sockets in each round")
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    given = parser.parse_args()
    with ExitStack() as stack:
        on = stack.enter_context(ground())
        lines = lines_of(on, given, stack)
        figures = measured(lines, given.rounds)
        figures |= Journey.counts(on)
    show(figures)
    if given.json:
        print(json.dumps(figures))


def lines_of(on: Ground, given: argparse.Namespace, stack: ExitStack) -> Sequence[Slice]:
    """In the order in which each round runs them; REST lines share the numbers of their messages."""
    from chatsvc.processes import garbage
    from chatsvc.wsgi import application

    requests = Requests(application, given.requests)
    journey = stack.enter_context(Journey.on(application, on.whatsapp, on.phone))
    talk = stack.enter_context(Talk.on(on))
    garbage.stand()  # as every process of the service does, once all of it is there
    return [
        requests.line("floor_us", "/bench/plain"),
        requests.line("bare_two_commits_us", "/bench/bare"),
        requests.line("usual_rest_us", "/bench/usual", on.echo_key),
        requests.line("rest_echo_us", MESSAGE, on.echo_key),
        requests.line("rest_builtin_us", MESSAGE, on.key),
        requests.page_line("page_us", MESSAGE, on.echo_key),
        lambda: journey.slice(given.messages),
        lambda: talk.slice("socket", f"/ws/chat/{on.web_key}/", given.sends),
        lambda: talk.slice("usual_socket", "/ws/bench/usual/", given.sends),
        lambda: talk.slice("echo_socket", "/ws/bench/echo/", given.sends),
    ]


def measured(lines: Sequence[Slice], rounds: int) -> dict[str, float]:
    """The median of each figure; the first round warms up."""
    found: dict[str, list[float]] = defaultdict(list)
    for number in range(rounds + 1):
        for line in lines:
            for name, figure in line().items():
                found[name].append(figure)
        print(f"round {number} of {rounds}", file=sys.stderr)
    return {name: round(statistics.median(figures[1:]), 1) for name, figures in found.items()}


def show(figures: Mapping[str, float]) -> None:
    """One line each; what is CPU time, beside the floor as well."""
    for name, figure in figures.items():
        part = f"{figures['floor_us'] / figure:10.3f} F" if name.endswith("_us") else ""
        print(f"{name:24} {figure:10,.1f} {part}")


if __name__ == "__main__":
    main()
