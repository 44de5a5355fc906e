"""A system that answered a message without an id of its own may report of it by ours, as the page of the generic channel says
(DEL-3)."""

from __future__ import annotations

from typing import Any

import pytest

from channels_app.adapters.webhook import Webhook
from channels_app.content.types import text
from channels_app.contract import InboundMessage, Sender, SendResult, StatusUpdate
from channels_app.models import Channel
from conversations.models import Event, Message
from messaging.accept import accept
from messaging.deliver import deliver
from messaging.models import Delivery, DeliveryPart, EarlyStatus
from messaging.reports.delivery_status import status_apply
from messaging.rules.agent_replies import agent_reply
from tests.factories import ChannelFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def answers() -> list[str]:
    """The ids that the other system gives our messages."""
    return [""]


@pytest.fixture
def sent(scope: Any, reachable: Any, monkeypatch: pytest.MonkeyPatch, answers: list[str]) -> tuple[Channel, str]:
    """Its channel, and our reference of the message that it has taken."""
    reachable("http://127.0.0.1:9")
    secrets = {"secret": "whsec_dHdpbi13ZWJob29rLXNlY3JldC0wMTIzNDU2Nzg5"}
    channel = ChannelFactory(tenant=scope, kind="webhook", config={"api_base": "http://127.0.0.1:9"}, secrets=secrets)
    monkeypatch.setattr(Webhook, "send", lambda *_: SendResult(answers[0]))
    conversation = accept(channel, InboundMessage("m1", Sender("user", "ana"), text("hi"))).conversation
    agent_reply(conversation.id, None, text("hello"))
    deliver(conversation.id)
    assert Delivery.objects.get().status == "sent"
    return channel, f"{Delivery.objects.get().id}.0"


@pytest.mark.parametrize("status", ["delivered", "read", "failed"])
def test_of_a_message_without_a_name(sent, status) -> None:
    channel, reference = sent
    assert status_apply(channel, StatusUpdate("", status, client_ref=reference, code="gone"))
    assert Delivery.objects.get().status == status
    assert Event.objects.filter(type=f"chat.message.{status}").count() == 1
    assert not EarlyStatus.objects.exists()


def test_from_a_report_that_names_both_its_name_is_known(sent) -> None:
    channel, reference = sent
    assert status_apply(channel, StatusUpdate("their-1", "delivered", client_ref=reference))
    assert DeliveryPart.objects.get().platform_id == "their-1"
    assert status_apply(channel, StatusUpdate("their-1", "read"))
    assert Delivery.objects.get().status == "read"


@pytest.mark.parametrize("answers", [["their-1"]])
def test_of_one_with_a_name_by_our_reference_alone_and_not_by_another_name(sent) -> None:
    channel, reference = sent
    assert not status_apply(channel, StatusUpdate("their-2", "failed", client_ref=reference))
    assert Delivery.objects.get().status == "sent"
    assert status_apply(channel, StatusUpdate("", "delivered", client_ref=reference))
    assert Delivery.objects.get().status == "delivered"


@pytest.mark.parametrize("reference", ["x.0", "{id}", "{id}.1", "{id}.x", "{other}.0", ""])
def test_a_reference_that_is_none_of_ours_changes_nothing(sent, reference) -> None:
    channel, own = sent
    delivery_id = own.removesuffix(".0")
    told = reference.format(id=delivery_id, other=Message.objects.first().id)
    assert not status_apply(channel, StatusUpdate("", "delivered", client_ref=told))
    assert Delivery.objects.get().status == "sent"


def test_another_channels_reference_changes_nothing(sent, tenant) -> None:
    channel, reference = sent
    other = ChannelFactory(tenant=tenant, kind="webhook", config=channel.config, secrets=channel.secrets)
    assert not status_apply(other, StatusUpdate("", "delivered", client_ref=reference))
    assert Delivery.objects.get().status == "sent"
