"""The dashboard: whose figures one sees, what they say, and what a page of them costs (ADM-3)."""

from __future__ import annotations

import csv
import uuid
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from channels_app.models import Channel
from messaging.admin.dashboard import page, shown
from messaging.admin.dashboard.export import HEAD
from messaging.figures.asked import MOST_DAYS, MOST_TENANTS, today
from messaging.figures.facts import ALL, COUNTS, NONE, Place
from messaging.figures.sheet import Sheet
from messaging.models import DaySheet
from tenants.api.trail.cells import safe
from tenants.models import Team, Tenant, User
from tenants.storage.db import new_id, now, on_mongo
from tests.factories import (
    ChannelFactory,
    ConversationFactory,
    MembershipFactory,
    RoleFactory,
    TenantFactory,
    UserFactory,
    sheet_put,
)

INDEX = "/admin/"
MINUTE = 60_000


def sheet(
    tenant: Tenant, channel: Any, *, day: date | None = None, agent: User | None = None, team: uuid.UUID = NONE,
    **counts: int,
) -> None:  # fmt: skip
    figures = Sheet()
    figures.counts.update(counts)
    for minutes in (1, 2, 3, 40):
        figures.spread("first_response").add(minutes * MINUTE)
        figures.spread("response").add(minutes * MINUTE)
        figures.spread("resolution").add(60 * minutes * MINUTE)
    place = Place(day or today(), getattr(channel, "id", channel), team, agent.id if agent else NONE)
    sheet_put(tenant, place, figures)


@pytest.fixture
def shop(tenant: Tenant) -> Channel:
    channel = ChannelFactory(tenant=tenant, kind="web", name="Shop")
    sheet(
        tenant, channel, started=40, ended=30, bot_alone=15, escalated=10, abandoned=3, received=120, sent_by_bot=80,
        sent_by_staff=20, failed=5, sessions=44, rated_5=3, rated_2=1, cost_micro_usd=1_250_000, input_tokens=12_345,
    )  # fmt: skip
    return channel


@pytest.fixture
def elsewhere(other_tenant: Tenant) -> Channel:
    channel = ChannelFactory(tenant=other_tenant, kind="web", name="Secret shop")
    sheet(other_tenant, channel, started=7000, ended=6000)
    return channel


def tiles(client: Client, query: str = "") -> dict[str, str]:
    return {tile.title: tile.value for tile in client.get(INDEX + query).context["dashboard"]["tiles"]}


def wrong(client: Client, query: str) -> list[str]:
    return client.get(INDEX + query).context["dashboard"]["choice"].wrong


def export(client: Client, query: str = "") -> list[dict[str, str]]:
    text = client.get(reverse("admin:figures_export") + query).content.decode("utf-8-sig")
    return list(csv.DictReader(text.splitlines()))


def test_tiles_say_what_happened_and_lead_there(staff_of: Callable[..., Client], tenant: Tenant, shop: Channel) -> None:
    client = staff_of(tenant)
    assert tiles(client) == {
        "Waits longest now": "–",
        "Conversations started": "40", "Answered by the bot alone": "50 %", "Handed to a colleague": "10", "Ended": "30",
        "First response of a colleague": "2 min", "Resolution": "2 h", "Longest wait": "40 min", "Satisfaction": "4.2",
        "Messages": "220", "Deliveries failed": "5", "First answer by anyone": "–",
        "Cost of the assistant": "$1.25",
    }  # fmt: skip
    links = {tile.link for tile in client.get(INDEX).context["dashboard"]["tiles"] if tile.link}
    assert {client.get(link).status_code for link in links} == {200}
    assert len(links) == 6


def test_one_of_a_kind_is_told_as_one(staff_of: Callable[..., Client], tenant: Tenant) -> None:
    alone = ChannelFactory(tenant=tenant, kind="web", name="Shop")
    sheet(
        tenant, alone, started=1, ended=1, received=1, sent_by_staff=1, sessions=1, rated_4=1, input_tokens=1, answers=1
    )
    page = staff_of(tenant).get(INDEX).context["dashboard"]
    told = {tile.title: (tile.detail, tile.about) for tile in page["tiles"]}
    assert told["Conversations started"][0] == "1 session"
    assert told["Satisfaction"][0] == "of 5, 1 rating"
    assert told["First answer by anyone"][0] == "none in this period"
    assert told["Cost of the assistant"] == ("1 token in, 0 out", "1 answer, 0 fallback replies")


def test_the_longest_wait_is_of_this_moment(
    staff_of: Callable[..., Client], tenant: Tenant, other_tenant: Tenant
) -> None:
    asked = now() - timedelta(minutes=30)
    for number, own in enumerate((tenant, tenant, other_tenant)):
        ConversationFactory(
            tenant=own, held_by="queue", control_owner="human", waiting_since=asked - timedelta(minutes=60 * number)
        )
    ConversationFactory(tenant=tenant, waiting_since=asked - timedelta(days=3))  # for the bot
    assert tiles(staff_of(tenant))["Waits longest now"] == "1.5 h"


def test_the_page_no_longer_repeats_the_sidebar(staff_of: Callable[..., Client], tenant: Tenant, shop: Channel) -> None:
    page = staff_of(tenant).get(INDEX).content.decode()
    assert "app-list" not in page
    assert page.count('class="chart"') == 3
    assert "<script>" not in page.partition('aria-labelledby="figures"')[2].partition("</section>")[0]


def test_staff_see_their_own_tenants_only(staff_of: Callable[..., Client], tenant: Tenant, shop: Channel, elsewhere: Channel) -> None:  # fmt: skip
    client = staff_of(tenant)
    assert tiles(client, "?tenant=globex")["Conversations started"] == "40"
    assert wrong(client, "?tenant=globex") == ["There is no such tenant of yours."]
    assert wrong(client, f"?channel={elsewhere.id}") == ["There is no such channel here; all are shown."]
    assert "Secret shop" not in client.get(INDEX).content.decode()
    assert {row["channel"] for row in export(client, "?tenant=globex")} == {"Shop"}


def test_a_superuser_sees_all_together_or_one(superuser: Client, shop: Channel, elsewhere: Channel) -> None:
    assert tiles(superuser)["Conversations started"] == "7,040"
    assert tiles(superuser, "?tenant=acme")["Conversations started"] == "40"


def test_of_many_tenants_one_is_shown(superuser: Client, shop: Channel) -> None:
    TenantFactory.create_batch(MOST_TENANTS)
    assert superuser.get(INDEX).context["dashboard"]["choice"].tenant.slug == "acme"


def test_of_very_many_tenants_some_are_offered(
    superuser: Client, shop: Channel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page, "MOST_OFFERED", 3)
    TenantFactory.create_batch(5)
    offered = superuser.get(f"{INDEX}?tenant=tenant-z").context["dashboard"]["filters"][0]["options"]
    assert len(offered) == 3
    last = TenantFactory(name="Zebra", slug="zebra")
    filters = superuser.get(f"{INDEX}?tenant={last.slug}").context["dashboard"]["filters"]
    assert filters[0]["options"][0] == ("zebra", "Zebra", True)


def test_without_the_right_to_read_figures_there_are_none(staff_of: Callable[..., Client], tenant: Tenant, shop: Channel) -> None:  # fmt: skip
    client = staff_of(tenant, ("conversations:read",))
    page = client.get(INDEX)
    assert (page.status_code, page.context["dashboard"]) == (200, None)
    assert "<code>analytics:read</code>" in page.content.decode()
    assert client.get(reverse("admin:figures_export")).status_code == 403
    assert Client().get(reverse("admin:figures_export")).status_code == 302


def test_filters_narrow_the_figures(staff_of: Callable[..., Client], tenant: Tenant, shop: Channel) -> None:
    client, ben = staff_of(tenant), UserFactory(username="ben", first_name="Ben", last_name="Ahlers")
    MembershipFactory(tenant=tenant, user=ben, role=RoleFactory(tenant=tenant))
    phone = ChannelFactory(tenant=tenant, kind="sms", name="Phone")
    sheet(tenant, phone, started=2)
    team = Team.objects.unscoped().create(tenant=tenant, name="Returns")  # unscoped: a page opens its own scope
    for where in (shop.id, ALL):
        sheet(tenant, where, agent=ben, sent_by_staff=9, ended=4)
    sheet(tenant, shop, team=team.id, ended=6)
    sheet(tenant, shop, day=today() - timedelta(days=40), started=100)
    assert tiles(client)["Conversations started"] == "42"
    assert tiles(client, f"?channel={phone.id}")["Conversations started"] == "2"
    assert tiles(client, "?days=90")["Conversations started"] == "142"
    before = today() - timedelta(days=45), today() - timedelta(days=35)
    assert tiles(client, "?from={}&to={}".format(*before))["Conversations started"] == "100"
    assert tiles(client, f"?agent={ben.id}") == {
        "Waits longest now": "–",
        "Handed to a colleague": "0", "Ended": "4", "First response of a colleague": "2 min", "Resolution": "2 h",
        "Longest wait": "40 min", "Satisfaction": "–",
    }  # fmt: skip
    assert tiles(client, f"?team={team.id}")["Ended"] == "6"
    table = client.get(f"{INDEX}?by=agent").context["dashboard"]["table"]
    assert [(line["name"], line["cells"][0]) for line in table["lines"]] == [
        ("Ben Ahlers", {"head": "Answers", "text": "9"})
    ]


@pytest.mark.parametrize(
    "query",
    ["?days=11", "?from=yesterday&to=2026-01-01", "?from=2026-01-02&to=2026-01-01", "?from=2026-01-02",
     "?from=1900-01-01&to=2026-01-01", "?team=0", "?agent=%00"],
)  # fmt: skip
def test_a_parameter_that_means_nothing_is_told(staff_of: Callable[..., Client], tenant: Tenant, shop: Channel, query: str) -> None:  # fmt: skip
    client = staff_of(tenant)
    assert len(wrong(client, query)) == 1
    assert tiles(client, query)["Conversations started"] == "40"


def test_a_period_has_an_end(staff_of: Callable[..., Client], tenant: Tenant, shop: Channel) -> None:
    first = today() - timedelta(days=MOST_DAYS)
    assert wrong(staff_of(tenant), f"?from={first}&to={today()}") == [f"A period has at most {MOST_DAYS} days."]
    assert wrong(staff_of(tenant), f"?from={first + timedelta(days=1)}&to={today()}") == []


def test_an_empty_period_says_so(staff_of: Callable[..., Client], tenant: Tenant) -> None:
    assert "Nothing happened in this period" in staff_of(tenant).get(INDEX).content.decode()


# ---------------------------------------------------------------------------------- what it costs


def statements(client: Client, query: str) -> list[str]:
    with CaptureQueriesContext(connection) as seen:
        assert client.get(INDEX + query).status_code == 200
    own = ("django_session", '"tenants_user"."password"')
    return [one["sql"] for one in seen.captured_queries if not any(name in one["sql"] for name in own)]


@pytest.mark.skipif(on_mongo(), reason="no SQL there")
@pytest.mark.parametrize("query", ["", "?days=90", "?by=agent", "?tenant=acme&days=7"])
def test_the_page_takes_five_statements(staff_of: Callable[..., Client], superuser: Client, tenant: Tenant, shop: Channel, query: str) -> None:  # fmt: skip
    member = staff_of(tenant)
    User.objects.update(second_factor_at=now())  # an operator without one costs a statement more: is it demanded?
    for client in (member, superuser):
        assert len(statements(client, query)) == 5, statements(client, query)


# --------------------------------------------------------------------------------------- CSV


def test_the_export_has_a_line_for_each_day_and_channel(staff_of: Callable[..., Client], tenant: Tenant, shop: Channel) -> None:  # fmt: skip
    sheet(tenant, shop, day=today() - timedelta(days=1), started=5)
    rows = export(staff_of(tenant), "?days=7")
    assert [(row["day"], row["tenant"], row["channel"], row["started"]) for row in rows] == [
        (str(today() - timedelta(days=1)), "Acme", "Shop", "5"),
        (str(today()), "Acme", "Shop", "40"),
    ]
    assert (rows[1]["satisfaction_mean"], rows[1]["first_response_count"], rows[1]["response_longest_s"]) == (
        "4.25", "4", "2400.0",
    )  # fmt: skip
    assert list(rows[0]) == HEAD
    assert set(COUNTS) < set(HEAD)


@pytest.mark.parametrize(
    "name", ["=HYPERLINK(1)", "+1", "-1+1", "@SUM(1)", "\t=1", "  =1", "|calc", "%0a=1"], ids=range(8)
)
def test_no_cell_is_a_formula(staff_of: Callable[..., Client], tenant: Tenant, name: str) -> None:
    sheet(tenant, ChannelFactory(tenant=tenant, kind="web", name=name), started=1)
    [row] = export(staff_of(tenant))
    assert row["channel"] == f"'{name}"
    assert safe("Shop – 2") == "Shop – 2"


def test_of_what_is_gone_the_export_has_the_id(staff_of: Callable[..., Client], tenant: Tenant, shop: Channel) -> None:
    gone = new_id()
    DaySheet.objects.unscoped().update(channel=gone)  # unscoped: there is one
    assert [row["channel"] for row in export(staff_of(tenant))] == [str(gone)]


# ------------------------------------------------------------------------------------- words


@pytest.mark.parametrize(
    ("took_ms", "told"),
    [(None, "–"), (0, "0 ms"), (850, "850 ms"), (42_000, "42 s"), (210_000, "3.5 min"), (7_200_000, "2 h"),
     (103_680_000, "1.2 d"), (400 * 86_400_000, "400 d")],
)  # fmt: skip
def test_durations_are_told_shortly(took_ms: float | None, told: str) -> None:
    assert shown.duration(took_ms) == told


def test_numbers_are_told_shortly() -> None:
    assert [shown.number(count) for count in (0, 1234, 56_780, 1_200_000)] == ["0", "1,234", "56.8k", "1.2M"]
    assert (shown.percent(1, 0), shown.percent(1, 3), shown.money(0.001), shown.rating(None)) == (
        "–", "33.3 %", "$0.001", "–",
    )  # fmt: skip
