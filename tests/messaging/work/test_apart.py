"""What fails for one row, table or tenant keeps nothing from the others behind it (OPS-10, DEL-2)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import psycopg
import pytest
from django.db import OperationalError

from channels_app.models import Channel
from conversations.models import Conversation, Event, Reaction, Session
from messaging import sweep, tasks
from messaging.housekeeping import disconnect, idle, removal, visits
from messaging.models import Delivery, DeliveryPart, EarlyStatus
from messaging.reports import delivery_status, revise
from tenants import tenant_settings
from tenants.models import Removal, Tenant
from tenants.removal import removal_start
from tenants.storage.batches import Failures
from tenants.storage.db import now
from tests.factories import (
    ChannelFactory,
    ConversationFactory,
    DeliveryFactory,
    MessageFactory,
    SessionFactory,
    TenantFactory,
)
from tests.messaging.work.test_work import receipt

pytestmark = pytest.mark.django_db(transaction=True)
OLD = timedelta(days=3)


def always() -> bool:
    return True


def first_breaks(real: Any) -> Any:
    """The function, which fails for what it is first asked for, every time."""
    first: list[Any] = []

    def breaks(key: Any, *given: Any, **options: Any) -> Any:
        key_id = getattr(key, "id", key)
        first.append(key_id)
        return 1 / 0 if key_id == first[0] else real(key, *given, **options)

    return breaks


@pytest.mark.parametrize("broken", ["calls_settle", "_overdue"])
def test_a_table_that_cannot_be_swept(scope, web, calls, monkeypatch, broken: str) -> None:
    late = receipt(web, due_at=now() - timedelta(minutes=1))
    real = sweep._overdue
    receipts = {sweep.TABLES["receipts"]: real}
    fails = {
        "calls_settle": lambda _: 1 / 0,
        "_overdue": lambda table, at: receipts.get(table, lambda *_: 1 / 0)(table, at),
    }
    monkeypatch.setattr(sweep, broken, fails[broken])
    calls.all.clear()
    with pytest.raises(ZeroDivisionError):
        tasks.sweep()
    assert calls.of("parse") == [late.id]
    assert calls.of("publish"), "the outbox is looked at as well"


def test_a_conversation_that_cannot_be_ended(scope, web, monkeypatch) -> None:
    for _ in range(2):
        ConversationFactory(tenant=scope, channel=web, last_message_at=now() - OLD)
    monkeypatch.setattr(idle, "conversation_end", first_breaks(idle.conversation_end))
    with pytest.raises(ZeroDivisionError):
        idle.idle_end(always)
    assert Conversation.objects.filter(is_open=False).count() == 1


def test_a_tenant_whose_visits_cannot_be_ended(tenant, monkeypatch) -> None:
    tenants = [TenantFactory() for _ in range(3)]
    for owner in tenants:
        SessionFactory(tenant=owner, expires_at=now() - OLD)
    real = visits._visits_close
    poor = tenants[1].id
    broken = {poor: lambda *_: 1 / 0}
    monkeypatch.setattr(
        visits, "_visits_close", lambda rows, expired: broken.get(rows[0].tenant_id, real)(rows, expired)
    )
    with pytest.raises(ZeroDivisionError):
        visits.visits_end(always)
    # unscoped: the test looks at three tenants
    left = Session.objects.unscoped().filter(ended_at=None)
    assert [row.tenant_id for row in left] == [poor]


def _sent(channel: Channel, number: int) -> Delivery:
    talk = ConversationFactory(tenant=channel.tenant, channel=channel)
    said = MessageFactory(tenant=channel.tenant, conversation=talk, direction="outbound", role="bot")
    made = DeliveryFactory(tenant=channel.tenant, message=said, status="sent", parts_sent=1)
    own = {"tenant": channel.tenant, "channel": channel, "platform_id": f"ours{number}"}
    DeliveryPart.objects.create(**own, delivery=made, index=0)
    return made


def test_a_late_status_that_cannot_be_applied(scope, whatsapp, monkeypatch) -> None:
    for number in range(2):
        _sent(whatsapp, number)
        EarlyStatus.objects.create(
            tenant=scope, channel=whatsapp, platform_id=f"ours{number}", status="read", created_at=now() - OLD
        )
    monkeypatch.setattr(delivery_status, "early_statuses_apply", first_breaks(delivery_status.early_statuses_apply))
    with pytest.raises(ZeroDivisionError):
        delivery_status.late_statuses_apply(always)
    assert sorted(Delivery.objects.values_list("status", flat=True)) == ["read", "sent"]


def test_a_late_reaction_that_cannot_be_told(scope, whatsapp, monkeypatch) -> None:
    for number in range(2):
        said = _sent(whatsapp, number).message
        Reaction.objects.create(
            tenant=scope, channel=whatsapp, target=f"ours{number}", identity=said.identity, emoji="+", at=now()
        )
    real = revise._reactions_tell
    monkeypatch.setattr(revise, "_reactions_tell", first_breaks(real))
    with pytest.raises(ZeroDivisionError):
        revise.late_changes_apply(always)
    assert Reaction.objects.filter(message=None).count() == 1


def test_a_disconnected_channel_that_cannot_be_cleared(scope, monkeypatch) -> None:
    for _ in range(2):
        ChannelFactory(tenant=scope, enabled=False, disconnected_at=now() - OLD)
    monkeypatch.setattr(disconnect, "secrets_erase", first_breaks(disconnect.secrets_erase))
    with pytest.raises(ZeroDivisionError):
        disconnect.disconnected_clear(always)
    assert Channel.objects.filter(cleared_at=None).count() == 1


def test_a_removal_that_cannot_go_on(tenant, other_tenant, monkeypatch) -> None:
    for owner in (tenant, other_tenant):
        removal_start(owner, "system")
    Removal.objects.update(due_at=now())
    real = removal.tenant_files_erase
    monkeypatch.setattr(removal, "tenant_files_erase", first_breaks(real))
    with pytest.raises(ZeroDivisionError):
        removal.removals_go_on(always)
    assert sorted(Removal.objects.values_list("status", flat=True)) == ["done", "running"]


def test_a_database_that_is_gone_is_raised_at_once() -> None:
    failures = Failures()
    with pytest.raises(OperationalError), failures.apart(row="1"):
        raise OperationalError from psycopg.OperationalError("server closed the connection")
    failures.tell()


def test_people_of_a_suspended_tenant_are_not_idle(scope, web) -> None:
    MessageFactory(tenant=scope, conversation=ConversationFactory(tenant=scope, channel=web))
    Conversation.objects.update(last_message_at=now() - OLD)
    Tenant.objects.filter(id=scope.id).update(status=Tenant.Status.SUSPENDED)
    tenant_settings.invalidate(scope.id)
    assert idle.idle_end(always) == 0
    assert not Event.objects.filter(type="chat.conversation.ended").exists()
    Tenant.objects.filter(id=scope.id).update(status=Tenant.Status.ACTIVE)
    tenant_settings.invalidate(scope.id)
    assert idle.idle_end(always) == 1
