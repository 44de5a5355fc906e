"""The page on which a member of staff lets an OAuth client act for them, in a real browser: to the client and back (TEN-3)."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest

from tenants.access.auth import principal_for
from tenants.access.grants.clients import client_create
from tests.factories import ConversationFactory, MessageFactory
from tests.journeys.service import Service, address

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()


class Callback(BaseHTTPRequestHandler):
    """The client's own page."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<title>Back at the client</title>")

    def log_message(self, *_: Any) -> None:
        """Nothing."""


@pytest.fixture
def callback() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Callback)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/callback"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("button", ["Allow", "Do not allow"])
def test_an_answer_leads_back_to_the_client(desk: Any, service: Service, callback: str, button: str) -> None:
    client, secret = client_create(service.tenant, "Shop analytics", ["conversations:read"], [callback])
    query = {
        "response_type": "code", "client_id": client.client_id, "redirect_uri": callback, "state": "s1",
        "code_challenge": CHALLENGE, "code_challenge_method": "S256",
    }  # fmt: skip
    talk = ConversationFactory(tenant=service.tenant, channel=service.channel)
    MessageFactory(tenant=service.tenant, conversation=talk)  # whose page the desk opens first
    staff = desk()
    staff.page.goto(f"{address()}/admin/oauth/authorize/?{urllib.parse.urlencode(query)}")
    assert staff.page.get_by_role("listitem").all_inner_texts() == [
        "Read conversations, their summaries, metrics and exports"
    ]
    staff.press(button)
    staff.page.wait_for_url(f"{callback}?*")
    back = urllib.parse.parse_qs(urllib.parse.urlsplit(staff.page.url).query)
    assert (staff.page.title(), back["state"], staff.troubles) == ("Back at the client", ["s1"], [])
    assert ("code" in back, back.get("error")) == ((True, None) if button == "Allow" else (False, ["access_denied"]))
    body = {
        "grant_type": "authorization_code", "code": back.get("code", ["none"])[0], "redirect_uri": callback,
        "code_verifier": VERIFIER, "client_id": client.client_id, "client_secret": secret,
    }  # fmt: skip
    told = fetched(body)
    assert bool(told) is (button == "Allow")
    assert all(principal_for(token).subject == f"user:{staff.user.username}" for token in told)


def fetched(body: dict[str, str]) -> list[str]:
    """The access token, or nothing where the code is none."""
    try:
        with urllib.request.urlopen(f"{address()}/api/v2/oauth/token", urllib.parse.urlencode(body).encode()) as answer:
            return [json.loads(answer.read())["access_token"]]
    except urllib.error.HTTPError as error:
        assert error.code == 400
        return []
