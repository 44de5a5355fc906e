"""What a WhatsApp message costs the machine, over all processes: ``python -m benchmarks.end_to_end``.

PostgreSQL (with fsync) and Redis of the run, every process by ``deploy/run``, the echo engine, a platform that answers at
once. People are known: each has had an answer before the burst that is measured. CPU is read from the kernel, in 10 ms.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.cluster.alone import alone
from benchmarks.cluster.client import Request, burst
from benchmarks.cluster.profile import COUNTING, profiled
from benchmarks.cluster.service import Cluster, cluster
from benchmarks.rest import body
from benchmarks.webhooks import signed, webhook
from tests.chaos.servers import wait_until

BESIDE = ("client", "platform")  # no part of what a message costs
LONGEST_S = 300.0
LEARNS_S = 120.0  # that is waited for: what learns is the politest process of the machine
SENT = "SELECT count(*)::float8 FROM messaging_delivery WHERE status = 'sent'"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=2000, help="of the burst, each of another person")
    parser.add_argument("--settle", type=float, default=10.0, help="seconds of rest before memory is read")
    parser.add_argument(
        "--profile", metavar="PY_SPY", help="of the burst alone: what CPU time was for, by this program"
    )
    parser.add_argument("--json", action="store_true", help="the last line is one JSON object")
    given = parser.parse_args()
    if given.profile:
        print("\n".join(profile(given.profile, given.messages)))
    else:
        show(given)


def show(given: argparse.Namespace) -> None:
    with cluster() as running:
        figures = measured(running, given.messages, given.settle)
    for name, figure in figures.items():
        print(f"{name:22} {figure}")
    if given.json:
        print(json.dumps(figures))


def measured(running: Cluster, messages: int, settle_s: float) -> dict[str, Any]:
    """The figures of each part; the last part ends the workers."""
    figures = resting(running, settle_s)
    say("people write for the first time")
    whole_burst(running, messages, 0)
    say("the burst")
    figures |= whole_burst(running, messages, 1)
    say("REST")
    figures |= rest_burst(running, messages // 2)
    say("one deliver process, then one events process, each alone")
    waiting = [_webhook(running, f"alone.{n}", n) for n in range(messages)]
    figures |= alone(running, messages, lambda: burst(running.port, waiting), LONGEST_S)
    say("webhooks, new and again")
    return figures | webhook_bursts(running, messages // 2)


def profile(program: str, messages: int) -> Sequence[str]:
    """The burst under a sampler, which makes it slower: proportions count, not the figures."""
    with cluster(COUNTING) as running:
        whole_burst(running, messages, 0)
        with profiled(running, program, messages) as lines:
            lines.append(str(whole_burst(running, messages, 1)))
    return lines


def resting(running: Cluster, settle_s: float) -> dict[str, Any]:
    """Memory of our processes that have done nothing yet, and the cores that all of them take meanwhile. What they begin
    with, learning, has come to its end, or (a busy machine) is in the figures."""
    ends = time.monotonic() + LEARNS_S
    while not _has_learnt(running, settle_s) and time.monotonic() < ends:
        say("an assistant learns")
    before = running.cpu()
    time.sleep(settle_s)
    cores = sum(_spent(before, running.cpu()).values()) / settle_s
    by_process = running.memory_mb()
    return {"idle_mb": round(sum(by_process.values()), 1), "idle_mb_by_process": by_process,
            "idle_cores": round(cores, 3)}  # fmt: skip


def _has_learnt(running: Cluster, for_s: float) -> bool:
    """Whether no assistant learns, now and so many seconds later: one thing is learnt after another."""
    time.sleep(for_s)
    if running.learns():
        return False
    time.sleep(for_s)
    return not running.learns()


def whole_burst(running: Cluster, messages: int, round: int) -> dict[str, Any]:
    """From the first webhook to the last answer at the platform; CPU until all is published."""
    taken_before, sent_before = running.platform_figures()["messages"], running.asked(SENT)
    requests = [_webhook(running, f"burst{round}.{n}", n) for n in range(messages)]
    facts, before, began = running.facts(), running.cpu(), time.time()
    burst(running.port, requests)
    wait_until(
        lambda: running.platform_figures()["messages"] >= taken_before + messages, LONGEST_S, "all are answered", 0.5
    )
    wait_until(running.finished, LONGEST_S, "all is published", 0.5)
    after, last_at = running.cpu(), running.platform_figures()["last_at"]
    taken, sent = running.platform_figures()["messages"] - taken_before, running.asked(SENT) - sent_before
    assert (taken, sent) == (messages, messages), f"{taken} answers to {messages} messages, {sent} are `sent`"
    each = {name: round_(figure - facts[name], messages) for name, figure in running.facts().items()}
    return {"per_second": round_(messages, last_at - began), **_us(before, after, messages), "per_message": each}


def rest_burst(running: Cluster, messages: int) -> dict[str, Any]:
    headers = {"Authorization": f"Bearer {running.on.echo_key}"}
    requests = [("/api/v2/chat/message", body(n), headers) for n in range(messages)]
    burst(running.port, requests[: messages // 10])  # these people are known then, and the statements
    before, began = running.cpu(), time.time()
    burst(running.port, requests[messages // 10 :])
    elapsed = time.time() - began
    wait_until(running.finished, LONGEST_S, "all is published", 0.5)
    figures = _us(before, running.cpu(), len(requests) - messages // 10)
    return {"rest_per_second": round_(len(requests) - messages // 10, elapsed),
            **{f"rest_{name}": figure for name, figure in figures.items()}}  # fmt: skip


def webhook_bursts(running: Cluster, messages: int) -> dict[str, Any]:
    """Accepting alone, by the server, PostgreSQL and Redis together: the workers are gone."""
    requests = [_webhook(running, f"again.{n}", n) for n in range(messages)]
    new = _accepting(running, requests)
    again = _accepting(running, requests)
    return {"webhook_new_us": new["us"], "webhook_again_us": again["us"],
            "webhook_again_ratio": round(again["us"] / new["us"], 2),
            "webhook_new_per_second": new["per_second"], "webhook_again_per_second": again["per_second"]}  # fmt: skip


def _accepting(running: Cluster, requests: Sequence[Request]) -> dict[str, float]:
    before, began = running.cpu(), time.time()
    burst(running.port, requests)
    elapsed = time.time() - began
    spent = _spent(before, running.cpu())
    us = sum(spent[name] for name in ("web", "postgresql", "redis")) / len(requests) * 1e6
    return {"us": round(us), "per_second": round_(len(requests), elapsed)}


def _webhook(running: Cluster, number: str, person: int) -> Request:
    phone = running.on.phone
    return signed(running.on.whatsapp, webhook(f"{phone}.{number}", f"1555{person:07d}", phone))


def _us(before: Mapping[str, float], after: Mapping[str, float], messages: int) -> dict[str, Any]:
    """Microseconds of CPU per message: of our processes, of both servers, and of what only measures."""
    us = {name: round(seconds / messages * 1e6) for name, seconds in _spent(before, after).items()}
    servers = {f"{name}_us": us.pop(name) for name in ("postgresql", "redis")}
    beside = {f"{name}_us": us.pop(name) for name in BESIDE}
    return {"us_by_process": us, **servers, "machine_us": sum(us.values()) + sum(servers.values()), **beside}


def _spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    return {name: seconds - before[name] for name, seconds in after.items()}


def round_(amount: float, by: float) -> float:
    return round(amount / by, 1)


def say(what: str) -> None:
    print(what, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
