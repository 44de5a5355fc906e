"""Who is named in a note or given a conversation is mailed, as they have chosen, unless they see it first (EVT-5, CONV-8)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend

from channels_app.content.types import Content
from conversations.models import Conversation
from messaging.agents.assign import assign_to_person, unassign
from messaging.agents.notes import mentions_seen, note_write
from messaging.live.staff import bell
from messaging.models import StaffAlert
from messaging.outbox.alerts import alert_send
from messaging.outbox.calls import AGAIN, SEEN_WITHIN
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import conversation_end
from tenants.models import Membership, User
from tenants.storage.db import atomic, now
from tenants.work.leases import TABLES, due
from tests.messaging.agents.conftest import AT

pytestmark = pytest.mark.django_db(transaction=True)

LOCMEM = "django.core.mail.backends.locmem.EmailBackend"
NAMED = "A colleague has named you in a note"
GIVEN = "A conversation was given to you"


@pytest.fixture(autouse=True)
def mailing(settings: Any, scope: Any, time_machine: Any) -> None:
    settings.EMAIL_BACKEND = LOCMEM
    time_machine.move_to(AT, tick=False)


@pytest.fixture
def after(time_machine: Any) -> Callable[..., list[tuple[list[str], str]]]:
    """``after(minutes)``: to whom mails went, with which subjects, once that time has passed and the sweep has looked."""

    def look(time: timedelta = SEEN_WITHIN) -> list[tuple[list[str], str]]:
        time_machine.shift(time)
        for row in list(due(TABLES["alerts"], now())):
            alert_send(row.id)
        return [(message.to, message.subject.removeprefix("Acme: ")) for message in mail.outbox]

    return look


def fates() -> list[tuple[str, str]]:
    return list(StaffAlert.objects.order_by("id").values_list("status", "error"))


def test_who_is_named_in_a_note_is_mailed_where_to_look(queued, ana, ben, after) -> None:
    conversation = queued()
    note_write(conversation.id, ana, "@ben can you look at it? @ana has")
    assert after(timedelta(seconds=59)) == []
    assert after(timedelta(seconds=1)) == [([ben.email], NAMED)]
    assert f"{conversation.channel.name}: http://localhost:8001/admin/inbox/{conversation.id}/" in mail.outbox[0].body
    assert "can you look at it" not in mail.outbox[0].body
    assert (after(), fates()) == ([([ben.email], NAMED)], [("sent", "")])


def test_who_is_given_a_conversation_is_mailed_and_who_takes_it_is_not(queued, ana, ben, after) -> None:
    assign_to_person(queued().id, ben, by=ana)
    assign_to_person(queued().id, ana, by=ana)
    assert after() == [([ben.email], GIVEN)]


def test_an_act_that_is_undone_calls_no_one(queued, ana, ben) -> None:
    with pytest.raises(RuntimeError), atomic():
        note_write(queued().id, ana, "@ben look")
        raise RuntimeError
    assert not StaffAlert.objects.exists()


def replied(conversation: Conversation, ben: User) -> None:
    agent_reply(conversation.id, ben, Content(type="text", text="On it"))


def ended(conversation: Conversation, ben: User) -> None:
    conversation_end(conversation.id)


def given_up(conversation: Conversation, ben: User) -> None:
    unassign(conversation.id, expected_epoch=Conversation.objects.get(id=conversation.id).control_epoch)


@pytest.mark.parametrize("act", [replied, ended, given_up])
def test_a_conversation_that_was_seen_to_is_not_mailed(queued, ana, ben, after, time_machine, act) -> None:
    conversation = queued()
    assign_to_person(conversation.id, ben, by=ana)
    time_machine.shift(timedelta(seconds=20))
    act(conversation, ben)
    assert (after(), fates()) == ([], [("dropped", "over")])


def test_a_note_that_was_read_is_not_mailed(queued, ana, ben, after) -> None:
    conversation = queued()
    note_write(conversation.id, ana, "@ben look")
    mentions_seen(conversation.id, ben)
    assert (after(), fates()) == ([], [("dropped", "over")])


def test_many_at_once_are_one_mail_and_the_next_wait_a_while(queued, ana, ben, after) -> None:
    talks = [queued() for _ in range(3)]
    for conversation in talks:
        assign_to_person(conversation.id, ben, by=ana)
    assert after() == [([ben.email], "3 conversations were given to you")]
    assert [str(conversation.id) in mail.outbox[0].body for conversation in talks] == [True] * 3
    for _ in range(2):
        assign_to_person(queued().id, ben, by=ana)
    assert len(after(AGAIN - timedelta(seconds=1))) == 1
    assert after(timedelta(seconds=1))[1:] == [([ben.email], "2 conversations were given to you")]
    assert fates() == [("sent", "")] * 5


@pytest.mark.parametrize(
    ("choice", "mails"),
    [
        ({"quiet": ["late"], "quiet_calls": ["assigned"]}, 1),
        ({"quiet_calls": ["mention"]}, 0),
        ({"quiet_in_browser": ["mention"]}, 1),
        ({"rest_from": "09:00", "rest_until": "11:00"}, 0),
        ({"rest_from": "09:00", "rest_until": "11:00", "time_zone": "Asia/Tokyo"}, 1),
    ],
    ids=["others are quiet", "quiet", "quiet in the inbox", "rests", "rests elsewhere"],
)
def test_each_is_mailed_what_they_want(queued, ana, ben, after, choice, mails) -> None:
    Membership.objects.filter(user=ben).update(alerts=choice)
    note_write(queued().id, ana, "@ben look")
    assert len(after()) == mails


def test_a_choice_of_the_last_minute_counts(queued, ana, ben, after) -> None:
    note_write(queued().id, ana, "@ben look")
    Membership.objects.filter(user=ben).update(alerts={"quiet_calls": ["mention"]})
    assert (after(), fates()) == ([], [("dropped", "declined")])


@pytest.mark.parametrize(("quiet", "calls"), [([], 1), (["mention"], 0), (["assigned"], 1)])
def test_each_is_called_in_the_inbox_as_they_want(queued, ana, ben, monkeypatch, quiet, calls) -> None:
    told: list[Any] = []
    monkeypatch.setattr(bell, "tell", lambda tenant_id, frame: told.extend([frame] if frame["t"] == "alert" else []))
    Membership.objects.filter(user=ben).update(alerts={"quiet_in_browser": quiet})
    note_write(queued().id, ana, "@ben look")
    assert [frame["to"] for frame in told] == [[str(ben.id)]] * calls


class Refuses(BaseEmailBackend):
    def send_messages(self, email_messages: Any) -> int:
        raise ConnectionRefusedError


def test_a_mail_server_that_is_away_loses_none_of_them(queued, ana, ben, after, settings) -> None:
    for _ in range(2):
        note_write(queued().id, ana, "@ben look")
    settings.EMAIL_BACKEND = f"{__name__}.Refuses"
    assert (after(), fates()) == ([], [("waiting", "ConnectionRefusedError")] * 2)
    settings.EMAIL_BACKEND = LOCMEM
    assert after(timedelta(minutes=1)) == [([ben.email], "Colleagues have named you in 2 notes")]
    assert fates() == [("sent", "")] * 2


def test_a_worker_that_dies_loses_none_of_them(queued, ana, ben, after, monkeypatch) -> None:
    note_write(queued().id, ana, "@ben look")
    with monkeypatch.context() as dying:
        dying.setattr("messaging.outbox.alerts.settle", lambda *_, **__: (_ for _ in ()).throw(SystemExit))
        with pytest.raises(SystemExit):
            after()
    again = after(timedelta(seconds=61))
    ids = {message.extra_headers["Message-ID"] for message in mail.outbox}
    assert (len(again), len(ids), fates()) == (2, 1, [("sent", "")])


def test_who_left_is_not_mailed(queued, ana, ben, after) -> None:
    note_write(queued().id, ana, "@ben look")
    Membership.objects.filter(user=ben).delete()
    assert (after(), fates()) == ([], [("dropped", "declined")])
