"""Colleagues, rules and processes that act on the same conversations at the same moment, each with a connection of its own:
one has each, no one has more than they take, nothing is said twice, nothing is lost (CONV-8, NFR-4)."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.core.cache import cache

from channels_app.content.types import text
from conversations.models import Conversation, Event, Message
from messaging.accept import accept
from messaging.agents.assign import assign_to_person, unassign
from messaging.agents.models import ScheduledReply
from messaging.agents.presence import presence_say
from messaging.agents.rule import assign_waiting
from messaging.agents.scheduled import schedule, scheduled_cancel, scheduled_say
from messaging.housekeeping.gone import gone_give_up
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import conversation_end, take_over
from tenants import tenant_settings
from tenants.errors import ServiceError
from tenants.models import Membership, Tenant, User
from tenants.storage.db import atomic, new_id, now, retried
from tests.factories import MembershipFactory
from tests.messaging.journey.test_journey import in_threads

pytestmark = pytest.mark.django_db(transaction=True)
CROWD = 6


@pytest.fixture
def staff(tenant: Tenant) -> list[User]:
    return [MembershipFactory(tenant=tenant, user__username=f"agent-{number}").user for number in range(CROWD)]


@pytest.fixture
def shares(scope: Tenant, staff: list[User]) -> Any:
    """``shares(2)``: the rule gives each of the staff, who are all online, two conversations at most."""

    def on(capacity: int) -> None:
        cache.clear()
        scope.settings = {"assignment": {"way": "round_robin"}}
        scope.save()
        tenant_settings.invalidate(scope.id)
        Membership.objects.update(desk={"capacity": capacity})
        for user in staff:
            presence_say(scope.id, user.id, "online")

    return on


def outcome(act: Any, told: Counter[str]) -> None:
    """Counts what came of it: done, again, or the error's code."""
    try:
        done = act()
        told["again" if getattr(done, "repeated", False) else "done"] += 1
    except ServiceError as error:
        told[error.code] += 1


@retried
def erase(user: User) -> None:
    """As the console does it (tenants/console/people/accounts.py)."""
    with atomic():
        User.objects.filter(id=user.id).delete()


def holders() -> Counter[str | None]:
    rows = Conversation.objects.filter(is_open=True).values_list("held_by", "assignee__username")
    assert {(held, name is None) for held, name in rows} <= {("staff", False), ("queue", True)}
    return Counter(name for _, name in rows)


def hands(conversation: Conversation) -> list[str]:
    """What the transcript says of who has it."""
    entries = Message.objects.filter(conversation=conversation, role="system").order_by("seq")
    return [entry.metadata["state"] for entry in entries]


def test_of_many_claims_one_counts(scope, queued, staff) -> None:
    row, told = queued(), Counter()
    in_threads(scope, lambda number: outcome(lambda: take_over(row.id, staff[number]), told), CROWD)
    assert told == {"done": 1, "control_changed": CROWD - 1}
    assert hands(row) == ["assigned"]
    assert Event.objects.filter(conversation=row, payload__trigger="agent").count() == 1


def test_of_many_first_replies_to_the_same_words_one_is_said(scope, queued, staff) -> None:
    row, told = queued(), Counter()
    said = lambda number: agent_reply(row.id, staff[number], text(f"reply {number}"), seen_seq=0)  # noqa: E731
    in_threads(scope, lambda number: outcome(lambda: said(number), told), CROWD)
    assert told == {"done": 1, "reply_outdated": CROWD - 1}
    reply = Message.objects.get(role="agent")
    row.refresh_from_db()
    assert (row.assignee_id, row.last_seq) == (reply.author_id, reply.seq)


def test_one_reply_that_is_sent_many_times_is_said_once(scope, queued, staff) -> None:
    row, told = queued(), Counter()
    said = lambda: agent_reply(row.id, staff[0], text("once"), client_message_id="r-1")  # noqa: E731
    in_threads(scope, lambda number: outcome(said, told), CROWD)
    assert told == {"done": 1, "again": CROWD - 1}
    assert Message.objects.filter(role="agent").count() == 1


def test_rules_of_many_processes_give_each_once_and_no_one_too_much(scope, queued, staff, shares) -> None:
    rows = [queued(minutes) for minutes in range(1, 16)]
    shares(2)
    in_threads(scope, lambda number: assign_waiting(), 4)
    found = holders()
    assert found.pop(None) == len(rows) - 2 * CROWD
    assert set(found.values()) == {2} and len(found) == CROWD
    assert all(hands(row) in ([], ["assigned"]) for row in rows)


def test_claims_beside_the_rule_leave_one_holder_of_each(scope, queued, staff, shares) -> None:
    rows, told = [queued(minutes) for minutes in range(1, 7)], Counter()
    shares(1)

    def work(number: int) -> None:
        if number % 2:
            assign_waiting()
        else:
            for row in rows:
                outcome(lambda row=row: take_over(row.id, staff[number]), told)

    in_threads(scope, work, 4)
    assert sum(holders().values()) == len(rows)
    assert set(told) <= {"done", "control_changed", "again"}  # again: the rule had given it to the same colleague
    assert all(hands(row) == ["assigned"] for row in rows)


def test_given_and_given_up_at_once_ends_with_one_or_none(scope, queued, staff) -> None:
    row = queued()
    take_over(row.id, staff[0])
    told: Counter[str] = Counter()
    acts = (
        lambda epoch: unassign(row.id, expected_epoch=epoch),
        lambda epoch: assign_to_person(row.id, staff[1], expected_epoch=epoch),
        lambda epoch: assign_to_person(row.id, staff[2], expected_epoch=epoch),
        lambda epoch: conversation_end(row.id, expected_epoch=epoch),
    )
    epoch = Conversation.objects.get(id=row.id).control_epoch
    in_threads(scope, lambda number: outcome(lambda: acts[number](epoch), told), len(acts))
    assert told["done"] == 1
    assert sum(told.values()) == len(acts)
    assert set(told) <= {"done", "control_changed", "conversation_closed", "again"}


def test_an_account_that_is_erased_while_it_is_given_work_keeps_none(scope, queued, staff) -> None:
    rows, leaving, told = [queued() for _ in range(8)], staff[0], Counter()

    def work(number: int) -> None:
        if number == 0:
            erase(leaving)
        for row in rows[number::4] if number else ():
            try:
                outcome(lambda row=row: assign_to_person(row.id, leaving), told)
            except Exception as error:  # noqa: BLE001  the database refuses a name that is no more
                told[type(error).__name__] += 1

    in_threads(scope, work, 4)
    gone_give_up(lambda: True)  # what MongoDB left
    assert not User.objects.filter(id=leaving.id).exists()
    assert holders() == {None: len(rows)}


def test_a_planned_reply_that_is_taken_back_as_it_goes_is_said_or_not(scope, queued, staff, calls) -> None:
    rows = [queued() for _ in range(4)]
    planned = [schedule(row.id, staff[0], text(f"later {new_id()}"), now() + timedelta(minutes=5)) for row in rows]
    ScheduledReply.objects.update(due_at=now(), at=now())
    told: Counter[str] = Counter()

    def work(number: int) -> None:
        for reply in planned:
            if number % 2:
                scheduled_say(reply.id)
            else:
                outcome(lambda reply=reply: scheduled_cancel(reply.id), told)

    in_threads(scope, work, 4)
    for reply in planned:
        row = ScheduledReply.objects.get(id=reply.id)
        said = Message.objects.filter(conversation_id=row.conversation_id, role="agent").count()
        assert (row.status, said) in (("sent", 1), ("cancelled", 0))
    assert set(told) <= {"done", "again", "already_sent", "being_sent"}


def test_what_the_person_says_meanwhile_is_never_lost(scope, queued, staff, web, said) -> None:
    talk = accept(web, said("hello", scheme="web", by="mira")).conversation
    take_over(talk.id, staff[0])
    told: Counter[str] = Counter()

    def work(number: int) -> None:
        for turn in range(3):
            if number % 2:
                accept(web, said(f"person {number} {turn}", scheme="web", by="mira"))
            else:
                outcome(lambda turn=turn: agent_reply(talk.id, staff[0], text(f"agent {number} {turn}")), told)

    in_threads(scope, work, 4)
    entries = Message.objects.filter(conversation=talk).order_by("seq")
    assert [entry.seq for entry in entries] == list(range(1, len(entries) + 1))
    assert entries.filter(role="visitor").count() == 7
    assert (entries.filter(role="agent").count(), told["done"]) == (6, 6)
