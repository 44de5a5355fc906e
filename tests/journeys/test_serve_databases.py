"""`migrate`, `seed_demo` and `serve` as real processes on the database that DATABASE_URL names, and on nothing else.

tests/run_cluster.sh and tests/run_mongo.sh name PostgreSQL and MongoDB; otherwise it is SQLite.
"""

from __future__ import annotations

import http.client
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

from pydantic_core import from_json, to_json

from channels_app.twin.platforms import PLATFORMS
from channels_app.twin.server import Twin
from tests.chaos.servers import free_port, wait_until
from tests.chaos.service import Process, answers, environment, running, set_up

PAGES = (
    "", "channels_app/channel/", "conversations/conversation/", "conversations/message/", "conversations/event/",
    "messaging/delivery/", "messaging/inboundevent/", "messaging/webhookendpoint/", "assistant/intent/",
    "tenants/apikey/", "tenants/role/",
)  # fmt: skip
HOURS = "What are your opening hours?"


class Caller:
    """What `curl` would be: one request each; keeps cookies."""

    def __init__(self, port: int, **headers: str):
        self._port, self._headers, self._cookies = port, headers, {}

    def call(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, bytes]:
        cookies = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        connection.request(method, path, body, {**self._headers, **headers, "Cookie": cookies})
        answer = connection.getresponse()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            name, _, value = cookie.partition(";")[0].partition("=")
            self._cookies[name] = value
        return answer.status, answer.read()

    def data(self, method: str, path: str, body: Any = None) -> Any:
        raw = b"" if body is None else to_json(body)
        status, answer = self.call(method, path, raw, **{"Content-Type": "application/json"})
        assert status == 200, answer
        return from_json(answer)["data"]

    def log_in(self, user: str, password: str) -> None:
        """As a browser does, with the token of the form."""
        _, form = self.call("GET", "/admin/login/")
        [token] = re.findall(rb'name="csrfmiddlewaretoken" value="(\w+)"', form)[:1]
        typed = {"username": user, "password": password, "csrfmiddlewaretoken": token.decode(), "next": "/admin/"}
        status, _ = self.call(
            "POST", "/admin/login/", urlencode(typed).encode(), **{"Content-Type": "application/x-www-form-urlencoded"}
        )
        assert status == 302


def test_the_whole_service_on_this_database(database_url: str, tmp_path: Path) -> None:
    port = free_port()
    environ = environment(port, database_url, REDIS_URL="", ASSISTANT_MEANING="true")
    with Twin().start() as twin:
        access = set_up(environ, twin, copied=False)
        served = Process(["manage.py", "serve"], environ, tmp_path / "serve.log", lambda: answers(port))
        with running(served):
            assert Caller(port).call("GET", "/health/ready")[0] == 200
            a_message_by_rest_is_answered(Caller(port, Authorization=f"Bearer {access['api_key']}"))
            a_webhook_is_answered(port, twin)
            the_admin_shows_its_pages(Caller(port), access)


def a_message_by_rest_is_answered(api: Caller) -> None:
    said = {"user_id": "ann", "channel": "web", "message_id": "m-1", "content": {"type": "text", "text": HOURS}}
    first, again = (api.data("POST", "/api/v2/chat/message", said) for _ in range(2))
    assert first["message_id"] == again["message_id"]
    history = f"/api/v2/chat/conversations/{first['conversation_id']}/messages"
    wait_until(lambda: len(api.data("GET", history)["items"]) > 1, 60, "the bot has answered")
    assert sorted(message["role"] for message in api.data("GET", history)["items"]) == ["bot", "visitor"]


def a_webhook_is_answered(port: int, twin: Twin) -> None:
    _, [webhook] = PLATFORMS["whatsapp"].say(twin, {"from": "15550100999", "text": HOURS})
    for _ in range(2):  # platforms repeat themselves
        status, _ = Caller(port).call("POST", urlsplit(webhook.url).path, webhook.body, **webhook.headers)
        assert status == 200
    wait_until(lambda: twin.sent, 60, "the person has the answer")
    assert len(twin.sent) == 1


def the_admin_shows_its_pages(admin: Caller, access: dict[str, Any]) -> None:
    admin.log_in(access["admin_user"], access["admin_password"])
    shown = {page: admin.call("GET", f"/admin/{page}")[0] for page in PAGES}
    assert shown == dict.fromkeys(PAGES, 200)
