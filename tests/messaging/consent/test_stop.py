"""STOP and its end: what is still sent to a person, and who is refused."""

from __future__ import annotations

import itertools
from datetime import timedelta

import pytest

from channels_app.content.types import Choice, Content, text
from channels_app.contract import InboundMessage, Sender, Signal
from conversations.models import Conversation, Identity
from messaging.accept import accept
from messaging.consent.words import PHRASES
from messaging.deliver import deliver
from messaging.models import Delivery, Turn
from messaging.receipts.applying import item_apply as apply
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import take_over
from tenants.errors import Conflict
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tests.factories import ChannelFactory, IdentityFactory
from tests.messaging.consent.ana import ANA, BEN, answer_due, bot_said, events, said, stopped

pytestmark = pytest.mark.django_db(transaction=True)


def test_stop_is_stored_confirmed_once_and_not_answered(scope, whatsapp, sent, engine) -> None:
    stored = accept(whatsapp, said("STOP", 1))
    answer_due()
    deliver(stored.conversation.id)
    assert (stored.message.text, stopped()) == ("STOP", True)
    assert Turn.objects.count() == 0
    assert engine.asked == []
    assert sent == [PHRASES["en"].stopped] == bot_said()
    assert events() == ["stopped"]


def test_stop_again_is_not_confirmed_again(scope, whatsapp, sent) -> None:
    accept(whatsapp, said("STOP", 1))
    accept(whatsapp, said("STOP", 1))
    accept(whatsapp, said("stop!", 2))
    assert len(bot_said()) == 1
    assert events() == ["stopped"]
    assert Conversation.objects.get().waiting_since is None


def test_what_is_queued_fails_and_only_the_confirmation_goes_out(scope, whatsapp, sent, calls) -> None:
    stored = accept(whatsapp, said("hello", 1))
    answer_due()
    agent_reply(stored.conversation.id, None, text("offer"))
    Delivery.objects.update(due_at=now() + timedelta(minutes=10))  # waiting to be tried again
    accept(whatsapp, said("STOP", 2))
    assert stored.conversation.id in calls.of("deliver")
    assert deliver(stored.conversation.id) == 3
    assert sent == [PHRASES["en"].stopped]
    assert list(Delivery.objects.order_by("seq").values_list("status", "error_code")) == [
        ("failed", "contact_stopped"), ("failed", "contact_stopped"), ("sent", ""),
    ]  # fmt: skip


def test_the_bot_says_nothing_that_it_was_about_to_say(scope, whatsapp, sent, engine) -> None:
    accept(whatsapp, said("hello", 1))
    engine.before = lambda: accept(whatsapp, said("STOP", 2))
    answer_due()
    answer_due()
    assert bot_said() == [PHRASES["en"].stopped]
    assert engine.asked == [["hello"]]
    assert not Turn.objects.filter(status__in=Turn.OPEN).exists()


def test_a_waiting_turn_is_void(scope, whatsapp) -> None:
    accept(whatsapp, said("hello", 1))
    accept(whatsapp, said("STOP", 2))
    assert Turn.objects.get().status == Turn.Status.VOID


def test_staff_are_refused(scope, whatsapp, tenant, api) -> None:
    stored = accept(whatsapp, said("STOP", 1))
    with pytest.raises(Conflict) as caught:
        agent_reply(stored.conversation.id, None, text("one more thing"))
    assert caught.value.code == "contact_stopped"
    address = f"/api/v2/chat/conversations/{stored.conversation.id}/messages"
    response = api(tenant).post(address, {"content": {"type": "text", "text": "one more thing"}})
    assert (response.status_code, api(tenant).error_of(response)["code"]) == (409, "contact_stopped")


def test_a_reply_that_was_sent_before_is_given_again(scope, whatsapp) -> None:
    stored = accept(whatsapp, said("hello", 1))
    first = agent_reply(stored.conversation.id, None, text("hi"), client_message_id="a1")
    accept(whatsapp, said("STOP", 2))
    assert agent_reply(stored.conversation.id, None, text("hi"), client_message_id="a1") == first


def test_a_human_in_control_sees_the_stop_and_the_confirmation_goes_out(scope, whatsapp, sent) -> None:
    stored = accept(whatsapp, said("hello", 1))
    take_over(stored.conversation.id, None)
    accept(whatsapp, said("STOP", 2))
    deliver(stored.conversation.id)
    assert sent == [PHRASES["en"].stopped]
    assert Conversation.objects.get().control_owner == "human"


def test_no_other_person_is_stopped(scope, whatsapp, other_tenant) -> None:
    accept(whatsapp, said("hello", 1, BEN))
    accept(whatsapp, said("STOP", 1))
    theirs = ChannelFactory(tenant=other_tenant, kind="whatsapp", config=whatsapp.config, secrets=whatsapp.secrets)
    with tenant_scope(other_tenant.id):
        accept(theirs, said("hello", 1))
        assert not stopped()
    assert list(Identity.objects.filter(stopped_at=None).values_list("value", flat=True)) == [BEN.value]


def test_a_button_that_is_called_stop_is_a_pick(scope, whatsapp) -> None:
    picked = Content(type="quick_reply", text="Stop", choice=Choice(value="stop_playing", title="Stop"))
    accept(whatsapp, InboundMessage("m1", ANA, picked))
    assert not stopped()
    assert Turn.objects.count() == 1


def test_where_the_words_do_not_count_they_are_words(scope, web) -> None:
    accept(web, InboundMessage("", Sender("web", "v1"), text("STOP")))
    assert not Identity.objects.get().stopped_at
    assert Turn.objects.count() == 1


@pytest.mark.parametrize(
    ("words", "confirmed", "turns"),
    [("START", [PHRASES["en"].resumed], 0), ("where is my order", [], 1)],
    ids=["START", "any other"],
)
def test_writing_again_reopens(words, confirmed, turns, scope, whatsapp) -> None:
    accept(whatsapp, said("STOP", 1))
    accept(whatsapp, said(words, 2))
    assert not stopped()
    assert bot_said()[1:] == confirmed
    assert Turn.objects.filter(status__in=Turn.OPEN).count() == turns
    assert events() == ["stopped", "resumed"]


def test_the_bot_answers_only_what_was_said_since(scope, whatsapp, engine) -> None:
    for second, words in enumerate(("old question", "STOP", "new question")):
        accept(whatsapp, said(words, second))
    answer_due()
    assert engine.asked == [["new question"]]


def test_start_without_a_stop_is_a_word(scope, whatsapp) -> None:
    accept(whatsapp, said("START", 1))
    assert (Turn.objects.count(), events()) == (1, [])


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_the_persons_own_clock_decides_in_every_order(order, scope, whatsapp) -> None:
    items = [said("hello", 1), said("STOP", 2), said("I am back", 3)]
    for index in order:
        apply(whatsapp, items[index])
    assert not stopped()


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))), ids=str)
def test_a_stop_holds_in_every_order_when_it_was_the_last(order, scope, whatsapp) -> None:
    items = [said("hello", 1), said("are you there", 2), said("STOP", 3)]
    for index in order:
        apply(whatsapp, items[index])
    assert stopped()
    assert not Turn.objects.filter(status__in=Turn.OPEN).exists()
    assert len(bot_said()) == 1


ANA_BY_ID = Sender("wa_user", "US.A", address=ANA.value, aliases=(("phone", "", ANA.value),))


def stops_by_value() -> dict[str, bool]:
    return {row.value: row.stopped_at is not None for row in Identity.objects.filter(verified=True)}


def test_a_stop_holds_for_every_proved_id_on_the_channel_and_only_there(scope, whatsapp, tenant) -> None:
    sms = ChannelFactory(tenant=tenant, kind="sms")
    accept(sms, said("hello", 0, BEN))
    accept(whatsapp, said("hello", 1))
    accept(whatsapp, said("hello", 2, ANA_BY_ID))
    accept(whatsapp, said("STOP", 3, ANA_BY_ID))
    assert stops_by_value() == {ANA.value: True, "US.A": True, BEN.value: False}
    accept(whatsapp, said("hello again", 4, ANA))
    assert stops_by_value() == {ANA.value: False, "US.A": False, BEN.value: False}


def test_an_id_that_is_learnt_of_later_is_stopped_too(scope, whatsapp) -> None:
    accept(whatsapp, said("STOP", 1))
    apply(whatsapp, Signal("identity_changed", ANA_BY_ID, "s1"))
    assert stops_by_value() == {ANA.value: True, "US.A": True}


def test_a_consent_is_that_of_one_channel(scope, whatsapp, tenant) -> None:
    """One contact on two channels: STOP and START count where they were said."""
    here = accept(whatsapp, said("hello", 1)).conversation.identity
    elsewhere = ChannelFactory(tenant=tenant, kind="sms")
    there = IdentityFactory(tenant=tenant, channel=elsewhere, contact=here.contact, scheme="phone", verified=True)

    def stopped_at() -> list[bool]:
        return [Identity.objects.get(id=one.id).stopped_at is not None for one in (here, there)]

    accept(whatsapp, said("STOP", 2))
    assert stopped_at() == [True, False]
    Identity.objects.filter(id=there.id).update(stopped_at=now())
    accept(whatsapp, said("START", 3))
    assert stopped_at() == [False, True]
