"""What the CPU time of each worker was for, from the stacks that benchmarks/cluster/sampling.py gathered, beside what
PostgreSQL and Redis were asked: ``python -m benchmarks.end_to_end --profile``.

Owns the names of the groups. A stack belongs to the first group one of whose words is in it.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import psycopg
import redis

GROUPS: Mapping[str, tuple[str, ...]] = {
    "the sampler itself": ("benchmarks/cluster/sampling",),
    "log lines": ("chatsvc/observe/logs", "structlog/", "/logging/"),
    "the sweep, and beside a worker": ("messaging/sweep", "processes/standby", "observe/pulse", "housekeeping/"),
    "wake-up calls sent": ("messaging/wake.py:_",),
    "live push": ("messaging/live/", "channels_redis/"),
    "cache": ("django/core/cache", "processes/cache"),
    "figures for Prometheus": ("prometheus_client/",),
    "calls received and confirmed": ("kombu/", "celery/worker/"),
    "task around a call": ("celery/app/trace", "celery/concurrency", "observe/trail"),
    "crew: whose turn": ("work/crew.py:Crew.take", "work/crew.py:Crew._ended", "work/crew.py:Crew.compute"),
    "connections taken and given back": (
        "psycopg_pool/", "storage/connections", "db:close_old_connections", "base.py:BaseDatabaseWrapper.connect",
        "BaseDatabaseWrapper.ensure_connection", "BaseDatabaseWrapper.close", "processes/crews.py:_more",
    ),
    "BEGIN and COMMIT": (
        "DatabaseWrapper.set_autocommit", "DatabaseWrapper.commit", "DatabaseWrapper._commit", "Wrapper._set_autocommit",
        "DatabaseWrapper.rollback",
    ),
    "statements: the driver": ("psycopg/", "psycopg_c", "postgres/__init__"),
    "statements: Django's cursor": ("db/backends/",),
    "statements: made and read by the ORM": ("django/db/", "django/utils/"),
    "statements kept": ("storage/prepared",),
    "the platform's HTTP": ("httpx/", "httpcore/", "urllib3/", "channels_app/http"),
    "language and assistant": ("content/text", "assistant/", "py3langid"),
    "adapter": ("channels_app/",),
}  # fmt: skip
LOOK_S = 2.0  # within which every process has looked which phase it is
OURS = "all else, of ours"
MOST = 40  # statements that are shown
RESET = "SELECT pg_stat_statements_reset()"
ASKED = """
    SELECT calls, total_exec_time, regexp_replace(query, '\\s+', ' ', 'g') FROM pg_stat_statements
    WHERE calls > %s ORDER BY calls DESC LIMIT %s
"""


@contextmanager
def profiled(folder: Path, messages: int, database_url: str, redis_url: str) -> Iterator[list[str]]:
    """Lines for people of what is done inside come into the list when it has ended."""
    lines: list[str] = []
    client = redis.Redis.from_url(redis_url)
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        (folder / "phase").write_text("burst")
        time.sleep(LOOK_S)
        connection.execute(RESET)
        client.config_resetstat()
        yield lines
        asked = connection.execute(ASKED, (messages // 20, MOST)).fetchall()
        commands = client.info("commandstats")
        (folder / "phase").write_text("after")
        time.sleep(LOOK_S)
    client.close()
    for path in sorted(folder.glob("*.burst.json")):
        lines += [f"## {path.name.partition('.')[0]}, us a message", *_groups(path, messages), ""]
    lines += ["## statements: calls a message, us each as the server counts", *(
        f"{calls / messages:6.2f} {spent / calls * 1000:7.0f}  {query[:230]}" for calls, spent, query in asked
    ), "", "## Redis: commands a message, us of each"]  # fmt: skip
    by_calls = sorted(commands.items(), key=lambda item: -item[1]["calls"])
    lines += [
        f"{said['calls'] / messages:6.2f} {said['usec_per_call']:7.1f}  {name.removeprefix('cmdstat_')}"
        for name, said in by_calls
        if said["calls"] > messages / 20
    ]


def _groups(path: Path, messages: int) -> Iterator[str]:
    threads, groups, functions = Counter[str](), Counter[str](), Counter[str]()
    for thread, stack, seconds in json.loads(path.read_text()):
        us = seconds / messages * 1e6
        group = group_of(stack)
        threads[thread] += us
        groups[group] += us
        for function in set(stack.split(";")):
            functions[function] += us
    for name, counted, most in (
        ("threads", threads, 12),
        ("groups", groups, 30),
        ("functions, with all below", functions, 150),
    ):
        yield f"-- {name}"
        yield from (f"{us:9.0f}  {what}" for what, us in counted.most_common(most))


def group_of(stack: str) -> str:
    return next((group for group, words in GROUPS.items() if any(word in stack for word in words)), OURS)
