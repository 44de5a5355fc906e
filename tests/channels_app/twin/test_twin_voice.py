"""The twin's phone with the adapter: a call from the greeting to the hang-up, on the wire."""

from __future__ import annotations

import pytest

from channels_app.adapters.voice import Voice
from channels_app.content.types import text
from channels_app.contract import (
    ConfigError,
    InboundMessage,
    Recipient,
    Rejected,
    Signal,
    StatusUpdate,
    Throttled,
    Unreachable,
)
from channels_app.twin import server
from channels_app.twin.platforms.voice import lines, show
from tests.channels_app.twilio_service import Service

ANA = "+15005550006"
COLLEAGUE = {"handover_number": "+15005550002"}


@pytest.fixture
def twin():
    with server.start(pauses=(0.01, 0.01)) as twin:
        twin.configure("voice", pace=60.0)  # no test waits for a pause to end
        yield twin


@pytest.fixture
def service(twin):
    service = Service(Voice(), twin, number="+15005550001", **COLLEAGUE)
    yield service
    service.stop()


def calls(twin, wanted, **words):
    """Say it, and wait for ``wanted(…)``: the wait loop may go on meanwhile."""
    call = twin.say({"from": ANA, **words}, "voice")
    assert wait_for(twin, wanted)
    return call


def wait_for(twin, wanted, tries=500):
    """The twin's workers post in the background; each turn gives them 10 ms at most."""
    return any(wanted() or twin.wait_idle(0.01) and wanted() for _ in range(tries))


def heard(twin):
    return [show(one["body"])["text"] for one in twin.sent if one["platform"] == "voice"]


def messages(service, count):
    return lambda: len(service.of(InboundMessage)) >= count


def kinds(service):
    return [signal.kind for signal in service.of(Signal)]


def test_a_call_from_greeting_to_hang_up(twin, service):
    call = calls(twin, messages(service, 1), text="I need a room")
    [first] = service.of(InboundMessage)
    assert (first.thread, first.content.text, first.sender.value) == (call, "I need a room", ANA)
    [sent] = service.send(text("Which?\n\n1. Small\n2. Large"), thread=call)
    calls(twin, messages(service, 2), digits="2")
    assert [item.content.text for item in service.of(InboundMessage)] == ["I need a room", "2"]
    assert [(item.status, item.platform_id, item.client_ref) for item in service.of(StatusUpdate)] == [
        ("delivered", sent.platform_id, "ref-1")
    ]
    calls(twin, lambda: "ended" in kinds(service), hang_up=True)
    assert kinds(service) == ["joined", "ended"]
    assert heard(twin)[1].startswith("Which? For Small, press 1. For Large, press 2.")


def test_words_to_a_call_that_is_over(twin, service):
    call = calls(twin, messages(service, 1), text="Hello")
    calls(twin, lambda: "ended" in kinds(service), hang_up=True)
    with pytest.raises(Rejected) as caught:
        service.send(text("Too late"), thread=call)
    assert caught.value.code == "call_ended"
    with pytest.raises(Rejected) as caught:
        service.send(text("To no call"), thread="CA404")
    assert caught.value.code == "call_ended"


def test_a_slow_answer_is_bridged_and_given_up_at_last(twin, service):
    twin.configure("voice", pace=0.0)
    calls(twin, lambda: "ended" in kinds(service), text="What is the meaning of life?")
    spoken = heard(twin)
    assert spoken[1] == "One moment, please."
    assert spoken[-1].startswith("I am sorry, I cannot answer that now. I will put you through")
    assert kinds(service) == ["joined", "human_wanted", "human_took_over", "human_took_over", "ended"]


def test_silence_is_asked_again_then_put_through(twin, service):
    """The greeting is said twice in one document, then once more in a second one."""
    twin.say({"from": ANA, "text": ""}, "voice")
    assert twin.wait_idle()
    for _ in range(3):
        twin.say({"from": ANA, "silent": True}, "voice")
        assert twin.wait_idle()
    assert kinds(service)[:3] == ["joined", "human_wanted", "human_took_over"]
    assert heard(twin)[-1] == "I will put you through to a colleague. [Dial: +15005550002]"


def test_no_colleague_answers_the_transfer(twin, service):
    twin.configure("voice", dial_status="no-answer")
    calls(twin, lambda: "ended" in kinds(service), digits="0")
    assert heard(twin)[-1] == "Nobody is free at the moment. Please call again later."
    assert kinds(service) == ["joined", "human_wanted", "human_wanted", "ended"]
    assert [item.content.text for item in service.of(InboundMessage)] == ["0", "[missed call: no-answer]"]


def test_unclear_words_are_asked_for_again(twin, service):
    calls(twin, lambda: len(heard(twin)) == 2, text="mumble", confidence=0.1)
    assert heard(twin)[1] == "I did not understand that. Please say it again."
    calls(twin, messages(service, 1), text="A room, please")
    assert [item.content.text for item in service.of(InboundMessage)] == ["A room, please"]


def test_the_same_words_twice_are_two_messages(twin, service):
    call = calls(twin, messages(service, 1), text="Yes")
    service.send(text("Sure?"), thread=call, ref="ref-1")
    calls(twin, messages(service, 2), text="Yes")
    service.send(text("Really?"), thread=call, ref="ref-2")
    calls(twin, messages(service, 3), text="Yes")
    assert len({item.platform_id for item in service.of(InboundMessage)}) == 3


def test_a_call_is_handed_to_a_colleague(twin, service):
    """Complaint 10: a caller who asks for a human gets one."""
    call = calls(twin, messages(service, 1), text="A human, please")
    recipient = Recipient(ANA, thread=call, reference={"webhook": service.url})
    payload = service.adapter.transfer(recipient, service.config)
    service.adapter.send(payload, service.config, service.http())
    assert wait_for(twin, lambda: "ended" in kinds(service))
    assert heard(twin)[-1] == "I will put you through to a colleague. [Dial: +15005550002]"


def test_a_late_reply_does_not_tear_the_caller_away(twin, service):
    twin.configure("voice", dial_status="in-progress")
    call = calls(twin, lambda: "human_wanted" in kinds(service), digits="0")
    assert wait_for(twin, lambda: lines(twin)[call].leg == "in-progress")
    assert wait_for(twin, lambda: kinds(service)[-1] == "human_took_over")  # while they talk, not afterwards
    with pytest.raises(Rejected) as caught:
        service.send(text("Too late"), thread=call)
    assert caught.value.code == "call_transferred"
    calls(twin, lambda: "ended" in kinds(service), hang_up=True)


@pytest.mark.parametrize(
    ("fault", "error"), [("429", Throttled), ("500", Unreachable), ("refuse_token", ConfigError)], ids=str
)
def test_faults_have_their_meaning(twin, service, fault, error):
    call = calls(twin, messages(service, 1), text="Hello")
    twin.faults.order(fault)
    with pytest.raises(error):
        service.send(text("hello"), thread=call)
    assert service.send(text("hello"), thread=call)


def test_wrong_credentials_are_found(twin, service):
    service.config = service.config.model_copy(update={"auth_token": "revoked"})
    assert service.adapter.check(service.config, service.http()).state == "credential_refused"


def test_the_health_check_finds_the_number(twin, service):
    assert service.adapter.check(service.config, service.http()).state == "healthy"


def test_a_document_that_is_none_ends_the_call(twin, service):
    service.adapter = type("Broken", (Voice,), {"acknowledge": lambda *_: Broken()})()
    twin.say({"from": ANA, "text": "Hello"}, "voice")
    assert twin.wait_idle()
    assert [line.status for line in lines(twin).values()] == ["completed"]


class Broken:
    status, body = 200, "<Response><Say>"


@pytest.mark.parametrize("words", [{"from": "Ana"}, {"from": ANA, "hang_up": True}, {"from": ANA, "silent": True}])
def test_wrong_words_are_explained(twin, words):
    with pytest.raises(ValueError, match="must be|no such call"):
        twin.say(words, "voice")
