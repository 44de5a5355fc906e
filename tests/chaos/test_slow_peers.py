"""Peers that send or read slowly against the web process as it is deployed: the others do not notice (OPS-10)."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.chaos.servers import free_port
from tests.chaos.service import answers, deployed, environment, manage, running, seeded

THREADS, PEERS = 2, 12
FILE = """
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from channels_app.models import Channel
from conversations.files.media_links import media_link
from conversations.models import Attachment
from tenants.scope import tenant_scope
channel = Channel.objects.unscoped().first()
with tenant_scope(channel.tenant_id):
    name = default_storage.save("big.bin", ContentFile(b"x" * 20_000_000))
    made = Attachment.objects.create(
        tenant_id=channel.tenant_id, channel=channel, kind="file", name="big", mime="application/pdf", size=20_000_000,
        state="stored", file=name)
print(media_link(made.id).partition("/api/")[2])
"""
HOST = "HTTP/1.1\r\nHost: 127.0.0.1\r\n"
BODY = "Content-Type: application/json\r\nContent-Length: 1000000\r\n\r\n"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[int, str]]:
    """The web process: its port, and the path of a file there."""
    tmp_path, port = tmp_path_factory.mktemp("web"), free_port()
    here = {"MEDIA_ROOT": str(tmp_path / "media"), "WEB_THREADS": str(THREADS)}
    environ = environment(port, f"sqlite:///{tmp_path}/web.sqlite3", **here)
    seeded(environ)
    path = "/api/" + manage(environ, "shell", "--verbosity", "0", "-c", FILE).split()[-1]
    with running(deployed("web", environ=environ, log=tmp_path / "web.log", ready=lambda: answers(port))):
        yield port, path


@pytest.mark.parametrize(
    "said",
    [
        f"POST /api/v2/auth/refresh {HOST}{BODY}{{",
        f"POST /api/v2/auth/refresh {HOST}{BODY}" + "x" * 500_000,
        f"POST /api/v2/webhooks/whatsapp/none {HOST}{BODY}{{",
        f"GET {{path}} {HOST}\r\n",
        f"GET /health/live {HOST}X: ",
        f'GET /health/live {HOST}Content-Type: a/b; x="' + ";" * 100_000 + "\r\n\r\n",
        f"GET /health/live {HOST}Content-Type: a/b; charset=base64\r\n\r\n",
    ],
    ids=["body", "half a body", "webhook", "file", "headers", "long type", "odd charset"],
)
def test_they_hold_no_other_caller_up(web: tuple[int, str], said: str) -> None:
    port, path = web
    with ExitStack() as open_lines:
        for _ in range(PEERS):
            line = open_lines.enter_context(socket.socket())
            line.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            line.connect(("127.0.0.1", port))
            line.sendall(said.replace("{path}", path).encode())
        threading.Event().wait(1.0)
        assert [answers(port) for _ in range(5)] == [True] * 5  # each within two seconds
