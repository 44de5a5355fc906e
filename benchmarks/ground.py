"""What a benchmark stands on: a database with two tenants and one server process in front of it.

Owns set-up and tear-down. Loopback only; the database is a fresh SQLite file unless DATABASE_URL names another.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

ORIGIN = "http://shop.example"  # the site that embeds the web chat
APP_SECRET = "benchmark-app-secret"
START_S = 30
PROGRAMS = Path(sys.executable).parent
SERVERS: Mapping[str, tuple[str, ...]] = {
    "granian": (
        "granian", "--interface", "asginl", "--host", "127.0.0.1", "--workers", "1",
        "--no-access-log", "--log-level", "error", "--port", "{port}", "chatsvc.wsgi:front",
    ),
    "daphne": ("daphne", "-b", "127.0.0.1", "-v", "0", "-p", "{port}", "benchmarks.beside.asgi:application"),
    "serve": ("python", "manage.py", "serve", "--host", "127.0.0.1", "--port", "{port}"),
}  # fmt: skip


@dataclass(frozen=True)
class Ground:
    """Where to send what: the address and the credentials of two tenants, one per engine."""

    port: int
    key: str  # API key of the tenant with the built-in assistant
    echo_key: str  # of the tenant whose engine only repeats
    web_key: str  # public key of its web channel
    whatsapp: str  # path of the second tenant's signed webhook
    phone: str  # the platform's id of its number
    echo_id: uuid.UUID  # of the second tenant

    def visitor_token(self) -> str:
        """A token of a new visitor on the web channel."""
        from django.core import signing

        from messaging.webchat.rules import SALT

        who = uuid.uuid4().hex
        return signing.dumps({"c": self.web_key, "v": who, "s": "web", "k": who[:12], "n": ""}, salt=SALT)


@contextmanager
def ground(server: str = "") -> Iterator[Ground]:
    """A prepared database with ``server``, if any, running over it; both are gone afterwards."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ.setdefault("DATABASE_URL", f"sqlite:///{folder}/benchmark.sqlite3")
        os.environ |= {
            "DJANGO_SETTINGS_MODULE": "benchmarks.beside.settings",
            "ENABLE_RATE_LIMITING": "false",
            "LOG_LEVEL": "ERROR",
            "ENVIRONMENT": "development",
        }
        port = free_port()
        made = _seed(port)
        command = [part.format(port=port) for part in SERVERS.get(server, ())]
        with running([str(PROGRAMS / command[0]), *command[1:]], port) if command else nullcontext():
            yield made


@contextmanager
def running(command: Sequence[str], port: int, **environ: str) -> Iterator[None]:
    """A server process that listens on ``port``."""
    process = subprocess.Popen(command, env={**os.environ, **environ})
    try:
        _await_port(port, process)
        yield
    finally:
        process.terminate()
        process.wait(10)


def _seed(port: int) -> Ground:
    import django

    import chatsvc  # noqa: F401  first: it reads the settings, which read it

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    call_command("migrate", verbosity=0)
    made = _tenants(port)
    connection.close()
    return made


def _tenants(port: int) -> Ground:
    from assistant.demo import seed_assistant
    from benchmarks.beside.echo import ECHO_BOT
    from channels_app.models import Channel
    from conversations.models import Contact, Conversation, Identity
    from tenants.access.api_keys import api_key_create
    from tenants.models import Tenant
    from tenants.scope import tenant_scope

    run = uuid.uuid4().hex[:8]
    number = f"4{int(run, 16):014d}"
    shop = Tenant.objects.create(name="Benchmark", slug=f"bench-{run}")
    echo = Tenant.objects.create(name="Echo", slug=f"echo-{run}", settings={"bot_name": ECHO_BOT})
    seed_assistant(shop)
    with tenant_scope(echo.id):
        web = Channel.objects.create(tenant=echo, kind="web", name="Website", config={"allowed_origins": [ORIGIN]})
        phone = Channel.objects.create(
            tenant=echo, kind="whatsapp", name="WhatsApp", config={"phone_number_id": number},
            secrets={"access_token": "token-0123456789", "app_secret": APP_SECRET, "verify_token": "verify-0123456789"},
        )  # fmt: skip
    with tenant_scope(shop.id):
        Channel.objects.create(tenant=shop, kind="web", name="Website")
        bare = Channel.objects.create(tenant=shop, kind="web", name="Bare")
        contact = Contact.objects.create(tenant=shop)
        identity = Identity.objects.create(tenant=shop, contact=contact, channel=bare, scheme="user", value="bare")
        into = Conversation.objects.create(tenant=shop, channel=bare, contact=contact, identity=identity)
    os.environ["BENCH_CONVERSATION"] = str(into.id)
    return Ground(
        port=port,
        key=api_key_create(tenant=shop, name="benchmark", scopes=["*"])[1],
        echo_key=api_key_create(tenant=echo, name="benchmark", scopes=["*"])[1],
        web_key=web.key,
        whatsapp=f"/api/v2/webhooks/whatsapp/{phone.key}",
        phone=number,
        echo_id=echo.id,
    )


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _await_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as knock:
            if knock.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit("The server did not start.")
