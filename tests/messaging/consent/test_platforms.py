"""What platforms tell of a person's consent, at times that cannot be, too."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
import time_machine

from channels_app.adapters.whatsapp import WhatsApp
from channels_app.content.types import text
from channels_app.contract import ContactBlocked, ContactRefuses, InboundMessage, SendResult, Signal
from conversations.models import Event, Identity
from messaging.accept import accept
from messaging.consent.words import PHRASES
from messaging.deliver import deliver
from messaging.models import Delivery, Turn
from messaging.receipts.applying import item_apply as apply
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import take_over
from tenants.errors import Conflict
from tenants.storage.db import now
from tests.messaging.consent.ana import ANA, BEN, START, bot_said, events, said, stopped

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_the_platform_answered_itself_is_not_confirmed(scope, whatsapp) -> None:
    stored = accept(whatsapp, said("hello", 1))
    signal = Signal("stopped", ANA, "s1", data={"answered_by_platform": True})
    assert apply(whatsapp, signal) == ""
    assert apply(whatsapp, signal) == "repeated"
    assert (stopped(), bot_said(), events()) == (True, [], ["stopped"])
    assert Turn.objects.get().status == Turn.Status.VOID
    assert Event.objects.get(type="chat.contact.stopped").conversation == stored.conversation


def test_a_stranger_may_stop(scope, whatsapp) -> None:
    apply(whatsapp, Signal("stopped", ANA, "s1"))
    assert stopped()
    event = Event.objects.get(type="chat.contact.stopped")
    assert (event.conversation, event.payload["channel_id"]) == (None, str(whatsapp.id))


def test_the_platform_may_reopen(scope, whatsapp) -> None:
    apply(whatsapp, Signal("stopped", ANA, "s1"))
    assert apply(whatsapp, Signal("reopened", ANA, "s2")) == ""
    assert apply(whatsapp, Signal("reopened", ANA, "s2")) == "repeated"
    assert not stopped()
    assert events() == ["stopped", "resumed"]
    assert apply(whatsapp, Signal("reopened", BEN, "s3")) == "no conversation"


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(START + timedelta(hours=1), tick=False) as traveller:
        yield traveller


def heard(words: str, name: str, at: datetime | None = None) -> InboundMessage:
    """By default from a platform that says nothing of the time, like SMS."""
    return InboundMessage(name, ANA, text(words), sent_at=at)


@pytest.mark.parametrize("at", [None, START + timedelta(hours=1, seconds=3)], ids=["no time", "the platform's"])
def test_a_stop_counts_after_our_clock_was_set_back(at, scope, whatsapp, clock) -> None:
    accept(whatsapp, heard("hello", "m1"))
    clock.shift(timedelta(hours=-2))
    accept(whatsapp, heard("STOP", "m2", at))
    assert stopped()
    assert bot_said() == [PHRASES["en"].stopped]


def test_a_start_counts_after_our_clock_was_set_back(scope, whatsapp, clock) -> None:
    accept(whatsapp, heard("STOP", "m1"))
    clock.shift(timedelta(hours=-2))
    accept(whatsapp, heard("START", "m2"))
    assert not stopped()
    accept(whatsapp, heard("STOP", "m3"))
    assert stopped()


@pytest.mark.parametrize(("first", "then", "ends"), [("STOP", "START", False), ("hello", "STOP", True)])
def test_without_a_platforms_time_the_order_of_arrival_decides(first, then, ends, scope, whatsapp, clock) -> None:
    """The second arrived while our clock was behind, and is understood when it is right again."""
    accept(whatsapp, replace(heard(first, "m1", now()), dated=False))
    arrived = now() - timedelta(minutes=50)
    clock.shift(timedelta(minutes=10))
    accept(whatsapp, replace(heard(then, "m2", arrived), dated=False))
    assert stopped() is ends


def test_a_message_from_the_future_does_not_undo_a_stop(scope, whatsapp, clock) -> None:
    accept(whatsapp, heard("hello", "m1", START + timedelta(days=30)))
    clock.shift(timedelta(seconds=5))
    accept(whatsapp, heard("STOP", "m2", START + timedelta(hours=1, seconds=4)))
    assert stopped()


def test_a_stop_from_the_future_does_not_silence_what_follows(scope, whatsapp, clock) -> None:
    accept(whatsapp, heard("STOP", "m1", START + timedelta(days=30)))
    assert Identity.objects.get().stopped_at == now()
    clock.shift(timedelta(seconds=5))
    accept(whatsapp, heard("START", "m2", START + timedelta(hours=1, seconds=4)))
    assert not stopped()


def test_a_platforms_stop_from_the_future_is_one_of_now(scope, whatsapp, clock) -> None:
    apply(whatsapp, Signal("stopped", ANA, "s1", at=START + timedelta(days=30)))
    assert Identity.objects.get().stopped_at == now()


@pytest.fixture
def refusing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``refusing(error)``: the platform refuses every message for that."""
    errors: list[Exception] = []

    def send(self: Any, payload: Any, config: Any, http: Any) -> SendResult:
        raise errors[-1]

    monkeypatch.setattr(WhatsApp, "send", send)
    return errors.append


def refused_once(channel: Any) -> Any:
    """A conversation whose answer was refused."""
    talk = accept(channel, replace(said("hello", 1), sent_at=now() - timedelta(minutes=5))).conversation
    take_over(talk.id, None)
    agent_reply(talk.id, None, text("one"))
    agent_reply(talk.id, None, text("two"))
    deliver(talk.id)
    return talk


def test_who_has_blocked_us_is_not_written_to_until_they_write(scope: Any, whatsapp: Any, refusing: Any) -> None:
    refusing(ContactRefuses("21610", "opted out"))
    talk = refused_once(whatsapp)
    codes = list(Delivery.objects.order_by("seq").values_list("error_code", flat=True))
    assert codes == ["21610", "contact_stopped"], "the second is not tried"
    assert Event.objects.filter(type="chat.contact.stopped").count() == 1
    with pytest.raises(Conflict) as caught:
        agent_reply(talk.id, None, text("three"))
    assert (caught.value.code, stopped()) == ("contact_stopped", True)
    accept(whatsapp, replace(said("I am back", 2), sent_at=now()))
    assert (stopped(), Event.objects.filter(type="chat.contact.resumed").count()) == (False, 1)
    agent_reply(talk.id, None, text("welcome back"))


def test_another_reason_not_to_reach_a_person_is_not_remembered(scope: Any, whatsapp: Any, refusing: Any) -> None:
    refusing(ContactBlocked("131026", "undeliverable"))
    refused_once(whatsapp)
    assert list(Delivery.objects.values_list("error_code", flat=True)) == ["131026"] * 2
    assert not stopped()


def test_a_refusal_in_a_group_stops_no_person(scope: Any, whatsapp: Any, refusing: Any, monkeypatch: Any) -> None:
    refusing(ContactRefuses("gone"))
    monkeypatch.setattr(WhatsApp, "personal", lambda self, thread: False)
    refused_once(whatsapp)
    assert not stopped()


def test_who_wrote_while_a_message_was_refused_is_not_stopped(
    scope: Any, whatsapp: Any, refusing: Any, monkeypatch: Any
) -> None:
    """They are back: the refusal is of the time before."""

    def send(self: Any, payload: Any, config: Any, http: Any) -> SendResult:
        accept(whatsapp, replace(said("I am back", 2), sent_at=now()))
        raise ContactRefuses("gone")

    monkeypatch.setattr(WhatsApp, "send", send)
    talk = accept(whatsapp, replace(said("hello", 1), sent_at=now() - timedelta(minutes=5))).conversation
    take_over(talk.id, None)
    agent_reply(talk.id, None, text("one"))
    deliver(talk.id)
    assert (Delivery.objects.get().error_code, stopped()) == ("gone", False)
