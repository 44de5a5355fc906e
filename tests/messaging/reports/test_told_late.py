"""What a platform tells late changes nothing of what has happened since: who has control, what is open, who may be written
to (PIPE-3, CONV-11). The platform's own times decide."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from channels_app.content.types import text
from channels_app.contract import InboundMessage, Sender, Signal
from conversations.models import Conversation, Identity
from messaging.accept import accept
from messaging.models import Turn
from messaging.receipts.applying import item_apply as apply
from messaging.rules.control import hand_back
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tests.factories import ChannelFactory

pytestmark = pytest.mark.django_db(transaction=True)
RITA = Sender("phone", "+4915100000001")


def ago(seconds: float) -> Any:
    return now() - timedelta(seconds=seconds)


def said(id: str, at: Any, **more: Any) -> InboundMessage:
    return InboundMessage(id, RITA, text("And where is my order?"), sent_at=at, **more)


def told(kind: str, at: Any, **more: Any) -> Signal:
    return Signal(kind, RITA, f"{kind}-1", at=at, **more)


def owner() -> str:
    return Conversation.objects.get(is_open=True).control_owner


def test_a_thread_that_was_given_back_before_staff_took_it_again_stays_theirs(scope, whatsapp) -> None:
    accept(whatsapp, said("m1", ago(90)))
    assert apply(whatsapp, told("human_took_over", ago(30))) == ""
    assert apply(whatsapp, told("handed_back", ago(60))) == "told late"
    assert owner() == "human"
    assert apply(whatsapp, told("handed_back", ago(10))) == ""
    assert owner() == "bot"


def test_a_take_over_from_before_the_thread_was_given_back_leaves_the_bot_in_control(scope, whatsapp) -> None:
    accept(whatsapp, said("m1", ago(90)))
    assert apply(whatsapp, told("handed_back", ago(30))) == "repeated"
    assert apply(whatsapp, told("human_took_over", ago(60))) == "told late"
    assert owner() == "bot"
    assert Turn.objects.get().status == "waiting", "the question is still answered"


def test_a_backlog_is_read_by_the_times_in_it(scope, whatsapp) -> None:
    accept(whatsapp, said("m1", ago(900)))
    for kind, at, whose in (
        ("human_took_over", 800, "human"),
        ("handed_back", 700, "bot"),
        ("human_took_over", 600, "human"),
    ):
        assert apply(whatsapp, told(kind, ago(at))) == ""
        assert owner() == whose


def test_what_our_own_staff_do_is_no_later_than_the_phone(scope, whatsapp) -> None:
    """Two clocks: it is safer that the bot keeps still."""
    accept(whatsapp, said("m1", ago(90)))
    apply(whatsapp, told("human_took_over", ago(60)))
    hand_back(Conversation.objects.get().id)
    assert apply(whatsapp, told("human_took_over", ago(5))) == ""
    assert owner() == "human"


@pytest.mark.parametrize("kind", ["ended", "shut"])
def test_an_end_from_before_the_last_words_closes_nothing(kind, scope, whatsapp) -> None:
    accept(whatsapp, said("m1", ago(90), thread="t1"))
    accept(whatsapp, said("m2", ago(10), thread="t1"))
    assert apply(whatsapp, told(kind, ago(60), thread="t1")) == "told late"
    assert Conversation.objects.get().is_open
    assert apply(whatsapp, told(kind, ago(9.5), thread="t1")) == ""
    assert not Conversation.objects.get().is_open


def test_another_tenants_words_keep_no_conversation_open(scope, whatsapp, other_tenant) -> None:
    theirs = ChannelFactory(tenant=other_tenant, kind="whatsapp", config=whatsapp.config, secrets=whatsapp.secrets)
    with tenant_scope(other_tenant.id):
        accept(theirs, said("m2", ago(10)))
    accept(whatsapp, said("m1", ago(90)))
    assert apply(whatsapp, told("ended", ago(60))) == ""


def test_a_resumption_from_before_the_stop_lifts_nothing(scope, whatsapp) -> None:
    accept(whatsapp, said("m1", ago(90)))
    assert apply(whatsapp, told("stopped", ago(30))) == ""
    assert apply(whatsapp, told("reopened", ago(60))) == "repeated"
    assert Identity.objects.get().stopped_at
    assert apply(whatsapp, told("reopened", ago(10))) == ""
    assert Identity.objects.get().stopped_at is None


def test_a_stop_from_before_the_persons_last_words_stops_nothing(scope, whatsapp) -> None:
    accept(whatsapp, said("m1", ago(10)))
    assert apply(whatsapp, told("stopped", ago(320))) == "repeated"
    assert Identity.objects.get().stopped_at is None
    assert apply(whatsapp, told("stopped", ago(300))) == "", "their clock may differ from ours"
    assert Identity.objects.get().stopped_at
