"""Hours as integrators and widgets read them (TEN-2, WEB-1)."""

from __future__ import annotations

from typing import Any

import pytest

from channels_app.models import Channel
from conversations.models import Message
from messaging.accept import accept
from messaging.arrivals.entrance import Entrance
from messaging.live.attending import answering
from messaging.live.frames import message_frame
from tests.factories import ChannelFactory
from tests.messaging.hours.conftest import FRIDAY_NIGHT, FRIDAY_NOON, HOURS

pytestmark = pytest.mark.django_db(transaction=True)

CLOSED = {"open": False, "opens_at": "2026-03-09T08:00:00.000Z", "closes_at": None, "expected_reply_minutes": 10}
OPEN = {"open": True, "opens_at": None, "closes_at": "2026-03-06T16:00:00.000Z", "expected_reply_minutes": 10}


@pytest.fixture(autouse=True)
def expected(sets: Any) -> None:
    sets(expected_reply_minutes=10)


@pytest.mark.parametrize(("moment", "told"), [(FRIDAY_NIGHT, CLOSED), (FRIDAY_NOON, OPEN)], ids=["night", "noon"])
def test_whether_people_answer_now(tenant, api, at, moment: str, told: dict[str, Any]) -> None:
    client = api(tenant, "channels:read")
    at(moment)
    answer = client.data_of(client.get("/api/v2/hours"))
    assert {name: answer[name] for name in told} == told
    assert (answer["time_zone"], answer["days"]["mon"], answer["holidays"]) == (
        HOURS["time_zone"], [{"start": "09:00:00", "end": "17:00:00"}], [],
    )  # fmt: skip


def test_a_channels_own_hours(tenant, api, whatsapp: Channel, web: Channel, sets, at) -> None:
    sets(business_hours_of={whatsapp.key: {"time_zone": "Asia/Tokyo"}})
    client = api(tenant, "channels:read")
    at(FRIDAY_NIGHT)
    told = {channel: client.data_of(client.get(f"/api/v2/channels/{channel.id}/hours")) for channel in (whatsapp, web)}
    assert [(told[channel]["open"], told[channel]["time_zone"]) for channel in (whatsapp, web)] == [
        (True, "Asia/Tokyo"), (False, "Europe/Berlin"),
    ]  # fmt: skip


def test_another_tenants_channel_is_none_of_ours(tenant, other_tenant, api) -> None:
    theirs = ChannelFactory(tenant=other_tenant)
    assert api(tenant).get(f"/api/v2/channels/{theirs.id}/hours").status_code == 404
    assert api(tenant, "messages:send").get("/api/v2/hours").status_code == 403


def test_who_waits_in_the_web_chat_is_told_when_a_human_answers(scope, web, said, at) -> None:
    at(FRIDAY_NIGHT)
    asked = Entrance(client_message_id="c1", hints={"bypass_automation": True})
    conversation = accept(web, said("a human please"), asked).conversation
    entry = Message.objects.get(role="system")
    assert message_frame(entry)["hours"] == CLOSED
    at(FRIDAY_NOON)
    assert answering(conversation) == {"mode": "queue", "name": "", "hours": OPEN, "queue": 1}
