"""Replies that go at a time: once, as their author would say them then, or told why not (CONV-8)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import connection

from channels_app.content.types import Content, Media, text
from channels_app.contract import InboundMessage, Sender
from channels_app.models import Channel
from conversations.files.media_links import media_address
from conversations.models import Conversation, Message, Note
from messaging import tasks
from messaging.accept import accept
from messaging.agents import scheduled
from messaging.agents.models import Mention, ScheduledReply
from messaging.agents.scheduled import LATEST, MOST, schedule, scheduled_cancel, scheduled_replay
from messaging.housekeeping.restored import put_aside
from messaging.housekeeping.set_back import rows_correct
from messaging.media.fetch import file_process
from messaging.media.uploads import upload
from messaging.models import Delivery
from messaging.rules.control import conversation_end
from messaging.sweep import sweep
from tenants.errors import Conflict, NotFound, ServiceError, Unprocessable
from tenants.models import AuditEntry, Membership, Role, User
from tenants.storage.db import new_id, now, on_mongo
from tests.factories import ConversationFactory, MembershipFactory

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def talk(scope, web, calls) -> Conversation:
    return accept(web, InboundMessage("", Sender("visitor", "v-1"), text("is it there?"))).conversation


@pytest.fixture
def ben(scope) -> User:
    return MembershipFactory(tenant=scope).user


def later(talk: Conversation, author: User | None, **options: bool) -> ScheduledReply:
    return schedule(talk.id, author, text("Did it arrive?"), NOW + HOUR, **options)


def say(row: ScheduledReply) -> ScheduledReply:
    tasks.say_scheduled(str(row.id))
    row.refresh_from_db()
    return row


def test_it_goes_once_at_its_time_as_its_authors_reply(talk, ben, calls, clock) -> None:
    row = later(talk, ben)
    assert say(row).status == "waiting"
    clock.shift(HOUR + timedelta(seconds=3))
    sweep()
    assert calls.of("say_scheduled") == [row.id]
    for _ in range(2):
        assert (say(row).status, row.reason) == ("sent", "")
    [said] = Message.objects.filter(role="agent")
    assert (said.id, said.text, said.author) == (row.message_id, "Did it arrive?", ben)
    assert Delivery.objects.filter(message=said).count() == 1
    talk.refresh_from_db()
    assert (talk.control_owner, talk.assignee) == ("human", ben)


def test_a_worker_that_ends_between_the_reply_and_its_mark_says_it_once(talk, ben, clock, monkeypatch) -> None:
    row = later(talk, ben)
    clock.shift(HOUR)
    with monkeypatch.context() as broken:
        broken.setattr("messaging.agents.scheduled.settle", lambda *_, **__: pytest.exit)  # its write was lost
        say(row)
    ScheduledReply.objects.update(claim=None, due_at=now())
    assert say(row).status == "sent"
    assert Message.objects.filter(role="agent").count() == 1


def test_what_goes_within_a_minute_has_a_call_of_its_own(talk, ben, calls) -> None:
    row = schedule(talk.id, ben, text("soon"), NOW + timedelta(seconds=20))
    assert calls.all[-1] == ("say_scheduled", row.id, 20)


def test_it_is_cancelled_once_and_never_when_it_was_sent(talk, ben, clock) -> None:
    row, other = later(talk, ben), later(talk, ben)
    assert [scheduled_cancel(row.id).repeated for _ in range(2)] == [False, True]
    clock.shift(HOUR)
    assert say(row).status == "cancelled"
    say(other)
    with pytest.raises(Conflict, match="sent already") as refused:
        scheduled_cancel(other.id)
    assert refused.value.code == "already_sent"


def test_it_does_not_go_where_the_person_wrote_meanwhile(talk, web, ben, clock) -> None:
    unless, anyway = later(talk, ben, unless_person_writes=True), later(talk, ben)
    accept(web, InboundMessage("", Sender("visitor", "v-1"), text("it is here")))
    clock.shift(HOUR)
    assert (say(unless).status, unless.reason) == ("cancelled", "person_wrote")
    assert say(anyway).status == "sent"


@pytest.mark.skipif(on_mongo(), reason="its engine does not tell of its transactions")
def test_whether_the_person_wrote_is_asked_under_the_lock_that_the_reply_is_said_under(talk, ben, clock, monkeypatch):
    row, held = later(talk, ben, unless_person_writes=True), []
    clock.shift(HOUR)
    asked = scheduled._person_wrote
    monkeypatch.setattr(scheduled, "_person_wrote", lambda of: held.append(connection.in_atomic_block) or asked(of))
    assert say(row).status == "sent"
    assert held == [True]


def writes(talk: Conversation, ben: User, web: Channel) -> None:
    accept(web, InboundMessage("", Sender("visitor", "v-1"), text("it is here")))


def leaves(talk: Conversation, ben: User, web: Channel) -> None:
    Membership.objects.filter(user=ben).delete()


def ends(talk: Conversation, ben: User, web: Channel) -> None:
    conversation_end(talk.id, reason="closed")


@pytest.mark.parametrize("since", [writes, leaves, ends])
def test_what_was_said_before_its_worker_ended_counts_as_sent(talk, web, ben, clock, monkeypatch, since) -> None:
    row = later(talk, ben, unless_person_writes=True)
    clock.shift(HOUR)
    with monkeypatch.context() as broken:
        broken.setattr("messaging.agents.scheduled.settle", lambda *_, **__: True)  # as in a release before
        say(row)
    since(talk, ben, web)
    ScheduledReply.objects.update(claim=None, due_at=now())
    assert (say(row).status, row.reason, Note.objects.count()) == ("sent", "", 0)
    assert row.message == Message.objects.get(role="agent")


def closed(talk: Conversation, ben: User) -> None:
    conversation_end(talk.id, reason="closed")


def gone(talk: Conversation, ben: User) -> None:
    Membership.objects.filter(user=ben).delete()


def erased(talk: Conversation, ben: User) -> None:
    ben.delete()


def narrowed(talk: Conversation, ben: User) -> None:
    role = Membership.objects.get(user=ben).role_id
    Role.objects.filter(id=role).update(permissions=["conversations:read"])


def late(talk: Conversation, ben: User) -> None:
    ScheduledReply.objects.update(at=NOW + HOUR - LATEST - timedelta(seconds=1))


@pytest.mark.parametrize(
    ("cause", "code"), [(closed, "conversation_closed"), (gone, "author_gone"), (erased, "author_gone"), (narrowed, "author_may_not"), (late, "too_late")],
    ids=["closed", "gone", "erased", "narrowed", "late"],
)  # fmt: skip
def test_one_that_may_not_go_tells_its_author_why(talk, ben, clock, cause, code) -> None:
    row = later(talk, ben)
    cause(talk, ben)
    clock.shift(HOUR)
    assert (say(row).status, row.reason) == ("refused", code)
    assert not Message.objects.filter(role="agent").exists()
    [note] = Note.objects.all()
    assert "was not sent" in note.text and "Did it arrive" not in note.text
    assert f"planned for {row.at:%-d %B %Y, %H:%M} (UTC) was" in note.text
    assert [mention.user for mention in Mention.objects.all()] == [ben] * (code != "author_gone")


def test_it_waits_for_no_time_that_is_past_or_far_and_not_in_crowds(talk, ben) -> None:
    for at in (NOW, NOW - HOUR, NOW + timedelta(days=367)):
        with pytest.raises(Unprocessable) as refused:
            schedule(talk.id, ben, text("x"), at)
        assert refused.value.code == "schedule_time"
    for _ in range(MOST):
        later(talk, ben)
    with pytest.raises(Conflict) as crowd:
        later(talk, ben)
    assert crowd.value.code == "too_many_scheduled"
    conversation_end(talk.id, reason="closed")
    with pytest.raises(ServiceError) as over:
        later(talk, ben)
    assert over.value.code == "conversation_closed"


def test_a_clock_that_was_set_changes_no_time_that_staff_chose(talk, ben) -> None:
    row = schedule(talk.id, ben, text("next month"), NOW + timedelta(days=30))
    rows_correct()
    rows_correct(set_back=True)
    row.refresh_from_db()
    assert (row.due_at, row.at) == (NOW + timedelta(days=30),) * 2


def test_after_a_backup_one_that_may_have_gone_is_put_aside_and_goes_when_staff_say_so(talk, ben, clock) -> None:
    past, coming = later(talk, ben), schedule(talk.id, ben, text("next week"), NOW + timedelta(days=7))
    clock.shift(2 * HOUR)
    assert put_aside()["scheduled"] == 1
    assert say(past).status == "failed" and say(coming).status == "waiting"
    assert scheduled_replay(ScheduledReply.objects.all()) == 1
    assert say(past).status == "sent"


def test_a_file_that_is_to_go_stays_until_then(talk, ben, web, clock, settings, tmp_path) -> None:
    """An upload that no message took in a day is removed otherwise."""
    file = upload(new_id(), web, None, "a.txt", "text/plain", [b"plain words"])
    media = Media(url=media_address(file.id), type="text/plain", size_bytes=11, name="a.txt")
    row = schedule(talk.id, ben, Content(type="file", media=media), NOW + timedelta(days=7))
    clock.shift(timedelta(days=7))
    assert file_process(file.id) is None
    assert (say(row).status, row.reason) == ("sent", "")
    file.refresh_from_db()
    assert file.message_id == row.message_id


def test_a_file_that_is_not_there_is_refused_when_it_is_planned(talk, ben) -> None:
    media = Media(url=media_address(new_id()), type="text/plain", size_bytes=11)
    with pytest.raises(NotFound) as refused:
        schedule(talk.id, ben, Content(type="file", media=media), NOW + HOUR)
    assert refused.value.code == "media_not_found"
    assert not ScheduledReply.objects.exists()


def test_by_rest_it_is_planned_listed_and_cancelled_by_its_tenant_alone(talk, ben, tenant, other_tenant, api) -> None:
    client, reader = api(tenant, "messages:send"), api(tenant, "messages:read")
    path = f"/api/v2/chat/conversations/{talk.id}/scheduled"
    body = {"content": {"type": "text", "text": "Hi"}, "at": "2026-03-02T13:00:00Z", "agent": ben.username}
    made = client.data_of(client.post(path, body))
    assert (made["status"], made["author"]["name"], made["at"]) == ("waiting", ben.username, "2026-03-02T13:00:00.000Z")
    assert [row["id"] for row in reader.data_of(reader.get(path))["items"]] == [made["id"]]
    assert client.get(path).status_code == 403
    one = f"/api/v2/chat/scheduled/{made['id']}"
    stranger = api(other_tenant, "messages:send", "messages:read")
    assert (stranger.get(path).status_code, stranger.delete(one).status_code) == (404, 404)
    assert client.data_of(client.delete(one))["status"] == "cancelled"
    acts = (
        AuditEntry.objects.exclude(action__regex=r"\.(read|listed)$")
        .order_by("created_at", "id")
        .values_list("action", flat=True)
    )
    assert list(acts) == ["conversation.reply_scheduled", "conversation.reply_unscheduled"]


def test_one_that_goes_only_unless_they_write_is_not_planned_behind_the_window(scope, whatsapp, ben) -> None:
    """Whichever door it comes by: it could never go. Anyway, it goes when they have written."""
    talk = ConversationFactory(tenant=scope, channel=whatsapp, reply_window_expires_at=NOW + timedelta(minutes=30))
    with pytest.raises(Unprocessable) as never:
        later(talk, ben, unless_person_writes=True)
    assert never.value.code == "window_ends_before"
    assert later(talk, ben).status == "waiting"
    Conversation.objects.update(reply_window_expires_at=NOW + timedelta(hours=2))
    assert later(talk, ben, unless_person_writes=True).status == "waiting"
