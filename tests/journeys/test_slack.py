"""The Slack journey beyond what every channel does: threads, the two events of a mention, edits, reactions."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.models import Conversation
from tenants.scope import tenant_scope
from tests.journeys.connected import post_at_once

pytestmark = pytest.mark.django_db(transaction=True)

HOURS = "What are your opening hours?"
PLACE, ANA, BEN = "C0GENERAL", "U0ANA0001", "U0BEN0001"


def mention(words: str) -> str:
    return f"<@U0TWINBOT> {words}"


def reaction(name: str, message_id: str, kind: str = "reaction_added") -> dict[str, Any]:
    channel, _, ts = message_id.partition(":")
    return {"type": kind, "reaction": name, "item": {"type": "message", "channel": channel, "ts": ts}}


def test_everything_that_can_happen_to_a_message_is_in_the_history(tenant, connected, api) -> None:
    line = connected("slack")
    said = line.ask("What are your opning hours?")
    ts = said.partition(":")[2]
    before = {"type": "message", "user": "U0DEMO001", "text": "What are your opning hours?", "ts": ts}
    line.ask(message={"subtype": "message_changed", "message": {**before, "text": HOURS}, "previous_message": before})
    line.ask(message=reaction("eyes", line.twin.sent[0]["id"]))
    line.ask(message=reaction("+1", line.twin.sent[0]["id"]))
    line.ask(message={"subtype": "message_deleted", "deleted_ts": ts, "previous_message": before})
    question, answer, edited, deleted = line.history(api(tenant))
    assert (question["content"], bool(question["edited_at"]), bool(question["deleted_at"])) == (None, True, True)
    assert (answer["status"], [one["emoji"] for one in answer["reactions"]]) == ("sent", ["👍"])
    assert [entry["change"]["kind"] for entry in (edited, deleted)] == ["edited", "deleted"]
    assert len(line.heard) == 1


def test_the_two_events_of_a_mention_are_one_message_also_when_both_come_five_times(tenant, connected) -> None:
    """Complaint 2: message and app_mention have ids of their own; the message's own id tells that they are one."""
    line = connected("slack")
    line.say(mention(HOURS), **{"from": ANA, "channel": PLACE})
    webhooks = line.take_mail()
    assert len(webhooks) == 2
    assert post_at_once(webhooks * 5) == [200] * 10
    line.settle()
    assert ([message.text for message in line.inbound()], len(line.heard)) == ([HOURS], 1)


def test_the_answer_goes_into_the_thread_and_each_person_has_a_conversation_of_their_own(tenant, connected) -> None:
    line = connected("slack")
    root = line.ask(mention(HOURS), **{"from": ANA, "channel": PLACE}).partition(":")[2]
    line.ask(mention("How can I pay?"), **{"from": BEN, "channel": PLACE, "thread_ts": root})
    assert [entry["body"]["thread_ts"] for entry in line.twin.sent] == [root, root]
    assert {entry["body"]["channel"] for entry in line.twin.sent} == {PLACE}
    with tenant_scope(tenant.id):
        assert list(Conversation.objects.values_list("thread", flat=True)) == [f"{PLACE}:{root}"] * 2
        assert Conversation.objects.values("contact").distinct().count() == 2


def test_what_people_say_to_each_other_is_not_answered(tenant, connected) -> None:
    line = connected("slack")
    line.ask("Lunch?", **{"from": ANA, "channel": PLACE})
    assert (line.inbound(), line.heard) == ([], [])


def test_the_echo_tells_what_a_lost_answer_did_not(tenant, connected) -> None:
    """Complaint 2: taken, but the answer got lost; the echo brings our reference back, so nothing is sent again."""
    line = connected("slack")
    line.twin.faults.order("timeout_after_accept")
    line.ask(HOURS)
    assert (len(line.heard), line.deliveries()) == (1, ["sent"])
