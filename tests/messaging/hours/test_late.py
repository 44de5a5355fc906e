"""Who waits too long, in open time: staff hear of it once, and the figures of the night count for nothing (EVT-5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from channels_app.content.types import text
from channels_app.contract import Sender, Signal
from channels_app.words.moments import written
from conversations.models import Conversation, Event
from messaging.accept import accept
from messaging.arrivals.entrance import Entrance
from messaging.hours.late import is_late, late_tell
from messaging.models import StaffAlert
from messaging.publish import publish_events
from messaging.reports.outside import human_took_over_outside
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import conversation_end, take_over
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tenants.tenant_settings import invalidate
from tests.factories import ConversationFactory
from tests.messaging.hours.conftest import FRIDAY_NOON, HOURS

pytestmark = pytest.mark.django_db(transaction=True)

ASKS = Entrance(hints={"bypass_automation": True})


@pytest.fixture(autouse=True)
def target(sets: Any) -> None:
    sets(first_response_minutes=30)


def late() -> list[Any]:
    """What the timeline tells after a run of the housekeeping."""
    late_tell(lambda: True)
    return list(Event.objects.filter(payload__trigger="late").order_by("id"))


@pytest.fixture
def waiting(scope: Tenant, whatsapp: Any, said: Any, at: Any) -> Conversation:
    """Since Friday noon."""
    at(FRIDAY_NOON)
    return accept(whatsapp, said("a human please", id="1"), ASKS).conversation


def test_after_the_target_the_timeline_tells_it_once(waiting, at) -> None:
    at("2026-03-06T12:29")
    assert late() == []
    at("2026-03-06T12:30")
    [told] = late()
    assert told.payload["waiting_since"] == written(waiting.waiting_since)
    assert told.seq == Conversation.objects.get().event_seq
    at("2026-03-06T14:00")
    assert len(late()) == 1


def test_the_weekend_does_not_count(scope, whatsapp, said, at) -> None:
    at("2026-03-06T16:50")
    accept(whatsapp, said("a human please", id="1"), ASKS)
    at("2026-03-09T09:19")
    assert late() == []
    at("2026-03-09T09:20")
    assert len(late()) == 1


def test_who_is_answered_in_time_is_no_news_and_the_next_wait_counts_anew(waiting, whatsapp, said, at) -> None:
    at("2026-03-06T12:20")
    agent_reply(waiting.id, None, text("Here I am."))
    at("2026-03-06T13:00")
    assert late() == []
    accept(whatsapp, said("and my order?", id="2"))
    at("2026-03-06T13:30")
    assert len(late()) == 1
    agent_reply(waiting.id, None, text("On its way."))
    accept(whatsapp, said("when?", id="3"))
    at("2026-03-06T14:00")
    assert len(late()) == 2


@pytest.mark.parametrize("end", ["ended", "outside"])
def test_who_waits_for_none_of_us_is_not_late(waiting, whatsapp, at, end: str) -> None:
    sender = Sender(scheme="phone", value="+4915112345678")
    ends = {
        "ended": lambda: conversation_end(waiting.id),
        "outside": lambda: human_took_over_outside(whatsapp, Signal(kind="handover", sender=sender)),
    }
    ends[end]()
    at("2026-03-06T16:00")
    assert late() == []


def test_who_is_answered_by_the_bot_is_not_late(scope, whatsapp, said, at) -> None:
    at(FRIDAY_NOON)
    accept(whatsapp, said("hello", id="1"))
    at("2026-03-06T16:00")
    assert late() == []


def test_without_a_target_no_wait_is_too_long(waiting, sets, at) -> None:
    sets(first_response_minutes=None)
    at("2026-03-06T16:00")
    assert (late(), is_late(waiting, now())) == ([], False)


def test_another_tenants_target_is_theirs(waiting, other_tenant, at) -> None:
    other_tenant.settings = {"first_response_minutes": 600, "business_hours": HOURS}
    other_tenant.save()
    invalidate(other_tenant.id)
    ConversationFactory(tenant=other_tenant, held_by="queue", control_owner="human", waiting_since=now())
    at("2026-03-06T16:00")
    assert len(late()) == 1
    with tenant_scope(other_tenant.id):
        assert not Event.objects.filter(payload__trigger="late").exists()


def test_staff_are_told_unless_they_have_answered_meanwhile(waiting, sets, at) -> None:
    sets(
        first_response_minutes=30,
        alerts={"email": False, "webhook_url": "https://example.com/", "quiet": ["escalations"]},
    )
    at("2026-03-06T12:30")
    late()
    publish_events()
    alert = StaffAlert.objects.get()
    assert alert.subject == "A person has waited too long on WhatsApp"
    assert ("30 minutes of open time" in alert.text, str(waiting.id) in alert.text) == (True, True)


def test_a_target_of_one_minute_is_said_so(waiting, sets, at) -> None:
    sets(
        first_response_minutes=1,
        alerts={"email": False, "webhook_url": "https://example.com/", "quiet": ["escalations"]},
    )
    at("2026-03-06T12:30")
    late()
    publish_events()
    assert "1 minute of open time" in StaffAlert.objects.get().text


def test_staff_who_have_answered_are_not_told(waiting, sets, at) -> None:
    sets(
        first_response_minutes=30,
        alerts={"email": False, "webhook_url": "https://example.com/", "quiet": ["escalations"]},
    )
    at("2026-03-06T12:30")
    late()
    agent_reply(waiting.id, None, text("Here I am."))
    publish_events()
    assert not StaffAlert.objects.exists()


def test_a_tenant_may_be_told_of_none(waiting, sets, at) -> None:
    quiet = ["escalations", "late"]
    sets(first_response_minutes=30, alerts={"webhook_url": "https://example.com/", "quiet": quiet})
    at("2026-03-06T12:30")
    late()
    publish_events()
    assert not StaffAlert.objects.exists()


def test_a_conversation_that_is_late_says_so(waiting, at) -> None:
    assert not is_late(waiting, at("2026-03-06T12:29"))
    assert is_late(waiting, at("2026-03-06T12:30"))
    take_over(waiting.id, None)
    assert is_late(Conversation.objects.get(), now() + timedelta(minutes=1))
