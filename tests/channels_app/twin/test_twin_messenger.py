"""The Messenger adapter, the real HTTP client and the twin together: both directions on the wire."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import pytest

from channels_app.adapters.messenger import Messenger, MessengerConfig
from channels_app.content.types import Button, Card, Content, Media, QuickReply, TemplateUse, text
from channels_app.contract import (
    ConfigError,
    ContactBlocked,
    InboundMessage,
    OutboundMessage,
    OutcomeUnknown,
    RawRequest,
    Recipient,
    Rejected,
    StatusUpdate,
    Throttled,
    Unreachable,
    WindowClosed,
)
from channels_app.http.client import HttpClient, authority
from channels_app.twin import server
from channels_app.twin.platforms import messenger

ADAPTER = Messenger()
ANA = Recipient("6600000000000001", "psid", "200000000000002")
YES = Button(type="postback", title="Yes", payload="yes")
RED = QuickReply(title="Red", payload="red")
CONTENTS = {
    "text": text("hello"),
    "quick replies": text("Which?", quick_replies=(RED,)),
    "buttons": text("Sure?", buttons=(YES, Button(type="url", title="Open", url="https://example.org"))),
    "image": Content(type="image", media=Media(url="https://cdn.example/i.png", type="image/png")),
    "carousel": Content(type="carousel", cards=(Card(title="Room A", buttons=(YES,)), Card(title="Room B"))),
    "template": Content(type="template", template=TemplateUse(name="order_update", variables={"1": "Ana"})),
}


class Hook:
    """A stand-in for the service: keeps what the twin posts, and answers the handshake."""

    def __init__(self) -> None:
        self.requests: list[RawRequest] = []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args: Any) -> None:
                pass

            def do_GET(self) -> None:
                path, _, query = self.path.partition("?")
                reply = ADAPTER.handshake(RawRequest("GET", path, query=dict(parse_qsl(query))), hook.config)
                self._reply(reply.body.encode())

            def do_POST(self) -> None:
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(headers["content-length"]))
                hook.requests.append(RawRequest("POST", self.path, headers, body=body))
                self._reply(b"")

            def _reply(self, body: bytes) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def twin():
    with server.start() as twin:
        yield twin


@pytest.fixture
def config(twin):
    return MessengerConfig(
        api_base=f"{twin.url}/messenger",
        page_id="200000000000002",
        app_id="111",
        access_token="SECRET-access",
        app_secret="twin-app-secret",
        verify_token="twin-verify-token",
    )


@pytest.fixture
def http(twin, config):
    secrets = frozenset(getattr(config, name) for name in ADAPTER.secret_keys)
    return HttpClient(secrets=secrets, allow_hosts=frozenset({authority(twin.url)}))


@pytest.fixture
def hook(twin, config):
    hook = Hook()
    hook.config = config
    twin.configure("messenger", webhook_url=hook.url)
    yield hook
    hook.server.shutdown()
    hook.server.server_close()


def send(config, http, content=CONTENTS["text"]):
    [payload] = ADAPTER.render(OutboundMessage("ref-1", ANA, content), config)
    return ADAPTER.send(payload, config, http)


def heard(twin, hook, config, http):
    assert twin.wait_idle()
    for raw in hook.requests:
        ADAPTER.verify(raw, config, http)
    return [item for raw in hook.requests for item in ADAPTER.parse(raw, config)]


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS.keys())
def test_the_platform_takes_what_is_rendered(twin, config, http, content):
    twin.configure("messenger", require_proof=True)
    result = send(config, http, content)
    [taken] = twin.sent
    assert (taken["id"], taken["client_ref"], taken["person"]) == (result.platform_id, "ref-1", ANA.address)
    assert "SECRET" not in repr(http.trace)
    assert "appsecret_proof=***" in repr(http.trace)


def test_echo_and_delivery_status_come_back(twin, config, http, hook):
    sent = send(config, http).platform_id
    echo, delivered, delivered_up_to, read_up_to = heard(twin, hook, config, http)
    assert (echo.platform_id, echo.status, echo.client_ref) == (sent, "sent", "ref-1")
    assert (delivered.platform_id, delivered.status) == (sent, "delivered")
    assert (delivered_up_to.status, read_up_to.status) == ("delivered", "read")
    assert all(isinstance(item, StatusUpdate) and item.up_to for item in (delivered_up_to, read_up_to))


def test_a_person_writes_sends_a_photo_and_presses_a_button(twin, config, http, hook):
    photo = {"type": "image", "payload": {"url": f"{twin.url}/messenger/media/{messenger.PHOTO}.gif"}}
    said = [
        twin.say({"from": ANA.address, "text": "hello"}, "messenger"),
        twin.say({"from": ANA.address, "message": {"message": {"attachments": [photo]}}}, "messenger"),
        twin.say({"from": ANA.address, "message": {"postback": {"title": "Yes", "payload": "yes"}}}, "messenger"),
    ]
    found = {item.platform_id: item for item in heard(twin, hook, config, http)}
    assert all(isinstance(item, InboundMessage) and item.sender.value == ANA.address for item in found.values())
    hello, picture, pressed = [found[message_id] for message_id in said]
    assert hello.content.text == "hello"
    assert pressed.content.choice.value == "yes"
    address, headers = ADAPTER.locate(picture.media[0], config, http)
    file = http.fetch(address, headers=headers, max_bytes=1000)
    assert (file.status, file.headers["content-type"], file.body) == (200, "image/gif", messenger.DOT)


def test_what_is_shown_can_be_picked(twin, config, http, hook):
    send(config, http, text("Sure?", buttons=(YES,), quick_replies=(RED,)))
    shown = messenger.show(twin.sent[0]["body"])
    assert shown["text"] == "Sure?"
    said = [twin.say({"from": ANA.address, "message": choice["message"]}, "messenger") for choice in shown["choices"]]
    picked = {item.platform_id: item for item in heard(twin, hook, config, http)}
    assert [picked[message_id].content.choice.value for message_id in said] == ["yes", "red"]


def test_the_webhook_address_is_checked(twin, hook):
    assert twin.handshake("messenger")


@pytest.mark.parametrize(
    ("fault", "error", "taken"),
    [
        ("429", Throttled, 0),
        ("500", Unreachable, 0),
        ("refuse_token", ConfigError, 0),
        ("timeout_after_accept", OutcomeUnknown, 1),
    ],
)
def test_faults_become_the_right_errors(twin, config, http, fault, error, taken):
    twin.faults.order(fault)
    with pytest.raises(error):
        send(config, http)
    assert len(twin.sent) == taken
    assert send(config, http).platform_id


def test_a_lost_answer_is_known_by_its_echo(twin, config, http, hook):
    """Complaints 2 and 4: what the platform took is learnt from our own reference, and not sent again."""
    twin.faults.order("timeout_after_accept")
    with pytest.raises(OutcomeUnknown):
        send(config, http)
    echo = heard(twin, hook, config, http)[0]
    assert (echo.platform_id, echo.client_ref) == (twin.sent[0]["id"], "ref-1")


def test_a_wrong_token_is_refused(config, http):
    wrong = config.model_copy(update={"access_token": "revoked"})
    with pytest.raises(ConfigError):
        send(wrong, http)
    assert ADAPTER.check(wrong, http).state == "credential_refused"


def test_a_wrong_proof_is_refused(twin, config, http):
    twin.configure("messenger", require_proof=True)
    with pytest.raises(Rejected):
        send(config.model_copy(update={"app_secret": "another"}), http)
    assert twin.sent == []


def test_a_closed_window_is_told_and_colleagues_may_still_write(twin, config, http):
    """Complaint 16."""
    twin.configure("messenger", window_closed=True)
    with pytest.raises(WindowClosed):
        send(config, http)
    allowed = config.model_copy(update={"human_agent": True})
    message = OutboundMessage("ref-2", ANA, text("Following up"), by_human=True)
    [payload] = ADAPTER.render(message, allowed)
    assert ADAPTER.send(payload, allowed, http).platform_id == twin.sent[0]["id"]


@pytest.mark.parametrize(
    "change",
    [
        {"message": {"text": "x" * 2001}},
        {"message": {"text": "x", "quick_replies": [{"content_type": "text", "title": "x" * 21, "payload": "x"}]}},
        {"message": {"attachment": {"type": "template", "payload": {"template_type": "button", "text": "x"}}}},
        {"message": {"attachment": {"type": "template", "payload": {"template_type": "generic", "elements": []}}}},
        {"messaging_type": "SHOUT"},
        {"messaging_type": "MESSAGE_TAG", "tag": "ACCOUNT_UPDATE"},
        {"recipient": {}},
        {"message": None},
    ],
    ids=str,
)
def test_the_twin_refuses_malformed_calls(twin, config, http, change):
    [payload] = ADAPTER.render(OutboundMessage("ref-1", ANA, text("hello")), config)
    payload.json.update(change)
    with pytest.raises((Rejected, ContactBlocked)) as caught:
        ADAPTER.send(payload, config, http)
    assert caught.value.status == 400
    assert twin.sent == []


def test_signals_health_and_page_profile(twin, config, http):
    shown = MessengerConfig(
        **{**config.model_dump(), "get_started": "START", "menu": [{"title": "Help", "payload": "help"}]}
    )
    assert ADAPTER.check(shown, http).facts == {"name": "Twin", "profile": "set"}
    assert twin.settings["messenger"]["profile"]["get_started"] == {"payload": "START"}
    assert ADAPTER.check(shown, http).facts == {"name": "Twin"}
    for action in ("typing", "read"):
        assert ADAPTER.send(ADAPTER.signal(action, ANA, config), config, http).platform_id == ""
    assert twin.sent == []
    assert "SECRET" not in repr(http.trace)


def test_a_missing_subscription_is_told(twin, config, http):
    twin.configure("messenger", subscribed_fields=["message_reads"])
    assert ADAPTER.check(config, http).state == "degraded"
