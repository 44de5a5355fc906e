"""Meetings begin and end in the timeline, and an app that was removed is noticed (CH-6)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from channels_app.content.types import text
from channels_app.contract import InboundMessage, RawRequest, Sender
from conversations.models import Conversation, Event, Identity, Message
from messaging.accept import accept
from messaging.models import Delivery
from messaging.receive import receipt_process, receipt_store
from messaging.rules.agent_replies import agent_reply
from tenants.errors import Conflict
from tests.adapters.kit import kit_for
from tests.factories import ChannelFactory

pytestmark = pytest.mark.django_db(transaction=True)
KIT = kit_for("teams")


@pytest.fixture
def teams(scope):
    secret = KIT.adapter.secret_keys
    return ChannelFactory(
        tenant=scope, kind="teams",
        config={name: value for name, value in KIT.config.items() if name not in secret},
        secrets={name: value for name, value in KIT.config.items() if name in secret},
    )  # fmt: skip


def comes(teams, name: str) -> None:
    """Twice, as platforms do."""
    for again in ("", " "):
        raw: RawRequest = KIT.request(name)
        receipt = receipt_store(teams, RawRequest(raw.method, raw.path, body=raw.body + again.encode()))
        assert receipt_process(receipt.id) == 1


def told() -> list[tuple[str, str]]:
    events = Event.objects.exclude(conversation=None).order_by("seq")
    return [(event.type, event.payload.get("data", {}).get("type", "")) for event in events]


def test_a_meeting_where_no_conversation_is_open_begins_one(teams) -> None:
    comes(teams, "meeting_start")
    comes(teams, "meeting_end")
    conversation = Conversation.objects.get()
    assert told() == [
        ("chat.conversation.started", ""),
        ("chat.contact.joined", "meeting_start"),
        ("chat.contact.left", "meeting_end"),
    ]
    assert (conversation.is_open, conversation.event_seq, conversation.last_seq) == (True, 3, 0)
    meeting = Event.objects.get(type="chat.contact.joined").payload["data"]["meeting"]
    assert meeting["id"]
    assert meeting["title"] is None, "words, which this tenant has not switched on"


def test_what_is_said_in_the_meeting_goes_on_there(teams) -> None:
    comes(teams, "meeting_start")
    comes(teams, "meeting_chat")
    assert Conversation.objects.get().last_seq == 1


def test_other_comings_begin_nothing(teams) -> None:
    comes(teams, "installation_add")
    comes(teams, "meeting_left")
    assert not Conversation.objects.exists()


def test_a_person_who_removes_the_app_is_not_written_to(teams) -> None:
    raw = next(item for item in KIT.receive(KIT.request("installation_remove")) if item.kind == "left")
    mira: Sender = raw.sender
    before = raw.at - timedelta(minutes=5)
    talk = accept(teams, InboundMessage("t1", mira, text("hello"), before, thread="a:1personalConv")).conversation
    agent_reply(talk.id, None, text("On its way out."))
    comes(teams, "installation_remove")
    assert Identity.objects.exclude(stopped_at=None).count() == 2  # by either id of the person
    assert [kind for kind, _ in told()][-2:] == ["chat.contact.left", "chat.contact.stopped"]
    assert Delivery.objects.filter(status="queued").count() == 1
    with pytest.raises(Conflict) as caught:
        agent_reply(talk.id, None, text("Are you there?"))
    assert caught.value.code == "contact_stopped"
    comes(teams, "installation_add")
    assert agent_reply(talk.id, None, text("Welcome back.")).seq


def test_a_group_that_removes_the_app_has_ended(teams) -> None:
    comes(teams, "meeting_chat")
    other = accept(teams, InboundMessage("t1", Sender("teams", "u2", "t"), text("me too"), thread="a:2")).conversation
    comes(teams, "installation_remove_group")
    ended = Conversation.objects.get(is_open=False)
    assert (ended.ended_reason, ended.id != other.id) == ("app_removed", True)
    assert Message.objects.filter(conversation=ended, role="visitor").count() == 1
