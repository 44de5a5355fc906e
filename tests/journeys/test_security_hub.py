"""The security hub as a process of its own, which is killed in the middle of a call and comes back (AI-2)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tenants.access.hub.client import Hub
from tenants.errors import Unavailable
from tests.chaos.servers import free_port, wait_until
from tests.chaos.service import ROOT, Process, environment, manage, migrate

TOKEN = "between-us"
ALL = ["messages:send", "audit:read", "no:such"]


def serves(hub: Hub) -> bool:
    try:
        hub.health()
    except Unavailable:
        return False
    return True


@pytest.fixture
def place(tmp_path: Path) -> Iterator[tuple[Process, str, str]]:
    """The hub's process, its address, and an API key that it knows."""
    port = free_port()
    environ = environment(
        free_port(), f"sqlite:///{tmp_path}/hub.sqlite3", SECURITY_HUB_TOKEN=TOKEN, SECURITY_HUB_LISTEN_PORT=str(port),
        HOST="127.0.0.1", LOG_LEVEL="INFO",
    )  # fmt: skip
    migrate(environ)
    manage(environ, "create_tenant", "acme", "--json")
    words = ("--tenant", "acme", "--name", "crm", "--scope", "messages:send", "--json")
    key = json.loads(manage(environ, "create_api_key", *words))["api_key"]
    url = f"127.0.0.1:{port}"
    probe = Hub(url, token=TOKEN)
    process = Process(["manage.py", "run_security_hub"], environ, tmp_path / "hub.log", lambda: serves(probe))
    process.start()
    try:
        yield process, url, key
    finally:
        process.kill()


def test_it_is_killed_in_the_middle_of_a_call_and_found_again(place: Any, tmp_path: Path) -> None:
    process, url, key = place
    hub = Hub(url, token=TOKEN, deadline_s=20)
    known = hub.known(key, ALL)
    assert (known.user.kind, known.granted) == ("key", {"messages:send"})

    process.freeze()  # the call is taken by the system, and not answered
    with ThreadPoolExecutor(1) as threads:
        asked = threads.submit(hub.known, key[:-1] + "x", ALL)
        with pytest.raises(TimeoutError):
            asked.result(0.5)
        process.kill()
        assert isinstance(asked.exception(20), Unavailable)
    assert hub.known(key, ALL) == known  # remembered

    process.start()
    anew = Hub(url, token=TOKEN, deadline_s=20)
    wait_until(lambda: serves(anew), 30, "the hub serves again")
    assert anew._asked(key, ALL).granted == {"messages:send"}
    wait_until(lambda: serves(hub), 30, "the same client finds it again")
    assert hub._asked(key, ALL).granted == {"messages:send"}
    written = (tmp_path / "hub.log").read_text()
    assert '"security_hub_call"' in written
    assert [secret for secret in (TOKEN, key) if secret in written] == []


@pytest.mark.parametrize(
    ("environ", "complaint"),
    [
        ({"SECURITY_HUB_TLS_CERT_FILE": "manage.py"}, "go together"),
        (
            {
                "ENVIRONMENT": "production", "SECRET_KEY": "s3!x_-~Z" * 7, "JWT_SECRET_KEY": "j3!x_-~Z" * 4,
                "ENCRYPTION_KEYS": "e3!x_-~Z" * 4, "ALLOWED_HOSTS": "x", "PUBLIC_URL": "https://x",
            },
            "SECURITY_HUB_TOKEN must be set",
        ),
    ],
    ids=["half of TLS", "open in production"],
)  # fmt: skip
def test_it_refuses_what_cannot_work(tmp_path: Path, environ: dict[str, str], complaint: str) -> None:
    given = environment(free_port(), f"sqlite:///{tmp_path}/hub.sqlite3", **environ)
    ran = subprocess.run(
        [sys.executable, "manage.py", "run_security_hub", "--port", str(free_port())],
        cwd=ROOT, env=given, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert ran.returncode != 0
    assert complaint in ran.stderr
