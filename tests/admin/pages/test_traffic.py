"""Deliveries and receipts in the console are tried again (ADM-1)."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.test import Client

from messaging.models import Delivery, InboundEvent
from tenants.errors import Conflict
from tenants.models import AuditEntry
from tenants.storage.db import now
from tests.admin.conftest import World, do, rows, url
from tests.factories import (
    DeliveryFactory,
    MessageFactory,
)


def test_a_failed_delivery_is_retried(staff_of: Any, acme: World) -> None:
    do(staff_of(acme.tenant), acme.delivery, "retry")
    assert rows(Delivery).get(pk=acme.delivery.pk).status == "queued"
    assert rows(AuditEntry).filter(tenant=acme.tenant, action="delivery.retried").exists()


def test_deliveries_are_retried_from_the_list(staff_of: Any, acme: World, globex: World) -> None:
    data = {"action": "retry", "_selected_action": [acme.delivery.pk, globex.delivery.pk]}
    staff_of(acme.tenant).post(url(Delivery, "changelist"), data)
    assert rows(Delivery).get(pk=acme.delivery.pk).status == "queued"
    assert rows(Delivery).get(pk=globex.delivery.pk).status == "failed"


def test_many_retried_from_the_list_are_told_by_their_number_and_each_in_its_conversations_trail(
    staff_of: Any, acme: World
) -> None:
    talk = acme.conversation
    dead = [
        DeliveryFactory(
            message=MessageFactory(tenant=acme.tenant, conversation=talk, channel=talk.channel, seq=seq),
            tenant=acme.tenant, status="failed", dead_at=now(), error_code="131026",
        )
        for seq in range(50, 57)
    ]  # fmt: skip
    data = {"action": "retry", "_selected_action": [one.pk for one in dead]}
    page = staff_of(acme.tenant).post(url(Delivery, "changelist"), data, follow=True)
    told = [str(message) for message in page.context["messages"]]
    assert (len(told), told[-1]) == (4, "The same for 4 more.")
    trail = rows(AuditEntry).filter(action="delivery.retried", target=f"conversation:{talk.pk}")
    assert {entry.changes["delivery"] for entry in trail} == {str(one.pk) for one in dead}


def test_what_is_refused_many_times_is_said_once(staff_of: Any, acme: World, monkeypatch: Any) -> None:
    def refused(*_: Any) -> str:
        raise Conflict("Not now.", code="conflict")

    monkeypatch.setattr(type(admin.site._registry[Delivery]), "do_retry", refused)
    message = MessageFactory(tenant=acme.tenant, conversation=acme.conversation, channel=acme.channel, seq=50)
    other = DeliveryFactory(tenant=acme.tenant, message=message, status="failed")
    data = {"action": "retry", "_selected_action": [acme.delivery.pk, other.pk]}
    page = staff_of(acme.tenant).post(url(Delivery, "changelist"), data, follow=True)
    assert [str(message) for message in page.context["messages"]] == ["Not now. (2 times)"]


def test_a_receipt_is_processed_again(superuser: Client, acme: World) -> None:
    do(superuser, acme.receipt, "process")
    assert rows(InboundEvent).get(pk=acme.receipt.pk).status == "received"
