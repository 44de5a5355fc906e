"""A tenant's safety rules are acted upon: what is hidden is stored nowhere, staff are told, and look (MSG-3)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from pydantic import ValidationError

from channels_app.content.surroundings import Answer, Form
from channels_app.content.types import Choice, Content, text
from channels_app.contract import InboundMessage, Revision, Sender
from conversations.messages import words_of
from conversations.models import Conversation, Event, Message, Review
from conversations.models import Revision as RevisionRow
from conversations.safety import Hidden, review_end, words_hidden
from messaging.accept import accept
from messaging.arrivals.entrance import Entrance
from messaging.models import InboundEvent, StaffAlert, Turn
from messaging.outbox.handlers import events_handle
from messaging.receive import receipt_process, receipts_replay
from messaging.reports.revise import revision_take
from messaging.rules.control import conversation_end
from tenants.errors import Conflict
from tenants.storage.db import now
from tenants.tenant_settings import SafetyRules, invalidate
from tests.factories import UserFactory
from tests.messaging.arrivals import arrives, whatsapp_body
from tests.messaging.kept import everything_stored, flagged

pytestmark = pytest.mark.django_db(transaction=True)

CARD = "4111 1111 1111 1111"
DIGITS = "4111 1111"
ME = Sender("phone", "+4915112345678")


sql = pytest.mark.skipif(connection.vendor == "mongodb", reason="reads all tables by SQL")


@sql
def test_a_card_number_that_is_hidden_is_stored_nowhere(rules, whatsapp) -> None:
    rules(mask=["card_number"])
    words = {"type": "text", "text": {"body": f"charge {CARD} please"}}
    receipt = arrives(whatsapp, whatsapp_body(id="wamid.1", **words))
    message = Message.objects.get(role="visitor")
    assert message.text == message.content["text"] == "charge •••• 1111 please"
    assert message.conversation.last_message_preview == "charge •••• 1111 please"
    assert message.analysis["flags"] == message.analysis["masked"] == ["card_number"]
    assert receipt.status == "processed"
    stored = everything_stored()
    assert DIGITS not in stored
    assert "NDExMSAxMTEx" not in stored  # the same in base64
    assert message.analysis["entities"] == []


def test_a_request_that_is_not_kept_is_not_understood_again(rules, whatsapp) -> None:
    rules(mask=["card_number"])
    receipt = arrives(whatsapp, whatsapp_body(id="wamid.1", type="text", text={"body": CARD}))
    receipts_replay(InboundEvent.objects.filter(id=receipt.id))
    receipt_process(receipt.id)
    receipt.refresh_from_db()
    assert (receipt.status, receipt.reason, Message.objects.filter(role="visitor").count()) == (
        "ignored",
        "not kept",
        1,
    )


def test_without_a_rule_words_and_requests_stay_whole(rules, whatsapp) -> None:
    rules()
    receipt = arrives(whatsapp, whatsapp_body(id="wamid.1", type="text", text={"body": CARD}))
    assert Message.objects.get(role="visitor").text == CARD
    assert receipt.request["body"]
    assert (Review.objects.count(), Conversation.objects.get().control_owner) == (0, "bot")


@pytest.mark.parametrize(
    ("content", "read"),
    [
        (text(f"a {CARD}"), lambda said: said["text"]),
        (
            Content(type="text", text="form", form=Form(name="f", answers=(Answer(name="card", value=CARD),))),
            lambda said: said["form"]["answers"][0]["value"],
        ),
        (
            Content(type="quick_reply", text=CARD, choice=Choice(value=CARD, title=CARD)),
            lambda said: said["choice"]["value"] + said["choice"]["title"],
        ),
        (Content(type="text", text="long…", full_text=f"{'x ' * 3000}{CARD}"), lambda said: said["full_text"]),
        (
            Content(type="text", text="yes", quote={"author": "visitor", "text": CARD}),
            lambda said: said["quote"]["text"],
        ),
    ],
    ids=["text", "form", "pick", "long text", "quote"],
)
def test_every_place_of_words_is_looked_at(rules, whatsapp, content: Content, read: Callable[[Any], str]) -> None:
    rules(mask=["card_number"])
    accept(whatsapp, InboundMessage(platform_id="wamid.1", sender=ME, content=content))
    stored = Message.objects.get(role="visitor")
    assert "•••• 1111" in read(stored.content)
    assert DIGITS not in repr(stored.content)


def test_a_repeat_is_known_though_it_was_hidden(rules, web) -> None:
    rules(mask=["card_number"])
    told = InboundMessage(platform_id="", sender=Sender("visitor", "v-1"), content=text(CARD))
    entrance = Entrance(client_message_id="c-1")
    assert not accept(web, told, entrance).duplicate
    assert accept(web, told, entrance).duplicate
    with pytest.raises(Conflict):
        accept(web, InboundMessage(platform_id="", sender=told.sender, content=text("other")), entrance)


@sql
def test_an_edit_is_hidden_and_listed(rules, whatsapp, said) -> None:
    rules(mask=["card_number"], review=["email"])
    accept(whatsapp, said("hello", id="wamid.1"))
    revision_take(whatsapp, Revision("edit-1", "wamid.1", ME, content=text(f"{CARD} to ann@example.com"), at=now()))
    assert Message.objects.get(role="visitor").text == "•••• 1111 to ann@example.com"
    assert RevisionRow.objects.get().content["text"] == "•••• 1111 to ann@example.com"
    assert Review.objects.get().flags == ["card_number", "email"]  # also what is hidden in it
    assert flagged() == [(["card_number", "email"], ["card_number"], "visitor")]
    assert DIGITS not in everything_stored()


def test_what_is_heard_in_a_recording_is_hidden(rules, scope) -> None:
    rules(mask=["card_number"])
    assert words_hidden(scope.id, f"it is {CARD}") == ("it is •••• 1111", Hidden(("card_number",)))


def test_a_long_text_is_flagged_by_all_of_it(rules, scope) -> None:
    rules(max_length=5000)
    assert words_of(scope.id, Content(type="text", text="x…", full_text="x" * 5001))["analysis"]["flags"] == [
        "too_long"
    ]


def test_review_lists_the_message_once_and_a_colleague_takes_it_off(rules, whatsapp, said) -> None:
    rules(review=["card_number"])
    accept(whatsapp, said(CARD, id="wamid.1"))
    accept(whatsapp, said("hello", id="wamid.2"))
    review, user = Review.objects.get(), UserFactory()
    assert (review.flags, review.message.text, review.reviewed_at) == (["card_number"], CARD, None)
    assert (review_end(review.id, user), review_end(review.id, UserFactory())) == (True, False)
    review.refresh_from_db()
    assert review.reviewed_by == user


def test_a_flag_may_call_a_human_and_the_bot_keeps_still(rules, whatsapp, said) -> None:
    rules(words=["lawyer"], hand_over=["profanity"])
    accept(whatsapp, said("I call my lawyer", id="wamid.1"))
    conversation = Conversation.objects.get()
    assert (conversation.control_owner, conversation.held_by) == ("human", "queue")
    assert not Turn.objects.exists()
    told = Event.objects.filter(type="chat.conversation.updated").latest("id").payload
    assert (told["trigger"], told["reason"]) == ("handover", "safety")


def test_staff_are_told_once_an_hour_and_without_words(rules, whatsapp, said) -> None:
    rules(alert=["card_number"])
    accept(whatsapp, said(CARD, id="wamid.1"))
    accept(whatsapp, said(f"{CARD}!", id="wamid.2"))
    accept(whatsapp, said("hello", id="wamid.3"))
    events_handle(list(Event.objects.filter(type="chat.message.flagged").order_by("id")))
    alert = StaffAlert.objects.get(way="email")
    assert alert.subject == "A person's message broke a safety rule"
    assert "a payment card's number" in alert.text
    assert DIGITS not in f"{alert.subject}{alert.text}{alert.facts}"


def test_an_alert_can_be_kept_quiet(rules, scope, whatsapp, said) -> None:
    rules(alert=["card_number"])
    scope.settings |= {"alerts": {"quiet": ["flagged"]}}
    scope.save()
    invalidate(scope.id)
    accept(whatsapp, said(CARD, id="wamid.1"))
    events_handle(list(Event.objects.filter(type="chat.message.flagged")))
    assert not StaffAlert.objects.exists()


def test_another_tenants_rules_are_not_ours(rules, other_tenant, whatsapp, said) -> None:
    rules()
    other_tenant.settings = {"safety": {"mask": ["card_number"]}}
    other_tenant.save()
    invalidate(other_tenant.id)
    accept(whatsapp, said(CARD, id="wamid.1"))
    assert Message.objects.get(role="visitor").text == CARD


@pytest.mark.parametrize("given", [{"mask": ["too_long"]}, {"alert": ["rude"]}, {"hand_over": "card_number"}])
def test_a_rule_that_cannot_hold_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        SafetyRules.model_validate(given)


def test_words_put_in_by_an_edit_call_a_human_too(rules, whatsapp, said) -> None:
    rules(words=["lawyer"], hand_over=["profanity"])
    first = said("I call my lawer", id="wamid.1")
    accept(whatsapp, first)
    assert Turn.objects.get().status == "waiting"
    revision_take(whatsapp, Revision("e1", "wamid.1", first.sender, text("I call my lawyer")))
    conversation = Conversation.objects.get()
    assert (conversation.control_owner, conversation.held_by) == ("human", "queue")
    assert Turn.objects.get().status == "void"
    told = Event.objects.filter(type="chat.conversation.updated").latest("id").payload
    assert (told["trigger"], told["reason"]) == ("handover", "safety")


def test_an_edit_in_a_conversation_that_has_ended_calls_no_one(rules, whatsapp, said) -> None:
    rules(words=["lawyer"], hand_over=["profanity"])
    first = said("I call my lawer", id="wamid.1")
    accept(whatsapp, first)
    conversation_end(Conversation.objects.get().id)
    revision_take(whatsapp, Revision("e1", "wamid.1", first.sender, text("I call my lawyer")))
    conversation = Conversation.objects.get()
    assert (conversation.is_open, conversation.control_owner) == (False, "bot")
