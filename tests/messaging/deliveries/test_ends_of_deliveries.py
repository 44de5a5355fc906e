"""A message that waits ends when its time is over, whatever its channel does meanwhile; one that is retried is sent
(DEL-1, DEL-2, DEL-3)."""

from __future__ import annotations

import errno
from datetime import timedelta
from typing import Any

import pytest
from time_machine import travel

from channels_app.adapters.base import retry_after
from channels_app.adapters.whatsapp import WhatsApp
from channels_app.contract import SendResult, StatusUpdate, Throttled
from channels_app.models import Channel, ChannelHealth, ChannelIncident
from channels_app.selectors import channel_forget
from conversations.models import Event
from messaging import tasks
from messaging.deliver import deliver, redeliver
from messaging.health import watch
from messaging.health.watch import channel_saved
from messaging.housekeeping.disconnect import channel_disconnect
from messaging.models import Delivery, DeliveryPart
from messaging.reports.delivery_status import status_apply
from messaging.sends import trying
from tenants.storage.db import now
from tests.factories import ConversationFactory, DeliveryFactory, MessageFactory

pytestmark = pytest.mark.django_db(transaction=True)
CROWD = watch.MOST + 1


def waiting(channel: Channel, **options: Any) -> Delivery:
    talk = ConversationFactory(tenant=channel.tenant, channel=channel)
    said = MessageFactory(tenant=channel.tenant, conversation=talk, direction="outbound", role="bot")
    return DeliveryFactory(tenant=channel.tenant, message=said, **options)


def turned(channel: Channel, *, enabled: bool) -> None:
    channel.enabled = enabled
    channel.save()
    channel_forget(channel)


@pytest.fixture
def calls_made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    made: list[str] = []

    def send(self: Any, payload: Any, config: Any, http: Any) -> SendResult:
        made.append(payload.json["text"]["body"])
        return SendResult(f"wamid.OUT{len(made)}")

    monkeypatch.setattr(WhatsApp, "send", send)
    return made


def test_on_a_channel_that_is_switched_off_a_message_expires(scope, whatsapp, calls, calls_made, time_machine) -> None:
    time_machine.move_to(now())
    head = waiting(whatsapp, expires_at=now() + timedelta(days=1))
    turned(whatsapp, enabled=False)
    assert deliver(head.conversation_id) == 0
    calls.all.clear()
    tasks.sweep()
    assert calls.of("deliver") == [], "nothing is asked for while it waits"
    time_machine.shift(timedelta(days=1, minutes=1))
    tasks.sweep()
    assert calls.of("deliver") == [head.conversation_id]
    assert deliver(head.conversation_id) == 1
    row = Delivery.objects.get()
    assert (row.status, row.error_code, row.dead_at is not None) == ("failed", "expired", True)
    assert [event.payload["code"] for event in Event.objects.filter(type="chat.message.failed")] == ["expired"]
    assert calls_made == []


def test_on_a_channel_that_is_switched_on_again_it_goes_out(scope, whatsapp, calls, calls_made) -> None:
    head = waiting(whatsapp, expires_at=now() + timedelta(days=1))
    turned(whatsapp, enabled=False)
    deliver(head.conversation_id)
    turned(whatsapp, enabled=True)
    calls.all.clear()
    channel_saved(whatsapp)
    assert calls.of("deliver") == [head.conversation_id]
    assert deliver(head.conversation_id) == 1
    assert len(calls_made) == 1


def test_what_expired_is_not_the_one_try_after_a_hold(scope, whatsapp, calls_made) -> None:
    over = waiting(whatsapp, expires_at=now() - timedelta(seconds=1))
    good = waiting(whatsapp)
    ChannelHealth.objects.create(channel=whatsapp, state="degraded", held_until=now() - timedelta(seconds=1))
    assert deliver(over.conversation_id) == 1
    assert deliver(good.conversation_id) == 1
    assert [row.status for row in Delivery.objects.order_by("created_at")] == ["failed", "sent"]


def test_a_pause_is_not_longer_than_the_message_lives(scope, whatsapp) -> None:
    head = waiting(whatsapp, expires_at=now() + timedelta(seconds=90))
    ChannelHealth.objects.create(channel=whatsapp, state="degraded", held_until=now() + timedelta(hours=1))
    deliver(head.conversation_id)
    assert Delivery.objects.get().due_at == head.expires_at


def test_all_that_waits_on_a_disconnected_channel_fails_behind_a_crowd(scope, whatsapp, calls) -> None:
    lanes = {waiting(whatsapp).conversation_id for _ in range(CROWD)}
    channel_disconnect(whatsapp, lambda: False)
    assert len(calls.of("deliver")) == watch.MOST
    for lane in calls.of("deliver"):
        deliver(lane)
    Delivery.objects.update(due_at=now() - timedelta(minutes=1))
    calls.all.clear()
    tasks.sweep()
    [left] = calls.of("deliver")
    assert left in lanes
    deliver(left)
    assert set(Delivery.objects.values_list("status", "error_code")) == {("failed", "channel_disconnected")}


def test_a_retry_of_what_the_platform_took_and_reported_as_failed_is_sent_again(scope, whatsapp, calls_made) -> None:
    head = waiting(whatsapp)
    deliver(head.conversation_id)
    status_apply(whatsapp, StatusUpdate("wamid.OUT1", "failed", code="131026"))
    assert Delivery.objects.get().status == "failed"
    assert redeliver(Delivery.objects.all()) == 1
    assert deliver(head.conversation_id) == 1
    assert len(calls_made) == 2
    status_apply(whatsapp, StatusUpdate("wamid.OUT2", "delivered"))
    assert Delivery.objects.get().status == "delivered"
    status_apply(whatsapp, StatusUpdate("wamid.OUT1", "failed", code="131026"))  # the platform repeats itself
    assert Delivery.objects.get().status == "delivered"


def test_a_report_of_the_try_before_does_not_end_the_retry(scope, whatsapp, calls_made) -> None:
    head = waiting(whatsapp)
    deliver(head.conversation_id)
    report = StatusUpdate("wamid.OUT1", "failed", code="131026", client_ref=f"{head.id}.0")
    status_apply(whatsapp, report)
    redeliver(Delivery.objects.all())
    status_apply(whatsapp, report)  # the platform repeats itself before the worker has the message
    assert deliver(head.conversation_id) == 1
    assert (len(calls_made), Delivery.objects.get().status) == (2, "sent")


def test_settings_that_hold_no_more_are_the_channels_trouble(scope, whatsapp, calls_made) -> None:
    """Stored by an older version, or by hand: the messages wait until staff have repaired the channel."""
    head = waiting(whatsapp)
    good = whatsapp.config
    whatsapp.config = {**good, "phone_number_id": ""}
    whatsapp.save()
    channel_forget(whatsapp)
    assert deliver(head.conversation_id) == 0
    row = Delivery.objects.get()
    assert (row.status, row.attempts, row.error_code) == ("queued", 0, "invalid_channel")
    assert ChannelIncident.objects.get().is_open
    whatsapp.config = good
    whatsapp.save()
    channel_forget(whatsapp)
    channel_saved(whatsapp)
    assert deliver(head.conversation_id) == 1
    assert len(calls_made) == 1


@pytest.mark.parametrize("failed", [(0,), (1,), (0, 2), (2,)], ids=str)
def test_of_several_parts_only_those_that_failed_are_sent_again(scope, whatsapp, calls_made, monkeypatch, failed):
    head = waiting(whatsapp)
    real = trying._payloads
    monkeypatch.setattr(trying, "_payloads", lambda *given: list(real(*given)) * 3)
    deliver(head.conversation_id)
    for part in DeliveryPart.objects.order_by("index"):
        word = "failed" if part.index in failed else "delivered"
        status_apply(whatsapp, StatusUpdate(part.platform_id, word, code="x"))
    assert redeliver(Delivery.objects.all()) == 1
    assert deliver(head.conversation_id) == 1
    assert len(calls_made) == 3 + len(failed)
    assert list(DeliveryPart.objects.order_by("index").values_list("index", flat=True)) == [0, 1, 2]
    for part in DeliveryPart.objects.filter(index__in=failed):
        status_apply(whatsapp, StatusUpdate(part.platform_id, "delivered"))
    assert Delivery.objects.get().status == "delivered"


@pytest.mark.parametrize("asked_s", [0.0, 0.5])
def test_a_platform_that_asks_for_no_pause_does_not_use_up_the_tries(
    scope, whatsapp, monkeypatch, time_machine, asked_s
):
    """``Retry-After: 0`` on every answer: the tries are spread as without it."""
    time_machine.move_to(now(), tick=False)

    def refused(*_: Any) -> SendResult:
        raise Throttled("http_429", retry_after=asked_s)

    monkeypatch.setattr(WhatsApp, "send", refused)
    head, began = waiting(whatsapp), now()
    waits = []
    for _ in range(5):
        deliver(head.conversation_id)
        head.refresh_from_db()
        waits.append((head.due_at - now()).total_seconds())
        time_machine.move_to(head.due_at + timedelta(milliseconds=2), tick=False)
    assert (head.status, head.attempts) == ("queued", 5)
    assert [most / 2 <= wait <= most for wait, most in zip(waits, (2, 5, 15, 45, 120), strict=True)] == [True] * 5
    assert head.due_at - began > timedelta(seconds=90)


def test_a_machine_without_room_costs_a_message_no_try(scope, whatsapp, monkeypatch) -> None:
    """No file can be opened, no memory is left: it was a dead letter, as an adapter's bug is."""

    def full(*_: Any) -> SendResult:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(WhatsApp, "send", full)
    head = waiting(whatsapp)
    deliver(head.conversation_id)
    head.refresh_from_db()
    assert (head.status, head.attempts, head.claim) == ("queued", 0, None)


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("nan", None), ("-nan", None), ("inf", 3600.0), ("1e400", 3600.0), ("-5", 0.0), ("2.5", 2.5), ("soon", None),
     ("", None), ("Wed, 21 Oct 2026 07:28:00 GMT", 60.0), ("Wed, 21 Oct 2026 07:26:00 GMT", 0.0),
     ("Wed, 21 Oct 2037 07:28:00 GMT", 3600.0), ("Wed, 99 Oct 2026 07:28:00 GMT", None)],
)  # fmt: skip
def test_a_pause_that_a_platform_asks_for_is_a_number(given: str, seconds: float | None) -> None:
    with travel("2026-10-21T07:27:00Z", tick=False):
        assert retry_after({"retry-after": given}) == seconds
