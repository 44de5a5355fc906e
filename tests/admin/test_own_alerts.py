"""Every member of staff has a page on the alerts that they are mailed (EVT-5, ADM-1)."""

from __future__ import annotations

from typing import Any

import pytest

from tenants.alert_choice import KINDS
from tenants.models import AuditEntry, Membership
from tests.factories import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db

ADDRESS = "/admin/tenants/membership/alerts/"


def sent(member: Membership, **chosen: Any) -> dict[str, Any]:
    return {f"{member.pk}-{name}": value for name, value in chosen.items()}


@pytest.fixture
def agent(tenant, staff_of) -> Any:
    """With no permission about members."""
    client = staff_of(tenant, ("conversations:read",))
    return client, Membership.objects.unscoped().get(tenant=tenant)


def test_who_has_chosen_nothing_is_mailed_everything(agent) -> None:
    client, member = agent
    page = client.get(ADDRESS)
    [(shown, form)] = page.context["choices"]
    assert (shown, form["kinds"].value(), form["in_hours_only"].value()) == (member, list(KINDS), False)


def test_a_choice_is_kept_and_shown_again(agent) -> None:
    client, member = agent
    assert client.post(ADDRESS, sent(member, kinds=["escalations", "late"], in_hours_only="on")).status_code == 302
    member.refresh_from_db()
    quiet = [kind for kind in KINDS if kind not in ("escalations", "late")]
    assert member.alerts == {"quiet": quiet, "in_hours_only": True}
    [(_, form)] = client.get(ADDRESS).context["choices"]
    assert (form["kinds"].value(), form["in_hours_only"].value()) == (["escalations", "late"], True)
    assert AuditEntry.objects.unscoped().get(action="membership.updated").changes == {"fields": ["alerts"]}


def test_colleagues_choices_are_not_there_and_stay(tenant, other_tenant, agent) -> None:
    client, member = agent
    colleagues = [MembershipFactory(tenant=tenant), MembershipFactory(tenant=other_tenant)]
    client.post(ADDRESS, {**sent(member, kinds=[]), **sent(colleagues[0], kinds=[]), **sent(colleagues[1], kinds=[])})
    kept = Membership.objects.unscoped().filter(pk__in=[colleague.pk for colleague in colleagues])
    assert list(kept.values_list("alerts", flat=True)) == [None, None]


def test_an_unknown_kind_is_refused(agent) -> None:
    client, member = agent
    assert "Select a valid choice" in client.post(ADDRESS, sent(member, kinds=["everything"])).content.decode()
    member.refresh_from_db()
    assert member.alerts is None


def test_who_is_a_member_of_no_tenant_is_told_so(client) -> None:
    client.force_login(UserFactory(is_superuser=True))
    assert "a member of no tenant" in client.get(ADDRESS).content.decode()


def test_the_sidebar_leads_there(agent) -> None:
    client, _ = agent
    assert ADDRESS in client.get("/admin/").content.decode()
