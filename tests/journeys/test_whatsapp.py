"""The WhatsApp journey beyond what every channel does: the handshake, a platform that asks to slow down, a wake-up
that got lost."""

from __future__ import annotations

import pytest
from django.test import Client

from messaging import sweep
from messaging.models import Delivery
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tests.journeys.connected import Connected

pytestmark = pytest.mark.django_db(transaction=True)

HOURS = "What are your opening hours?"


@pytest.fixture
def line(connected) -> Connected:
    return connected("whatsapp")


def test_who_wrote_is_known_by_the_number(line) -> None:
    line.ask(HOURS)
    with tenant_scope(line.tenant.id):
        assert line.inbound()[0].identity.value == "+15550107777"


@pytest.mark.parametrize(("token", "answer"), [("twin-verify-token", (200, b"42")), ("other", (401, None))])
def test_the_handshake_gives_the_challenge_back(line, token, answer) -> None:
    query = {"hub.mode": "subscribe", "hub.challenge": "42", "hub.verify_token": token}
    given = Client().get(f"/api/v2/webhooks/whatsapp/{line.channel.key}", query)
    assert (given.status_code, answer[1] and given.content) == answer


def test_an_unknown_channel_is_not_found(db) -> None:
    assert Client().post("/api/v2/webhooks/whatsapp/nobody", b"{}", content_type="application/json").status_code == 404


def test_a_429_of_the_platform_is_waited_out(tenant, line) -> None:
    line.twin.faults.order("429", times=1)
    line.ask(HOURS)
    assert (line.heard, line.deliveries()) == ([], ["queued"])
    with tenant_scope(tenant.id):
        Delivery.objects.update(due_at=now())
    line.settle()
    assert len(line.heard) == 1


def test_the_sweep_finds_what_no_worker_was_woken_for(line, monkeypatch) -> None:
    line.say(HOURS)
    line.carry()
    monkeypatch.setattr(sweep, "GRACE", sweep.GRACE * 0)
    assert sweep.sweep() == 1
