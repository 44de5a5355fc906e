"""What Ana and Ben change of their messages, and what came of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from channels_app.content.types import text
from channels_app.contract import InboundMessage, Reaction, Revision, Sender
from conversations.models import Event, Message
from messaging.models import DeliveryPart, Turn
from messaging.respond import respond
from tenants.storage.db import now
from tests.factories import ConversationFactory, DeliveryFactory, IdentityFactory, MessageFactory

ANA, BEN = Sender("phone", "+4915100000001"), Sender("phone", "+4915100000002")


def at(second: int) -> datetime:
    return datetime(2026, 11, 21, 12, 0, second, tzinfo=UTC)


def message(words: str = "helo", id: str = "m1", by: Sender = ANA, **parts: Any) -> InboundMessage:
    return InboundMessage(id, by, text(words), sent_at=at(0), **parts)


def edit(words: str, second: int = 1, by: Sender = ANA, target: str = "m1", id: str = "") -> Revision:
    return Revision(id or f"e{second}:{by.value}", target, by, text(words), at(second))


def deletion(second: int = 1, by: Sender = ANA, target: str = "m1") -> Revision:
    return Revision(f"d{second}:{by.value}", target, by, None, at(second))


def reaction(emoji: str, second: int = 1, by: Sender = ANA, target: str = "m1") -> Reaction:
    return Reaction(f"r{second}:{by.value}:{emoji}", target, by, emoji, at(second))


def stored() -> Message:
    return Message.objects.get(platform_message_id="m1")


def events(type: str) -> list[Event]:
    return list(Event.objects.filter(type=type).order_by("seq"))


def answer_due() -> Turn:
    turn = Turn.objects.filter(status__in=Turn.OPEN).get()
    Turn.objects.filter(id=turn.id).update(due_at=now())
    return respond(turn.id)


def sent_by_us(tenant: Any, channel: Any, part: str = "wamid.OUT") -> Message:
    identity = IdentityFactory(tenant=tenant, channel=channel, scheme="phone", value=ANA.value, verified=True)
    talk = ConversationFactory(tenant=tenant, channel=channel, identity=identity, contact=identity.contact)
    ours = MessageFactory(tenant=tenant, conversation=talk, direction="outbound", role="bot")
    delivery = DeliveryFactory(tenant=tenant, message=ours, status="sending")
    part and DeliveryPart.objects.create(
        tenant_id=tenant.id, delivery=delivery, channel=channel, index=0, platform_id=part
    )
    return ours
