"""Every process runs from the built image, with production's settings: tests/run_image.sh builds it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.servers import free_port, wait_until
from tests.chaos.service import Process, running
from tests.messaging.kafka.apache import ApacheKafka
from tests.messaging.kafka.broker import Broker

pytestmark = [
    pytest.mark.image,
    pytest.mark.skipif("IMAGE_RUN" not in os.environ, reason="tests/run_image.sh builds the image and runs this"),
]
ROLES = [
    ["ws"],
    ["worker", "inbound,respond"],
    ["worker", "deliver,events,background"],
    ["beat"],
    ["consumer", "--group", "analytics", "--handler", "analytics"],
]


class Image:
    """The image as a command: ``IMAGE_RUN`` with production's settings in place of ``{}``."""

    def __init__(self, **settings: str):
        self._settings = {
            "SECRET_KEY": "a-signing-key-of-more-than-fifty-characters-for-the-image-test",
            "JWT_SECRET_KEY": "a-token-key-of-more-than-thirty-two-characters",
            "ENCRYPTION_KEYS": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
            "ALLOWED_HOSTS": "localhost",
            "PUBLIC_URL": "https://localhost",
            "TRUSTED_PROXIES": "1",
            "OUTBOUND_ALLOW_HOSTS": "127.0.0.1:8900",  # the demo's provider twin
            **settings,
        }

    def command(self, *arguments: str, **more: str) -> list[str]:
        settings = " ".join(
            f"-e {shlex.quote(f'{name}={value}')}" for name, value in {**self._settings, **more}.items()
        )
        return [*shlex.split(os.environ["IMAGE_RUN"].replace("{}", settings)), *arguments]

    def run(self, *arguments: str) -> str:
        done = subprocess.run(self.command(*arguments), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def process(self, log: Path, *arguments: str, ready: Any = lambda: True, **more: str) -> Process:
        program, *rest = self.command(*arguments, **more)
        return Process(rest, os.environ, log, ready, program=program)


def call(port: int, path: str, body: object = None, key: str = "") -> Any:
    """Raises URLError, or HTTPError for what is not 2xx."""
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.7", "Content-Type": "application/json"}
    request = urllib.request.Request(
        f"http://localhost:{port}{path}",
        data=json.dumps(body).encode() if body else None,
        headers={**headers, **({"Authorization": f"Bearer {key}"} if key else {})},
    )
    with urllib.request.urlopen(request, timeout=20) as answer:
        return answer.read()


def answers(port: int) -> bool:
    try:
        return bool(call(port, "/health/ready"))
    except OSError:
        return False


def test_every_process_runs_from_the_image(
    tmp_path: Path, postgres_url: str, redis_url: str, kafka: Broker | ApacheKafka
) -> None:
    image = Image(DATABASE_URL=postgres_url, REDIS_URL=redis_url, KAFKA_BROKERS=kafka.address, METRICS_TOKEN="token")
    image.run("migrate")
    image.run("topics", "--group", "analytics")
    assert "no issues" in image.run("python", "manage.py", "check", "--deploy")
    key = json.loads(image.run("python", "manage.py", "seed_demo", "--force", "--json"))["api_key"]
    web, ws = free_port(), free_port()
    with ExitStack() as stack:
        stack.enter_context(running(image.process(tmp_path / "web", "web", PORT=str(web), ready=lambda: answers(web))))
        for role in ROLES:
            stack.enter_context(running(image.process(tmp_path / "-".join(role[:2]), *role, PORT=str(ws))))
        wait_until(lambda: answers(ws), 120, "ws answers")
        body = {
            "user_id": "u",
            "channel": "web",
            "message_id": "m",
            "content": {"type": "text", "text": "Opening hours?"},
        }
        said = json.loads(call(web, "/api/v2/chat/message", body, key))
        assert said["data"]["response"]["text"]
        assert call(web, "/static/widget/widget.js")
        wait_until(lambda: all_up(web), 60, "every dependency and worker is up")
        wait_until(lambda: streamed(postgres_url), 60, "every event is in Kafka")


def all_up(port: int) -> bool:
    told = json.loads(call(port, "/health/detailed", key="token"))
    print(told)
    return told["status"] == "ok" and len(told["dependencies"]["workers"]["seen_s_ago"]) == 5


def streamed(url: str) -> bool:
    import psycopg

    with psycopg.connect(url) as connection:
        count, waiting = connection.execute(
            "select count(*), count(*) filter (where streamed_at is null) from conversations_event"
        ).fetchone() or (0, 1)
    return bool(count and not waiting)
