"""Only the head of a lane is ever due, and only where neither its channel nor its endpoint rests: sweep and measures
see nothing else, however much waits behind (DEL-2, DEL-4, PIPE-4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from channels_app.contract import SendResult
from channels_app.models import Channel, ChannelHealth
from chatsvc.observe.row_metrics import rows as measured
from messaging import deliver as deliver_verb
from messaging import sweep, tasks
from messaging.health import watch
from messaging.models import Delivery, InboundEvent, WebhookDelivery, WebhookEndpoint
from messaging.rules.hold import channel_admits
from messaging.sends import due
from tenants import tenant_settings
from tenants.models import Tenant
from tenants.storage.db import now
from tests.factories import ChannelFactory, ConversationFactory, DeliveryFactory, MessageFactory

pytestmark = pytest.mark.django_db(transaction=True)
CROWD = 501  # one more than a sweep wakes


def ago(**span: int) -> Any:
    return now() - timedelta(**span)


def waiting_on(channel: Channel, due_at: Any, number: int = 1) -> list[Delivery]:
    """The lane of one conversation."""
    talk = ConversationFactory(tenant=channel.tenant, channel=channel)
    said = [MessageFactory(tenant=channel.tenant, conversation=talk) for _ in range(number)]
    return [DeliveryFactory(tenant=channel.tenant, message=message, due_at=due_at) for message in said]


def endpoints(tenant: Tenant, number: int, **options: Any) -> list[WebhookEndpoint]:
    own = {"tenant": tenant, "url": "https://crm.example/hook", "event_types": ["*"], **options}
    return WebhookEndpoint.objects.bulk_create(WebhookEndpoint(**own) for _ in range(number))


def calls_to(own: list[WebhookEndpoint], due_at: Any) -> None:
    WebhookDelivery.objects.bulk_create(
        WebhookDelivery(tenant_id=one.tenant_id, endpoint=one, type="chat.session.ended", due_at=due_at) for one in own
    )


def receipts(channel: Channel, number: int, due_at: Any, **options: Any) -> None:
    InboundEvent.objects.bulk_create(
        InboundEvent(tenant=channel.tenant, channel=channel, request={}, digest=f"{options}{n}", due_at=due_at,
                     created_at=ago(hours=1) + timedelta(seconds=n), **options)
        for n in range(number)
    )  # fmt: skip


# ------------------------------------------------------------------------------ receipts


@pytest.mark.parametrize("lane", ["+15550100001", "*"], ids=["one person", "several"])
def test_a_crowd_of_receipts_behind_a_head_hides_no_other_person(scope, whatsapp, calls, lane) -> None:
    receipts(whatsapp, 1, now() + timedelta(minutes=9), lane=lane)
    own = {"tenant": scope, "channel": whatsapp, "request": {}}
    InboundEvent.objects.bulk_create(
        InboundEvent(**own, lane="+15550100001", digest=str(n), due_at=ago(minutes=50)) for n in range(CROWD)
    )
    other = ChannelFactory(tenant=scope, kind="sms")
    late = InboundEvent.objects.create(**{**own, "channel": other}, lane="+1", digest="late", due_at=ago(seconds=30))
    calls.all.clear()
    tasks.sweep()
    assert calls.of("parse") == [late.id]
    assert (measured()["rows"]["inbound"], measured()["age"]["inbound"] < 60) == (1, True)


def test_a_crowd_of_a_suspended_tenant_hides_no_other(scope, web, other_tenant, calls) -> None:
    receipts(web, CROWD, ago(hours=1))
    Tenant.objects.filter(id=scope.id).update(status=Tenant.Status.SUSPENDED)
    tenant_settings.invalidate(scope.id)
    elsewhere = ChannelFactory(tenant=other_tenant)
    # unscoped: a row of the other tenant
    late = InboundEvent.objects.unscoped().create(
        tenant=other_tenant, channel=elsewhere, digest="late", request={}, due_at=ago(seconds=30)
    )
    calls.all.clear()
    tasks.sweep()
    assert calls.of("parse") == [late.id]


def test_a_crowd_of_tenants_hides_no_last_one(scope, web, monkeypatch, calls) -> None:
    """More tenants than a look serves: chance decides among all of them."""
    tenants = Tenant.objects.bulk_create(Tenant(name=str(n), slug=f"crowd-{n}") for n in range(CROWD))
    InboundEvent.objects.bulk_create(
        InboundEvent(tenant=one, channel=web, request={}, digest=one.slug, due_at=ago(hours=1)) for one in tenants
    )
    monkeypatch.setattr(sweep.random, "shuffle", lambda found: found.reverse())
    calls.all.clear()
    tasks.sweep()
    # unscoped: a row of another tenant
    last = InboundEvent.objects.unscoped().get(tenant=max(tenants, key=lambda one: one.id))
    assert last.id in calls.of("parse")


# ---------------------------------------------------------------------------- deliveries


@pytest.mark.parametrize("state", ["held", "off"])
def test_lanes_of_a_channel_that_rests_are_not_due(scope, whatsapp, calls, state) -> None:
    waiting_on(whatsapp, ago(hours=1), number=3)
    ChannelHealth.objects.create(channel=whatsapp, held_until={"held": now() + timedelta(minutes=9)}.get(state))
    Channel.objects.filter(id=whatsapp.id).update(enabled=state == "held")
    calls.all.clear()
    tasks.sweep()
    assert calls.of("deliver") == []
    assert (measured()["age"]["deliver"], measured()["rows"]["deliver"]) == (0.0, 0)


def test_a_channel_that_works_again_is_due_to_its_last_lane(scope, whatsapp, monkeypatch, calls) -> None:
    """In batches, so that no statement grows with what has waited."""
    lanes = [waiting_on(whatsapp, now() + timedelta(minutes=10))[0] for _ in range(5)]
    ChannelHealth.objects.create(channel=whatsapp, held_until=now() + timedelta(minutes=10), failures=3)
    monkeypatch.setattr(watch, "MOST", 2)
    watch.channel_release(whatsapp)
    assert not Delivery.objects.filter(due_at__gt=now()).exists()
    assert len(calls.of("deliver")) == 2, "the sweep wakes the others"
    assert set(calls.of("deliver")) <= {lane.conversation_id for lane in lanes}


def test_a_throttled_lane_leaves_the_one_try_after_a_hold_to_another(scope, whatsapp, monkeypatch, calls) -> None:
    [waiting] = waiting_on(whatsapp, now())
    over = ago(seconds=1)
    ChannelHealth.objects.create(channel=whatsapp, held_until=over)
    monkeypatch.setattr(due, "allow", lambda *_: 3.0)
    assert deliver_verb.deliver(waiting.conversation_id) == 0
    assert ChannelHealth.objects.get().held_until == over
    assert channel_admits(whatsapp) is None


def test_a_worker_that_lost_its_lease_sends_nothing_more_of_the_lane(scope, whatsapp, monkeypatch, calls) -> None:
    first, second = waiting_on(whatsapp, now(), number=2)
    sent: list[str] = []

    def send(*_: Any) -> SendResult:
        sent.append("one")
        Delivery.objects.filter(id=first.id).update(claim=first.id)  # another worker has taken it over
        return SendResult("wamid.OUT")

    monkeypatch.setattr(type(whatsapp.adapter), "send", send)
    assert deliver_verb.deliver(first.conversation_id) == 0
    assert (len(sent), Delivery.objects.get(id=second.id).status) == (1, "queued")


# --------------------------------------------------------------------------------- calls


@pytest.mark.parametrize("column", ["held_until", "paused_at"])
def test_endpoints_that_rest_starve_no_other(scope, calls, column) -> None:
    calls_to(endpoints(scope, CROWD, **{column: now() + timedelta(minutes=9)}), ago(hours=1))
    [awake] = endpoints(scope, 1)
    calls_to([awake], ago(seconds=30))
    calls.all.clear()
    tasks.sweep()
    assert calls.of("call_endpoint") == [awake.id]
    assert measured()["age"]["events"] < 60


def test_a_crowd_of_calls_to_one_endpoint_is_one(scope, calls) -> None:
    busy, other = endpoints(scope, 2)
    calls_to([busy] * CROWD, ago(hours=1))
    calls_to([other], ago(seconds=30))
    calls.all.clear()
    tasks.sweep()
    assert calls.of("call_endpoint") == [busy.id, other.id]


def test_all_that_waited_for_a_disabled_endpoint_has_failed(scope) -> None:
    calls_to(endpoints(scope, 1, enabled=False) * (2 * CROWD), ago(hours=1))
    tasks.sweep()
    assert set(WebhookDelivery.objects.values_list("status", "error_code")) == {("failed", "endpoint_disabled")}
