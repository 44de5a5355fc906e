"""Who has a conversation: claimed by the first reply, given, given up; two at once are told, and nothing is said twice."""

from __future__ import annotations

from typing import Any

import pytest

from channels_app.content.types import text
from conversations.models import Conversation, Event, Message
from messaging.accept import accept
from messaging.agents.assign import assign_to_person, assign_to_team, unassign
from messaging.arrivals.entrance import Entrance
from messaging.rules.agent_replies import ReplyOutdated, agent_reply
from messaging.rules.control import conversation_end, hand_back, take_over
from tenants.errors import Conflict, Unprocessable
from tests.factories import MembershipFactory, RoleFactory, TeamFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)

BYPASS = {"bypass_automation": True}


@pytest.fixture
def asked(scope: Any, web: Any, said: Any) -> Conversation:
    """A person has asked for a human, and no colleague has come."""
    return accept(web, said("a human please"), Entrance(hints=BYPASS)).conversation


def now_of(conversation: Conversation) -> Conversation:
    return Conversation.objects.select_related("assignee", "team").get(id=conversation.id)


def told() -> list[tuple[str, str]]:
    """What the visitor reads of changes of hands."""
    return [(entry.metadata["state"], entry.text) for entry in Message.objects.filter(role="system").order_by("seq")]


def triggers() -> list[str]:
    events = Event.objects.filter(type="chat.conversation.updated").order_by("seq")
    return [event.payload["trigger"] for event in events]


def test_the_first_reply_takes_it(asked, ana, ben) -> None:
    agent_reply(asked.id, ana, text("Hello, Ana here"))
    assert (now_of(asked).assignee, now_of(asked).held_by) == (ana, "staff")
    agent_reply(asked.id, ben, text("and Ben"))
    assert now_of(asked).assignee == ana


def test_a_reply_typed_before_the_last_message_is_refused_and_told(asked, ana, web, said) -> None:
    seen = now_of(asked).last_seq
    accept(web, said("forget it, I have found it"))
    with pytest.raises(ReplyOutdated) as refused:
        agent_reply(asked.id, ana, text("Where did you lose it?"), seen_seq=seen, client_message_id="m-1")
    assert refused.value.code == "reply_outdated"
    assert [entry["role"] for entry in refused.value.details["newer"]] == ["visitor"]
    assert not Message.objects.filter(role="agent").exists()
    assert now_of(asked).assignee is None, "what was not said takes nothing"
    agent_reply(asked.id, ana, text("Where did you lose it?"), seen_seq=seen, client_message_id="m-1", anyway=True)
    assert now_of(asked).waiting_since is not None, "the newer message goes on waiting"


def test_of_two_agents_at_once_the_second_is_told(asked, ana, ben) -> None:
    seen = now_of(asked).last_seq
    agent_reply(asked.id, ana, text("I have it"), seen_seq=seen)
    with pytest.raises(ReplyOutdated) as refused:
        agent_reply(asked.id, ben, text("I have it"), seen_seq=seen)
    assert refused.value.details["newer"][0]["author"] == "ana"
    assert refused.value.details["holder"]["assignee"]["name"] == "ana"
    assert [entry.text for entry in Message.objects.filter(role="agent")] == ["I have it"]


def test_an_agents_own_words_do_not_stand_in_their_way(asked, ana) -> None:
    seen = now_of(asked).last_seq
    agent_reply(asked.id, ana, text("one"), seen_seq=seen)
    agent_reply(asked.id, ana, text("two"), seen_seq=seen)
    assert Message.objects.filter(role="agent").count() == 2


def test_the_same_reply_again_is_the_same_however_old(asked, ana, web, said) -> None:
    seen = now_of(asked).last_seq
    first = agent_reply(asked.id, ana, text("Hello"), seen_seq=seen, client_message_id="m-1")
    accept(web, said("hi"))
    assert agent_reply(asked.id, ana, text("Hello"), seen_seq=seen, client_message_id="m-1").id == first.id


def test_a_reply_to_one_that_has_ended_says_so(asked, ana) -> None:
    conversation_end(asked.id)
    with pytest.raises(Conflict) as refused:
        agent_reply(asked.id, ana, text("too late"), seen_seq=0)
    assert refused.value.code == "conversation_closed"


def test_who_answers_has_read(asked, ana) -> None:
    seen = now_of(asked).last_seq
    agent_reply(asked.id, ana, text("Hello"), seen_seq=seen)
    assert now_of(asked).agent_read_seq == seen


def test_a_person_is_given_it_and_the_visitor_told_once(asked, ana) -> None:
    given = assign_to_person(asked.id, ana)
    again = assign_to_person(asked.id, ana)
    assert (given.repeated, again.repeated, now_of(asked).assignee) == (False, True, ana)
    assert [state for state, _ in told()] == ["queued", "assigned"]


def test_it_is_taken_from_no_agent_unknowingly(asked, ana, ben) -> None:
    take_over(asked.id, ana)
    for act in (lambda: assign_to_person(asked.id, ben), lambda: unassign(asked.id)):
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == "control_changed"
    assign_to_person(asked.id, ben, expected_epoch=now_of(asked).control_epoch)
    assert now_of(asked).assignee == ben


def test_only_who_may_answer_is_given_one(asked, tenant) -> None:
    reader = MembershipFactory(tenant=tenant, role=RoleFactory(tenant=tenant, permissions=["conversations:read"])).user
    for user in (reader, UserFactory()):
        with pytest.raises(Unprocessable) as refused:
            assign_to_person(asked.id, user)
        assert refused.value.code == "agent_unknown"


def test_a_team_gets_what_waits_without_a_word_to_the_visitor(asked, tenant) -> None:
    before, team = told(), TeamFactory(tenant=tenant, name="Billing")
    assign_to_team(asked.id, team)
    assert assign_to_team(asked.id, team).repeated
    assert (now_of(asked).team, now_of(asked).held_by, told()) == (team, "queue", before)
    assert triggers() == ["handover", "assign"]
    take_over(asked.id, None)
    assert now_of(asked).team == team, "it stays the team's when a member takes it"


def test_a_team_gets_what_an_agent_has_and_the_person_waits(asked, ana, tenant) -> None:
    agent_reply(asked.id, ana, text("A moment"))
    assert now_of(asked).waiting_since is None
    assign_to_team(asked.id, TeamFactory(tenant=tenant), expected_epoch=now_of(asked).control_epoch)
    left = now_of(asked)
    assert (left.assignee, left.held_by, left.waiting_since is not None) == (None, "queue", True)
    assert [state for state, _ in told()] == ["queued", "queued"]


def test_what_the_bot_answers_goes_to_a_team(scope, web, said, tenant) -> None:
    talk = accept(web, said("hello")).conversation
    assign_to_team(talk.id, TeamFactory(tenant=tenant))
    assert (now_of(talk).control_owner, now_of(talk).held_by) == ("human", "queue")


def test_given_up_it_waits_for_any_colleague(asked, ana, tenant) -> None:
    assign_to_team(asked.id, TeamFactory(tenant=tenant))
    take_over(asked.id, ana)
    unassign(asked.id, expected_epoch=now_of(asked).control_epoch)
    left = now_of(asked)
    assert (left.assignee, left.team, left.held_by) == (None, None, "queue")
    assert unassign(asked.id).repeated


def test_handed_back_it_is_no_teams(asked, tenant) -> None:
    assign_to_team(asked.id, TeamFactory(tenant=tenant))
    hand_back(asked.id)
    assert (now_of(asked).team, now_of(asked).held_by) == (None, "bot")
