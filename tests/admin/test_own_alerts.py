"""Every member of staff has a page on their alerts, by e-mail and in the inbox (EVT-5, ADM-1)."""

from __future__ import annotations

from smtplib import SMTPServerDisconnected
from typing import Any, get_args

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend

from tenants.members.alert_choice import CALLS, KINDS, NO_MAIL
from tenants.models import AuditEntry, Membership
from tenants.tenant_settings import Quiet
from tests.factories import MembershipFactory, UserFactory

pytestmark = pytest.mark.django_db

ALL = [*CALLS, *KINDS]
ADDRESS = "/admin/tenants/membership/alerts/"


def sent(member: Membership, **chosen: Any) -> dict[str, Any]:
    return {f"{member.pk}-{name}": value for name, value in chosen.items()}


@pytest.fixture
def agent(tenant, staff_of) -> Any:
    """With no permission about members."""
    client = staff_of(tenant, ("conversations:read",))
    return client, Membership.objects.unscoped().get(tenant=tenant)


def test_who_has_chosen_nothing_is_told_everything(agent) -> None:
    client, member = agent
    page = client.get(ADDRESS)
    [(shown, form)] = page.context["choices"]
    assert (shown, form["in_hours_only"].value()) == (member, False)
    assert (form["kinds"].value(), form["browser"].value()) == (ALL, ALL)
    assert page.content.decode().count('" checked aria-label="') == 2 * len(ALL)


def test_a_choice_is_kept_and_shown_again(agent) -> None:
    client, member = agent
    chosen = {"kinds": ["escalations", "late", "mention"], "browser": ["assigned", "engine"], "in_hours_only": "on"}
    assert client.post(ADDRESS, sent(member, **chosen)).status_code == 302
    member.refresh_from_db()
    assert member.alerts == {
        "quiet": [kind for kind in KINDS if kind not in ("escalations", "late")],
        "quiet_calls": ["assigned"],
        "quiet_in_browser": [kind for kind in ALL if kind not in ("assigned", "engine")],
        "in_hours_only": True,
        "rest_from": None,
        "rest_until": None,
        "time_zone": "",
    }
    [(_, form)] = client.get(ADDRESS).context["choices"]
    assert form["kinds"].value() == ["mention", "escalations", "late"]
    assert (form["browser"].value(), form["in_hours_only"].value()) == (["assigned", "engine"], True)
    assert AuditEntry.objects.unscoped().get(action="membership.updated").changes == {"fields": ["alerts"]}


@pytest.mark.parametrize(("browser", "calm"), [(["late"], True), (["escalations"], False)], ids=["calm", "called"])
def test_people_who_wait_call_in_the_inbox_as_chosen(agent, browser: list[str], calm: bool) -> None:
    client, member = agent
    client.post(ADDRESS, sent(member, kinds=ALL, browser=browser))
    assert ("data-calm" in client.get("/admin/inbox/").content.decode()) == calm


def test_quiet_hours_are_kept_and_shown_again(agent) -> None:
    client, member = agent
    chosen = {"rest_from": "22:00", "rest_until": "07:00", "time_zone": "Asia/Tokyo"}
    assert client.post(ADDRESS, sent(member, kinds=["late"], **chosen)).status_code == 302
    [(_, form)] = client.get(ADDRESS).context["choices"]
    assert {name: form[name].value() for name in chosen} == chosen
    assert client.post(ADDRESS, sent(member, kinds=["late"], **chosen)).status_code == 302
    assert AuditEntry.objects.unscoped().filter(action="membership.updated").count() == 1


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"rest_from": "22:00"}, "need both times"),
        ({"rest_until": "22:00"}, "need both times"),
        ({"rest_from": "22:00", "rest_until": "22:00"}, "must end at another time"),
        ({"rest_from": "25:00", "rest_until": "07:00"}, "Enter a valid time"),
        ({"rest_from": "22:00", "rest_until": "07:00", "time_zone": "Mars/Olympus"}, "Select a valid choice"),
    ],
    ids=["no end", "no beginning", "no length", "no time", "no zone"],
)
def test_quiet_hours_that_mean_nothing_are_refused(agent, chosen: dict[str, str], said: str) -> None:
    client, member = agent
    assert said in client.post(ADDRESS, sent(member, kinds=[], **chosen)).content.decode()
    member.refresh_from_db()
    assert member.alerts is None


LOCMEM = "django.core.mail.backends.locmem.EmailBackend"


class Refuses(BaseEmailBackend):
    def send_messages(self, email_messages: Any) -> int:
        raise SMTPServerDisconnected


@pytest.mark.parametrize(
    ("backend", "address", "said", "count"),
    [
        (LOCMEM, "ana@example.com", "A test was sent to ana@example.com.", 1),
        (LOCMEM, "", "has no e-mail address", 0),
        (NO_MAIL, "ana@example.com", "has no mail server", 0),
        (f"{__name__}.Refuses", "ana@example.com", "did not take the test", 0),
    ],
    ids=["sent", "no address", "no mail server", "refused"],
)
def test_a_test_mail_goes_to_the_one_who_asks(
    agent, settings, backend: str, address: str, said: str, count: int
) -> None:
    client, member = agent
    settings.EMAIL_BACKEND = backend
    member.user.email = address
    member.user.save()
    answer = client.post(ADDRESS, {**sent(member, kinds=["late"]), "test": "1"})
    assert (said in answer.content.decode(), [mailed.to for mailed in mail.outbox]) == (True, [[address]] * count)
    assert answer.context["choices"][0][1]["kinds"].value() == ["late"]
    member.refresh_from_db()
    assert member.alerts is None


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


def test_alerts_have_the_same_names_for_a_member_and_for_the_tenant(superuser, tenant) -> None:
    page = superuser.get(f"/admin/tenants/tenant/{tenant.id}/settings/?section=alerts")
    for kind in get_args(Quiet):
        assert KINDS[kind].replace("'", "&#x27;") in page.content.decode()
