"""What the CPU time of each process was for, beside what PostgreSQL and Redis were asked:
``python -m benchmarks.end_to_end --profile PY_SPY``, the path of https://github.com/benfred/py-spy.

Owns the names of the groups. A stack belongs to the first group one of whose words is in it.
"""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import redis

from benchmarks.cluster.service import Cluster

GROUPS: Mapping[str, tuple[str, ...]] = {
    "log lines": ("(chatsvc/observe/logs", "(structlog/", "(logging/"),
    "the sweep, and beside a worker": ("(messaging/sweep", "processes/standby", "observe/pulse", "housekeeping/"),
    "wake-up calls sent": ("_send (messaging/wake",),
    "live push": ("(messaging/live/", "(channels_redis/"),
    "cache and limits in Redis": ("(django/core/cache", "processes/cache", "access/limits", "access/buckets"),
    "calls received and confirmed": ("(kombu/", "(celery/worker/"),
    "crew: whose turn": ("Crew.take (", "Crew._ended (", "Crew.compute ("),
    "connections taken and given back": (
        "(psycopg_pool/", "storage/connections", "close_old_connections (", "BaseDatabaseWrapper.connect (",
        "BaseDatabaseWrapper.close", "close_database (", "_more (chatsvc/processes/crews",
    ),
    "BEGIN and COMMIT": (
        "DatabaseWrapper.set_autocommit (", "BaseDatabaseWrapper.commit (", "_commit (", "_set_autocommit (",
        "BaseDatabaseWrapper.rollback (",
    ),
    "statements: the driver": ("(psycopg/", "(psycopg_", "storage/postgres"),
    "statements: Django's cursor": ("(django/db/backends/",),
    "statements: made and read by the ORM": ("(django/db/",),
    "statements kept": ("storage/prepared",),
    "the platform's HTTP": ("(httpx/", "(httpcore/", "(urllib3/", "(http/", "channels_app/http"),
    "language and assistant": ("words/text", "(assistant/", "(py3langid"),
    "requests: Django, DRF, server": ("(rest_framework/", "(granian/", "chatsvc/web/", "(django/"),
    "adapter": ("(channels_app/",),
    "task around a call": ("(celery/", "observe/trail"),
}  # fmt: skip
LOOK_S = 2.0  # within which every sampler has begun
RATE = 100  # looks a second
SAMPLED = ("web", "inbound", "respond", "deliver", "events")
COUNTING = ("shared_preload_libraries=pg_stat_statements",)  # settings of PostgreSQL
PLACES = re.compile(rf"(?<=\()(?:\S*/site-packages/|\S*/lib/python[\d.]+/|{re.escape(os.getcwd())}/)")
FIGURES = "figures for Prometheus"
OURS = "all else, of ours"
MOST = 40  # statements that are shown
ASKED = """
    SELECT calls, total_exec_time, regexp_replace(query, '\\s+', ' ', 'g') FROM pg_stat_statements
    WHERE calls > %s ORDER BY calls DESC LIMIT %s
"""


@contextmanager
def profiled(running: Cluster, program: str, messages: int) -> Iterator[list[str]]:
    """Lines for people of what is done inside come into the list when it has ended. ``program``: py-spy."""
    lines: list[str] = []
    client = redis.Redis.from_url(running.redis.url)
    with TemporaryDirectory() as folder, psycopg.connect(running.database.url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        before = running.cpu()
        with _sampled(program, {name: pid for name, pid in running.pids().items() if name in SAMPLED}, Path(folder)):
            connection.execute("SELECT pg_stat_statements_reset()")
            client.config_resetstat()
            yield lines
            asked = connection.execute(ASKED, (messages // 20, MOST)).fetchall()
            commands = client.info("commandstats")
            spent = running.cpu()
        for name in SAMPLED:
            us = (spent[name] - before[name]) / messages * 1e6
            lines += [f"## {name}: {us:,.0f} us a message", *_groups(Path(folder, name), us), ""]
    client.close()
    lines += ["## statements: calls a message, us each as the server counts"]
    lines += [f"{calls / messages:6.2f} {ms / calls * 1000:7.0f}  {query[:230]}" for calls, ms, query in asked]
    lines += ["", "## Redis: commands a message, us of each"]
    lines.extend(
        f"{said['calls'] / messages:6.2f} {said['usec_per_call']:7.1f}  {name.removeprefix('cmdstat_')}"
        for name, said in sorted(commands.items(), key=lambda item: -item[1]["calls"])
        if said["calls"] > messages / 20
    )


@contextmanager
def _sampled(program: str, pids: Mapping[str, int], folder: Path) -> Iterator[None]:
    """Stacks of the threads that hold the interpreter, each with how often it was seen, one file a process. What a thread
    takes within the kernel has no samples of its own."""
    options = ("--rate", str(RATE), "--format", "raw", "--gil", "--threads", "--full-filenames", "--subprocesses")
    started = [
        subprocess.Popen(
            [program, "record", "--pid", str(pid), *options, "--output", str(folder / name)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for name, pid in pids.items()
    ]  # fmt: skip
    time.sleep(LOOK_S)
    try:
        yield
    finally:
        for sampler in started:
            sampler.send_signal(signal.SIGINT)  # then it writes
        for sampler in started:
            sampler.wait(60)


def _groups(path: Path, us: float) -> Iterator[str]:
    """``us``: what the process took in all, as the kernel says; its samples are parts of that."""
    threads, groups, functions = Counter[str](), Counter[str](), Counter[str]()
    for line in path.read_text().splitlines():
        stack, _, seen = line.rpartition(" ")
        stack = PLACES.sub("", stack)
        thread, *frames = [one for one in stack.split(";") if not one.startswith("process ")]
        group, times = group_of(stack, frames[-1] if frames else ""), int(seen)
        threads[re.sub(r"^.*: |[\d_-]*\d(?=$)", "", thread)] += times
        groups[group] += times
        for frame in set(frames):
            functions[frame] += times
    each = us / max(1, threads.total())
    for name, counted, most in (("threads", threads, 12), ("groups", groups, 30), ("functions", functions, 130)):
        yield f"-- {name}"
        yield from (f"{times * each:9.0f}  {what}" for what, times in counted.most_common(most))


def group_of(stack: str, innermost: str) -> str:
    """Figures are taken around whole stages, so only what they do themselves is theirs."""
    if "(prometheus_client/" in innermost:
        return FIGURES
    return next((group for group, words in GROUPS.items() if any(word in stack for word in words)), OURS)
