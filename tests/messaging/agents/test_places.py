"""Who waits for a human in the web chat is told their place, and of every change of it (WEB-2)."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache

from channels_app.content.types import text
from conversations import timeline
from conversations.models import Conversation
from conversations.waiting import place_of, places
from messaging.accept import Entrance, accept
from messaging.agents.assign import assign_to_team
from messaging.agents.snooze import snooze, snoozes_end, unsnooze
from messaging.consent.rules import identity_stop
from messaging.hours.places import places_tell
from messaging.live.attending import answering
from messaging.live.hub import hub
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import conversation_end, hand_back, take_over
from messaging.talks.change import conversation_change
from tenants.models import Team, User
from tenants.storage.db import now
from tests.factories import TeamFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pushed(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    frames: list[dict[str, Any]] = []
    monkeypatch.setattr(hub, "heard", lambda group: group.startswith("conversation."))
    monkeypatch.setattr(hub, "push", lambda group, frame: frames.append(frame))
    return frames


def test_places_are_by_rank_and_by_how_long_and_of_the_same_team(queued, tenant, web) -> None:
    late, early, urgent = queued(1, channel=web), queued(9, channel=web), queued(1, rank=1, channel=web)
    of_team = queued(1, team=TeamFactory(tenant=tenant), channel=web)
    wanted = {urgent.id: 1, early.id: 2, late.id: 3, of_team.id: 1}
    assert dict(places()) == wanted
    assert {row.id: place_of(row) for row in (late, early, urgent, of_team)} == wanted


def test_one_that_is_put_off_is_before_no_one(queued, web) -> None:
    off, next_ = queued(9, channel=web, snoozed_until=now() + timedelta(hours=1)), queued(1, channel=web)
    over = queued(5, channel=web, snoozed_until=now() - timedelta(minutes=1))
    assert dict(places()) == {over.id: 1, next_.id: 2}
    assert [place_of(row) for row in (off, over, next_)] == [None, 1, 2]


def test_those_behind_it_are_told_when_it_is_put_off_and_when_it_is_back(queued, web, calls, scope) -> None:
    first = queued(9, channel=web)
    for change in (lambda: snooze(first.id, now() + timedelta(hours=1)), lambda: unsnooze(first.id)):
        cache.clear()
        calls.all.clear()
        change()
        assert ("tell_places", scope.id) in [call[:2] for call in calls.all]


def test_those_behind_it_are_told_when_its_time_is_over(queued, web, calls, scope) -> None:
    queued(9, channel=web, snoozed_until=now() - timedelta(minutes=1))
    cache.clear()
    assert snoozes_end(lambda: True) == 1
    assert ("tell_places", scope.id) in [call[:2] for call in calls.all]


HOUR = timedelta(hours=1)


def _reply(row: Conversation, ana: User, team: Team) -> object:
    return agent_reply(row.id, ana, text("I look into it"))


MOVES: dict[str, Callable[[Conversation, User, Team], object]] = {
    "a reply takes it": _reply,
    "taken": lambda row, ana, team: take_over(row.id, ana),
    "the bot's again": lambda row, ana, team: hand_back(row.id),
    "ended": lambda row, ana, team: conversation_end(row.id),
    "for a team": lambda row, ana, team: assign_to_team(row.id, team),
    "more urgent": lambda row, ana, team: conversation_change(row.id, {"priority": "urgent"}),
    "put off": lambda row, ana, team: snooze(row.id, now() + HOUR),
    "no more messages": lambda row, ana, team: identity_stop(row.identity_id, row.contact_id, now()),
}


@pytest.mark.parametrize("move", MOVES.values(), ids=MOVES)
def test_those_behind_are_told_whatever_staff_do(move, queued, web, tenant, ana, calls, scope) -> None:
    first = queued(9, channel=web)
    cache.clear()
    calls.all.clear()
    move(first, ana, TeamFactory(tenant=tenant))
    assert ("tell_places", scope.id) in [call[:2] for call in calls.all]


def test_the_lists_of_staff_learn_that_who_says_stop_waits_no_more(queued, monkeypatch) -> None:
    told: list[uuid.UUID] = []
    monkeypatch.setattr(timeline, "on_change", [lambda tenant_id, id: told.append(id)])
    row = queued(9)
    identity_stop(row.identity_id, row.contact_id, now())
    assert told == [row.id]


@pytest.mark.parametrize(
    ("before", "hints"),
    [({"snoozed_until": now() + HOUR}, {}), ({"waiting_since": None}, {}), ({}, {"priority": "urgent"})],
    ids=["back from a snooze", "waits anew", "more urgent"],
)
def test_those_behind_are_told_when_the_person_writes(before, hints, web, said, calls, scope) -> None:
    talk = accept(web, said("a human"), Entrance(hints={"bypass_automation": True})).conversation
    Conversation.objects.filter(id=talk.id).update(**before)
    cache.clear()
    calls.all.clear()
    accept(web, said("are you there?"), Entrance(hints=hints))
    assert ("tell_places", scope.id) in [call[:2] for call in calls.all]


def test_a_word_more_of_who_waits_moves_no_one(web, said, calls, scope) -> None:
    accept(web, said("a human"), Entrance(hints={"bypass_automation": True}))
    cache.clear()
    calls.all.clear()
    accept(web, said("are you there?"))
    assert "tell_places" not in [call[0] for call in calls.all]


def test_the_session_says_it(queued, web) -> None:
    queued(9)
    assert answering(queued(1, channel=web))["queue"] == 2


def test_one_statement_tells_all_of_the_web_chat(queued, web, whatsapp, pushed, django_assert_num_queries) -> None:
    queued(9, channel=whatsapp)
    one = queued(1, channel=web)
    pushed.clear()
    with django_assert_num_queries(1):
        assert places_tell() == 1
    assert pushed == [{"t": "queue", "conversation": str(one.id), "position": 2}]


def test_a_change_of_the_queue_is_told_once_for_many(queued, ana, calls, scope) -> None:
    cache.clear()
    for conversation in (queued(2), queued(1)):
        take_over(conversation.id, ana)
    assert [call for call in calls.all if call[0] == "tell_places"] == [("tell_places", scope.id, 2.0)]
