"""Every process of the service by ``deploy/run``, over servers of the run.

Owns starting them, and the figures of each. Must not know what is sent.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from benchmarks.cluster.processes import cpu_s, family, named_children, pss_mb
from benchmarks.ground import Ground, ground
from tests.chaos.servers import Postgres, Redis, free_port, wait_until
from tests.chaos.service import Process, answers, deployed, running

#: as an operator would leave them, but for the number of connections: durable, and found in the notes of older runs
POSTGRES = ("max_connections=300", "listen_addresses=127.0.0.1", "shared_buffers=256MB", "max_wal_size=4GB")
ECHO = ("-I", "benchmarks.beside.echo")
ROLES: dict[str, tuple[str, ...]] = {
    "web": ("web",),
    "ws": ("ws",),
    "workers": ("workers", "--", *ECHO),
}
#: processes within `workers`, by the names that they have there
WORKERS = ("inbound", "respond", "deliver", "events", "beat")
#: started by benchmarks/cluster/alone.py only
LATER: dict[str, tuple[str, ...]] = {
    "answering": ("workers", "inbound", "respond", "beat", "--", *ECHO),
    "deliver": ("worker", "deliver", *ECHO),
    "publisher": ("worker", "events"),
}
LISTENING = 4  # of WORKERS: beat only sends
FACTS = """
    SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8, pg_database_size(current_database())::float8,
           (SELECT xact_commit::float8 FROM pg_stat_database WHERE datname = current_database()),
           (SELECT count(*)::float8 FROM conversations_event)
"""
UNFINISHED = """
    SELECT (SELECT count(*) FROM conversations_event WHERE published_at IS NULL)
         + (SELECT count(*) FROM messaging_delivery WHERE status NOT IN ('sent', 'delivered', 'read', 'failed'))::float8
"""


@dataclass
class Cluster:
    """What runs: processes of ours, both servers, and a platform that answers at once."""

    on: Ground
    port: int  # of `web`
    platform_url: str
    platform: Process
    processes: dict[str, Process]
    database: Postgres
    redis: Redis

    def cpu(self) -> dict[str, float]:
        """Seconds until now, by process; ``client`` is this one."""
        pids = {"postgresql": self.database.pid, "redis": self.redis.pid, "platform": self.platform.pid}
        return {**{name: cpu_s(pid) for name, pid in {**self.pids(), **pids}.items()}, "client": sum(os.times()[:2])}

    def memory_mb(self) -> dict[str, float]:
        """``workers`` is what the process takes of which those are forks."""
        taken = {name: pss_mb(pid) for name, pid in self.pids().items()}
        if self.processes["workers"].lives():
            within = sum(taken.get(name, 0.0) for name in WORKERS)
            taken["workers"] = pss_mb(self.processes["workers"].pid) - within
        return {name: round(mb, 1) for name, mb in taken.items()}

    def pids(self) -> dict[str, int]:
        """Of our processes that live; those of WORKERS each by itself."""
        lives = {name: process.pid for name, process in self.processes.items() if process.lives()}
        forked = named_children(lives.pop("workers")) if "workers" in lives else {}
        return {**lives, **{name: pid for name, pid in forked.items() if name in WORKERS}}

    def learns(self) -> bool:
        """Whether an assistant does: in a process of its own, below the one that answers."""
        return len(family(self.pids()["respond"])) > 1

    def facts(self) -> dict[str, float]:
        """Of the database, until now: bytes of WAL, bytes stored, commits, events."""
        return dict(zip(("wal_bytes", "stored_bytes", "commits", "events"), self._row(FACTS), strict=True))

    def finished(self) -> bool:
        """Everything was sent and published."""
        return self.asked(UNFINISHED) == 0

    def asked(self, sql: str, *given: float) -> float:
        """The one figure that the database answers."""
        figure: float = self._row(sql, *given)[0]
        return figure

    def _row(self, sql: str, *given: float) -> tuple[Any, ...]:
        with psycopg.connect(self.database.url, autocommit=True) as connection:
            row = connection.execute(sql, given).fetchone()
        assert row, sql
        return row

    def platform_figures(self) -> dict[str, Any]:
        with urllib.request.urlopen(self.platform_url) as answer:
            figures: dict[str, Any] = json.load(answer)
        return figures


@contextmanager
def cluster(more: tuple[str, ...] = ()) -> Iterator[Cluster]:
    """Started and warm. All of it is gone afterwards. ``more``: settings of PostgreSQL."""
    database, redis = Postgres(POSTGRES + more), Redis()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for server in (database, redis):
            server.start()
            stack.callback(server.remove)
        ports = {"platform": free_port(), "web": free_port(), "ws": free_port()}
        os.environ |= {"DATABASE_URL": database.url, "REDIS_URL": redis.url}
        os.environ["OUTBOUND_ALLOW_HOSTS"] = f"127.0.0.1:{ports['platform']}"
        on = stack.enter_context(ground())
        platform_url = f"http://127.0.0.1:{ports['platform']}"
        _point_at(on, platform_url)
        processes = {role: _process(role, ports, folder) for role in (*ROLES, *LATER)}
        platform = _platform(ports["platform"], folder)
        for role in LATER:
            stack.callback(processes[role].kill)
        stack.enter_context(running(platform, *(processes[role] for role in ROLES)))
        wait_until(lambda: redis.waiting() >= LISTENING, 120, "every worker listens")
        yield Cluster(on, ports["web"], platform_url, platform, processes, database, redis)


def _point_at(on: Ground, platform_url: str) -> None:
    """The tenant's WhatsApp is the platform of the run, and takes as much as we send."""
    from django.db import connection

    from channels_app.models import Channel
    from tenants.scope import tenant_scope

    with tenant_scope(on.echo_id):
        phone = Channel.objects.get(kind="whatsapp")
        config = {**phone.config, "api_base": platform_url}
        Channel.objects.filter(id=phone.id).update(rate_per_second=10_000, config=config)
    connection.close()


def _process(role: str, ports: Mapping[str, int], folder: Path) -> Process:
    """``web`` answers the bare views as well; all others run by the service's own settings."""
    port = ports.get(role, ports["web"])
    environ = {**os.environ, "PORT": str(port), "LOG_LEVEL": "WARNING", "METRICS_PORT": "0"}
    if role != "web":
        environ["DJANGO_SETTINGS_MODULE"] = "chatsvc.settings"
    ready = (lambda: answers(port)) if role == "web" else (lambda: True)
    return deployed(*(ROLES | LATER)[role], environ=environ, log=folder / f"{role}.log", ready=ready)


def _platform(port: int, folder: Path) -> Process:
    command = ["-m", "benchmarks.cluster.platform", str(port)]
    return Process(command, os.environ, folder / "platform.log", lambda: _listens(port), program=sys.executable)


def _listens(port: int) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{port}", timeout=2).close()
    except OSError:
        return False
    return True
