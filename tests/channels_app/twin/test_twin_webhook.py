"""The generic channel against the twin's integrator: what one writes, the other reads, both ways."""

from __future__ import annotations

import json
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from channels_app.adapters.webhook import Webhook, WebhookConfig
from channels_app.content.types import Content, Media, QuickReply, text
from channels_app.contract import (
    ConfigError,
    InboundMessage,
    MediaRef,
    OutboundMessage,
    OutcomeUnknown,
    RawRequest,
    Recipient,
    Rejected,
    Signal,
    StatusUpdate,
    Throttled,
    Unreachable,
)
from channels_app.http.client import HttpClient, authority
from channels_app.twin import server
from channels_app.twin.platforms.webhook import PICTURE, SETTINGS

ADAPTER = Webhook()
STRANGE = "whsec_c29tZWJvZHkgZWxzZSdzIHNlY3JldCwgMzIgYnl0ZXM="
HELLO = text("hello")
ANA = Recipient("ana-7", thread="ticket-9", last_inbound_id="in-1")


class Inbox:
    """Where the twin's webhooks go: the adapter verifies and parses each, and answers it."""

    def __init__(self, config):
        self.requests: list[RawRequest] = []
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args):
                pass

            def do_POST(self):
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(headers["content-length"]))
                raw = RawRequest("POST", self.path, headers, body=body)
                inbox.requests.append(raw)
                reply = ADAPTER.acknowledge(raw, config)
                self.send_response(reply.status)
                self.end_headers()
                self.wfile.write(reply.body.encode())

        self.config = config
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def items(self):
        for raw in self.requests:
            ADAPTER.verify(raw, self.config, HttpClient())
        return [item for raw in self.requests for item in ADAPTER.parse(raw, self.config)]


@pytest.fixture
def twin():
    with server.start(pauses=(0.01,)) as twin:
        yield twin


@pytest.fixture
def config(twin):
    return WebhookConfig(api_base=f"{twin.url}/integrator/chat", secret=SETTINGS["secret"])


@pytest.fixture
def inbox(twin, config):
    inbox = Inbox(config)
    twin.configure("webhook", webhook_url=inbox.url)
    yield inbox
    inbox.server.shutdown()
    inbox.server.server_close()


def send(config, content=HELLO, ref="018f.0", **change):
    config = config.model_copy(update=change)
    http = HttpClient(allow_hosts=frozenset({authority(config.api_base)}))
    [payload] = ADAPTER.render(OutboundMessage(ref, ANA, content), config)
    return ADAPTER.send(payload, config, http)


# ------------------------------------------------------------------------------ inbound


def test_a_person_speaks(twin, inbox):
    said = {"from": "ana-7", "name": "Ana", "text": "hi", "thread": "ticket-9", "reference": {"ticket": "9"}}
    event_id = twin.say(said, "webhook")
    assert twin.wait_idle()
    [item] = inbox.items
    assert isinstance(item, InboundMessage)
    assert (item.platform_id, item.content, item.thread, item.reference) == (
        event_id,
        text("hi"),
        "ticket-9",
        {"ticket": "9"},
    )
    assert (item.sender.scheme, item.sender.value, item.sender.name) == ("user", "ana-7", "Ana")
    assert item.sent_at is not None


def test_other_events_come_too(twin, inbox):
    twin.say({"from": "ana-7", "event": {"type": "typing"}}, "webhook")
    assert twin.wait_idle()
    assert [type(item) for item in inbox.items] == [Signal]


def test_a_file_is_fetched(twin, inbox, config):
    address = f"{twin.url}/integrator/files/picture.gif"
    content = {"type": "image", "media": {"url": address, "type": "image/gif"}}
    twin.say({"from": "ana-7", "message": content}, "webhook")
    assert twin.wait_idle()
    [ref] = inbox.items[0].media
    assert ref == MediaRef("image", url=address, mime="image/gif")
    http = HttpClient(allow_hosts=frozenset({authority(address)}))
    url, headers = ADAPTER.locate(ref, config, http)
    assert http.fetch(url, headers=headers, max_bytes=1000).body == PICTURE


def test_a_webhook_with_another_secret_is_refused(twin, inbox):
    twin.configure("webhook", secret=STRANGE)
    twin.say({"from": "ana-7", "text": "hi"}, "webhook")
    assert twin.wait_idle()
    with pytest.raises(Exception, match="webhook-signature does not match"):
        _ = inbox.items


@pytest.mark.parametrize("words", [{"text": "hi"}, {"from": "ana-7"}, {"from": "ana-7", "event": "typing"}], ids=str)
def test_words_that_say_nothing_are_explained(twin, words):
    with pytest.raises(ValueError, match="required"):
        twin.say(words, "webhook")


# ----------------------------------------------------------------------------- outbound


def test_a_reply_arrives_and_its_statuses_come_back(twin, inbox, config):
    result = send(config)
    assert twin.wait_idle()
    [sent] = twin.sent
    assert (sent["person"], sent["client_ref"], sent["body"]["content"]["text"]) == ("ana-7", "018f.0", "hello")
    assert (sent["id"], sent["body"]["thread"]) == (result.platform_id, "ticket-9")
    statuses = [(item.platform_id, item.client_ref, item.status) for item in inbox.items]
    assert statuses == [(sent["id"], "018f.0", "delivered"), (sent["id"], "018f.0", "read")]
    assert all(isinstance(item, StatusUpdate) for item in inbox.items)


def test_a_choice_comes_back_as_its_value(twin, inbox, config):
    send(config, text("Sure?", quick_replies=(QuickReply(title="Yes", payload="pick:yes"),)))
    assert twin.wait_idle()
    shown = server.PLATFORMS["webhook"].show(twin.sent[0]["body"])
    twin.say({"from": "ana-7", "message": shown["choices"][0]["message"]}, "webhook")
    assert twin.wait_idle()
    assert (shown["text"], inbox.items[-1].content.choice.value) == ("Sure?", "pick:yes")


def test_a_repeat_is_recognised_by_its_reference(twin, config):
    """Complaint 2: a lost answer is no second message."""
    twin.faults.order("timeout_after_accept")
    with pytest.raises(OutcomeUnknown):
        send(config)
    result = send(config)
    assert [sent["id"] for sent in twin.sent] == [result.platform_id]
    assert len(twin.repeats) == 1


@pytest.mark.parametrize("change", [{"secret": STRANGE}, {"secret": STRANGE, "previous_secret": STRANGE}], ids=len)
def test_a_wrong_secret_is_refused(twin, config, change):
    with pytest.raises(ConfigError):
        send(config, **change)
    assert twin.sent == []


def test_a_secret_is_replaced_without_a_gap(twin, config):
    assert send(config, secret=STRANGE, previous_secret=config.secret).platform_id


@pytest.mark.parametrize(
    ("fault", "error", "retry_after"),
    [("429", Throttled, 1), ("500", Unreachable, None), ("refuse_token", ConfigError, None)],
)
def test_faults(twin, config, fault, error, retry_after):
    twin.faults.order(fault)
    with pytest.raises(error) as caught:
        send(config)
    assert caught.value.retry_after == retry_after
    assert send(config).platform_id


def test_a_wrong_address_holds_the_channel(twin, config):
    with pytest.raises(ConfigError) as caught:
        send(config, api_base=f"{twin.url}/integrator/chats")
    assert caught.value.code == "wrong_address"


@pytest.mark.parametrize(
    "content",
    [
        Content.model_construct(type="text", text="x" * 4097, media=None),
        Content.model_construct(type="", text="x", media=None),
    ],
    ids=["too long", "no type"],
)
def test_the_integrator_refuses_what_is_wrong(twin, config, content):
    with pytest.raises(Rejected) as caught:
        send(config, content)
    assert caught.value.code == "bad_message"
    assert twin.sent == []


def test_media_goes_by_its_address(twin, config):
    picture = Media(url="https://files.example/i.png", type="image/png")
    send(config, Content(type="image", media=picture))
    assert twin.sent[0]["body"]["content"]["media"]["url"] == picture.url


def test_typing_is_taken_and_is_no_message(twin, config):
    http = HttpClient(allow_hosts=frozenset({authority(config.api_base)}))
    ADAPTER.send(ADAPTER.signal("typing", ANA, config), config, http)
    assert json.loads(twin.requests[-1].body)["type"] == "typing"
    assert twin.sent == []


def test_the_check_finds_it_healthy(config):
    http = HttpClient(allow_hosts=frozenset({authority(config.api_base)}))
    assert ADAPTER.check(config, http).state == "healthy"


def test_the_twin_s_page_does_not_show_the_secret(twin):
    with urllib.request.urlopen(f"{twin.url}/_twin/state") as answer:
        assert SETTINGS["secret"].encode() not in answer.read()
