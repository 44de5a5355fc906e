"""What Ana and Ben write, and what became of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from channels_app.content.types import text
from channels_app.contract import InboundMessage, Sender
from conversations.models import Event, Identity, Message
from messaging.models import Turn
from messaging.respond import respond
from tenants.storage.db import now

ANA, BEN = Sender("phone", "+4915100000001"), Sender("phone", "+4915100000002")
START = datetime(2026, 11, 21, 12, tzinfo=UTC)


def said(words: str, second: int, by: Sender = ANA) -> InboundMessage:
    return InboundMessage(f"m{second}:{by.value}", by, text(words), sent_at=START + timedelta(seconds=second))


def stopped() -> bool:
    return Identity.objects.get(value=ANA.value).stopped_at is not None


def bot_said() -> list[str]:
    return list(Message.objects.filter(role="bot").order_by("seq").values_list("text", flat=True))


def events() -> list[str]:
    found = Event.objects.filter(type__startswith="chat.contact.").order_by("id").values_list("type", flat=True)
    return [type.rsplit(".", 1)[1] for type in found]


def answer_due() -> None:
    for turn in Turn.objects.filter(status__in=Turn.OPEN):
        Turn.objects.filter(id=turn.id).update(due_at=now())
        respond(turn.id)
