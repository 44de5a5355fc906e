"""The visitor has read: the mark moves forward, and staff see which of our messages that were."""

from __future__ import annotations

import pytest

from channels_app.content.types import text
from conversations.models import Conversation, Event
from messaging.models import Delivery
from messaging.rules import delivery_status as receipts
from messaging.rules.control import agent_reply
from messaging.webchat import rules as webchat

pytestmark = pytest.mark.django_db(transaction=True)


def test_read_marks_only_move_forward(page, scope):
    page.begin()
    page.say("One", cid="c1")
    page.say("Two", cid="c2")
    conversation = Conversation.objects.get()
    assert [webchat.read_mark(conversation.id, conversation.tenant_id, seq) for seq in (2, 1, 9)] == [
        True,
        False,
        False,
    ]
    conversation.refresh_from_db()
    assert conversation.visitor_read_seq == 2


@pytest.fixture
def answered(page, scope):
    """A conversation: the visitor's words (1), then our answers 2, 3 and 4."""
    page.begin()
    page.say("Hello")
    conversation = Conversation.objects.get()
    for words in ("One", "Two", "Three"):
        agent_reply(conversation.id, None, text(words))
    conversation.refresh_from_db()
    return conversation


def statuses():
    return list(Delivery.objects.order_by("seq").values_list("status", flat=True))


def last(conversation):
    return conversation.last_seq


def test_what_was_read_is_marked_once_with_its_events(answered, monkeypatch):
    told = []
    monkeypatch.setattr(receipts, "push_status", lambda message, status: told.append((message.seq, str(status))))
    end = last(answered)
    for seq in (end - 1, end - 1, end):
        webchat.read_mark(answered.id, answered.tenant_id, seq)
    assert statuses() == ["read", "read", "read"]
    assert told == [(end - 2, "read"), (end - 1, "read"), (end, "read")]
    events = Event.objects.filter(type="chat.message.read").order_by("seq")
    assert [event.payload["seq"] for event in events] == [end - 2, end - 1, end]
    assert all(Delivery.objects.values_list("read_at", flat=True))


def test_what_was_not_reached_is_not_read(answered):
    webchat.read_mark(answered.id, answered.tenant_id, last(answered) - 2)
    assert statuses() == ["read", "sent", "sent"]


def test_a_status_moves_by_rank_only(answered):
    end = last(answered)
    Delivery.objects.filter(seq=end).update(status="failed")
    Delivery.objects.filter(seq=end - 1).update(status="delivered")
    Delivery.objects.filter(seq=end - 2).update(status="queued")
    webchat.read_mark(answered.id, answered.tenant_id, end)
    assert statuses() == ["queued", "read", "failed"]


def test_reading_without_a_socket(answered, page):
    frame = {"t": "read", "seq": last(answered)}
    response = page.post(frame)
    assert (response.status_code, page.client.data_of(response)["seq"]) == (200, last(answered))
    assert statuses() == ["read"] * 3


def test_reading_a_conversation_that_is_none(page):
    page.begin()
    assert page.post({"t": "read", "seq": 3}).status_code == 200
    assert page.post({"t": "read", "seq": -1}).status_code == 400
