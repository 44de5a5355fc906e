"""Typing and read marks, the transfer of a call, and no reply over a person who still listens."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from channels_app.adapters.whatsapp import WhatsApp
from channels_app.content.types import text
from channels_app.contract import Payload, SendResult, Throttled
from conversations.models import Conversation
from conversations.timeline import conversation_advance
from messaging.accept import accept
from messaging.deliver import deliver
from messaging.models import Delivery, Turn
from messaging.reply import Author, reply_write
from messaging.reports.typing_marks import put_through, show_typing
from messaging.rules.control import hand_back, take_over
from tenants import tenant_settings
from tenants.models import Tenant
from tenants.storage.db import atomic, now
from tests.factories import UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the platform was given; each message keeps the person busy for 4 seconds."""
    bodies: list[dict[str, Any]] = []

    def send(self: Any, payload: Any, config: Any, http: Any) -> SendResult:
        bodies.append(dict(payload.json))
        return SendResult(f"wamid.OUT{len(bodies)}", busy_s=4.0)

    monkeypatch.setattr(WhatsApp, "send", send)
    return bodies


@pytest.fixture
def conversation(scope: Any, whatsapp: Any, said: Any) -> Conversation:
    return accept(whatsapp, said("hello", id="wamid.IN1")).conversation


def say(conversation: Conversation, *words: str) -> None:
    with atomic():
        taken = conversation_advance({"id": conversation.id}, messages=len(words), events=len(words))
        reply_write(taken, [text(word) for word in words], Author.bot())


def texts(sent: list[dict[str, Any]]) -> list[str]:
    return [body["text"]["body"] for body in sent]


def test_typing_is_shown_while_the_bot_thinks_and_again_at_the_channels_cadence(conversation, sent, calls):
    assert conversation.id in calls.of("show_typing")
    show_typing(conversation.id)
    assert sent == [
        {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.IN1",
         "typing_indicator": {"type": "text"}}
    ]  # fmt: skip
    assert calls.all[-1] == ("show_typing", conversation.id, 20)


@pytest.mark.parametrize("act", [show_typing, put_through])
def test_nothing_is_shown_for_a_suspended_tenant(conversation, sent, calls, act) -> None:
    """Its turn stays open: the typing would go on for as long."""
    Tenant.objects.filter(id=conversation.tenant_id).update(status="suspended")
    tenant_settings.invalidate(conversation.tenant_id)
    before = len(calls.all)
    act(conversation.id)
    assert (sent, len(calls.all)) == ([], before)


def test_what_was_answered_already_is_only_marked_as_read(conversation, sent, calls):
    Turn.objects.update(status=Turn.Status.ANSWERED)
    before = len(calls.all)
    show_typing(conversation.id)
    assert sent == [{"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.IN1"}]
    assert len(calls.all) == before


def test_a_lost_signal_is_not_tried_again(conversation, calls, monkeypatch):
    def refuse(*_: Any) -> SendResult:
        raise Throttled("slow_down")

    monkeypatch.setattr(WhatsApp, "send", refuse)
    before = len(calls.all)
    show_typing(conversation.id)
    assert len(calls.all) == before


def test_the_next_sentence_waits_until_the_first_was_heard(conversation, sent, calls):
    say(conversation, "one", "two")
    assert deliver(conversation.id) == 1
    assert texts(sent) == ["one"]
    waiting = Delivery.objects.get(status=Delivery.Status.QUEUED)
    assert timedelta(seconds=3) < waiting.due_at - now() <= timedelta(seconds=4)
    assert waiting.attempts == 0
    Delivery.objects.filter(id=waiting.id).update(due_at=now())
    assert deliver(conversation.id) == 1
    assert texts(sent) == ["one", "two"]


def test_who_has_spoken_since_waits_for_nothing(conversation, sent, whatsapp, said):
    say(conversation, "one")
    accept(whatsapp, said("wait, another question", id="wamid.IN2"))
    say(conversation, "two")
    assert deliver(conversation.id) == 2
    assert texts(sent) == ["one", "two"]


def test_a_human_is_called_only_while_a_human_is_in_control(conversation, sent, calls, tenant, monkeypatch):
    transfer = {"messaging_product": "whatsapp", "dial": "+4930123456"}
    monkeypatch.setattr(WhatsApp, "transfer", lambda self, recipient, config: Payload("/x", json=transfer))
    put_through(conversation.id)
    assert sent == []
    take_over(conversation.id, UserFactory())
    assert calls.all[-1][:2] == ("put_through", conversation.id)
    put_through(conversation.id)
    assert sent == [transfer]
    hand_back(conversation.id)
    put_through(conversation.id)
    assert sent == [transfer]
