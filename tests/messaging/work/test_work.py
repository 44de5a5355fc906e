"""Rows that are work: leased to one worker, tried for as long as it makes sense, given up in the open, held with their
tenant (PIPE-3, DEL-2, TEN-2)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.urls import reverse

from channels_app.content.types import text
from channels_app.contract import Rejected
from channels_app.models import Channel
from channels_app.services import http_for
from chatsvc.observe.row_metrics import rows as measured
from conversations.models import Attachment, Event
from messaging import receive, respond, sweep, tasks
from messaging.admin.overview import FIGURES
from messaging.agents.models import ScheduledReply
from messaging.models import Delivery, InboundEvent, StaffAlert, Turn, WebhookDelivery, WebhookEndpoint
from messaging.outbox.handlers import events_handle
from messaging.sends import settling
from messaging.sends.trying import SendTry
from tenants import tenant_settings
from tenants.errors import Unavailable
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.storage.db import new_id, now
from tenants.work.leases import MOST_LEASES, TABLES, claim_by_id, put_off, settle
from tests.factories import ChannelFactory, DeliveryFactory, MessageFactory

pytestmark = pytest.mark.django_db(transaction=True)
LEASE = timedelta(seconds=30)


def receipt(channel: Channel, lane: str = "", **options: Any) -> InboundEvent:
    own = {"tenant": channel.tenant, "channel": channel, "request": {}, "lane": lane}
    return InboundEvent.objects.create(**{**own, "digest": new_id().hex, **options})


def turn(channel: Channel, **options: Any) -> Turn:
    said = MessageFactory(tenant=channel.tenant)
    return Turn.objects.create(
        tenant=channel.tenant, conversation=said.conversation, first_seq=said.seq, last_seq=said.seq, **options
    )


def file(channel: Channel, **options: Any) -> Attachment:
    said = MessageFactory(tenant=channel.tenant)
    return Attachment.objects.create(tenant=channel.tenant, channel=channel, message=said, kind="image", **options)


def alert(channel: Channel, **options: Any) -> StaffAlert:
    return StaffAlert.objects.create(tenant=channel.tenant, event=new_id(), way="email", subject="!", **options)


def delivery(channel: Channel, **options: Any) -> Delivery:
    return DeliveryFactory(tenant=channel.tenant, **options)


def scheduled(channel: Channel, **options: Any) -> ScheduledReply:
    said = MessageFactory(tenant=channel.tenant)
    own = {"tenant": channel.tenant, "conversation": said.conversation, "content": text("later").to_json(), "at": now()}
    return ScheduledReply.objects.create(**{**own, **options})


def call(channel: Channel, **options: Any) -> WebhookDelivery:
    made = WebhookEndpoint.objects.create(tenant=channel.tenant, url="https://crm.example/hook", event_types=["*"])
    own = {"tenant": channel.tenant, "endpoint": made, "type": "chat.session.ended"}
    return WebhookDelivery.objects.create(**own, **options)


EVERY = pytest.mark.parametrize(
    "make", [receipt, turn, file, alert, scheduled, delivery, call], ids=lambda make: make.__name__
)
#: by what a row is woken where that is not itself
TOLD = {delivery: "conversation_id", call: "endpoint_id"}
WOKEN = {
    receipt: "parse",
    turn: "respond",
    file: "media",
    alert: "send_alert",
    scheduled: "say_scheduled",
    delivery: "deliver",
    call: "call_endpoint",
}


def test_every_table_of_work_is_registered() -> None:
    assert sorted(TABLES) == ["alerts", "calls", "deliveries", "files", "receipts", "scheduled", "turns"]


# ------------------------------------------------------------------------------ one row


@EVERY
def test_a_row_is_leased_once_and_only_its_worker_settles_it(scope, web, make) -> None:
    row = make(web)
    mine = claim_by_id(type(row), row.id, LEASE)
    assert claim_by_id(type(row), row.id, LEASE) is None
    assert (mine.attempts, mine.leases) == (1, 1)
    type(row).objects.filter(id=row.id).update(claim=new_id())  # its lease ended, another worker has it
    assert not settle(mine, attempts=9)
    assert not put_off(mine, now())
    assert type(row).objects.get(id=row.id).attempts == 1


@EVERY
def test_a_row_put_off_for_trouble_of_our_own_has_lost_no_try(scope, web, make) -> None:
    row = claim_by_id(type(made := make(web)), made.id, LEASE)
    assert put_off(row, now() + LEASE, counts=False)
    row.refresh_from_db()
    assert (row.attempts, row.leases, row.claim) == (0, 0, None)


@EVERY
def test_a_row_of_a_suspended_tenant_keeps_its_place_and_goes_on_afterwards(
    scope, tenant, web, other_tenant, calls, make
) -> None:
    row = make(web, due_at=now() - timedelta(minutes=5))
    Tenant.objects.filter(id=tenant.id).update(status=Tenant.Status.SUSPENDED)
    tenant_settings.invalidate(tenant.id)
    calls.all.clear()
    tasks.sweep()
    assert calls.of(WOKEN[make]) == []
    assert claim_by_id(type(row), row.id, LEASE) is None
    assert sum(measured()["rows"].values()) == 0, "what is held is not late"
    Tenant.objects.filter(id=tenant.id).update(status=Tenant.Status.ACTIVE)
    tenant_settings.invalidate(tenant.id)
    tasks.sweep()
    assert len(calls.of(WOKEN[make])) == 1
    row.refresh_from_db()
    assert (row.attempts, row.claim) == (0, None)


# --------------------------------------------------------------------------- given up


TROUBLE = [OperationalError("canceling statement due to lock timeout"), Unavailable("busy")]


@pytest.mark.parametrize("error", TROUBLE, ids=["database", "busy"])
def test_trouble_of_our_own_servers_never_uses_up_a_receipt(scope, web, monkeypatch, error) -> None:
    row = receipt(web)
    monkeypatch.setattr(receive, "_understand", lambda _: raised(error))
    for _ in range(300):
        tasks.parse(str(row.id))
        InboundEvent.objects.update(due_at=now())
    row.refresh_from_db()
    assert (row.status, row.attempts) == ("received", 0)


def raised(error: Exception) -> Any:
    raise error


def test_a_receipt_with_a_bug_is_tried_for_a_day_and_then_given_up_in_the_open(
    scope, tenant, web, monkeypatch, calls
) -> None:
    tenant.settings = {**tenant.settings, "alerts": {"webhook_url": "https://ops.example/alert"}}
    tenant.save()
    tenant_settings.invalidate(tenant.id)
    row = receipt(web)
    monkeypatch.setattr(receive, "_understand", lambda _: raised(ValueError("a message's words")))
    waited = timedelta(0)
    while row.status == "received":
        tasks.parse(str(row.id))
        row.refresh_from_db()
        waited += max(row.due_at - now(), timedelta(0)) * (row.status == "received")
        InboundEvent.objects.update(due_at=now())
    assert timedelta(hours=18) < waited < timedelta(hours=30)
    assert (row.status, row.reason) == ("failed", "ValueError")
    assert measured()["given_up"]["receipts"] == 1
    [told] = Event.objects.filter(type="chat.system.work_given_up")
    assert told.payload["work"] == "receipts"
    events_handle([told])
    assert "webhook" in set(StaffAlert.objects.values_list("way", flat=True))
    assert "Requests of platforms given up" in [figure.title for figure in FIGURES]


def test_a_receipt_that_ends_its_workers_is_given_up(scope, web) -> None:
    row = receipt(web, leases=MOST_LEASES)
    tasks.parse(str(row.id))
    row.refresh_from_db()
    assert (row.status, row.reason) == ("failed", "worker_lost")


def test_what_was_given_up_is_started_again_from_the_console(scope, superuser_client, web, calls) -> None:
    row = receipt(web, status="failed", reason="ValueError", attempts=199, processed_at=now())
    address = reverse("admin:messaging_inboundevent_change", args=[row.id])
    assert superuser_client.post(f"{address.removesuffix('change/')}do/process/").status_code == 302
    row.refresh_from_db()
    assert (row.status, row.attempts) == ("received", 0)
    assert calls.of("parse") == [row.id]


@pytest.fixture
def superuser_client(client: Any, django_user_model: Any) -> Any:
    client.force_login(django_user_model.objects.create_superuser("root", "root@example.com", "long-password-1"))
    return client


def test_a_turn_given_up_is_replayed(scope, web, calls) -> None:
    row = turn(web, status="failed", outcome="ValueError")
    assert respond.turns_replay(Turn.objects.all()) == 1
    assert calls.of("respond") == [row.id]
    assert claim_by_id(Turn, row.id, LEASE)


def test_a_worker_that_lost_its_lease_announces_no_failure(scope, whatsapp) -> None:
    row = DeliveryFactory(tenant=whatsapp.tenant, status="sending", claim=new_id())
    seen = Delivery.objects.select_related("message", "conversation").get(id=row.id)
    Delivery.objects.filter(id=row.id).update(claim=new_id(), status="sent")  # another worker took over and sent it
    settling._dead(SendTry(seen, whatsapp, http_for(whatsapp)), Rejected("nope"))
    assert Delivery.objects.get(id=row.id).status == "sent"
    assert not Event.objects.filter(type="chat.message.failed").exists()


# ------------------------------------------------------------------------------- crowds


def test_held_lanes_keep_no_other_channel_waiting(scope, whatsapp, web, calls) -> None:
    """260 lanes of a held channel, three messages each: the sweep still finds the one that is late elsewhere."""
    old = now() - timedelta(hours=1)
    for _ in range(260):
        first = DeliveryFactory(tenant=whatsapp.tenant, due_at=now() + timedelta(minutes=10))
        for behind in (1, 2):
            said = MessageFactory(tenant=whatsapp.tenant, conversation=first.conversation, seq=first.seq + behind)
            DeliveryFactory(tenant=whatsapp.tenant, message=said, due_at=old)
    late = DeliveryFactory(tenant=web.tenant, due_at=now() - timedelta(seconds=30))
    calls.all.clear()
    tasks.sweep()
    assert calls.of("deliver") == [late.conversation_id]
    assert measured()["age"]["deliver"] < 60, "nothing is late but that one"


@pytest.mark.parametrize("make", [receipt, turn, alert, delivery, call], ids=lambda make: make.__name__)
def test_a_tenant_with_a_crowd_of_late_rows_leaves_room_for_another(scope, web, other_tenant, calls, make) -> None:
    """One more than a sweep wakes at most stand in front of the row that matters."""
    for _ in range(sweep.MOST + 1):
        make(web, due_at=now() - timedelta(hours=1))
    with tenant_scope(other_tenant.id):
        elsewhere = make(ChannelFactory(tenant=other_tenant, kind="web"), due_at=now() - timedelta(seconds=30))
    calls.all.clear()
    tasks.sweep()
    assert getattr(elsewhere, TOLD.get(make, "id")) in calls.of(WOKEN[make])
