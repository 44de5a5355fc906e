"""Housekeeping: each step is alone, nothing hides behind a crowd, and no list decides what the act does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from channels_app.content.types import text
from channels_app.models import Channel
from conversations.contacts.people import Known, contacts_join, session_touch
from conversations.files.attachments import upload_discard
from conversations.models import Attachment, Conversation, Event, Message, Reaction, Revision, Session
from messaging import housekeeping
from messaging.accept import accept
from messaging.agents.scheduled import schedule, scheduled_cancel
from messaging.agents.snooze import snooze, snoozes_end
from messaging.arrivals.entrance import Entrance
from messaging.housekeeping import idle, trims, visits
from messaging.models import Delivery, DeliveryPart, EarlyStatus, HandledEvent, Turn
from messaging.reports import delivery_status, revise
from messaging.rules.control import take_over
from messaging.shutdown import stopping
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.storage.batches import BATCH
from tenants.storage.db import atomic, new_id, now
from tests.factories import (
    ChannelFactory,
    ContactFactory,
    ConversationFactory,
    DeliveryFactory,
    IdentityFactory,
    MessageFactory,
    SessionFactory,
)

pytestmark = pytest.mark.django_db(transaction=True)

DAY = timedelta(days=1)


def always() -> bool:
    return True


def for_looks(count: int) -> Any:
    """True so many times."""
    left = iter([True] * count)
    return lambda: next(left, False)


# ------------------------------------------------------------------------------- steps


@pytest.mark.parametrize("broken", list(housekeeping.STEPS))
def test_a_step_that_fails_harms_no_other(scope, monkeypatch: pytest.MonkeyPatch, broken: str) -> None:
    ran: list[str] = []

    def fails(_: Any) -> int:
        raise ZeroDivisionError

    steps = {name: lambda _, name=name: ran.append(name) or 0 for name in housekeeping.STEPS}
    monkeypatch.setattr(housekeeping, "STEPS", {**steps, broken: fails})
    before = housekeeping.HOUSEKEEPING_FAILURES.labels(broken)._value.get()
    housekeeping.keep_house()
    assert [*ran, broken] == sorted([*ran, broken], key=[*ran, broken].index)
    assert set(ran) == set(steps) - {broken}
    assert housekeeping.HOUSEKEEPING_FAILURES.labels(broken)._value.get() == before + 1


def test_a_process_that_stops_begins_no_step(scope, monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[str] = []
    monkeypatch.setattr(housekeeping, "STEPS", {"one": lambda _: ran.append("one") or stopping.set() or 0,
                                                "two": lambda _: ran.append("two") or 0})  # fmt: skip
    try:
        housekeeping.keep_house()
    finally:
        stopping.clear()
    assert ran == ["one"]


@pytest.mark.parametrize(("looks", "left"), [(1, BATCH + 1), (2, 1), (3, 0)])
def test_a_trim_goes_on_while_there_is_time(scope: Tenant, looks: int, left: int) -> None:
    old = now() - timedelta(days=32)
    HandledEvent.objects.bulk_create(
        HandledEvent(tenant=scope, handler="analytics", event=new_id(), created_at=old) for _ in range(2 * BATCH + 1)
    )
    HandledEvent.objects.create(tenant=scope, handler="audit", event=new_id())
    trims.trim("handler_marks", for_looks(looks))
    assert HandledEvent.objects.filter(handler="analytics").count() == left
    assert HandledEvent.objects.filter(handler="audit").count() == 1


@pytest.mark.parametrize("name", list(trims.TRIMS))
def test_every_trim_is_a_statement_all_engines_take(scope, name: str) -> None:
    assert trims.trim(name) == 0


# ---------------------------------------------------------------------- behind a crowd


def orphans(channel: Channel, **more: Any) -> None:
    EarlyStatus.objects.bulk_create(
        EarlyStatus(tenant=channel.tenant, channel=channel, platform_id=f"alien{number}", status="read",
                       created_at=now() - 2 * DAY, **more)
        for number in range(BATCH + 1)
    )  # fmt: skip


def sent(channel: Channel, platform_id: str) -> Delivery:
    talk = ConversationFactory(tenant=channel.tenant, channel=channel)
    said = MessageFactory(tenant=channel.tenant, conversation=talk, direction="outbound", role="bot")
    made = DeliveryFactory(tenant=channel.tenant, message=said, status="sent", parts_sent=1)
    DeliveryPart.objects.create(tenant=channel.tenant, delivery=made, channel=channel, index=0, platform_id=platform_id)
    return made


def test_a_late_status_behind_a_crowd_is_applied(scope, whatsapp, django_assert_max_num_queries) -> None:
    orphans(whatsapp)
    ours = sent(whatsapp, "ours")
    EarlyStatus.objects.create(
        tenant=scope, channel=whatsapp, platform_id="ours", status="read", created_at=now() - timedelta(minutes=5)
    )
    with django_assert_max_num_queries(25):  # not one for each of the crowd
        assert delivery_status.late_statuses_apply(always) == 1
    assert Delivery.objects.get(id=ours.id).status == "read"
    assert EarlyStatus.objects.filter(platform_id="ours").count() == 0


def test_a_run_out_of_time_goes_on_where_it_stopped(scope, whatsapp) -> None:
    orphans(whatsapp)
    ours = sent(whatsapp, "ours")
    EarlyStatus.objects.create(
        tenant=scope, channel=whatsapp, platform_id="ours", status="read", created_at=now() - timedelta(minutes=5)
    )
    assert [delivery_status.late_statuses_apply(for_looks(1)) for _ in range(2)] == [0, 1]
    assert Delivery.objects.get(id=ours.id).status == "read"


@pytest.mark.parametrize("model", [Revision, Reaction])
def test_a_late_change_behind_a_crowd_is_applied(scope, whatsapp, model: Any) -> None:
    by = IdentityFactory(tenant=scope, channel=whatsapp)
    own = {"tenant": scope, "channel": whatsapp, "identity": by}
    at = now()

    def change(number: int, target: str) -> Any:
        finer = {Revision: {"platform_id": f"r{number}", "content": {"type": "text", "text": "hello"}},
                 Reaction: {"emoji": "👍"}}[model]  # fmt: skip
        return model(**own, target=target, at=at, **finer)

    model.objects.bulk_create(
        [change(0, "ours"), *(change(number, f"alien{number}") for number in range(1, BATCH + 2))]
    )
    talk = ConversationFactory(tenant=scope, channel=whatsapp, identity=by, contact=by.contact)
    said = MessageFactory(tenant=scope, conversation=talk, text="helo", platform_message_id="ours")
    assert revise.late_changes_apply(always) == 1
    assert model.objects.get(target="ours").message == said


# ------------------------------------------------------------------------------ idle


def silent(tenant: Tenant, **changes: Any) -> Conversation:
    said = MessageFactory(tenant=tenant)
    last = {"last_message_at": now() - 2 * DAY, "waiting_since": None, **changes}
    with tenant_scope(tenant.id):
        Conversation.objects.filter(id=said.conversation_id).update(**last)
        return Conversation.objects.get(id=said.conversation_id)


def test_idle_conversations_end_behind_a_crowd_that_is_skipped(scope: Tenant, other_tenant: Tenant) -> None:
    talks = [silent(scope, last_message_at=now() - 3 * DAY) for _ in range(3)]
    for talk in talks:  # a turn that was never taken up, as after a day without workers
        Turn.objects.create(tenant=scope, conversation=talk, first_seq=1, last_seq=1)
    mine, others = silent(scope), silent(other_tenant)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tenants.storage.batches.BATCH", 2)
        assert idle.idle_end(always) == 2
    for talk in (mine, others):
        with tenant_scope(talk.tenant_id):
            ended = Conversation.objects.get(id=talk.id)
            assert (ended.is_open, ended.status, ended.ended_reason) == (False, "abandoned", "idle")
    assert Conversation.objects.filter(is_open=True).count() == 3
    assert Turn.objects.filter(status="waiting").count() == 3


def test_a_person_who_has_just_written_is_not_ended(scope, web, said, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list was read first, the message came before the act."""
    accept(web, said("one", scheme="visitor"), Entrance(client_message_id="c1"))
    Turn.objects.update(status="answered")
    Conversation.objects.update(last_message_at=now() - 2 * DAY, waiting_since=None)
    real = idle.conversation_end

    def late(conversation_id: Any, **options: Any) -> Any:
        accept(web, said("two", scheme="visitor"), Entrance(client_message_id="c2"))
        return real(conversation_id, **options)

    monkeypatch.setattr(idle, "conversation_end", late)
    assert idle.idle_end(always) == 0
    assert Conversation.objects.get().is_open
    assert list(Message.objects.order_by("seq").values_list("text", flat=True)) == ["one", "two"]
    assert Turn.objects.filter(status="waiting").count() == 1


@pytest.mark.parametrize(
    ("owner", "waits", "ends"),
    [("human", True, 0), ("human", False, 1), ("bot", False, 1), ("bot", True, 1)],
    ids=["waits-for-a-human", "a-human-answered", "the-bot-answered", "nothing-to-say"],
)
def test_who_waits_for_a_human_is_never_idle(scope, owner: str, waits: bool, ends: int) -> None:
    since = {True: now() - 2 * DAY, False: None}[waits]
    talk = silent(scope, control_owner=owner, waiting_since=since)
    assert idle.idle_end(always) == ends
    talk.refresh_from_db()
    assert talk.waiting_since == {0: since, 1: None}[ends]
    assert talk.is_open == (ends == 0)


def test_who_is_put_off_is_not_idle_until_a_day_after_they_are_back(scope: Tenant, time_machine: Any) -> None:
    """Staff put off what a person has been told until Monday: it is there on Monday, and not closed on the way."""
    time_machine.move_to("2026-11-06T12:00:00Z", tick=False)
    talk = silent(scope, control_owner="human", held_by="staff")
    snooze(talk.id, now() + 3 * DAY)
    for days, ends in ((2, 0), (1.5, 0), (0.9, 0), (0.2, 1)):
        time_machine.shift(days * DAY)
        snoozes_end(always)
        assert idle.idle_end(always) == ends


def test_nor_is_one_for_whom_a_reply_is_planned(scope: Tenant, time_machine: Any) -> None:
    time_machine.move_to("2026-11-06T12:00:00Z", tick=False)
    talk = silent(scope, control_owner="human", held_by="staff")
    planned = schedule(talk.id, None, text("Good morning!"), now() + 3 * DAY)
    time_machine.shift(2 * DAY)
    assert idle.idle_end(always) == 0
    scheduled_cancel(planned.id)
    assert idle.idle_end(always) == 1


@pytest.mark.parametrize(("status", "ends"), [("queued", 0), ("sending", 0), ("sent", 1), ("failed", 1)])
def test_nor_is_one_whom_our_words_have_not_reached(scope: Tenant, status: str, ends: int) -> None:
    """A channel may be held for longer than a person is silent."""
    talk = silent(scope)
    reply = MessageFactory(tenant=scope, conversation=talk, direction="outbound", role="bot")
    DeliveryFactory(tenant=scope, message=reply, status=status)
    Conversation.objects.filter(id=talk.id).update(last_message_at=now() - 2 * DAY)
    assert idle.idle_end(always) == ends


def test_who_was_handed_over_meanwhile_is_not_ended(scope, monkeypatch: pytest.MonkeyPatch) -> None:
    talk = silent(scope, waiting_since=now() - 2 * DAY)
    real = idle.conversation_end
    monkeypatch.setattr(idle, "conversation_end", lambda id, **how: take_over(id, None) and real(id, **how))
    assert idle.idle_end(always) == 0
    assert Conversation.objects.get(id=talk.id).is_open


def test_an_upload_that_a_message_takes_in_this_moment_is_kept(scope, web) -> None:
    upload = Attachment.objects.create(tenant=scope, channel=web, kind="image", state="stored")
    seen = Attachment.objects.get(id=upload.id)
    Attachment.objects.update(message=MessageFactory(tenant=scope))
    assert not upload_discard(seen)
    assert Attachment.objects.filter(id=upload.id).exists()


# ------------------------------------------------------------------------------ visits


def visit(tenant: Tenant, **changes: Any) -> Session:
    began = now() - timedelta(hours=3)
    times = {
        "created_at": began,
        "last_seen_at": began + timedelta(seconds=90),
        "expires_at": now() - timedelta(hours=1),
    }
    return SessionFactory(tenant=tenant, **{**times, **changes})


def test_visits_end_once_with_their_event(scope, other_tenant) -> None:
    channel = ChannelFactory(tenant=scope)
    talk = ConversationFactory(tenant=scope, channel=channel, last_message_at=now() - timedelta(hours=2))
    over = visit(scope, channel=channel, contact=talk.contact)
    without, others = visit(scope), visit(other_tenant)
    going_on = visit(scope, expires_at=now() + timedelta(hours=1))
    assert [visits.visits_end(always) for _ in range(2)] == [3, 0]
    told = {event.payload["session_id"]: event for event in Event.objects.filter(type="chat.session.ended")}
    assert set(told) == {str(over.id), str(without.id)}
    assert told[str(over.id)].payload == {
        "channel_id": str(channel.id), "contact_id": str(talk.contact_id), "conversation_id": str(talk.id),
        "session_id": str(over.id), "duration_seconds": 90, "end_reason": "expired",
        "session_summary": {"conversations": 1, "message_count": 0},
    }  # fmt: skip
    assert told[str(without.id)].payload["conversation_id"] is None
    assert Session.objects.get(id=going_on.id).ended_at is None
    with tenant_scope(other_tenant.id):
        assert Event.objects.get().payload["session_id"] == str(others.id)


def test_a_visit_ends_as_long_after_the_last_sign_as_the_operator_says(scope, settings: Any) -> None:
    """SESSION_TTL (OPS-2)."""
    settings.ENV = {**settings.ENV, "SESSION_TTL": 7}
    identity = IdentityFactory(tenant=scope)
    known = Known(identity.id, identity.contact_id)
    began = session_touch(identity.channel, known, session_key="default", device={})
    assert began is not None
    assert began.expires_at - began.last_seen_at == timedelta(seconds=7)


def test_a_visit_that_goes_on_in_this_moment_is_not_ended(scope, monkeypatch: pytest.MonkeyPatch) -> None:
    back, over = visit(scope), visit(scope)
    real = visits._conversations_during

    def late(sessions: Any) -> Any:
        Session.objects.filter(id=back.id).update(expires_at=now() + timedelta(hours=1))
        return real(sessions)

    monkeypatch.setattr(visits, "_conversations_during", late)
    assert visits.visits_end(always) == 1
    assert [event.payload["session_id"] for event in Event.objects.all()] == [str(over.id)]
    assert Session.objects.get(id=back.id).ended_at is None


def test_many_visits_end_in_batches(scope, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visits, "BATCH", 2)
    made = [visit(scope) for _ in range(5)]
    assert visits.visits_end(always) == 5
    assert Event.objects.count() == len(made)


def test_visits_of_a_joined_contact_go_on_and_end_with_their_event(scope) -> None:
    channel, (kept, joined, third) = ChannelFactory(tenant=scope), [ContactFactory(tenant=scope) for _ in range(3)]
    own = visit(scope, channel=channel, contact=kept, key="default")
    same_key = [visit(scope, channel=channel, contact=one, key="default") for one in (joined, third)]
    other_key = visit(scope, channel=channel, contact=joined, key="phone")
    elsewhere = visit(scope, contact=joined, key="default")
    with atomic():
        contacts_join(kept.id, [joined.id, third.id])
    assert set(Session.objects.values_list("contact_id", flat=True)) == {kept.id}
    keys = dict(Session.objects.values_list("id", "key"))
    assert [keys[one.id] for one in (own, other_key, elsewhere)] == ["default", "phone", "default"]
    visits.visits_end(always)
    told = {
        event.payload["session_id"]: event.payload["contact_id"]
        for event in Event.objects.filter(type="chat.session.ended")
    }
    assert told == {str(one.id): str(kept.id) for one in (own, *same_key, other_key, elsewhere)}


def test_who_comes_back_before_a_visit_was_ended_goes_on_with_it(scope) -> None:
    """Begun anew, it would have begun twice and ended once."""
    over = visit(scope, key="default")
    known = Known(new_id(), over.contact_id)
    assert session_touch(over.channel, known, session_key="default", device={}) is None
    assert visits.visits_end(always) == 0
    Session.objects.update(expires_at=now())
    assert visits.visits_end(always) == 1
    assert session_touch(over.channel, known, session_key="default", device={}) is not None
    assert Event.objects.filter(type="chat.session.ended").count() == 1
