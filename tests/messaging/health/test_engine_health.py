"""Staff hear when the engine answers again, once it does and fails no more (EVT-5, PIPE-3)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from assistant.models import EngineHealth
from conversations.models import Conversation, Event
from conversations.timeline import NewEvent, conversation_advance, events_append
from messaging import housekeeping
from messaging.models import HandledEvent, StaffAlert
from messaging.publish import publish_events
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.storage.db import new_id
from tests.factories import ConversationFactory

pytestmark = pytest.mark.django_db
BEGIN = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
DOWN, AGAIN = "The assistant does not answer", "The assistant answers again"


class House:
    """Minutes go by after BEGIN; each ends with the service's own work."""

    def __init__(self, talk: Conversation, clock: Any):
        self.talk, self.clock = talk, clock

    def answers(self, minute: float, *, degraded: bool) -> None:
        self.at(minute)
        taken = conversation_advance({"id": self.talk.id}, events=1)
        assert taken is not None
        facts = {"turn_id": str(new_id()), "message_ids": [], "engine": "remote", "degraded": degraded}
        events_append(taken, [NewEvent("chat.message.processed", facts)])

    def at(self, minute: float) -> None:
        self.clock.move_to(BEGIN + timedelta(minutes=minute), tick=False)

    def told(self, minute: float) -> list[str]:
        self.at(minute)
        publish_events()
        housekeeping.STEPS["engines_well_again"](lambda: True)
        publish_events()
        return list(StaffAlert.objects.order_by("id").values_list("subject", flat=True))


@pytest.fixture
def house(scope: Tenant, time_machine: Any, settings: Any) -> House:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    time_machine.move_to(BEGIN, tick=False)
    return House(ConversationFactory(tenant=scope), time_machine)


def test_an_engine_that_answered_and_fails_no_more_is_well(house: House) -> None:
    house.answers(0, degraded=True)
    house.answers(2, degraded=True)
    house.answers(3, degraded=False)
    assert house.told(6.9) == [DOWN]
    assert house.told(7) == [DOWN, AGAIN]
    assert house.told(60) == [DOWN, AGAIN]
    text = StaffAlert.objects.latest("id").text
    assert text.startswith("Fallback replies from 02 March 08:00 to 02 March 08:02 (UTC): 2.")
    said = Event.objects.get(type="chat.system.engine_recovered").payload
    assert (said["failures"], said["answered_at"]) == (2, "2026-03-02T08:03:00.000Z")


def test_silence_is_no_proof(house: House) -> None:
    house.answers(0, degraded=True)
    assert house.told(30) == [DOWN]
    assert house.told(31) == [DOWN]
    house.answers(31, degraded=False)
    assert house.told(32) == [DOWN, AGAIN]


def test_an_engine_that_fails_anew_is_told_at_once(house: House) -> None:
    house.answers(0, degraded=True)
    house.answers(1, degraded=False)
    house.told(6)
    house.answers(10, degraded=True)
    assert house.told(10) == [DOWN, AGAIN, DOWN]
    assert EngineHealth.objects.get().failures == 1


def test_one_that_wavers_is_not_told_again_and_again(house: House) -> None:
    for minute in range(0, 60, 10):
        house.answers(minute, degraded=True)
        house.answers(minute + 1, degraded=False)
        house.told(minute + 9)
    assert house.told(109) == [DOWN, AGAIN, DOWN]
    assert house.told(110) == [DOWN, AGAIN, DOWN, AGAIN]


def test_failures_count_once_and_in_any_order(house: House) -> None:
    house.answers(4, degraded=True)
    publish_events()
    house.answers(2, degraded=True)
    house.at(5)
    publish_events()
    health = EngineHealth.objects.get()
    assert (health.failures, health.failed_at) == (2, BEGIN + timedelta(minutes=4))


def test_answers_cost_no_mark(house: House) -> None:
    house.answers(0, degraded=False)
    assert house.told(10) == []
    assert HandledEvent.objects.filter(handler__in=("engine", "notification")).count() == 0
    assert not EngineHealth.objects.exists()


def test_each_tenant_has_its_own(house: House, other_tenant: Tenant) -> None:
    house.answers(0, degraded=True)
    with tenant_scope(other_tenant.id):
        elsewhere = House(ConversationFactory(tenant=other_tenant), house.clock)
        elsewhere.answers(1, degraded=False)
    assert house.told(10) == [DOWN]
    with tenant_scope(other_tenant.id):
        assert not StaffAlert.objects.exists()
