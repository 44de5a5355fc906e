"""What adapters and visitors are told of who wrote: platforms allow a colleague more than the bot, and people see names
(CH-2)."""

from __future__ import annotations

from typing import Any

import pytest

from channels_app.adapters.whatsapp import WhatsApp
from messaging.deliver import deliver
from messaging.live.authors import author_of
from tests.factories import ConversationFactory, DeliveryFactory, MessageFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(("role", "by_human"), [("agent", True), ("bot", False)])
def test_the_adapter_knows_a_colleagues_reply(role, by_human, tenant, scope, whatsapp, monkeypatch) -> None:
    told: list[bool] = []

    def render(self: Any, message: Any, config: Any) -> list[Any]:
        told.append(message.by_human)
        return []

    monkeypatch.setattr(WhatsApp, "render", render)
    conversation = ConversationFactory(tenant=tenant, channel=whatsapp)
    message = MessageFactory(tenant=tenant, conversation=conversation, direction="outbound", role=role)
    DeliveryFactory(tenant=tenant, message=message)
    deliver(conversation.id)
    assert told == [by_human]


@pytest.mark.parametrize(("role", "name"), [("bot", "Ada"), ("visitor", ""), ("system", "")])
def test_the_visitor_sees_the_assistants_name(role, name, tenant, scope, web) -> None:
    tenant.settings = {"bot_name": "Ada"}
    tenant.save()
    conversation = ConversationFactory(tenant=tenant, channel=web)
    assert author_of(MessageFactory(tenant=tenant, conversation=conversation, role=role)).name == name
