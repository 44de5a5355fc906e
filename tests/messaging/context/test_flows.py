"""A new conversation begins with its tenant's flow, by starter, channel or default (CONV-10)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from assistant.models import Intent
from channels_app.content.surroundings import Origin
from channels_app.content.types import Choice, Content
from conversations.models import Conversation, Event, Message
from messaging.accept import accept
from messaging.arrivals.entrance import Entrance
from messaging.models import Turn
from messaging.respond import answer
from tenants.errors import Invalid
from tenants.models import Tenant
from tenants.tenant_settings import invalidate, settings_check

RETURNS = {"id": "returns", "intent": "return_item", "slots": {"reason": "wrong size"}, "starters": ["summer-ad"]}
SHOP = {"id": "shop", "greeting": "Welcome to Acorn!", "channels": ["whatsapp"]}
PLAIN = {"id": "plain", "greeting": "Hi."}


@pytest.fixture(autouse=True)
def flows(scope: Tenant) -> None:
    scope.settings = {"flows": [RETURNS, SHOP, PLAIN], "default_flow": "plain"}
    scope.save()
    invalidate(scope.id)
    Intent.objects.create(
        tenant=scope, name="return_item", title="Return", responses=["Noted: {order_number}, {reason}."],
        examples=["i want to return something", "send it back", "return an item", "give it back"],
        slots=[{"name": "reason", "prompt": "Why?"}, {"name": "order_number", "prompt": "Which order?", "pattern": r"AC-\d+"}],
    )  # fmt: skip


def begun(channel: Any, message: Any) -> Conversation:
    return accept(channel, message).conversation


def reply_to(channel: Any, message: Any) -> list[str]:
    stored = accept(channel, message, Entrance(answer_now=True))
    stored.turn.conversation = stored.conversation
    assert answer(stored.turn).status == Turn.Status.ANSWERED
    said = Message.objects.filter(conversation=stored.conversation, reply_to=stored.message.id).order_by("seq")
    return list(said.values_list("text", flat=True))


def by_ad(message: Any) -> Any:
    return replace(message, content=message.content.model_copy(update={"origin": Origin(kind="ad", ref="summer-ad")}))


def picked(message: Any) -> Any:
    return replace(message, content=Content(type="quick_reply", text="Return", choice=Choice(value="summer-ad")))


def by_rest(message: Any) -> Any:
    return replace(message, metadata={"additional_data": {"campaign": "summer-ad"}})


@pytest.mark.parametrize("came", [by_ad, picked, by_rest])
def test_a_starter_decides_before_the_channel(scope, whatsapp, said, came: Callable[[Any], Any]) -> None:
    assert begun(whatsapp, came(said("hello", id="1"))).context == {
        "flow_id": "returns", "current_intent": "return_item", "slots": {"reason": "wrong size"},
        "conversation_stage": "beginning",
    }  # fmt: skip


def test_the_channel_decides_before_the_default(scope, whatsapp, web, said) -> None:
    assert begun(whatsapp, said("hello", id="1")).context["flow_id"] == "shop"
    assert begun(web, said("hello", by="v1", scheme="web")).context["flow_id"] == "plain"


def test_the_key_of_a_channel_decides_before_its_kind(scope, whatsapp, said) -> None:
    scope.settings = {"flows": [SHOP, {**PLAIN, "channels": [whatsapp.key]}]}
    scope.save()
    invalidate(scope.id)
    assert begun(whatsapp, said("hello", id="1")).context["flow_id"] == "plain"


def test_another_tenant_has_no_flow_of_it(scope, other_tenant, said) -> None:
    from tenants.scope import tenant_scope
    from tests.factories import ChannelFactory

    with tenant_scope(other_tenant.id):
        assert begun(ChannelFactory(tenant=other_tenant), said("hello", by="v1", scheme="web")).context == {}


def test_a_conversation_that_goes_on_keeps_its_flow(scope, whatsapp, said) -> None:
    begun(whatsapp, said("hello", id="1"))
    assert begun(whatsapp, by_ad(said("and this", id="2"))).context["flow_id"] == "shop"


def test_the_event_tells_the_flow_and_hides_what_fills_its_slots(scope, whatsapp, said) -> None:
    begun(whatsapp, by_ad(said("hello", id="1")))
    started = Event.objects.get(type="chat.conversation.started").payload
    assert (started["flow_id"], started["initial_context"]["slots"]) == ("returns", {"reason": None})


def test_the_greeting_is_said_once_before_the_first_reply(scope, whatsapp, said) -> None:
    first = reply_to(whatsapp, said("hello there", id="1"))
    assert (first[0], len(first) > 1) == ("Welcome to Acorn!", True)
    assert "Welcome to Acorn!" not in reply_to(whatsapp, said("hello again", id="2"))


def test_the_assistant_goes_where_the_flow_leads(scope, whatsapp, said) -> None:
    assert reply_to(whatsapp, by_ad(said("hello", id="1"))) == ["Which order?"]
    assert reply_to(whatsapp, said("AC-10042", id="2")) == ["Noted: AC-10042, wrong size."]
    assert Conversation.objects.get().context["flow_id"] == "returns"


def test_a_person_who_wants_a_human_is_not_led_elsewhere(scope, whatsapp, said) -> None:
    stored = accept(whatsapp, by_ad(said("i want to talk to a human", id="1")), Entrance(answer_now=True))
    stored.turn.conversation = stored.conversation
    answer(stored.turn)
    assert Conversation.objects.get().control_owner == "human"


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"flows": [PLAIN, PLAIN]}, "flows"),
        ({"flows": [PLAIN], "default_flow": "none"}, "default_flow"),
        ({"flows": [{"id": ""}]}, "flows.0.id"),
    ],
    ids=["twice", "unknown", "no id"],
)
def test_flows_that_do_not_hold_are_refused(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        settings_check(settings)
    assert caught.value.details[0]["field"] == field
