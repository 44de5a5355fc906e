"""The adapter, the real HTTP client and the twin together: what a send looks like on the wire."""

from __future__ import annotations

import pytest

from channels_app.adapters.whatsapp import WhatsApp, WhatsAppConfig
from channels_app.content.fit import fit
from channels_app.content.options import payload_meant
from channels_app.content.types import (
    Button,
    Content,
    ListRow,
    ListSection,
    Location,
    Media,
    QuickReply,
    TemplateUse,
    text,
)
from channels_app.contract import (
    ConfigError,
    MediaRef,
    OutboundMessage,
    OutcomeUnknown,
    Recipient,
    Rejected,
    Throttled,
    Unreachable,
)
from channels_app.http.client import HttpClient, authority
from channels_app.twin import server
from channels_app.twin.platforms import whatsapp

ADAPTER = WhatsApp()
PERSON = Recipient("+15550107777", "phone", last_inbound_id="wamid.A1")
NO = QuickReply(title="No", payload="no")
CONTENTS = {
    "text": text("hello"),
    "quick replies": Content(type="quick_reply", text="Sure?", quick_replies=(NO,)),
    "where are you": text("?", quick_replies=(QuickReply(title="Here", payload="x", content_type="location"),)),
    "image": Content(type="image", media=Media(url="https://cdn.example/i.png", type="image/png"), text="Map"),
    "location": Content(type="location", location=Location(latitude=1.5, longitude=2.5)),
    "list": Content(type="list", sections=(ListSection(rows=(ListRow(title="Lisbon", payload="lis"),)),)),
    "template": Content(type="template", template=TemplateUse(name="order_update", variables={"1": "Ana"})),
}


@pytest.fixture
def twin():
    with server.start() as twin:
        yield twin


@pytest.fixture
def config(twin):
    return WhatsAppConfig(
        api_base=twin.url,
        phone_number_id="400000000000001",
        access_token="SECRET-access",
        app_secret="SECRET-app",
        verify_token="SECRET-verify",
    )


@pytest.fixture
def http(twin, config):
    secrets = frozenset(getattr(config, name) for name in ADAPTER.secret_keys)
    return HttpClient(secrets=secrets, allow_hosts=frozenset({authority(twin.url)}))


def send(config, http, content=CONTENTS["text"]):
    [payload] = ADAPTER.render(OutboundMessage("ref-1", PERSON, content), config)
    return ADAPTER.send(payload, config, http)


@pytest.mark.parametrize("content", CONTENTS.values(), ids=CONTENTS.keys())
def test_the_platform_takes_what_is_rendered(twin, config, http, content):
    result = send(config, http, content)
    [taken] = twin.sent
    assert (taken["id"], taken["client_ref"], taken["person"]) == (result.platform_id, "ref-1", "+15550107777")
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


def test_a_second_try_after_silence_is_recognised(twin, config, http):
    twin.configure(dedupe=True)
    twin.faults.order("timeout_after_accept")
    with pytest.raises(OutcomeUnknown):
        send(config, http)
    send(config, http)
    assert (len(twin.sent), len(twin.repeats)) == (1, 1)


def test_signals_health_and_media(twin, config, http):
    assert ADAPTER.check(config, http).state == "healthy"
    assert ADAPTER.send(ADAPTER.signal("typing", PERSON, config), config, http).platform_id == ""
    address, headers = ADAPTER.locate(MediaRef("image", id="900000000000001"), config, http)
    with http.download(address, headers=headers, max_bytes=1000) as file:
        assert b"".join(file.chunks) == twin.media["900000000000001"][1]
    assert twin.sent == []
    assert "SECRET" not in repr(http.trace)


TWICE = (QuickReply(title="Red", payload="x"), QuickReply(title="Blue", payload="x"))


@pytest.mark.parametrize(
    "content",
    [
        text("Which?", quick_replies=TWICE),
        text("Which?", quick_replies=(QuickReply(title="Book", payload="a"), QuickReply(title="Book", payload="b"))),
        text("Which?", buttons=(Button(type="postback", title="Yes", payload=" yes "),)),
        text("Which?", quick_replies=(QuickReply(title="Red", payload="x" * 1000),)),
        Content(type="list", sections=(ListSection(rows=tuple(ListRow(title=f"{n}", payload="x") for n in range(3))),)),
    ],
    ids=["equal payloads", "equal titles", "blanks", "a long payload", "equal rows"],
)
def test_choices_that_the_platform_would_refuse_are_taken_once_fitted(config, http, content):
    with pytest.raises(Rejected):
        send(config, http, content)
    for part in fit(content, ADAPTER.capabilities).parts:
        assert send(config, http, part).platform_id


def test_a_pick_comes_back_as_it_was_meant(twin, config, http):
    [part] = fit(text("Which?", quick_replies=TWICE), ADAPTER.capabilities).parts
    send(config, http, part)
    [sent] = twin.sent
    picked = whatsapp.show(sent["body"])["choices"][1]["message"]["interactive"]["button_reply"]
    assert (picked["title"], payload_meant(picked["id"])) == ("Blue", "x")
    assert picked["id"] != "x"
