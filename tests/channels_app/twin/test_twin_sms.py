"""The twin's SMS with the adapter: what people write comes in, what we send arrives and is reported."""

from __future__ import annotations

import pytest

from channels_app.adapters.sms import Sms
from channels_app.content.types import Content, Media, text
from channels_app.contract import (
    ConfigError,
    ContactBlocked,
    InboundMessage,
    OutcomeUnknown,
    Rejected,
    Signal,
    StatusUpdate,
    Throttled,
    Unreachable,
)
from channels_app.twin import server
from channels_app.twin.platforms.sms import DOT, MEDIA
from tests.channels_app.twilio_service import Service

ANA = "+15005550006"
NUMBER = {"from_number": "+15005550001"}


@pytest.fixture
def twin():
    with server.start(pauses=(0.01, 0.01)) as twin:
        yield twin


@pytest.fixture
def service(twin):
    service = Service(Sms(), twin, **NUMBER)
    yield service
    service.stop()


def test_a_person_writes(twin, service):
    message = twin.say({"from": ANA, "text": "Grüße 👋 a+b=c"}, "sms")
    assert twin.wait_idle()
    [item] = service.of(InboundMessage)
    assert (item.platform_id, item.sender.value, item.content.text) == (message, ANA, "Grüße 👋 a+b=c")
    assert item.reference == {"webhook": service.url}


def test_an_answer_arrives_and_is_reported(twin, service):
    [sent] = service.send(text("hello & welcome"))
    assert twin.wait_idle()
    assert [(one["id"], one["person"], one["body"]["Body"]) for one in twin.sent] == [
        (sent.platform_id, ANA, "hello & welcome")
    ]
    assert [(item.status, item.platform_id, item.client_ref) for item in service.of(StatusUpdate)] == [
        (word, sent.platform_id, "ref-1") for word in ("sent", "sent", "delivered")
    ]


def test_a_lost_answer_is_learnt_from_the_first_status(twin, service):
    twin.faults.order("timeout_after_accept")
    with pytest.raises(OutcomeUnknown):
        service.send(text("hello"))
    assert twin.wait_idle()
    [taken] = twin.sent
    assert {(item.client_ref, item.platform_id) for item in service.of(StatusUpdate)} == {("ref-1", taken["id"])}


def test_a_picture_is_fetched_with_the_credentials(twin, service):
    twin.say({"from": ANA, "text": "Look", "media": MEDIA}, "sms")
    assert twin.wait_idle()
    [item] = service.of(InboundMessage)
    address, headers = service.adapter.locate(item.media[0], service.config, service.http())
    assert service.http().fetch(address, headers=headers, max_bytes=1000).body == DOT
    assert service.http().fetch(address, max_bytes=1000).status == 401


def test_a_picture_is_sent(twin, service):
    service.config = service.config.model_copy(update={"mms": True})
    service.send(Content(type="image", text="Map", media=Media(url="https://cdn.example/i.png", type="image/png")))
    assert twin.sent[0]["body"]["MediaUrl"] == "https://cdn.example/i.png"
    assert twin.sent[0]["id"].startswith("MM")


def test_who_wrote_stop_is_left_alone_until_start(twin, service):
    twin.say({"from": ANA, "text": "stop"}, "sms")
    with pytest.raises(ContactBlocked) as caught:
        service.send(text("hello"))
    assert caught.value.code == "21610"
    twin.say({"from": ANA, "text": "START"}, "sms")
    assert twin.wait_idle()
    assert sorted(signal.kind for signal in service.of(Signal)) == ["reopened", "stopped"]
    assert service.send(text("hello"))


@pytest.mark.parametrize(
    ("fault", "error"), [("429", Throttled), ("500", Unreachable), ("refuse_token", ConfigError)], ids=str
)
def test_faults_have_their_meaning(twin, service, fault, error):
    twin.faults.order(fault)
    with pytest.raises(error):
        service.send(text("hello"))
    assert twin.sent == []
    assert service.send(text("hello"))


def test_a_wrong_token_is_refused(twin, service):
    service.config = service.config.model_copy(update={"auth_token": "revoked"})
    with pytest.raises(ConfigError):
        service.send(text("hello"))
    assert service.adapter.check(service.config, service.http()).state == "credential_refused"


def test_a_wrong_sender_is_refused(twin, service):
    service.config = service.config.model_copy(update={"from_number": "+15005550099"})
    with pytest.raises(ConfigError) as caught:
        service.send(text("hello"))
    assert caught.value.code == "21606"


def test_a_text_that_was_not_split_is_refused(twin, service):
    with pytest.raises(Rejected) as caught:
        service.send(text("x" * 1601))
    assert caught.value.code == "21617"


def test_the_health_check_finds_the_number(twin, service):
    assert service.adapter.check(service.config, service.http()).state == "healthy"
    twin.configure("sms", number="+15005550077")
    assert service.adapter.check(service.config, service.http()).state == "degraded"


@pytest.mark.parametrize("words", [{"from": "Ana", "text": "hi"}, {"from": ANA}], ids=["no number", "no words"])
def test_wrong_words_are_explained(twin, words):
    with pytest.raises(ValueError, match="required|must be"):
        twin.say(words, "sms")
