"""Rows whose times lie further ahead than any clock that is right can have noted them (decision 0029)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from channels_app.models import ChannelHealth
from conversations.files.attachments import NEVER
from conversations.models import Attachment
from messaging.housekeeping import set_back
from messaging.housekeeping.set_back import longest_lease, rows_correct
from messaging.models import Delivery, InboundEvent, OutboxLane, Turn
from tenants.storage.db import new_id, now
from tests.factories import ConversationFactory, DeliveryFactory, MessageFactory

pytestmark = pytest.mark.django_db
SOON = timedelta(seconds=2)
TWO_HOURS = timedelta(hours=2)


def ahead(row: Any, name: str = "due_at") -> timedelta:
    row.refresh_from_db()
    return getattr(row, name) - now()


@pytest.fixture
def make(scope, whatsapp) -> Any:
    """``make(model, due_in, **members)``: an unfinished row."""

    def delivery(**members: Any) -> Any:
        return DeliveryFactory(tenant=scope, **members)

    def turn(**members: Any) -> Any:
        conversation = ConversationFactory(tenant=scope, channel=whatsapp)
        facts = {"first_seq": 1, "last_seq": 1, "latest_at": now()} | members
        return Turn.objects.create(tenant=scope, conversation=conversation, **facts)

    def receipt(**members: Any) -> Any:
        return InboundEvent.objects.create(tenant=scope, channel=whatsapp, digest="d", request={}, **members)

    makers = {Delivery: delivery, Turn: turn, InboundEvent: receipt}
    return lambda model, due_in, **members: makers[model](due_at=now() + due_in, **members)


@pytest.mark.parametrize("model", [Delivery, Turn, InboundEvent])
def test_after_the_clock_was_set_back_what_waits_is_due(make, model) -> None:
    row = make(model, TWO_HOURS)
    assert rows_correct(set_back=True) == 1
    assert ahead(row) <= timedelta(0)


@pytest.mark.parametrize(
    ("model", "leased"),
    [
        (Delivery, {"status": Delivery.Status.SENDING}),
        (Turn, {"status": Turn.Status.RUNNING}),
        (InboundEvent, {}),
    ],
)
def test_what_a_worker_may_hold_keeps_a_whole_lease(make, model, leased) -> None:
    row = make(model, TWO_HOURS, claim=new_id(), **leased)
    rows_correct(set_back=True)
    assert longest_lease() - SOON < ahead(row) <= longest_lease()


@pytest.mark.parametrize("model", [Turn, InboundEvent])
def test_what_no_pause_explains_is_found_without_notice_too(make, model) -> None:
    """By a process that was started after the clock was set back."""
    row = make(model, TWO_HOURS)
    rows_correct()
    assert ahead(row) <= timedelta(0)


def test_pauses_and_leases_of_a_clock_that_is_right_are_left_alone(make) -> None:
    waiting = make(Delivery, TWO_HOURS)  # a platform said so
    sending = make(Delivery, timedelta(seconds=50), status=Delivery.Status.SENDING, claim=new_id())
    receipt = make(InboundEvent, timedelta(minutes=4))
    assert rows_correct() == 0
    rows_correct(set_back=True)
    assert ahead(sending) > timedelta(seconds=40), "no other worker takes it from the one that has it"
    assert (ahead(waiting), ahead(receipt)) <= (timedelta(0), timedelta(0))


def test_finished_rows_and_other_tenants_rows(make, other_tenant) -> None:
    done = make(Delivery, TWO_HOURS, status=Delivery.Status.SENT)
    theirs = DeliveryFactory(tenant=other_tenant, due_at=now() + TWO_HOURS)
    assert rows_correct(set_back=True) == 1
    assert ahead(done) > timedelta(hours=1)
    theirs = Delivery.objects.unscoped().get(id=theirs.id)
    assert theirs.due_at <= now()


def test_holds_and_lanes_end(scope, whatsapp) -> None:
    health, _ = ChannelHealth.objects.update_or_create(channel=whatsapp, defaults={"held_until": now() + TWO_HOURS})
    lane = OutboxLane.objects.create(outbox="published", number=1, claim=new_id(), due_at=now() + TWO_HOURS)
    rows_correct(set_back=True)
    assert ahead(health, "held_until") <= timedelta(0)
    assert ahead(lane) <= longest_lease()


def test_files_that_are_done_and_uploads_stay_as_they_are(scope, whatsapp) -> None:
    """An unused upload is removed when it is due: late is better than early."""
    message = MessageFactory(tenant=scope)
    common = {"tenant": scope, "channel": whatsapp, "kind": "file"}
    done = Attachment.objects.create(message=message, state=Attachment.State.STORED, due_at=NEVER, **common)
    upload = Attachment.objects.create(due_at=now() + TWO_HOURS, **common)
    waiting = Attachment.objects.create(message=message, due_at=now() + TWO_HOURS, **common)
    rows_correct(set_back=True)
    assert ahead(done) > timedelta(days=1)
    assert ahead(upload) > timedelta(hours=1)
    assert ahead(waiting) <= timedelta(0)


@pytest.mark.parametrize("apart", [timedelta(hours=2), timedelta(seconds=-30)], ids=["ours is behind", "ours is ahead"])
def test_a_process_whose_own_clock_is_wrong_touches_nothing(make, monkeypatch, apart) -> None:
    """To it the leases of all others lie far ahead, and they are alive."""
    row = make(Delivery, TWO_HOURS, status=Delivery.Status.SENDING, claim=new_id())
    monkeypatch.setattr(set_back, "server_now", lambda: now() + apart)
    assert rows_correct(set_back=True) == 0
    assert ahead(row) > timedelta(hours=1)
