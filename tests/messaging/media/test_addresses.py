"""No address of a file leads inside (SSRF): not at once, not by a redirect, not by a name that changes."""

from __future__ import annotations

import socket

import pytest

from channels_app.contract import MediaRef
from channels_app.http import network
from conversations.models import Attachment
from messaging.accept import accept
from messaging.media.fetch import file_process
from tenants.storage.db import now
from tests.messaging.media.platform import picture, received, sent

pytestmark = pytest.mark.django_db


INNER = [
    "http://127.0.0.1:{port}/secret",
    "http://localhost:{port}/secret",
    "http://[::1]:{port}/secret",
    "http://2130706433:{port}/secret",
    "http://0177.0.0.1:{port}/secret",
    "http://169.254.169.254/latest/meta-data/",
    "http://10.0.0.1/",
    "http://192.168.1.1/",
    "http://[::ffff:127.0.0.1]:{port}/secret",
]


def by_url(url):
    return sent(ref=MediaRef("image", url=url, mime="image/png"), id=url)


@pytest.mark.parametrize("address", INNER)
def test_an_address_inside_is_never_called(webhook, files, scope, address):
    files.answers["/secret"] = (200, {}, picture())
    message = accept(webhook, by_url(address.format(port=files.server.server_port))).message
    file_process(Attachment.objects.get(message=message).id)
    refused = Attachment.objects.get(message=message)
    assert refused.reason in ("address_blocked", "bad_url")
    assert (refused.state, files.seen) == ("refused", [])


@pytest.mark.parametrize(
    "target", ["http://169.254.169.254/", "http://10.0.0.1/", "http://[::1]:1/", "file:///etc/passwd"]
)
def test_a_redirect_inside_is_not_followed(channel, files, scope, target):
    files.keep(b"")
    files.answers["/file"] = (302, {"Location": target}, b"")
    assert received(channel)[1].reason in ("address_blocked", "bad_url")


def test_a_name_that_changes_its_answer_gains_nothing(webhook, files, scope, monkeypatch):
    """The name is looked up once per connection, and the connection goes to the address that passed."""
    answers = iter(["93.184.216.34", "127.0.0.1"])
    asked, connected = [], []

    def lookup(host, port, **options):
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (next(answers), port))]

    def connect(self, host, port, *args):
        connected.append(host)
        raise network.httpcore.ConnectError("no way out")

    monkeypatch.setattr(network.socket, "getaddrinfo", lookup)
    monkeypatch.setattr(network.httpcore.SyncBackend, "connect_tcp", connect)
    message = accept(webhook, by_url("http://rebind.example/a.png")).message
    attachment = Attachment.objects.get(message=message)
    for _ in range(2):
        file_process(attachment.id)
        Attachment.objects.filter(state="remote").update(due_at=now())
    attachment.refresh_from_db()
    assert (asked, connected) == (["rebind.example"] * 2, ["93.184.216.34"])
    assert (attachment.state, attachment.reason) == ("refused", "address_blocked")
