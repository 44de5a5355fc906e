"""The visitor has read: the mark moves forward, and staff see which of our messages that were."""

from __future__ import annotations

import pytest

from channels_app.content.types import text
from conversations.models import Conversation, Event
from messaging.models import Delivery
from messaging.reports.delivery_status import mark_read
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import conversation_end
from tests.messaging.webchat.clients import CID, outcome

pytestmark = pytest.mark.django_db(transaction=True)


def test_read_marks_only_move_forward(page, scope):
    page.begin()
    page.say("One", cid="c1")
    page.say("Two", cid="c2")
    conversation = Conversation.objects.get()
    [page.post({"t": "read", "conversation": conversation.id, "seq": seq}) for seq in (2, 1, 9)]
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


def test_what_was_read_is_marked_once_with_its_events(answered):
    end = last(answered)
    assert [mark_read(answered.id, seq) for seq in (end - 1, end - 1, end)] == [True, False, True]
    assert statuses() == ["read", "read", "read"]
    events = Event.objects.filter(type="chat.message.read").order_by("seq")
    assert [event.payload["seq"] for event in events] == [end - 2, end - 1, end]
    assert all(Delivery.objects.values_list("read_at", flat=True))


def test_what_was_not_reached_is_not_read(answered):
    mark_read(answered.id, last(answered) - 2)
    assert statuses() == ["read", "sent", "sent"]


def test_a_status_moves_by_rank_only(answered):
    end = last(answered)
    Delivery.objects.filter(seq=end).update(status="failed")
    Delivery.objects.filter(seq=end - 1).update(status="delivered")
    Delivery.objects.filter(seq=end - 2).update(status="queued")
    mark_read(answered.id, end)
    assert statuses() == ["queued", "read", "failed"]


def test_reading_without_a_socket(answered, page):
    frame = {"t": "read", "conversation": str(answered.id), "seq": last(answered)}
    response = page.post(frame)
    assert (response.status_code, page.client.data_of(response)["seq"]) == (200, last(answered))
    assert statuses() == ["read"] * 3


def test_a_late_mark_is_of_the_conversation_that_was_read(answered, page):
    conversation_end(answered.id)
    page.say("Again", cid="c2")
    agent_reply(page.begin(visitor_token=page.token)["conversation"], None, text("Here"))
    page.post({"t": "read", "conversation": str(answered.id), "seq": 3})
    marks = Conversation.objects.order_by("created_at").values_list("visitor_read_seq", flat=True)
    assert list(marks) == [3, 0]


def test_a_mark_needs_a_conversation_and_a_number(answered, page):
    assert outcome(page.post({"t": "read", "seq": 3})) == (400, "validation_error")
    assert outcome(page.post({"t": "read", "conversation": str(answered.id), "seq": -1})) == (400, "validation_error")
    assert outcome(page.post({"t": "read", "conversation": CID, "seq": 1})) == (404, "conversation_not_found")
