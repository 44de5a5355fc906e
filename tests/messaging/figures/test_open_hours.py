"""First response and resolution in opening hours, from a person's question to REST and CSV, against figures by hand (TEN-2,
ADM-3)."""

from __future__ import annotations

import csv
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client

from channels_app.content.types import text
from messaging.accept import accept
from messaging.arrivals.entrance import Entrance
from messaging.publish import publish_events
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import conversation_end
from tenants import tenant_settings
from tests.factories import MembershipFactory

pytestmark = pytest.mark.django_db(transaction=True)

LONGEST = ("first_response_longest_s", "resolution_longest_s")
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def hours(zone: str, *spans: tuple[str, str], days: tuple[str, ...] = WEEK[:5], **more: Any) -> dict[str, Any]:
    told = [{"start": start, "end": end} for start, end in spans]
    return {"time_zone": zone, "days": dict.fromkeys(days, told), **more}


OFFICE = (("09:00", "17:00"),)
NIGHT = (("22:00", "00:00"), ("00:00", "04:00"))
BERLIN = hours("Europe/Berlin", *OFFICE)
#: hours; asked, answered and ended by the clock on the wall there; minutes of first response, and of resolution
CASES = {
    "before opening": (BERLIN, "2026-05-04 08:30", "2026-05-04 09:10", "2026-05-04 10:00", 10, 60),
    "over night": (BERLIN, "2026-05-04 16:50", "2026-05-05 09:20", "2026-05-05 09:30", 30, 40),
    "over a weekend": (BERLIN, "2026-05-08 16:00", "2026-05-11 09:30", "2026-05-11 18:00", 90, 540),
    "over a holiday": (
        hours("Europe/Berlin", *OFFICE, holidays=[{"date": "2020-05-05", "yearly": True}]),
        "2026-05-04 16:30", "2026-05-06 09:15", "2026-05-06 09:45", 45, 75,
    ),
    "over a holiday with hours of its own": (
        hours("Europe/Berlin", *OFFICE, holidays=[{"date": "2026-05-05", "open": [{"start": "10:00", "end": "12:00"}]}]),
        "2026-05-04 16:30", "2026-05-06 09:15", "2026-05-06 09:45", 165, 195,
    ),
    "an hour is left out": (
        hours("Europe/Berlin", ("00:00", "00:00"), days=WEEK), "2026-03-28 23:00", "2026-03-29 05:00", "2026-03-29 06:00",
        300, 360,
    ),
    "an hour comes twice": (
        hours("Europe/Berlin", ("00:00", "00:00"), days=WEEK), "2026-10-24 23:00", "2026-10-25 05:00", "2026-10-25 06:00",
        420, 480,
    ),
    "a night in which an hour is left out": (
        hours("Europe/Berlin", *NIGHT, days=WEEK), "2026-03-28 22:30", "2026-03-29 03:30", "2026-03-29 05:00", 240, 270,
    ),
    "a night in which an hour comes twice": (
        hours("Europe/Berlin", *NIGHT, days=WEEK), "2026-10-24 22:30", "2026-10-25 03:30", "2026-10-25 05:00", 360, 390,
    ),
    "a zone whose clocks never change": (
        hours("Asia/Tokyo", *OFFICE), "2026-03-30 16:00", "2026-03-31 10:00", "2026-03-31 11:00", 120, 180,
    ),
    "a zone of half an hour": (
        hours("Asia/Kolkata", *OFFICE), "2026-03-30 08:59", "2026-03-30 09:31", "2026-03-31 09:00", 31, 480,
    ),
    "clocks that change by half an hour": (
        hours("Australia/Lord_Howe", ("00:00", "06:00"), days=WEEK), "2026-04-05 00:00", "2026-04-05 05:00",
        "2026-04-05 07:00", 330, 390,
    ),
    "closed all week": (hours("Europe/Berlin"), "2026-05-04 09:00", "2026-05-05 09:00", "2026-05-06 09:00", 0, 0),
    "always open": ({}, "2026-05-04 09:00", "2026-05-05 09:00", "2026-05-06 09:30", 1440, 2910),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_times_are_those_that_are_reckoned_by_hand(
    case: Any, scope: Any, web: Any, said: Any, api: Any, time_machine: Any
) -> None:
    given, asked, answered, ended, response, resolution = case
    scope.settings = {"business_hours": given}
    scope.save()
    tenant_settings.invalidate(scope.id)
    zone = ZoneInfo(given.get("time_zone", "UTC"))

    def at(wall: str) -> datetime:
        return datetime.fromisoformat(wall).replace(tzinfo=zone).astimezone(UTC)

    ana = MembershipFactory(tenant=scope, user__username="ana").user
    time_machine.move_to(at(asked), tick=False)
    talk = accept(web, said("a human please"), Entrance(hints={"bypass_automation": True})).conversation
    time_machine.move_to(at(answered), tick=False)
    agent_reply(talk.id, ana, text("Here I am"))
    time_machine.move_to(at(ended), tick=False)
    conversation_end(talk.id)
    while publish_events():
        pass
    client = api(scope, "analytics:read")
    times = client.data_of(client.get("/api/v2/chat/figures?days=7"))["total"]["times"]
    assert {name: (times[name]["count"], times[name]["mean_s"]) for name in ("first_response", "response", "resolution")} == {
        "first_response": (1, 60 * response), "response": (1, 60 * response), "resolution": (1, 60 * resolution),
    }  # fmt: skip
    member = Client()
    member.force_login(ana)
    table = member.get("/admin/figures.csv?days=7").content.decode("utf-8-sig").splitlines()
    lines = [line for line in csv.DictReader(table) if line["agent"] == ""]
    longest = {name: max(float(line[name] or 0) for line in lines) for name in LONGEST}
    assert list(longest.values()) == [60 * response, 60 * resolution]
