"""The Slack adapter, the real HTTP client and the twin together: both directions on the wire."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from channels_app.adapters.slack import Slack, SlackConfig
from channels_app.content.types import Button, Card, Content, ListRow, ListSection, Media, QuickReply, text
from channels_app.contract import (
    ConfigError,
    InboundMessage,
    OutboundMessage,
    OutcomeUnknown,
    RawRequest,
    Recipient,
    Rejected,
    StatusUpdate,
    Throttled,
    Unreachable,
)
from channels_app.http.client import HttpClient, authority
from channels_app.twin import server

ADAPTER = Slack()
CHANNEL = "C0GENERAL"
DEMO = Recipient("U0DEMO001", "slack")
YES = Button(type="postback", title="Yes", payload="yes")
OPEN = Button(type="url", title="Open", url="https://example.org/7")
CONTENTS = {
    "text": text("hello <b> & *x*"),
    "quick replies": Content(type="quick_reply", text="Sure?", quick_replies=(QuickReply(title="No", payload="no"),)),
    "buttons": text("See https://example.org/a", buttons=(YES, OPEN)),
    "image": Content(type="image", media=Media(url="https://cdn.example/i.png", type="image/png"), text="Map"),
    "list": Content(type="list", sections=(ListSection(rows=(ListRow(title="Lisbon", payload="lis"),)),) * 2),
    "long list": Content(type="list", sections=(ListSection(rows=(ListRow(title="Oslo", payload="o" * 900),)),)),
    "carousel": Content(type="carousel", cards=(Card(title="Room A", buttons=(YES, OPEN)), Card(title="B"))),
    "native": Content(type="text", text="*bold*\n" * 500, format="native", buttons=(YES,)),
}


class Hook:
    """A stand-in for the service: keeps what the twin posts, checked by the adapter, and answers it."""

    def __init__(self, config):
        self.config, self.requests = config, []
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args):
                pass

            def do_POST(self):
                headers = {name.lower(): value for name, value in self.headers.items()}
                raw = RawRequest("POST", self.path, headers, body=self.rfile.read(int(headers["content-length"])))
                ADAPTER.verify(raw, hook.config, HttpClient())
                hook.requests.append(raw)
                reply = ADAPTER.handshake(raw, hook.config) or ADAPTER.acknowledge(raw, hook.config)
                self.send_response(reply.status)
                self.send_header("content-type", reply.content_type)
                self.end_headers()
                self.wfile.write(reply.body.encode())

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    @property
    def items(self):
        return [item for raw in self.requests for item in ADAPTER.parse(raw, self.config)]


@pytest.fixture
def twin():
    with server.start(pauses=(0.01,)) as twin:
        yield twin


@pytest.fixture
def config(twin):
    return SlackConfig(
        api_base=twin.url, bot_token="xoxb-SECRET-good", signing_secret="twin-signing-secret", team_id="T0TWIN001"
    )


@pytest.fixture
def hook(twin, config):
    hook = Hook(config)
    twin.configure("slack", webhook_url=hook.url)
    yield hook
    hook.server.shutdown()
    hook.server.server_close()


@pytest.fixture
def http(twin, config):
    secrets = frozenset(getattr(config, name) for name in ADAPTER.secret_keys)
    return HttpClient(secrets=secrets, allow_hosts=frozenset({authority(twin.url)}))


def send(config, http, content=CONTENTS["text"], recipient=DEMO):
    payloads = ADAPTER.render(OutboundMessage("ref-1", recipient, content), config)
    return [ADAPTER.send(payload, config, http) for payload in payloads][-1]


def answering(item):
    """The recipient that messaging makes of an inbound message."""
    address = item.sender.address or item.sender.value
    return Recipient(address, "slack", item.sender.scope, item.thread, item.platform_id, item.reference)


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS.keys())
def test_the_platform_takes_what_is_rendered(twin, config, http, content):
    result = send(config, http, content)
    [taken] = twin.sent
    assert (taken["id"], taken["client_ref"], taken["person"]) == (result.platform_id, "ref-1", "D0DEMO001")
    assert "SECRET" not in repr(http.trace)


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


def test_a_wrong_token_is_refused(twin, config, http):
    with pytest.raises(ConfigError) as caught:
        send(config.model_copy(update={"bot_token": "xoxb-revoked"}), http)
    assert caught.value.code == "invalid_auth"
    assert ADAPTER.check(config.model_copy(update={"bot_token": "xoxb-revoked"}), http).state == "credential_refused"


def test_the_echo_teaches_the_id_of_a_lost_answer(twin, config, http, hook):
    twin.faults.order("timeout_after_accept")
    with pytest.raises(OutcomeUnknown):
        send(config, http)
    assert twin.wait_idle()
    [item] = hook.items
    assert (type(item), item.platform_id, item.client_ref) == (StatusUpdate, twin.sent[0]["id"], "ref-1")


def test_the_address_is_checked(twin, config, hook):
    assert twin.handshake("slack")


def test_a_direct_message_and_its_answer(twin, config, http, hook):
    said = twin.say({"from": "U0DEMO001", "text": "hi"}, "slack")
    assert twin.wait_idle()
    [item] = hook.items
    assert (item.platform_id, item.content.text, item.thread) == (said, "hi", "")
    send(config, http, recipient=answering(item))
    assert twin.sent[0]["person"] == "D0DEMO001"
    assert "thread_ts" not in twin.sent[0]["body"]


def test_a_mention_is_one_message_and_answered_in_its_thread(twin, config, http, hook):
    said = twin.say({"from": "U0DEMO001", "channel": CHANNEL, "text": "<@U0TWINBOT> where?"}, "slack")
    assert twin.wait_idle()
    assert [(item.platform_id, item.content.text) for item in hook.items] == [(said, "where?")] * 2
    send(config, http, recipient=answering(hook.items[0]))
    assert twin.sent[0]["body"]["thread_ts"] == said.partition(":")[2]
    assert ADAPTER.send(ADAPTER.signal("typing", answering(hook.items[0]), config), config, http).platform_id == ""


@pytest.mark.parametrize("name", ["buttons", "list"])
def test_a_shown_choice_can_be_picked(twin, config, http, hook, name):
    twin.configure("slack", echoes=False)
    send(config, http, CONTENTS[name])
    shown = server.PLATFORMS["slack"].show(twin.sent[0]["body"])
    twin.say({"from": "D0DEMO001", "message": shown["choices"][0]["message"]}, "slack")
    assert twin.wait_idle()
    [item] = hook.items
    picked = {"buttons": ("yes", "Yes"), "list": ("lis", "Lisbon")}[name]
    assert (item.content.choice.value, item.content.text) == picked
    assert (item.thread, item.sender.value, item.sender.address) == ("", "U0DEMO001", "D0DEMO001")


def test_a_command_is_answered_even_where_the_bot_is_no_member(twin, config, http, hook):
    twin.say({"from": "U0DEMO001", "channel": "C0SECRET", "message": {"command": "/desk", "text": "hi"}}, "slack")
    assert twin.wait_idle()
    [item] = hook.items
    assert isinstance(item, InboundMessage)
    for _ in range(5):
        assert send(config, http, recipient=answering(item)).platform_id == ""
    assert twin.sent[0]["body"]["response_type"] == "in_channel"
    with pytest.raises(Rejected) as caught:
        send(config, http, recipient=answering(item))
    assert caught.value.code == "not_in_channel"


def test_a_command_is_answered_in_its_channel(twin, config, http, hook):
    twin.say({"from": "U0DEMO001", "channel": CHANNEL, "message": {"command": "/desk"}}, "slack")
    assert twin.wait_idle()
    [item] = hook.items
    assert send(config, http, recipient=answering(item)).platform_id.startswith(f"{CHANNEL}:")
    alone = config.model_copy(update={"command_answers": "ephemeral"})
    [item] = ADAPTER.parse(hook.requests[0], alone)
    assert send(alone, http, recipient=answering(item)).platform_id == "", "no later call can name it"
    assert [call.path.rpartition(".")[2] for call in twin.requests] == ["postMessage", "postEphemeral"]


def test_files_in_both_directions(twin, config, http, hook):
    note = {"id": "F0TWINTXT", "name": "n.txt", "mimetype": "text/plain", "size": 6, "mode": "hosted"}
    twin.say({"from": "U0DEMO001", "message": {"subtype": "file_share", "text": "", "files": [note]}}, "slack")
    assert twin.wait_idle()
    [item] = hook.items
    address, headers = ADAPTER.locate(item.media[0], config, http)
    assert http.fetch(address, headers=headers, max_bytes=100).body == b"a note"
    source = Media(url=f"{twin.url}/slack/files/F0TWINTXT", type="text/plain", name="n.txt")
    send(config, http, Content(type="file", media=source, text="Back"))
    [sent] = twin.sent
    file_id = sent["body"]["files"][0]["id"]
    assert (sent["person"], sent["body"]["initial_comment"]) == ("D0DEMO001", "Back")
    assert twin.media[file_id][1].startswith(b"<html>")  # fetched without our token
    assert "SECRET" not in repr(http.trace)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"channel": "X"}, "channel_not_found"),
        ({"channel": "C0OTHER"}, "not_in_channel"),
        ({"text": ""}, "no_text"),
        ({"text": "x" * 40_001}, "msg_too_long"),
        ({"blocks": [{"type": "divider"}] * 51}, "invalid_blocks"),
        ({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]}, "invalid_blocks"),
        ({"blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 2700}}] * 5}, "msg_blocks_too_long"),
        ({"blocks": [{"type": "actions", "elements": []}]}, "invalid_blocks"),
        ({"metadata": {}}, "invalid_metadata_format"),
    ],
    ids=lambda value: json.dumps(value)[:40],
)
def test_the_twin_refuses_wrong_messages(twin, config, http, change, expected):
    body = {"channel": CHANNEL, "text": "hello", **change}
    answer = http.request("POST", f"{twin.url}/api/chat.postMessage", headers=config.bearer, json=body)
    assert (answer.status, answer.json()["error"]) == (200, expected)
    assert twin.sent == []


@pytest.mark.parametrize(
    "words", [{"from": "ana", "text": "hi"}, {"from": "U1"}, {"from": "U1", "message": "x"}], ids=str
)
def test_the_twin_explains_wrong_words(twin, words):
    with pytest.raises(ValueError):
        twin.say(words, "slack")


def test_the_page_shows_no_secret(twin, config, http, hook):
    twin.configure("slack", signing_secret="SECRET-signing")
    send(config, http)
    state = http.request("GET", f"{twin.url}/_twin/state")
    assert b"SECRET" not in state.body
    assert [one["text"] for one in state.json()["chat"]] == ["hello &lt;b&gt; &amp; *x*"]
