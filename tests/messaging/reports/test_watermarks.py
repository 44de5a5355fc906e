"""Delivery statuses that speak of everything until a moment, and of parts of a message that is still going out."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from channels_app.adapters.whatsapp import WhatsApp
from channels_app.contract import Payload, Sender, SendResult, Signal, StatusUpdate, Unreachable
from conversations.models import Event, Identity
from messaging.deliver import deliver
from messaging.models import Delivery, DeliveryPart
from messaging.receipts.applying import item_apply
from messaging.reports.delivery_status import status_apply
from tenants.storage.db import now
from tests.factories import ConversationFactory, DeliveryFactory, IdentityFactory, MessageFactory

pytestmark = pytest.mark.django_db(transaction=True)

ANA = Sender("psid", "66", scope="20")


@pytest.fixture
def talk(tenant: Any, scope: Any, whatsapp: Any) -> Any:
    """A conversation with Ana; ``talk.sent(status, minutes_ago, …)`` adds what she was sent."""
    return Talk(tenant, whatsapp, "66")


class Talk:
    def __init__(self, tenant: Any, channel: Any, value: str, thread: str = "", identity: Any = None):
        self.tenant, self.channel = tenant, channel
        identity = identity or IdentityFactory(tenant=tenant, channel=channel, scheme="psid", scope="20", value=value)
        self.conversation = ConversationFactory(
            tenant=tenant, channel=channel, identity=identity, contact=identity.contact, thread=thread
        )

    def sent(self, status: str, minutes_ago: float, parts: int = 1) -> Delivery:
        message = MessageFactory(tenant=self.tenant, conversation=self.conversation, direction="outbound", role="bot")
        delivery = DeliveryFactory(tenant=self.tenant, message=message, status=status, parts_sent=parts)
        for index in range(parts):
            DeliveryPart.objects.create(
                tenant_id=self.tenant.id,
                delivery=delivery,
                channel=self.channel,
                index=index,
                platform_id=f"m_{delivery.seq}_{index}",
                status={"sending": "sent"}.get(status, status),
                created_at=now() - timedelta(minutes=minutes_ago),
            )
        return delivery


def up_to(status: str, minutes_ago: float, sender: Sender | None = ANA) -> StatusUpdate:
    at = now() - timedelta(minutes=minutes_ago)
    return StatusUpdate("", status, at, sender=sender, up_to=at)


def statuses() -> list[str]:
    return list(Delivery.objects.order_by("created_at").values_list("status", flat=True))


def test_all_that_was_sent_until_then_moves_and_nothing_after(talk, whatsapp) -> None:
    """Complaint 7: by rank only."""
    for status, minutes_ago in [("sent", 9), ("delivered", 8), ("read", 7), ("failed", 6), ("sent", 1)]:
        talk.sent(status, minutes_ago)
    assert status_apply(whatsapp, up_to("delivered", 5))
    assert statuses() == ["delivered", "delivered", "read", "failed", "sent"]
    assert status_apply(whatsapp, up_to("read", 5))
    assert statuses() == ["read", "read", "read", "failed", "sent"]
    assert not status_apply(whatsapp, up_to("delivered", 5))
    assert [event.type.rsplit(".", 1)[1] for event in Event.objects.order_by("seq")] == ["delivered", "read", "read"]


def test_a_part_written_down_just_after_the_platforms_own_time_counts(talk, whatsapp) -> None:
    talk.sent("sent", 1)
    status_apply(whatsapp, up_to("read", 1 + 1 / 60))
    assert statuses() == ["read"]


def test_only_this_person_on_this_channel(talk, tenant, whatsapp) -> None:
    Talk(tenant, whatsapp, "77").sent("sent", 9)
    talk.sent("sent", 9)
    status_apply(whatsapp, up_to("read", 5))
    assert statuses() == ["sent", "read"]


@pytest.mark.parametrize(
    "sender", [None, Sender("psid", "88", scope="20"), Sender("psid", "66", scope="21")], ids=["none", "other", "page"]
)
def test_a_watermark_of_an_unknown_person_changes_nothing(talk, whatsapp, sender) -> None:
    talk.sent("sent", 9)
    assert not status_apply(whatsapp, up_to("read", 5, sender))
    assert statuses() == ["sent"]


def test_a_message_is_read_when_all_of_its_parts_are(talk, whatsapp) -> None:
    delivery = talk.sent("sent", 9, parts=2)
    DeliveryPart.objects.filter(delivery=delivery, index=1).update(created_at=now())
    status_apply(whatsapp, up_to("read", 5))
    assert statuses() == ["sent"]
    status_apply(whatsapp, up_to("read", 0))
    assert statuses() == ["read"]


def test_statuses_of_the_first_part_do_not_end_a_message_whose_second_is_still_to_go(
    talk, whatsapp, monkeypatch
) -> None:
    """The platform reports the first part at once, the second one fails first and goes out later."""
    monkeypatch.setattr(WhatsApp, "render", lambda self, message, config: [Payload("/1"), Payload("/2")])
    answers = iter([SendResult("m_1"), Unreachable("connect"), SendResult("m_2")])
    paths: list[str] = []

    def send(self: Any, payload: Any, config: Any, http: Any) -> SendResult:
        paths.append(payload.path)
        answer = next(answers)
        if isinstance(answer, Exception):
            status_apply(whatsapp, StatusUpdate("m_1", "read"))
            raise answer
        return answer

    monkeypatch.setattr(WhatsApp, "send", send)
    talk.sent("queued", 0, parts=0)
    deliver(talk.conversation.id)
    assert statuses() == ["queued"]
    Delivery.objects.update(due_at=now())
    status_apply(whatsapp, StatusUpdate("m_2", "delivered"))
    deliver(talk.conversation.id)
    assert paths == ["/1", "/2", "/2"]
    assert statuses() == ["delivered"]


def test_a_watermark_is_of_its_own_thread(talk) -> None:
    """Who has read one ticket has not read the others."""
    other = Talk(talk.tenant, talk.channel, "66", "ticket-2", identity=talk.conversation.identity)
    talk.sent("sent", 60)
    other.sent("sent", 60)
    assert status_apply(talk.channel, replace(up_to("read", 30), thread="ticket-2"))
    assert statuses() == ["sent", "read"]
    assert item_apply(talk.channel, Signal("read", ANA)) == ""
    assert statuses() == ["read", "read"]


@pytest.mark.parametrize(("proved", "reached"), [(True, "read"), (False, "sent")])
def test_a_watermark_told_of_another_id_of_the_person_counts_if_that_is_proved(talk, proved, reached) -> None:
    Identity.objects.update(verified=True)
    IdentityFactory(
        tenant=talk.tenant, channel=talk.channel, scheme="psid", scope="20", value="67",
        contact=talk.conversation.contact, verified=proved,
    )  # fmt: skip
    talk.sent("sent", 60)
    status_apply(talk.channel, up_to("read", 30, replace(ANA, value="67")))
    assert statuses() == [reached]
