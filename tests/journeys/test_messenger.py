"""The Messenger journey beyond what every channel does: an edit, a reaction, an unsend, the page's own inbox."""

from __future__ import annotations

import pytest

from channels_app.twin.platforms.messenger import REPORTS
from conversations.models import Conversation
from tenants.scope import tenant_scope

pytestmark = pytest.mark.django_db(transaction=True)

HOURS = "What are your opening hours?"


def test_everything_that_can_happen_to_a_message_is_in_the_history(tenant, connected, api) -> None:
    line = connected("messenger")
    said = line.ask("What are your opning hours?")
    line.ask(message={"message_edit": {"mid": said, "text": HOURS, "num_edit": 1}})
    love = {"mid": line.twin.sent[0]["id"], "action": "react", "reaction": "love", "emoji": "❤️"}
    line.ask(message={"reaction": love})
    slip = line.ask("My PIN is 1234")
    line.ask(message={"message": {"mid": slip, "is_deleted": True}})
    history = line.history(api(tenant))
    question, answer, edited, deleted_question, *_, deleted = history
    assert (question["content"]["text"], bool(question["edited_at"])) == (HOURS, True)
    assert (answer["status"], [one["emoji"] for one in answer["reactions"]]) == ("read", ["❤️"])
    assert edited["change"] == {"kind": "edited", "of": question["id"]}
    assert (deleted_question["content"], bool(deleted_question["deleted_at"])) == (None, True)
    assert deleted["change"] == {"kind": "deleted", "of": deleted_question["id"]}
    assert len(line.heard) == 2  # what was answered is not answered again


def test_reports_in_any_order_and_twice_end_with_read(tenant, connected) -> None:
    """Complaint 7: a later delivery report takes nothing back."""
    line = connected("messenger")
    line.twin.configure("messenger", statuses=["read", "echo", "delivery", "delivery", "echo"])
    line.ask(HOURS)
    assert line.deliveries() == ["read"]


def test_the_echo_of_our_own_answer_is_no_message(tenant, connected) -> None:
    line = connected("messenger")
    line.twin.configure("messenger", statuses=["echo"])
    line.ask(HOURS)
    assert (len(line.inbound()), len(line.heard), line.deliveries()) == (1, 1, ["sent"])


def test_a_colleague_who_answers_in_the_pages_own_inbox_silences_the_bot(tenant, connected) -> None:
    """Complaint 10."""
    line = connected("messenger")
    line.ask(HOURS)
    settings = {**line.twin.settings["messenger"], "app_id": "26390203743090"}  # the inbox is an app, too
    by_hand = {"id": "m_byhand", "person": line.platform.person, "body": {"message": {"text": "Maria here"}}}
    line.mail.append(REPORTS["echo"](settings, by_hand))
    line.ask("And on Sundays?")
    with tenant_scope(tenant.id):
        assert Conversation.objects.get().control_owner != "bot"
    assert len(line.heard) == 1
