"""Hours are a form with words that people write, of a tenant and of each channel, and no raw JSON (ADM-1, TEN-2)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from channels_app.models import Channel
from messaging.admin.tenant.hours_form import HoursForm, holidays_read, holidays_written, spans_read, spans_written
from tenants.hours import WEEKDAYS, BusinessHours
from tenants.models import AuditEntry, Tenant
from tenants.tenant_settings import settings_for
from tests.factories import ChannelFactory

pytestmark = pytest.mark.django_db

REPLIES = {
    "out_of_hours_reply": "", "out_of_hours_replies": "", "expected_reply_minutes": "", "first_response_minutes": "",
}  # fmt: skip
WEEK = {"opening": "times", "time_zone": "Europe/Berlin", "mon": "09:00-12:30, 13:30-18:00", "holidays": ""}
HOURS = {
    "time_zone": "Europe/Berlin",
    "days": {"mon": [{"start": "09:00:00", "end": "12:30:00"}, {"start": "13:30:00", "end": "18:00:00"}]},
}


@pytest.fixture
def boss(tenant: Tenant, staff_of: Any) -> Client:
    return staff_of(tenant, ("tenants:read", "tenants:write"))


@pytest.fixture
def channel(tenant: Tenant) -> Channel:
    return ChannelFactory(tenant=tenant, name="Website")


def address(tenant: Tenant, query: str = "") -> str:
    return f"/admin/tenants/tenant/{tenant.id}/hours/{query}"


def saved(boss: Client, tenant: Tenant, query: str = "", **sent: Any) -> Any:
    answer = boss.post(address(tenant, query), {**REPLIES, **WEEK, **sent})
    assert answer.status_code == 302, (answer.context["form"].errors, answer.context["replies"].errors)
    tenant.refresh_from_db()
    return tenant.settings


def errors(boss: Client, tenant: Tenant, **sent: Any) -> str:
    answer = boss.post(address(tenant), {**REPLIES, **WEEK, **sent})
    assert (answer.status_code, Tenant.objects.get(id=tenant.id).settings) == (200, tenant.settings)
    return f"{answer.context['form'].errors}{answer.context['replies'].errors}"


def test_what_is_entered_is_stored_holds_and_is_shown_again(tenant, boss) -> None:
    tenant.settings = {"bot_name": "Ada"}
    tenant.save()
    replies = {"out_of_hours_reply": "Back {opens}.", "out_of_hours_replies": "de: Bis {opens}: Geduld\nfr: À {opens}"}
    stored = saved(boss, tenant, **replies, expected_reply_minutes="10", first_response_minutes="30")
    assert stored == {
        "bot_name": "Ada", "business_hours": HOURS, "out_of_hours_reply": "Back {opens}.",
        "out_of_hours_replies": {"de": "Bis {opens}: Geduld", "fr": "À {opens}"},
        "expected_reply_minutes": 10, "first_response_minutes": 30,
    }  # fmt: skip
    assert settings_for(tenant.id).first_response_minutes == 30
    page = boss.get(address(tenant))
    assert page.context["form"]["mon"].value() == WEEK["mon"]
    assert page.context["replies"]["out_of_hours_replies"].value() == replies["out_of_hours_replies"]
    entry = AuditEntry.objects.unscoped().get(action="tenant.updated")
    assert entry.changes == {"fields": ["settings"], "about": "hours"}


def test_saving_what_is_shown_changes_nothing(tenant, boss) -> None:
    before = saved(boss, tenant, holidays="2026-12-24 09:00-12:00 Christmas Eve\n12-25 Christmas\n2027-01-01")
    shown = boss.get(address(tenant)).context["form"].initial
    assert saved(boss, tenant, **shown) == before


def test_a_channel_has_hours_of_its_own_and_gives_them_up_again(tenant, boss, channel) -> None:
    saved(boss, tenant)
    query = f"?channel={channel.key}"
    own = saved(boss, tenant, query, opening="always", time_zone="Asia/Tokyo")
    assert (own["business_hours"], own["business_hours_of"]) == (HOURS, {channel.key: {"time_zone": "Asia/Tokyo"}})
    assert "(own hours)" in boss.get(address(tenant)).content.decode()
    assert saved(boss, tenant, query, opening="tenants")["business_hours_of"] == {}


def test_at_any_hour_is_the_default(tenant, boss) -> None:
    saved(boss, tenant)
    assert saved(boss, tenant, opening="always", time_zone="UTC")["business_hours"] == {}


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        ({"mon": "nine to five"}, "write it like 09:00-17:30"),
        ({"mon": "17:00-09:00"}, "the end must be after the start"),
        ({"mon": "09:00-12:00, 11:00-13:00"}, "overlap"),
        ({"mon": "09:00-25:00"}, "there is no such time"),
        ({"mon": ""}, "times for a day at least"),
        ({"time_zone": "Mars/Base"}, "Select a valid choice"),
        ({"holidays": "Christmas"}, "begin with its date"),
        ({"holidays": "2026-02-30"}, "there is no such day"),
        ({"holidays": "2026-12-24 09:00"}, "begin with its date"),
        ({"holidays": "2026-12-24 09:00 to 12:00"}, "begin with its date"),
        ({"holidays": "2026-12-25\n2026-12-25 again"}, "on the same day"),
        ({"out_of_hours_replies": "Wir haben zu"}, "the language, a colon"),
        ({"out_of_hours_replies": "german!: zu"}, "out_of_hours_replies"),
        ({"first_response_minutes": "0"}, "greater than or equal to 1"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_cannot_be_is_told_at_its_field(tenant, boss, sent: dict[str, str], told: str) -> None:
    assert told in errors(boss, tenant, **sent)


def test_who_may_only_read_sees_it_and_changes_nothing(tenant, staff_of) -> None:
    reader = staff_of(tenant, ("tenants:read",))
    assert "Save" not in reader.get(address(tenant)).content.decode()
    assert reader.post(address(tenant), {**REPLIES, **WEEK}).status_code == 403


def test_another_tenants_hours_and_channels_are_not_there(tenant, other_tenant, boss) -> None:
    theirs = ChannelFactory(tenant=other_tenant)
    assert boss.get(address(other_tenant)).status_code == 404
    assert boss.get(address(tenant, f"?channel={theirs.key}")).status_code == 404


def test_the_tenants_page_leads_there(tenant, boss) -> None:
    assert address(tenant) in boss.get(f"/admin/tenants/tenant/{tenant.id}/change/").content.decode()


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("9-12", "09:00-12:00"),
        ("9:00 – 12:30 and 13.30-18", "09:00-12:30, 13:30-18:00"),
        ("22:00-24:00; 00:00-02:00", "22:00-24:00, 00:00-02:00"),
    ],
)
def test_people_write_times_in_several_ways(written: str, read: str) -> None:
    assert spans_written(spans_read(written)) == read


def test_holidays_are_read_as_they_are_written() -> None:
    lines = "2026-12-24 09:00-12:00, 14:00-16:00 Christmas Eve\n12-26 2nd day of Christmas\n02-29"
    assert holidays_written(holidays_read(lines)) == lines


def test_any_hours_survive_the_form() -> None:
    given = BusinessHours.model_validate({**HOURS, "holidays": [{"date": "2026-05-01", "yearly": True}]})
    form = HoursForm(HoursForm.filled_with(given))
    assert form.is_valid()
    assert form.hours is not None
    [holiday] = form.hours.holidays
    assert (form.hours.days, form.hours.time_zone) == (given.days, given.time_zone)
    assert (holiday.yearly, holiday.date.month, holiday.date.day) == (True, 5, 1)
    assert set(WEEKDAYS) <= form.fields.keys()
