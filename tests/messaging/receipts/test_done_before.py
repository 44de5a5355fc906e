"""A webhook that is tried again, for one of its items failed, does again nothing of what was done and undone since (CH-6)."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from channels_app.adapters.whatsapp import WhatsApp
from channels_app.content.types import text
from channels_app.contract import (
    ChannelNotice,
    InboundItem,
    InboundMessage,
    RawRequest,
    Reaction,
    Sender,
    Signal,
    TemplateStatus,
)
from channels_app.models import Channel, ChannelHealth, MessageTemplate
from channels_app.templates.sync import template_status_apply
from conversations.models import Conversation, Event, Identity
from messaging.accept import accept
from messaging.consent.rules import contact_resume
from messaging.health.watch import channel_release
from messaging.models import InboundEvent
from messaging.receive import receipt_process, receipt_store, receipts_replay
from messaging.rules.control import hand_back
from tenants.storage.db import atomic, now
from tests.messaging.arrivals import accept_replaced

pytestmark = pytest.mark.django_db(transaction=True)
ANA, BEN = Sender("phone", "+15550100001"), Sender("phone", "+15550100002")
AT = now()


def talk() -> Conversation:
    return Conversation.objects.get(identity__value=ANA.value)


def handed_back(channel: Channel) -> None:
    hand_back(talk().id)


def owner(channel: Channel) -> str:
    return talk().control_owner


def allowed(channel: Channel) -> None:
    with atomic():
        contact_resume(channel, ANA, now())


def is_stopped(channel: Channel) -> bool:
    return Identity.objects.get(value=ANA.value).stopped_at is not None


def is_held(channel: Channel) -> bool:
    return ChannelHealth.objects.get(channel=channel).held_until > now()


def approved(channel: Channel) -> None:
    template_status_apply(channel, TemplateStatus("hi", "en", "approved"))


def status_of_template(channel: Channel) -> str:
    return MessageTemplate.objects.get().variants["en"]["external"]["status"]


def nothing(channel: Channel) -> None:
    """It cannot be undone."""


def times_told(type: str) -> Callable[[Channel], int]:
    return lambda channel: Event.objects.filter(type=type).count()


#: what a platform tells, what undoes it, and what then holds
CASES: dict[
    str, tuple[InboundItem | Sequence[InboundItem], Callable[[Channel], None], Callable[[Channel], Any], Any]
] = {
    "staff took over": (Signal("human_took_over", ANA, "s1"), handed_back, owner, "bot"),
    "a human is wanted": (Signal("human_wanted", ANA, "s1"), handed_back, owner, "bot"),
    "a stop": (Signal("stopped", ANA), allowed, is_stopped, False),
    "one who came": (Signal("joined", ANA, data={"ref": "x"}), nothing, times_told("chat.contact.joined"), 1),
    "a credential": (ChannelNotice("credential_refused", "gone"), channel_release, is_held, False),
    "a template": (TemplateStatus("hi", "en", "paused"), approved, status_of_template, "approved"),
    "emojis of one second": (
        [Reaction("r1", "m1", ANA, "👍", AT), Reaction("r2", "m1", ANA, "❤", AT)],
        nothing,
        times_told("chat.message.reacted"),
        2,
    ),
}


@pytest.fixture
def arrived(scope: Any, whatsapp: Channel, monkeypatch: pytest.MonkeyPatch) -> Callable[..., InboundEvent]:
    """A webhook that holds the item, and a message of another person at which the worker fails."""
    accept(whatsapp, InboundMessage("m1", ANA, text("hello")))
    MessageTemplate.objects.create(tenant=scope, channel=whatsapp, name="hi", variants={"en": {"content": {}}})

    def arrive(told: Any) -> InboundEvent:
        items = (*(told if isinstance(told, list) else [told]), InboundMessage("m2", BEN, text("breaks")))
        monkeypatch.setattr(WhatsApp, "parse", lambda *_: items)
        raw = RawRequest("POST", "/", {}, body=json.dumps({"object": "x"}).encode())
        receipt = receipt_store(whatsapp, raw)
        with monkeypatch.context() as broken:
            accept_replaced(broken, lambda *_, **__: 1 / 0)
            receipt_process(receipt.id)
        return InboundEvent.objects.get(id=receipt.id)

    return arrive


@pytest.mark.parametrize("case", list(CASES))
def test_tried_again(whatsapp, arrived, case) -> None:
    item, undo, found, right = CASES[case]
    receipt = arrived(item)
    assert receipt.status == InboundEvent.Status.RECEIVED
    undo(whatsapp)
    assert found(whatsapp) == right

    InboundEvent.objects.update(due_at=now())
    receipt_process(receipt.id)

    assert found(whatsapp) == right
    assert InboundEvent.objects.get().status == InboundEvent.Status.PROCESSED, "the message was taken"


@pytest.mark.parametrize("case", list(CASES))
def test_processed_again_by_staff(whatsapp, arrived, case) -> None:
    item, undo, found, right = CASES[case]
    receipt = arrived(item)
    InboundEvent.objects.update(due_at=now())
    receipt_process(receipt.id)
    undo(whatsapp)

    assert receipts_replay(InboundEvent.objects.all()) == 1
    receipt_process(receipt.id)

    assert found(whatsapp) == right
    assert InboundEvent.objects.get().reason == "repeated"


def test_what_led_to_nothing_is_done_when_it_can_be(whatsapp, arrived) -> None:
    arrived(Signal("joined", BEN, "s2", data={"ref": "x"}))
    accept(whatsapp, InboundMessage("m3", BEN, text("hello")))
    InboundEvent.objects.update(due_at=now())
    receipt_process(InboundEvent.objects.get().id)
    assert times_told("chat.contact.joined")(whatsapp) == 1


def test_what_is_told_twice_in_one_request_with_something_else_between_is_done_twice(whatsapp, arrived) -> None:
    """The second was taken for the first, tried again: the bot answered beside staff."""
    took_over = Signal("human_took_over", ANA)
    arrived([took_over, Signal("handed_back", ANA), took_over])
    assert owner(whatsapp) == "human"
