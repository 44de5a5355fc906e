"""A slow platform harms no other channel and no other tenant: platforms that take 9 s for each message, many people who
write there, and one person elsewhere who gets an answer as quickly as alone (PIPE-4, OPS-10).

``-s`` prints the seconds. ISOLATION_PEOPLE is how many write on each slow channel.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from channels_app.twin.server import Twin, start
from tests.chaos.load import post
from tests.chaos.servers import Redis, free_port, wait_until
from tests.chaos.service import Process, answers, deployed, environment, manage, running, set_up

pytestmark = pytest.mark.chaos

SLOW_S = 9.0  # the platform's answer to each message
PEOPLE = int(os.environ.get("ISOLATION_PEOPLE") or 24)
TIMES = 1.5  # of what an answer takes alone
QUEUES = ("inbound", "respond", "deliver", "events", "background")
MAKE_SLOW = """
import json
from assistant.demo import seed_assistant
from channels_app.models import Channel
from channels_app.services import channel_save
from channels_app.twin.platforms import PLATFORMS
from tenants.models import Tenant
from tenants.scope import tenant_scope
keys = []
for number, url in enumerate({urls!r}):
    tenant, new = Tenant.objects.get_or_create(slug=f"slow-{{number if {apart} else 0}}", defaults={{"name": "Slow"}})
    with tenant_scope(tenant.id):
        if new:
            seed_assistant(tenant)
        channel = Channel(tenant=tenant, kind="whatsapp", name=f"Slow {{number}}")
        channel_save(channel, config=PLATFORMS["whatsapp"].channel_config(url))
        keys.append(channel.key)
print(json.dumps(keys))
"""


@contextmanager
def slow_platforms(number: int) -> Iterator[list[Twin]]:
    with ExitStack() as stack:
        twins = [stack.enter_context(start()) for _ in range(number)]
        for slow in twins:
            slow.faults.order("slow", times=None, seconds=SLOW_S)
            slow.configure("whatsapp", statuses=[])
        yield twins


def connect(environ: dict[str, str], twins: Sequence[Twin], *, apart: bool) -> None:
    """A channel for each slow platform: of one tenant, or each of a tenant of its own."""
    words = MAKE_SLOW.format(urls=[slow.url for slow in twins], apart=apart)
    keys = json.loads(manage(environ, "shell", "--verbosity", "0", "-c", words))
    for slow, key in zip(twins, keys, strict=True):
        slow.configure("whatsapp", webhook_url=f"http://127.0.0.1:{environ['PORT']}/api/v2/webhooks/whatsapp/{key}")


def crowd(twins: Sequence[Twin]) -> None:
    """Everybody writes at once on the slow channels."""
    for slow in twins:
        for number in range(PEOPLE):
            slow.say({"from": f"15550{number:06}", "text": "What are your opening hours?"})
    for slow in twins:
        assert slow.wait_idle(60), "the webhooks were taken"


def seconds_to_answer(twin: Twin, person: str, kind: str = "messenger") -> float:
    """From the person's message until the platform has the answer."""
    before, began = len(twin.sent), time.monotonic()
    twin.say({"from": person, "text": "What are your opening hours?"}, kind)
    wait_until(lambda: len(twin.sent) > before, 120, "an answer", pause=0.02)
    return time.monotonic() - began


def assert_as_quick_as_alone(twin: Twin, slow: Sequence[Twin]) -> None:
    for one in slow:  # each tenant's first message waits for what its assistant learns
        one.say({"from": "15551000000", "text": "What are your opening hours?"})
    seconds_to_answer(twin, "2468000000")
    wait_until(lambda: all(one.sent for one in slow), 90, "the slow platforms have an answer each")
    alone = max(seconds_to_answer(twin, f"246800000{number}") for number in range(1, 4))
    crowd(slow)
    beside = [seconds_to_answer(twin, f"246801000{number}") for number in range(3)]
    print({"alone": round(alone, 2), "beside": [round(one, 2) for one in beside], "slow channels": len(slow)})
    assert max(beside) <= TIMES * alone


@pytest.mark.parametrize(
    ("channels", "apart", "threads"),
    [(1, False, 8), (6, False, 8), (6, True, 8), (6, True, 2)],
    ids=["one-channel", "six-of-one-tenant", "six-of-six-tenants", "six-and-two-threads"],
)
def test_a_slow_platform_delays_no_other(tmp_path: Path, twin: Twin, channels: int, apart: bool, threads: int) -> None:
    port = free_port()
    environ = environment(port, f"sqlite:///{tmp_path}/isolation.sqlite3", WORKER_THREADS=str(threads))
    environ["OUTBOUND_ALLOW_HOSTS"] = "127.0.0.1"
    set_up(environ, twin)
    with slow_platforms(channels) as slow:
        connect(environ, slow, apart=apart)
        with running(Process(["manage.py", "serve"], environ, tmp_path / "serve.log", lambda: answers(port))):
            assert_as_quick_as_alone(twin, slow)


def test_a_slow_platform_delays_no_other_in_split_workers(
    tmp_path: Path, twin: Twin, postgres_url: str, broker: Redis
) -> None:
    port = free_port()
    environ = environment(port, postgres_url, REDIS_URL=broker.url, WORKER_THREADS="2", DATABASE_POOL_SIZE="8")
    environ["OUTBOUND_ALLOW_HOSTS"] = "127.0.0.1"
    api_key = set_up(environ, twin)["api_key"]
    workers = [
        deployed("worker", queue, environ=environ, log=tmp_path / f"{queue}.log", ready=broker.waiting)
        for queue in QUEUES
    ]
    with slow_platforms(6) as slow:
        connect(environ, slow, apart=True)
        web = deployed("web", environ=environ, log=tmp_path / "web.log", ready=lambda: answers(port))
        beat = deployed("beat", environ=environ, log=tmp_path / "beat.log")
        with running(web, beat, *workers):
            wait_until(lambda: broker.waiting() >= len(QUEUES), 60, "all workers wait")
            assert_as_quick_as_alone(twin, slow)
            status, _, _ = post(
                f"127.0.0.1:{port}", "/api/v2/auth/token", b"{}", {"Authorization": f"Bearer {api_key}"}
            )
            assert status < 500
