"""What the server itself says to requests that reach no view: clean answers, and nothing in the log."""

from __future__ import annotations

import json
import logging
import socket
import threading
from http.client import HTTPConnection
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from channels.testing import WebsocketCommunicator
from daphne.http_protocol import WebRequest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from chatsvc.asgi import sockets
from conversations.files.media_links import media_link
from conversations.models import Attachment
from messaging.media import views
from tenants.scope import tenant_scope
from tests.factories import ChannelFactory
from tests.journeys.service import address

pytestmark = pytest.mark.django_db(transaction=True)

UPGRADE = (
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
    "Sec-WebSocket-Version: 13\r\n"
)


def status_of(path: str, headers: str = "") -> str:
    """The status line that a raw request gets; "" when the connection is cut."""
    return answer_of(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode()).partition("\r\n")[0]


def answer_of(request: bytes) -> str:
    """The first bytes of the answer to a raw request."""
    where = urlsplit(address())
    with socket.create_connection((where.hostname, where.port), timeout=20) as line:
        line.sendall(request)
        return line.recv(4096).decode()


@pytest.mark.parametrize("path", ["/ws/", "/ws/agents/", "/ws/chat/", "/ws/chat/a/b/", "/", "/ws/chat/%00", "/%ff"])
def test_an_unknown_socket_path_is_not_found_and_no_error(path, caplog):
    with caplog.at_level(logging.WARNING):
        assert status_of(path, UPGRADE) == "HTTP/1.1 404 Not Found"
    assert caplog.records == []


async def test_a_server_without_the_extension_refuses_it_too():
    assert (await WebsocketCommunicator(sockets, "/ws/agents/").connect())[0] is False


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/" + "x" * 20_000, "", "HTTP/1.1 414 "),
        ("/health/live", "X-Long: " + "x" * 20_000 + "\r\n", "HTTP/1.1 431 "),
        ("/health/live", "".join(f"X-{n}: {'x' * 1000}\r\n" for n in range(20)), "HTTP/1.1 431 "),
        ("/health/live?" + "x" * 8_000, "X-Long: " + "x" * 8_000 + "\r\n", "HTTP/1.1 200 OK"),
    ],
    ids=["address", "one header", "all headers", "within"],
)
def test_what_is_too_long_is_told(path, headers, status):
    assert status_of(path, headers).startswith(status)


POST = b"POST /api/v2/chat/message HTTP/1.1\r\nHost: localhost\r\n"


@pytest.mark.parametrize(
    ("request_", "status", "code"),
    [
        (b"GET /" + b"x" * 20_000 + b" HTTP/1.1\r\n\r\n", 414, "address_too_long"),
        (b"GET / HTTP/1.1\r\nX-Long: " + b"x" * 20_000 + b"\r\n\r\n", 431, "headers_too_large"),
        (b"GET / HTTP/1.1\r\n" + b"X: 1\r\n" * 600 + b"\r\n", 431, "headers_too_large"),
        (b"HELLO\r\n\r\n", 400, "malformed_request"),
        (b"GET /\xff HTTP/1.1\r\n\r\n", 400, "malformed_request"),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", 400, "malformed_request"),
        (POST + b"Transfer-Encoding: gzip\r\n\r\n", 400, "malformed_request"),
        (POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", 400, "malformed_request"),
        (POST + b"Content-Length: two\r\n\r\n", 400, "malformed_request"),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nZZ\r\n", 400, "malformed_request"),
    ],
)
def test_what_cannot_be_read_is_told_as_every_error(request_: bytes, status: int, code: str) -> None:
    head, _, body = answer_of(request_).partition("\r\n\r\n")
    told = json.loads(body)
    assert head.startswith(f"HTTP/1.1 {status} ")
    assert f"Content-Length: {len(body)}" in head
    assert (told["status"], told["error"]["code"]) == ("error", code)
    assert f"X-Request-ID: {told['meta']['request_id']}" in head


def test_a_fault_before_the_views_tells_no_words_of_an_exception(tenant) -> None:
    address()  # the server is made
    told: list = []
    WebRequest.basic_error(SimpleNamespace(handle_reply=told.append), 500, b"Error", "inside: postgres://u:pw@host")
    assert (told[0]["status"], json.loads(told[1]["body"])["error"]["code"]) == (500, "internal_error")
    assert b"postgres" not in told[1]["body"]


@pytest.mark.parametrize("form", ["multipart/form-data", "multipart/form-data; boundary=x"])
def test_a_form_that_is_none_is_told_and_the_connection_goes_on(form: str) -> None:
    where = urlsplit(address())
    line = HTTPConnection(str(where.hostname), where.port, timeout=20)
    for _ in range(2):
        line.request("POST", "/api/v2/auth/token", b"{}", {"Content-Type": form})
        answer = line.getresponse()
        told = json.loads(answer.read())  # by the view, which wants a key first
        assert (answer.status, told["error"]["code"]) == (401, "not_authenticated")
    line.close()


def test_a_file_is_read_no_faster_than_its_reader_takes_it(tenant, settings, tmp_path, monkeypatch):
    settings.MEDIA_ROOT = tmp_path
    size, read = 30_000_000, []
    with tenant_scope(tenant.id):
        name = default_storage.save("big.bin", ContentFile(b"x" * size))
        facts = {
            "kind": "file",
            "name": "big",
            "mime": "application/pdf",
            "size": size,
            "state": "stored",
            "file": name,
        }
        made = Attachment.objects.create(tenant=tenant, channel=ChannelFactory(tenant=tenant), **facts)

    async def counted(file, left):
        async for chunk in later(file, left):
            read.append(len(chunk))
            yield chunk

    later = views._later
    monkeypatch.setattr(views, "_later", counted)
    where = urlsplit(address())
    with socket.create_connection((where.hostname, where.port), timeout=20) as line:
        line.sendall(
            f"GET {urlsplit(media_link(made.id)).path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        head = line.recv(100)
        threading.Event().wait(1.5)
        assert head.startswith(b"HTTP/1.1 200")
        assert 0 < sum(read) < size / 2
        rest = b"".join(iter(lambda: line.recv(1 << 20), b""))
    assert sum(read) == size
    assert len((head + rest).partition(b"\r\n\r\n")[2]) == size
