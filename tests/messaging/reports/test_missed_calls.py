"""Calls that end without an answer: what waits for staff afterwards, and what the transcript says (CH-8, bugs2 B9)."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from channels_app.contract import RawRequest
from channels_app.models import Channel
from conversations.models import Conversation, Event, Message
from messaging.receipts.applying import item_apply as apply
from tests.factories import ChannelFactory

pytestmark = pytest.mark.django_db(transaction=True)

CALLER, CALL = "+15005550006", "CA" + "0" * 31 + "1"


@pytest.fixture
def line(tenant) -> Channel:
    config = {"account_sid": "AC" + "0" * 32, "number": "+15005550001", "handover_number": "+15005550002"}
    return ChannelFactory(tenant=tenant, kind="voice", config=config, secrets={"auth_token": "t" * 32})


def call(line: Channel, event: str = "", status: str = "in-progress", **said: str) -> list[str]:
    form = {
        "CallSid": CALL,
        "AccountSid": "AC" + "0" * 32,
        "From": CALLER,
        "To": "+15005550001",
        "Direction": "inbound",
        "CallStatus": status,
        **said,
    }
    query = {"event": event} if event else {}
    raw = RawRequest("POST", "/", {"content-type": "application/x-www-form-urlencoded"}, query, urlencode(form).encode(),
                     "https://chat.example/api/v2/webhooks/voice/key-1")  # fmt: skip
    return [apply(line, item) for item in line.adapter.parse(raw, line.adapter_config())]


def transcript() -> list[str]:
    return list(Message.objects.order_by("seq").values_list("text", flat=True))


def state() -> tuple[str, str, bool, bool]:
    found = Conversation.objects.get()
    return found.status, found.held_by, found.is_open, found.waiting_since is not None


WAITS = ("escalated", "queue", True, True)
QUEUED, JOINED = "A colleague will be with you as soon as possible.", "A colleague has joined the conversation."


@pytest.mark.parametrize("outcome", ["no-answer", "busy", "failed", "canceled"])
def test_a_transfer_that_no_colleague_answers_is_a_missed_call(outcome, scope, line) -> None:
    call(line)
    call(line, "answer", SpeechResult="I need a room")
    call(line, "answer", Digits="0")
    call(line, "dialled", DialCallStatus=outcome)
    assert call(line, status="completed") == [""]
    assert state() == WAITS
    assert transcript() == ["I need a room", "0", QUEUED, f"[missed call: {outcome}]"]
    left = Event.objects.get(type="chat.contact.left")
    assert left.payload["data"] == {"status": "completed", "waits": "yes"}


def test_the_hang_up_may_be_told_twice(scope, line) -> None:
    call(line, "answer", Digits="0")
    assert [call(line, status="completed") for _ in range(2)] == [[""], ["repeated"]]
    assert state() == WAITS


def test_a_caller_who_presses_the_key_at_the_greeting_is_seen(scope, line) -> None:
    call(line)
    call(line, "answer", Digits="0")
    assert (state(), transcript()) == (WAITS, ["0", QUEUED])
    assert Conversation.objects.get().contact.phone == CALLER


def test_a_caller_who_says_nothing_and_is_put_through_in_vain_is_seen(scope, line) -> None:
    call(line, "dialled", DialCallStatus="no-answer")
    call(line, status="completed")
    assert state() == WAITS


def test_a_colleague_has_joined_once_they_have_answered(scope, line) -> None:
    call(line, "answer", Digits="0")
    assert JOINED not in transcript()
    call(line, "dialled", DialCallStatus="completed")
    assert (state()[1], transcript()[-1]) == ("outside", JOINED)
    call(line, status="completed")
    assert Conversation.objects.get().status == "completed"


def test_the_transcript_says_so_while_they_talk(scope, line) -> None:
    call(line, "answer", Digits="0")
    leg = {"CallSid": "CA" + "0" * 31 + "2", "ParentCallSid": CALL, "Direction": "outbound-dial", "To": "+15005550002"}
    call(line, "answered", **leg)
    assert (state()[1], transcript()[-1]) == ("outside", JOINED)
    call(line, "dialled", DialCallStatus="completed")
    assert transcript().count(JOINED) == 1
    call(line, status="completed")
    assert Conversation.objects.get().status == "completed"


def test_words_that_come_with_the_hang_up_wait_for_staff(scope, line) -> None:
    call(line, "answer", status="completed", SpeechResult="please call me back at 5")
    assert state() == WAITS
    assert transcript()[0] == "please call me back at 5"


def test_a_hang_up_before_the_answer_is_no_completed_talk(scope, line) -> None:
    call(line, "answer", SpeechResult="I need a room")
    call(line, status="completed")
    found = Conversation.objects.get()
    assert (found.status, found.ended_reason, found.is_open) == ("abandoned", "ended_by_contact", False)
    assert Event.objects.get(type="chat.conversation.ended").payload["status"] == "abandoned"
