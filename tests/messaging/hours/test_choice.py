"""Members of staff choose which alerts they are mailed, and whether at any hour (EVT-5)."""

from __future__ import annotations

from typing import Any

import pytest
from django.core import mail

from conversations.models import Conversation
from messaging.accept import accept
from messaging.arrivals.entrance import Entrance
from messaging.hours.late import late_tell
from messaging.models import StaffAlert
from messaging.outbox.alerts import alert_send
from messaging.publish import publish_events
from tenants.models import Membership, Tenant
from tests.factories import MembershipFactory, RoleFactory
from tests.messaging.hours.conftest import FRIDAY_NIGHT, FRIDAY_NOON

pytestmark = pytest.mark.django_db(transaction=True)

ASKS = Entrance(hints={"bypass_automation": True})


@pytest.fixture(autouse=True)
def mailing(settings: Any, sets: Any) -> None:
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"
    sets(first_response_minutes=30)


@pytest.fixture
def role(tenant: Tenant) -> Any:
    return RoleFactory(tenant=tenant, permissions=["conversations:write"])


@pytest.fixture
def wants_all(tenant: Tenant, role: Any) -> Membership:
    return MembershipFactory(tenant=tenant, role=role)


def mailed() -> list[list[str]]:
    """Who is written to of what happened."""
    publish_events()
    for alert in StaffAlert.objects.filter(status="waiting", way="email").order_by("id"):
        assert alert_send(alert.id)
    return [sorted(message.bcc) for message in mail.outbox]


@pytest.mark.parametrize(
    ("choice", "moment", "wanted"),
    [
        (None, FRIDAY_NIGHT, True),
        ({"quiet": ["late"]}, FRIDAY_NOON, True),
        ({"quiet": ["escalations"]}, FRIDAY_NOON, False),
        ({"in_hours_only": True}, FRIDAY_NOON, True),
        ({"in_hours_only": True}, FRIDAY_NIGHT, False),
        ({"quiet": "made by hand"}, FRIDAY_NOON, True),
        ({"rest_from": "22:00", "rest_until": "07:00"}, "2026-03-06T21:59", True),
        ({"rest_from": "22:00", "rest_until": "07:00"}, "2026-03-06T22:00", False),
        ({"rest_from": "22:00", "rest_until": "07:00"}, "2026-03-07T06:59", False),
        ({"rest_from": "22:00", "rest_until": "07:00"}, "2026-03-07T07:00", True),
        ({"rest_from": "12:00", "rest_until": "13:00"}, FRIDAY_NOON, False),
        ({"rest_from": "12:00", "rest_until": "13:00"}, "2026-03-06T13:00", True),
        ({"rest_from": "12:00", "rest_until": "13:00", "time_zone": "Asia/Tokyo"}, FRIDAY_NOON, True),
        ({"rest_from": "20:00", "rest_until": "21:00", "time_zone": "Asia/Tokyo"}, FRIDAY_NOON, False),
        ({"rest_from": "12:00"}, FRIDAY_NOON, True),
    ],
    ids=[
        "no choice",
        "another kind",
        "not this kind",
        "by day",
        "at night",
        "not valid",
        "before rest",
        "rest begins",
        "rest over midnight",
        "rest ends",
        "rest at noon",
        "after it",
        "noon elsewhere",
        "rest elsewhere",
        "half a rest",
    ],
)
def test_one_is_mailed_what_one_wants(
    scope, whatsapp, said, at, role, wants_all, choice: Any, moment: str, wanted: bool
) -> None:
    chooses = MembershipFactory(tenant=scope, role=role, alerts=choice)
    at(moment)
    accept(whatsapp, said("a human please", id="1"), ASKS)
    assert mailed() == [sorted([wants_all.user.email, *([chooses.user.email] if wanted else [])])]


def test_each_kind_is_chosen_by_itself(scope, whatsapp, said, at, role) -> None:
    member = MembershipFactory(tenant=scope, role=role, alerts={"quiet": ["escalations"]})
    at(FRIDAY_NOON)
    accept(whatsapp, said("a human please", id="1"), ASKS)
    assert mailed() == []
    at("2026-03-06T12:30")
    late_tell(lambda: True)
    assert mailed() == [[member.user.email]]
    assert "waited too long" in mail.outbox[0].subject


def test_an_alert_that_no_member_wants_is_done_with(scope, whatsapp, said, at, role) -> None:
    MembershipFactory(tenant=scope, role=role, alerts={"quiet": ["escalations"]})
    at(FRIDAY_NOON)
    accept(whatsapp, said("a human please", id="1"), ASKS)
    assert mailed() == []
    assert StaffAlert.objects.values_list("status", "error").get() == ("dropped", "declined")
    assert Conversation.objects.get().waiting_since is not None
