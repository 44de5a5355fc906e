"""The generic channel promises that an event sent again under its id changes nothing, in whatever bytes (ING-3)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from channels_app.contract import RawRequest
from channels_app.models import Channel
from conversations.models import Conversation, Event, Message
from messaging.models import InboundEvent
from messaging.receive import receipt_process, receipt_store
from messaging.rules.control import conversation_end, hand_back
from tenants.storage.db import now
from tenants.tenant_settings import invalidate
from tests.factories import ChannelFactory
from tests.messaging.arrivals import arrives, whatsapp_body

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def desk(scope: Any, reachable: Any) -> Channel:
    reachable("http://127.0.0.1:9")
    secrets = {"secret": "whsec_dHdpbi13ZWJob29rLXNlY3JldC0wMTIzNDU2Nzg5"}
    return ChannelFactory(tenant=scope, kind="webhook", config={"api_base": "http://127.0.0.1:9"}, secrets=secrets)


def posted(channel: Channel, id: str, kind: str, *, indent: int | None = None, **members: Any) -> InboundEvent | None:
    event = {"id": id, "type": kind, "from": {"id": "ana"}, **members}
    raw = RawRequest("POST", "/x", {}, {}, json.dumps(event, indent=indent).encode())
    receipt = receipt_store(channel, raw)
    if receipt:
        receipt_process(receipt.id)
    return receipt


def said(channel: Channel, id: str = "m1", words: str = "hello", **how: Any) -> InboundEvent | None:
    return posted(channel, id, "message", content={"type": "text", "text": words}, **how)


def test_staff_who_took_over_and_gave_back_are_not_back_by_a_repeat(desk) -> None:
    said(desk)
    assert posted(desk, "e1", "human_took_over")
    assert Conversation.objects.get().control_owner == "human"
    hand_back(Conversation.objects.get().id)

    assert posted(desk, "e1", "human_took_over", indent=1) is None

    assert Conversation.objects.get().control_owner == "bot"


def test_an_emoji_is_told_once(desk) -> None:
    said(desk)
    posted(desk, "e1", "reaction", target="m1", emoji="👍")
    posted(desk, "e1", "reaction", target="m1", emoji="👍", indent=1)
    assert Event.objects.filter(type="chat.message.reacted").count() == 1


@pytest.mark.parametrize("kind", ["typing", "human_took_over"])
def test_what_was_wrong_can_be_sent_right_under_the_same_id(desk, kind) -> None:
    said(desk)
    assert posted(desk, "e1", kind, data={"a": ["no text"]})
    assert posted(desk, "e1", kind)
    assert InboundEvent.objects.exclude(status="malformed").count() == 2


def test_a_message_that_was_refused_can_be_sent_right_under_the_same_id(desk) -> None:
    assert said(desk, words="\u200b")
    assert said(desk, words="hello")
    assert Conversation.objects.get().last_message_preview == "hello"


def test_another_channel_has_ids_of_its_own(desk, tenant) -> None:
    other = ChannelFactory(tenant=tenant, kind="webhook", config=desk.config, secrets=desk.secrets)
    assert posted(desk, "e1", "typing")
    assert posted(other, "e1", "typing")


def test_a_number_that_was_said_before_the_question_rates_nothing_when_it_comes_again(scope, whatsapp) -> None:
    """Platforms send a message again in other company; it is the old one, whatever was asked since."""
    scope.settings = {"csat_enabled": True, "csat_channels": ["whatsapp"]}
    scope.save()
    invalidate(scope.id)
    first = arrives(whatsapp, whatsapp_body(id="wamid.1", type="text", text={"body": "3"}))
    assert first.status == InboundEvent.Status.PROCESSED
    Conversation.objects.update(first_reply_at=now())
    conversation_end(Conversation.objects.get().id)
    assert Message.objects.filter(metadata__csat="asked").exists()

    body = whatsapp_body(id="wamid.1", type="text", text={"body": "3"})
    arrives(whatsapp, {**body, "entry": [*body["entry"], {"id": "9", "changes": []}]})
    assert Conversation.objects.get().satisfaction is None

    arrives(whatsapp, whatsapp_body(id="wamid.2", type="text", text={"body": "3"}))
    assert Conversation.objects.get().satisfaction == 3
