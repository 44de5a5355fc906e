"""The Teams adapter, the real HTTP client and the twin together: both directions on the wire."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from channels_app.adapters.teams import Teams, TeamsConfig
from channels_app.adapters.teams.keys import keys_forget
from channels_app.adapters.teams.tokens import token_for, tokens_forget
from channels_app.content.types import Button, Card, Choice, Content, ListRow, ListSection, Media, QuickReply, text
from channels_app.contract import (
    BadSignature,
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
)
from channels_app.http.client import HttpClient, authority
from channels_app.twin import server
from channels_app.twin.platforms.teams import DOT, FILE, PICTURE, SETTINGS, show

ADAPTER = Teams()
MIRA = "aaaaaaaa-0000-4000-8000-000000000001"
YES = Button(type="postback", title="Yes", payload="pick:yes")
CONTENTS = {
    "text": text("a secret word"),
    "markdown": text("**now**", format="markdown"),
    "buttons": text("a secret word", buttons=(YES, Button(type="url", title="Open", url="https://example.org"))),
    "suggested": text("a secret word", quick_replies=(QuickReply(title="No", payload="No"),)),
    "ten choices": text("Which?", quick_replies=tuple(QuickReply(title=f"T{n}", payload=f"t:{n}") for n in range(10))),
    "image": Content(type="image", media=Media(url="https://cdn.example/i.png", type="image/png")),
    "image with words": Content(
        type="image", media=Media(url="https://cdn.example/i.png", type="image/png"), text="Map"
    ),
    "list": Content(type="list", sections=(ListSection(rows=(ListRow(title="Lisbon", payload="lis"),)),)),
    "carousel": Content(type="carousel", cards=(Card(title="Desk", buttons=(YES,)), Card(title="Chair"))),
}


class Inbox:
    """Where the twin's webhooks go."""

    def __init__(self):
        self.requests: list[RawRequest] = []
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args):
                pass

            def do_POST(self):
                headers = {name.lower(): value for name, value in self.headers.items()}
                body = self.rfile.read(int(headers["content-length"]))
                inbox.requests.append(RawRequest("POST", self.path, headers, body=body))
                self.send_response(200)
                self.end_headers()

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture(autouse=True)
def cold():
    tokens_forget()
    keys_forget()
    yield
    tokens_forget()
    keys_forget()


@pytest.fixture
def inbox():
    inbox = Inbox()
    yield inbox
    inbox.server.shutdown()
    inbox.server.server_close()


@pytest.fixture
def twin(inbox):
    with server.start() as twin:
        twin.configure("teams", webhook_url=inbox.url)
        yield twin


@pytest.fixture
def config(twin):
    return TeamsConfig(
        api_base=f"{twin.url}/teams",
        login_base=f"{twin.url}/teams",
        openid_url=f"{twin.url}/teams/v1/.well-known/openidconfiguration",
        app_id=SETTINGS["app_id"],
        client_secret=SETTINGS["app_secret"],
        tenant_id=SETTINGS["tenant_id"],
    )


@pytest.fixture
def http(twin):
    return HttpClient(secrets=frozenset({SETTINGS["app_secret"]}), allow_hosts=frozenset({authority(twin.url)}))


def received(twin, inbox, config, http):
    """What the service makes of everything the twin has posted."""
    assert twin.wait_idle()
    for raw in inbox.requests:
        ADAPTER.verify(raw, config, http)
    return [item for raw in inbox.requests for item in ADAPTER.parse(raw, config)]


def heard(twin, inbox, config, http, **words):
    twin.say({"from": MIRA, "name": "Mira Voss", **words}, "teams")
    [item] = received(twin, inbox, config, http)
    inbox.requests.clear()
    return item


def answer_to(item: InboundMessage) -> Recipient:
    sender = item.sender
    return Recipient(sender.value, "teams", sender.scope, item.thread, item.platform_id, item.reference)


def send(config, http, recipient, content=CONTENTS["text"], **more):
    [payload] = ADAPTER.render(OutboundMessage("ref-1", recipient, content, **more), config)
    return ADAPTER.send(payload, config, http)


STRANGER = Recipient(MIRA, "teams", SETTINGS["tenant_id"])


def test_a_word_is_heard_and_answered_where_it_was_said(twin, inbox, config, http):
    item = heard(twin, inbox, config, http, text="hello")
    assert isinstance(item, InboundMessage)
    assert (item.content, item.sender.value, item.sender.name) == (text("hello"), MIRA, "Mira Voss")
    result = send(config, http, answer_to(item), reply_to=item.platform_id)
    [taken] = twin.sent
    quoted = f'<quoted messageId="{item.platform_id.partition("@")[0]}"/>'
    assert (taken["person"], taken["body"]["text"]) == (MIRA, f"{quoted} a secret word")
    assert result.platform_id.partition("@")[0] == taken["id"]
    assert [one["quotedReply"]["messageId"] for one in taken["body"]["entities"]] == [
        item.platform_id.partition("@")[0]
    ]
    [status] = received(twin, inbox, config, http)
    assert isinstance(status, StatusUpdate)
    assert (status.status, status.sender.value, round(status.up_to.timestamp() * 1000)) == (
        "read",
        MIRA,
        int(taken["id"]),
    )


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS.keys())
def test_the_platform_takes_what_is_rendered(twin, config, http, content):
    assert send(config, http, STRANGER, content).platform_id
    assert len(twin.sent) == 1
    told = repr(http.trace)
    assert "secret word" not in told
    assert SETTINGS["app_secret"] not in told
    assert token_for(config, http).value not in told


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (CONTENTS["buttons"], Choice(value="pick:yes", title="Yes")),
        (CONTENTS["carousel"], Choice(value="pick:yes", title="Yes")),
        (CONTENTS["list"], Choice(value="lis", title="Lisbon")),
        (CONTENTS["suggested"], None),
    ],
    ids=["button", "hero card", "list row", "suggested action"],
)
def test_a_press_comes_back_as_the_choice(twin, inbox, config, http, content, said):
    twin.configure("teams", statuses=[])
    send(config, http, STRANGER, content)
    choice = show(twin.sent[0]["body"])["choices"][0]
    item = heard(twin, inbox, config, http, message=choice["message"])
    assert (item.content.choice, item.content.text) == (said, choice["title"])


def test_files_and_pictures(twin, inbox, config, http):
    service = f"{twin.url}/teams/emea/{SETTINGS['tenant_id']}"
    info = {"downloadUrl": f"{twin.url}/teams/files/{FILE}?tempauth=sealed", "fileType": "pdf"}
    attachments = [
        {"contentType": "image/*", "contentUrl": f"{service}/v3/attachments/{PICTURE}/views/original"},
        {"contentType": "application/vnd.microsoft.teams.file.download.info", "name": "a.pdf", "content": info},
    ]
    item = heard(twin, inbox, config, http, message={"text": "look", "attachments": attachments})
    found = []
    for ref in item.media:
        address, headers = ADAPTER.locate(ref, config, http)
        found.append(http.fetch(address, headers=headers, max_bytes=1000).body)
    assert found == [DOT, b"%PDF-1.4 twin"]
    assert "sealed" not in repr(http.trace)


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
    recipient = Recipient(MIRA, "teams", thread=f"a:{MIRA}", reference={"conversation": f"a:{MIRA}"})
    twin.faults.order(fault)
    with pytest.raises(error):
        send(config, http, recipient)
    assert len(twin.sent) == taken
    assert send(config, http, recipient).platform_id


def test_a_remembered_token_that_is_refused_is_renewed(twin, config, http):
    send(config, http, STRANGER)
    twin.faults.order("refuse_token")
    send(config, http, STRANGER)
    assert len(twin.sent) == 2
    assert sum(call.path.endswith("/token") for call in twin.requests) == 2


def test_a_person_who_removed_the_app(twin, config, http):
    twin.configure("teams", blocked=[MIRA])
    with pytest.raises(ContactBlocked) as caught:
        send(config, http, STRANGER)
    assert caught.value.code == "MessageWritesBlocked"


@pytest.mark.parametrize(
    ("recipient", "code"),
    [
        (Recipient("mira@example.org", "teams", SETTINGS["tenant_id"]), "BadArgument"),
        (Recipient(MIRA, thread="x:1"), "ConversationNotFound"),
    ],
    ids=["e-mail address", "no such conversation"],
)
def test_addresses_that_lead_nowhere(twin, config, http, recipient, code):
    with pytest.raises(Rejected) as caught:
        send(config, http, recipient)
    assert caught.value.code == code


def test_wrong_credentials(twin, config, http):
    wrong = config.model_copy(update={"client_secret": "wrong"})
    with pytest.raises(ConfigError) as caught:
        send(wrong, http, STRANGER)
    assert caught.value.code == "AADSTS7000215"
    assert ADAPTER.check(wrong, http).state == "credential_refused"
    assert ADAPTER.check(config, http).state == "healthy"
    assert twin.sent == []


def test_a_webhook_for_another_app_is_refused(twin, inbox, config, http):
    twin.configure("teams", app_id="00000000-0000-4000-8000-000000000000")
    twin.say({"from": MIRA, "text": "hello"}, "teams")
    with pytest.raises(BadSignature):
        received(twin, inbox, config, http)


def test_typing_is_shown_and_is_no_message(twin, config, http):
    recipient = Recipient(MIRA, thread=f"a:{MIRA}")
    ADAPTER.send(ADAPTER.signal("typing", recipient, config), config, http)
    assert twin.requests[-1].status == 201
    assert twin.sent == []


BAD = {
    "no text": ({"type": "message"}, 400),
    "unknown type": ({"type": "trace"}, 400),
    "no format": ({"type": "message", "text": "x"}, 400),
    "too long": ({"type": "message", "text": "x" * 60_000, "textFormat": "plain"}, 413),
    "video card": ({"type": "message", "attachments": [{"contentType": "application/vnd.microsoft.card.video"}]}, 400),
}


@pytest.mark.parametrize(("body", "status"), BAD.values(), ids=BAD.keys())
def test_the_twin_refuses_what_the_platform_would(twin, config, http, body, status):
    send(config, http, STRANGER)  # for the token
    headers = {"Authorization": f"Bearer {token_for(config, http).value}"}
    url = f"{twin.url}/teams/v3/conversations/a%3A{MIRA}/activities"
    assert http.request("POST", url, headers=headers, json=body).status == status
    assert http.request("POST", url, headers={"Authorization": "Bearer other"}, json=body).status == 401


@pytest.mark.parametrize(
    "words", [{}, {"from": MIRA}, {"from": MIRA, "text": ""}, {"from": MIRA, "message": 1}], ids=str
)
def test_saying_nothing_is_refused(twin, words):
    with pytest.raises(ValueError, match="required"):
        twin.say(words, "teams")
