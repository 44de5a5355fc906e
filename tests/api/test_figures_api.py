"""``GET /api/v2/chat/figures``: the dashboard's figures by REST, of one's own tenant (ADM-3, OPS-5)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from messaging.figures.asked import MOST_DAYS, today
from messaging.figures.facts import ALL, NONE, Place
from messaging.figures.sheet import Sheet
from tenants.models import Tenant
from tenants.storage.db import new_id
from tests.factories import sheet_put

pytestmark = pytest.mark.django_db
WEB, BEN = new_id(), new_id()
WHERE = "/api/v2/chat/figures"


def sheet(tenant: Tenant, *, back: int = 0, channel: Any = WEB, agent: Any = NONE, **counts: int) -> None:
    figures = Sheet()
    figures.counts.update(counts)
    figures.spread("first_response").add(60_000)
    sheet_put(tenant, Place(today() - timedelta(days=back), channel, NONE, agent), figures)


@pytest.fixture
def told(tenant: Tenant, other_tenant: Tenant) -> None:
    sheet(tenant, started=4, ended=4, bot_alone=3, rated_4=1, rated_5=1, cost_micro_usd=2500)
    sheet(tenant, back=3, started=10)
    sheet(tenant, agent=BEN, sent_by_staff=2)
    sheet(tenant, agent=BEN, channel=ALL, sent_by_staff=2)
    sheet(other_tenant, started=1000)


def test_figures_are_told_by_day_channel_and_agent(tenant: Tenant, told: None, api: Any) -> None:
    client = api(tenant, "analytics:read")
    figures = client.data_of(client.get(f"{WHERE}?days=7"))
    total = figures["total"]
    assert (total["started"], total["bot_alone_share"], total["cost_usd"]) == (14, 0.75, 0.0025)
    assert total["satisfaction"] == {"count": 2, "mean": 4.5, "ratings": {"1": 0, "2": 0, "3": 0, "4": 1, "5": 1}}
    assert total["times"]["first_response"]["count"] == 2
    assert total["times"]["first_response"]["median_s"] == pytest.approx(60, rel=0.05)
    assert [day["started"] for day in figures["days"]] == [0, 0, 0, 10, 0, 0, 4]
    assert [(one["channel_id"], one["started"]) for one in figures["channels"]] == [(str(WEB), 14)]
    assert [(one["agent_id"], one["sent_by_staff"]) for one in figures["agents"]] == [(str(BEN), 2)]
    assert (figures["start_date"], figures["end_date"]) == (str(today() - timedelta(days=6)), str(today()))


def test_what_is_asked_for_narrows(tenant: Tenant, told: None, api: Any) -> None:
    client = api(tenant, "analytics:read")
    for query, started in ((f"channel_id={WEB}", 14), (f"channel_id={new_id()}", 0), ("days=1", 4), (f"agent_id={BEN}", 0),
                           (f"start_date={today() - timedelta(days=5)}&end_date={today() - timedelta(days=1)}", 10)):  # fmt: skip
        assert client.data_of(client.get(f"{WHERE}?{query}"))["total"]["started"] == started
    assert client.data_of(client.get(f"{WHERE}?agent_id={BEN}"))["total"]["sent_by_staff"] == 2


def test_reading_figures_is_a_permission_of_its_own(tenant: Tenant, told: None, api: Any) -> None:
    assert api(tenant, "conversations:read").get(WHERE).status_code == 403


@pytest.mark.parametrize(
    "query",
    ["days=0", f"days={MOST_DAYS + 1}", "start_date=2026-01-01", "start_date=2026-01-02&end_date=2026-01-01",
     "start_date=2024-01-01&end_date=2026-01-01", "start_date=0&end_date=1", "days=7&start_date=2026-01-01&end_date=2026-01-02",
     "channel_id=web", "tenant=globex"],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(tenant: Tenant, api: Any, query: str) -> None:
    assert api(tenant, "analytics:read").get(f"{WHERE}?{query}").status_code == 400
