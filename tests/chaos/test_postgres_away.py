"""PostgreSQL is killed again and again under load: a caller that writes meanwhile is asked to try again, at once and by a
stable code, and what was accepted is not lost."""

from __future__ import annotations

import json
import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from channels_app.twin.platforms import PLATFORMS
from channels_app.twin.server import Twin
from tests.chaos.ledger import Ledger, assert_all_well
from tests.chaos.load import TIMEOUT_S, Load, post, rest_message, under
from tests.chaos.servers import Postgres, Redis, free_port, wait_until
from tests.chaos.service import answers, deployed, environment, running, set_up

pytestmark = pytest.mark.chaos

AWAY_S = 3.0
LIFE_S = (1.0, 4.0)  # of PostgreSQL between two deaths

Ask = Callable[[], tuple[int, float, bytes, str]]  # status, seconds, body, Retry-After


def test_postgres_killed_loses_nothing(
    tmp_path: Path, twin: Twin, seed: int, kills: int, postgres: Postgres, broker: Redis
) -> None:
    port, chance, life = free_port(), random.Random(seed), threading.Event()
    # A repeat waits for the answer that its first copy left behind: less long than this test's clients wait.
    environ = environment(port, postgres.url, REDIS_URL=broker.url, REQUEST_TIMEOUT_MS="7000")
    api_key = set_up(environ, twin)["api_key"]
    processes = [
        deployed("web", environ=environ, log=tmp_path / "web.log", ready=lambda: answers(port)),
        deployed("worker", environ=environ, log=tmp_path / "worker.log", ready=broker.waiting),
        deployed("beat", environ=environ, log=tmp_path / "beat.log"),
    ]
    deaths = max(3, kills // 3)
    load = Load(twin, seed, deaths * (AWAY_S + 4.0), ("whatsapp", "web"), ports=[port], api_key=api_key)
    while_away: list[tuple[int, float, bytes, str]] = []
    back_after: list[float] = []
    with running(*processes), under(load):
        for number in range(deaths):
            life.wait(chance.uniform(*LIFE_S))
            asks = [webhook_of(twin, load, f"15550900{number:03}"), rest_of(port, api_key, load, f"away-{number}")]
            postgres.kill()
            until = time.monotonic() + AWAY_S
            while time.monotonic() < until:
                while_away += [ask() for ask in asks]
                life.wait(0.05)
            postgres.start()
            back = time.monotonic()
            for ask in asks:
                wait_until(lambda ask=ask: ask()[0] == 200, 60, "it is accepted")
            back_after.append(time.monotonic() - back)
        assert_all_well(Ledger(postgres.url), load, twin, deaths=deaths)
    slowest = max(seconds for _, seconds, _, _ in while_away)
    median = sorted(seconds for _, seconds, *_ in while_away)[len(while_away) // 2]
    print({"asked while away": len(while_away), "median s": median, "slowest s": slowest, "back after s": back_after})
    assert Counter(status for status, *_ in while_away) == {503: len(while_away)}
    assert {json.loads(body)["error"]["code"] for _, _, body, _ in while_away} == {"unavailable"}
    assert all(int(retry_after) > 0 for *_, retry_after in while_away)
    assert slowest < TIMEOUT_S
    assert set(load.answers) <= {200, 202, 503}, "neither hung nor broken"


def webhook_of(twin: Twin, load: Load, person: str) -> Ask:
    platform_id, [webhook] = PLATFORMS["whatsapp"].say(twin, {"from": person, "text": "When are you open?"})
    load.also("whatsapp", platform_id)
    where = urlsplit(webhook.url)
    return lambda: asked(where.netloc, where.path, webhook.body, webhook.headers)


def rest_of(port: int, api_key: str, load: Load, name: str) -> Ask:
    _, request = rest_message(api_key, name, name, "When are you open?")
    load.also("web", name)
    return lambda: asked(f"127.0.0.1:{port}", urlsplit(request.url).path, request.body, request.headers)


def asked(netloc: str, path: str, body: bytes, headers: object) -> tuple[int, float, bytes, str]:
    started = time.monotonic()
    status, told, said = post(netloc, path, body, headers)  # type: ignore[arg-type]
    return status, time.monotonic() - started, said, told.get("Retry-After", "")
