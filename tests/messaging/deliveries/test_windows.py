"""The reply window: nothing leaves outside it but approved templates, and the sender is told.

Complaint 16 of docs/testing.md.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine

from assistant.port import EngineReply
from channels_app.adapters.messenger import Messenger
from channels_app.adapters.whatsapp import WhatsApp
from channels_app.content.types import Content, TemplateUse, text
from channels_app.contract import InboundMessage, Sender, SendResult, StatusUpdate, WindowClosed
from channels_app.models import Channel, MessageTemplate
from conversations.models import Conversation, Event, Message
from messaging.accept import accept
from messaging.deliver import deliver, redeliver
from messaging.models import Delivery, DeliveryAttempt, Turn
from messaging.reports.delivery_status import status_apply
from messaging.respond import respond
from messaging.rules.agent_replies import agent_reply
from messaging.rules.windows import window_of
from messaging.turns import thinking
from tenants.errors import Conflict
from tenants.storage.db import now
from tests.factories import ChannelFactory

pytestmark = pytest.mark.django_db(transaction=True)
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
DAY = timedelta(hours=24)
TICK = timedelta(milliseconds=1)
SHIPPED = Content(type="template", template=TemplateUse(name="shipped", language="en_US", variables={"1": "7"}))


@pytest.fixture
def clock() -> Any:
    with time_machine.travel(NOON, tick=False) as clock:
        yield clock


@pytest.fixture
def taken(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the platform was given; it takes everything."""
    sent: list[Any] = []

    def send(self: Any, payload: Any, config: Any, http: Any) -> SendResult:
        sent.append(payload.json)
        return SendResult(f"wamid.OUT{len(sent)}")

    monkeypatch.setattr(WhatsApp, "send", send)
    return sent


@pytest.fixture
def shipped(scope, whatsapp) -> MessageTemplate:
    variant = {"content": {"type": "text", "text": "Order {{1}} is here."}, "external": {"status": "approved"}}
    return MessageTemplate.objects.create(
        tenant=scope, channel=whatsapp, name="shipped", variants={"en_US": variant}, synced_at=now()
    )


def wrote(
    channel: Channel, words: str = "hello", *, at: datetime | None = None, id: str = "wamid.1", window_s: int = 86400
) -> Conversation:
    sender = Sender("phone", "+4915112345678")
    inbound = InboundMessage(id, sender, text(words), sent_at=at, opens_window_s=window_s)
    return accept(channel, inbound).conversation


def queued(conversation: Conversation, words: str = "late") -> Delivery:
    """A message that was written while the window was open."""
    message = agent_reply(conversation.id, None, text(words))
    return Delivery.objects.get(message=message)


# -------------------------------------------------------------------------- who is told


@pytest.mark.parametrize(
    ("after", "is_open"),
    [(timedelta(0), True), (DAY - TICK, True), (DAY, False), (DAY + TICK, False)],
    ids=["at once", "just before the end", "at the end", "just after"],
)
def test_the_window_is_open_up_to_its_end(scope, whatsapp, clock, after, is_open) -> None:
    wrote(whatsapp)
    clock.move_to(NOON + after)
    window = window_of(whatsapp, Conversation.objects.get())
    assert (window.open, window.expires_at) == (is_open, NOON + DAY)


def test_staff_are_told_and_offered_the_templates_that_would_go_out(scope, whatsapp, shipped, clock, taken) -> None:
    """Complaint 16: text was accepted and silently lost, and no template offered."""
    conversation = wrote(whatsapp)
    clock.move_to(NOON + DAY)
    with pytest.raises(Conflict) as caught:
        agent_reply(conversation.id, None, text("too late"))
    assert caught.value.code == "window_closed"
    assert caught.value.details == {
        "expired_at": "2026-03-03T12:00:00.000Z",
        "templates": [{"name": "shipped", "language": "en_US", "variables": ["1"]}],
    }
    assert Message.objects.filter(direction="outbound").count() == 0
    assert Conversation.objects.get().control_owner == "bot"  # a refused send takes nothing over


def test_the_api_answers_409_with_the_templates(scope, whatsapp, shipped, clock, api) -> None:
    conversation = wrote(whatsapp)
    client = api(scope)
    clock.move_to(NOON + DAY)
    where = f"/api/v2/chat/conversations/{conversation.id}/messages"
    refused = client.post(where, {"content": {"type": "text", "text": "too late"}})
    assert refused.status_code == 409
    assert client.error_of(refused)["code"] == "window_closed"
    assert client.error_of(refused)["details"]["templates"][0]["name"] == "shipped"
    template = {"name": "shipped", "language": "en", "variables": {"1": "7"}}
    sent = client.post(where, {"content": {"type": "template", "template": template}})
    assert sent.status_code == 201
    assert client.data_of(sent)["content"]["text"] == "Order 7 is here."


def test_an_approved_template_goes_out_at_any_time(scope, whatsapp, shipped, clock, taken) -> None:
    """Complaint 16."""
    conversation = wrote(whatsapp)
    clock.move_to(NOON + 30 * DAY)
    agent_reply(conversation.id, None, SHIPPED)
    deliver(conversation.id)
    assert taken[0]["template"] == {
        "name": "shipped",
        "language": {"code": "en_US"},
        "components": [{"type": "body", "parameters": [{"type": "text", "text": "7"}]}],
    }
    assert Delivery.objects.get().status == "sent"
    assert Message.objects.get(direction="outbound").text == "Order 7 is here."  # staff read what the person reads


def test_the_same_send_again_is_the_same_message_even_when_the_window_has_closed_since(scope, whatsapp, clock) -> None:
    conversation = wrote(whatsapp)
    first = agent_reply(conversation.id, None, text("in time"), client_message_id="m1")
    clock.move_to(NOON + DAY)
    assert agent_reply(conversation.id, None, text("in time"), client_message_id="m1").id == first.id


# ------------------------------------------------------------------------- what is queued


def test_what_waited_too_long_is_a_dead_letter_without_a_call(scope, whatsapp, clock, taken) -> None:
    conversation = wrote(whatsapp, window_s=3600)
    delivery = queued(conversation)
    clock.move_to(NOON + timedelta(hours=1))
    deliver(conversation.id)
    delivery.refresh_from_db()
    assert (delivery.status, delivery.error_code) == ("failed", "window_closed")
    assert taken == []
    assert DeliveryAttempt.objects.get().exchange == []
    assert Event.objects.get(type="chat.message.failed").payload["code"] == "window_closed"


def test_right_before_the_end_it_still_leaves(scope, whatsapp, clock, taken) -> None:
    conversation = wrote(whatsapp, window_s=3600)
    queued(conversation)
    clock.move_to(NOON + timedelta(hours=1) - TICK)
    deliver(conversation.id)
    assert len(taken) == 1


def test_a_new_message_reopens_the_window_for_what_was_refused(scope, whatsapp, clock, taken) -> None:
    conversation = wrote(whatsapp, window_s=3600)
    queued(conversation)
    clock.move_to(NOON + timedelta(hours=2))
    deliver(conversation.id)
    wrote(whatsapp, "still there?", id="wamid.2")
    assert redeliver(Delivery.objects.all()) == 1
    deliver(conversation.id)
    assert Delivery.objects.get().status == "sent"
    assert agent_reply(conversation.id, None, text("yes")).seq > 0


def test_the_bots_late_answer_is_a_dead_letter_too(scope, whatsapp, clock, taken, monkeypatch) -> None:
    class Slow:
        def respond(self, request: Any) -> EngineReply:
            clock.move_to(NOON + timedelta(minutes=2))
            return EngineReply(contents=(text("at last"),))

    monkeypatch.setattr(thinking, "engine_for", lambda settings: Slow())
    conversation = wrote(whatsapp, window_s=60)
    Turn.objects.update(due_at=now())
    respond(Turn.objects.get().id)
    deliver(conversation.id)
    assert taken == []
    assert Delivery.objects.get().error_code == "window_closed"


# ------------------------------------------------------------------- how long it is open


def test_it_counts_from_when_the_person_wrote(scope, whatsapp, clock) -> None:
    """A webhook that was held up for hours opens the window for what is left of it."""
    conversation = wrote(whatsapp, at=NOON - timedelta(hours=23))
    assert conversation.reply_window_expires_at == NOON + timedelta(hours=1)


def test_a_late_old_message_does_not_shorten_it_and_a_wrong_clock_does_not_lengthen_it(scope, whatsapp, clock) -> None:
    wrote(whatsapp, at=NOON + timedelta(days=300))
    wrote(whatsapp, at=NOON - timedelta(hours=20), id="wamid.0")
    assert Conversation.objects.get().reply_window_expires_at == NOON + DAY


def test_where_no_window_is_known_the_platform_decides(scope, web, whatsapp) -> None:
    conversation = wrote(whatsapp, window_s=0)
    assert window_of(whatsapp, conversation).open


@pytest.mark.parametrize(
    ("human_agent", "days", "is_open"),
    [(False, 1, False), (True, 1, True), (True, 6, True), (True, 7, False)],
    ids=["no permission", "after a day", "after six", "after seven"],
)
def test_colleagues_may_have_longer_than_the_bot(scope, clock, human_agent, days, is_open) -> None:
    channel = ChannelFactory(
        tenant=scope,
        kind="messenger",
        config={"page_id": "1", "app_id": "2", "human_agent": human_agent},
        secrets={"access_token": "t", "app_secret": "s", "verify_token": "v"},
    )
    sender = Sender("psid", "77")
    window_s = Messenger.capabilities.window_s
    conversation = accept(channel, InboundMessage("m1", sender, text("hi"), opens_window_s=window_s)).conversation
    clock.move_to(NOON + timedelta(days=days))
    assert window_of(channel, conversation, by_human=True).open is is_open
    assert not window_of(channel, conversation).open


# --------------------------------------------------------------- the platform's own word


def test_the_platforms_answer_means_the_same(scope, whatsapp, clock, monkeypatch) -> None:
    def refuse(self: Any, payload: Any, config: Any, http: Any) -> SendResult:
        raise WindowClosed("131047", "More than 24 hours since the last reply.", status=400)

    monkeypatch.setattr(WhatsApp, "send", refuse)
    conversation = wrote(whatsapp)
    queued(conversation)
    deliver(conversation.id)
    assert Delivery.objects.get().error_code == "window_closed"
    assert DeliveryAttempt.objects.get().code == "131047"
    with pytest.raises(Conflict) as caught:  # the next one is not even tried
        agent_reply(conversation.id, None, text("and now?"))
    assert caught.value.code == "window_closed"


def test_a_failed_status_means_the_same(scope, whatsapp, clock, taken) -> None:
    """The usual way: accepted first, refused by webhook afterwards (131047)."""
    conversation = wrote(whatsapp, window_s=0)
    queued(conversation)
    deliver(conversation.id)
    clock.move_to(NOON + timedelta(seconds=5))
    status_apply(whatsapp, StatusUpdate("wamid.OUT1", "failed", code="131047", detail="More than 24 hours"))
    assert Delivery.objects.get().error_code == "window_closed"
    assert not window_of(whatsapp, Conversation.objects.get()).open


def test_a_late_failed_status_does_not_close_what_the_person_has_opened_since(scope, whatsapp, clock, taken) -> None:
    conversation = wrote(whatsapp)
    queued(conversation)
    deliver(conversation.id)
    clock.move_to(NOON + timedelta(minutes=1))
    wrote(whatsapp, "me again", id="wamid.2")
    status_apply(whatsapp, StatusUpdate("wamid.OUT1", "failed", code="131047"))
    assert window_of(whatsapp, Conversation.objects.get()).open
