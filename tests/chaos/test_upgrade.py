"""A rolling upgrade: the last release serves, the present migrates its database under load, both serve side by side,
and the release goes. Everything that was accepted is stored once, answered and delivered in order.

Holds the rule of migrations since 0.1.0: add, backfill, switch, drop; no release breaks the one before it.
"""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from channels_app.twin.server import Twin
from tests.chaos.ledger import Ledger, assert_all_well
from tests.chaos.load import Load, under, warm
from tests.chaos.release import release_tree
from tests.chaos.servers import Redis, free_port, wait_until
from tests.chaos.service import ROOT, Process, answers, deployed, environment, manage, running, set_up

pytestmark = pytest.mark.chaos
#: one set for both, as a deployment has; without them each folder makes its own
SECRETS = {
    "SECRET_KEY": "upgrade-secret-key-0123456789-0123456789-0123456789",
    "JWT_SECRET_KEY": "upgrade-jwt-key-0123456789-0123456789-0123456789",
    "ENCRYPTION_KEYS": "upgrade-encryption-key-0123456789-0123456789",
}
STAGE_S = 6.0  # of each: the release alone, both, the present alone


def test_the_release_and_the_present_serve_one_database(
    tmp_path: Path, twin: Twin, seed: int, postgres_url: str, broker: Redis
) -> None:
    release = release_tree(tmp_path / "release")
    ports = [free_port(), free_port()]
    environs = [environment(port, postgres_url, REDIS_URL=broker.url, WORKER_THREADS="3", **SECRETS) for port in ports]
    api_key = set_up(environs[0], twin, root=release)["api_key"]
    environs[1]["OUTBOUND_ALLOW_HOSTS"] = environs[0]["OUTBOUND_ALLOW_HOSTS"]
    old = processes(release, "old", environs[0], tmp_path, ports[0])
    new = processes(ROOT, "new", environs[1], tmp_path, ports[1])
    reachable = [ports[0]]
    load = Load(twin, seed, 3 * STAGE_S, ("whatsapp", "web"), 30, api_key=api_key, ports=reachable)
    with running(*old):
        warm(ports[0], api_key, load)
        with under(load):
            threading.Event().wait(STAGE_S)
            manage(environs[1], "migrate", "--no-input", "--verbosity", "0")
            with running(*new):
                reachable.append(ports[1])
                twin.configure(
                    "whatsapp",
                    webhook_url=twin.settings["whatsapp"]["webhook_url"].replace(str(ports[0]), str(ports[1])),
                )
                threading.Event().wait(STAGE_S)
                reachable.remove(ports[0])
                for process in old:
                    process.kill()
                assert_all_well(Ledger(postgres_url), load, twin)
                wait_until(lambda: answers(ports[1]), 5, "the present serves on")


def processes(root: Path, name: str, environ: dict[str, str], logs: Path, port: int) -> list[Process]:
    return [
        deployed("web", environ=environ, log=logs / f"{name}-web.log", ready=lambda: answers(port), root=root),
        deployed("worker", environ=environ, log=logs / f"{name}-worker.log", root=root),
        deployed("beat", environ=environ, log=logs / f"{name}-beat.log", root=root),
    ]
