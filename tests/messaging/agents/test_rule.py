"""Conversations that wait are given by a rule: to whose turn it is or who has the fewest, each once, no one left out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversations.models import Conversation, Event
from messaging.accept import accept
from messaging.agents import rule
from messaging.agents.assign import unassign
from messaging.agents.labels import label_put
from messaging.agents.presence import presence_say
from messaging.agents.rule import assign_everywhere, assign_waiting
from messaging.arrivals.entrance import Entrance
from messaging.rules.control import conversation_end, take_over
from tenants import tenant_settings
from tenants.models import AuditEntry, Membership, TeamMember, Tenant, User
from tests.factories import (
    ContactFactory,
    ConversationFactory,
    LabelFactory,
    MembershipFactory,
    RoleFactory,
    TeamFactory,
)

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("remembered")]


@pytest.fixture(autouse=True)
def _all_away() -> None:
    cache.clear()


@pytest.fixture
def sets(scope: Tenant) -> Callable[..., None]:
    """``sets(way="least_busy")``: how the tenant assigns."""

    def choose(hours: Any = None, **assignment: Any) -> None:
        scope.settings = {"assignment": assignment, **({"business_hours": hours} if hours else {})}
        scope.save()
        tenant_settings.invalidate(scope.id)

    return choose


@pytest.fixture
def comes(scope: Tenant) -> Callable[..., None]:
    """``comes(ana, capacity=2)``: is online, and works so."""

    def come(user: User, state: str = "online", **desk: Any) -> None:
        Membership.objects.filter(user=user).update(desk=desk or None)
        presence_say(scope.id, user.id, state)

    return come


def owners(*conversations: Conversation) -> list[str | None]:
    ids = [one.id for one in conversations]
    has = dict(Conversation.objects.filter(id__in=ids).values_list("id", "assignee__username"))
    return [has[id] for id in ids]


def test_who_waits_longest_is_first_by_rank_and_turns_go_round(sets, comes, queued, ana, ben) -> None:
    sets(way="round_robin")
    young, old, urgent = queued(1), queued(9), queued(1, rank=1)
    comes(ana, capacity=1)
    comes(ben, capacity=1)
    assert assign_waiting() == 2
    assert owners(urgent, old, young) == ["ana", "ben", None]
    conversation_end(old.id)
    assert assign_waiting() == 1
    assert owners(young) == ["ben"]


def test_turns_go_round_over_runs(sets, comes, queued, ana, ben) -> None:
    sets(way="round_robin")
    comes(ana)
    comes(ben)
    given = []
    for _ in range(4):
        one = queued()
        assign_waiting()
        given += owners(one)
    assert given == ["ana", "ben", "ana", "ben"]


def test_who_has_the_fewest_gets_it(sets, comes, queued, ana, ben) -> None:
    sets(way="least_busy")
    queued(held_by="staff", assignee=ana)
    comes(ana)
    comes(ben)
    first, second, third = queued(3), queued(2), queued(1)
    assert assign_waiting() == 3
    assert owners(first, second, third)[0] == "ben"
    assert sorted(filter(None, owners(first, second, third))) == ["ana", "ben", "ben"]


def test_off_gives_nothing_and_is_the_default(sets, comes, queued, ana, calls) -> None:
    one = queued()
    comes(ana)
    assert assign_waiting() == 0
    assert owners(one) == [None]
    assert calls.of("assign_waiting") == []


def test_only_who_is_online_and_may_answer(sets, comes, queued, tenant, ana, ben) -> None:
    sets(way="round_robin")
    reader = MembershipFactory(tenant=tenant, role=RoleFactory(tenant=tenant, permissions=["conversations:read"])).user
    one = queued()
    comes(ana, "away")
    comes(reader)
    assert assign_waiting() == 0
    comes(ben)
    assert assign_waiting() == 1
    assert owners(one) == ["ben"]


def test_none_is_given_more_than_they_take(sets, comes, queued, ana) -> None:
    sets(way="round_robin")
    rows = [queued(minutes) for minutes in (5, 4, 3)]
    comes(ana, capacity=2)
    assert assign_waiting() == 2
    assert owners(*rows) == ["ana", "ana", None]


def test_a_team_gets_its_own_and_has_its_own_way(sets, comes, queued, tenant, ana, ben) -> None:
    billing, sales = TeamFactory(tenant=tenant, name="Billing"), TeamFactory(tenant=tenant, name="Sales")
    TeamMember.objects.create(tenant=tenant, team=billing, membership=Membership.objects.get(user=ben))
    TeamMember.objects.create(tenant=tenant, team=sales, membership=Membership.objects.get(user=ben))
    sets(way="round_robin", way_of_team={"Sales": "off"})
    comes(ana)
    comes(ben)
    theirs, by_hand = queued(5, team=billing), queued(4, team=sales)
    assert assign_waiting() == 1
    assert owners(theirs, by_hand) == ["ben", None]


def test_languages_and_skills_and_one_whom_no_one_can_answer_holds_up_no_other(
    sets, comes, queued, tenant, ana, ben
) -> None:
    sets(way="round_robin")
    comes(ana, languages=["en"])
    comes(ben, "away", languages=["de-AT"], skills=["Invoices"])
    german = queued(9, contact=ContactFactory(tenant=tenant, language="de"))
    finnish = queued(8, contact=ContactFactory(tenant=tenant, language="fi"))
    skilled = queued(7)
    label_put(skilled.id, LabelFactory(tenant=tenant, name="invoices").id)
    assert assign_waiting() == 1
    assert owners(german, finnish, skilled) == [None, "ana", None]
    comes(ben, languages=["de-AT"], skills=["Invoices"])
    assert assign_waiting() == 2
    assert owners(german, skilled) == ["ben", "ben"]


def test_nothing_is_given_outside_open_hours_or_while_put_off(sets, comes, queued, ana) -> None:
    sets(way="round_robin", hours={"time_zone": "UTC", "days": {"mon": []}})
    comes(ana)
    one = queued()
    assert assign_waiting() == 0
    sets(way="round_robin")
    Conversation.objects.filter(id=one.id).update(snoozed_until=rule.now() + rule.timedelta(hours=1))
    assert assign_waiting() == 0


def test_who_gave_it_up_does_not_get_it_again(sets, comes, web, said, ana, ben) -> None:
    sets(way="round_robin")
    one = accept(web, said("a human please"), Entrance(hints={"bypass_automation": True})).conversation
    comes(ana)
    assert assign_waiting() == 1
    unassign(one.id, expected_epoch=Conversation.objects.get(id=one.id).control_epoch)
    assert assign_waiting() == 0
    comes(ben)
    assert assign_waiting() == 1
    assert owners(one) == ["ben"]


def test_those_that_were_given_up_cost_one_statement_however_many(sets, comes, queued, ana, remembered) -> None:
    sets(way="round_robin")
    comes(ana, capacity=50)
    cost = []
    for many in (1, 6):
        for row in [queued() for _ in range(many)]:
            epoch = take_over(row.id, ana).control_epoch
            unassign(row.id, expected_epoch=epoch)
        with CaptureQueriesContext(connection) as statements:
            assert assign_waiting() == 0
        cost.append(len(statements))
    assert cost[0] == cost[1]
    assert Conversation.objects.filter(held_by="queue").count() == 7


def test_of_two_processes_the_second_looks_again(sets, comes, queued, ana, monkeypatch) -> None:
    """Another process gives to the same member after this one has read how many they have."""
    sets(way="round_robin")
    first, second = queued(9), queued(1)
    comes(ana, capacity=1)
    give, met = rule._give, []

    def other_first(id: Any, member: Membership, way: str) -> bool | None:
        if not met:
            met.append(id)
            give(second.id, Membership.objects.select_related("user").get(id=member.id), way)
        return give(id, member, way)

    monkeypatch.setattr(rule, "_give", other_first)
    assert assign_waiting() == 0
    assert owners(first, second) == [None, "ana"]


def test_one_that_was_erased_meanwhile_holds_up_no_other(sets, comes, queued, ana, monkeypatch) -> None:
    sets(way="round_robin")
    erased, other = queued(9), queued(1)
    comes(ana)
    give = rule._give

    def erase_first(id: Any, member: Membership, way: str) -> bool | None:
        Conversation.objects.filter(id=erased.id).delete()
        return give(id, member, way)

    monkeypatch.setattr(rule, "_give", erase_first)
    assert assign_waiting() == 1
    assert owners(other) == ["ana"]


def test_the_visitor_the_timeline_and_the_trail_are_told_once(sets, comes, web, said, ana, calls) -> None:
    sets(way="round_robin")
    one = accept(web, said("a human please"), Entrance(hints={"bypass_automation": True})).conversation
    assert calls.of("assign_waiting"), "who asks for a human is looked after at once"
    comes(ana)
    assert (assign_waiting(), assign_waiting()) == (1, 0)
    states = one.messages.filter(role="system").order_by("seq").values_list("metadata__state", flat=True)
    assert list(states) == ["queued", "assigned"]
    [told] = Event.objects.filter(conversation=one, payload__trigger="rule")
    assert told.payload["assignee_id"] == str(ana.id)
    [entry] = AuditEntry.objects.filter(action="conversation.assigned")
    assert (entry.actor, entry.changes) == ("system", {"assignee": "ana", "rule": "round_robin"})


def test_a_colleague_who_comes_and_one_who_ends_call_the_rule(sets, comes, queued, ana, calls, scope) -> None:
    sets(way="round_robin")
    comes(ana)
    comes(ana)
    assert calls.of("assign_waiting") == [scope.id], "once: that they are still there is no news"
    conversation_end(queued(held_by="staff", assignee=ana).id)
    assert calls.of("assign_waiting") == [scope.id, scope.id]


def test_each_tenant_keeps_to_its_own(sets, comes, queued, ana, other_tenant) -> None:
    sets(way="round_robin")
    comes(ana)
    facts = {"control_owner": "human", "held_by": "queue", "status": "escalated", "last_message_at": rule.now()}
    theirs, ours = ConversationFactory(tenant=other_tenant, **facts), queued()
    assert assign_everywhere(lambda: True) == 1
    assert owners(ours) == ["ana"]
    assert Conversation.objects.unscoped().get(id=theirs.id).assignee_id is None
