"""How a member of staff works, and what rows allow, on pages of the console (ADM-1)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from assistant.models import Intent, KnowledgeEntry
from channels_app.models import Channel, ChannelIncident
from messaging.agents.models import CannedReply, Label
from tenants.access.api_keys import api_key_create
from tenants.models import ApiKey, Invitation, Membership, Role, Team
from tenants.scope import tenant_scope
from tests.admin.conftest import World, rows, url

pytestmark = pytest.mark.django_db(transaction=True)
READS = ("members:read", "keys:read", "channels:read")


def member_of(world: World) -> Membership:
    found: Membership = rows(Membership).get(tenant=world.tenant, user__username=f"{world.word}-colleague")
    return found


def save(client: Client, member: Membership, **given: Any) -> Any:
    return client.post(url(Membership, "change", member.pk), {"user": member.user_id, "role": member.role_id, **given})


def test_capacity_languages_and_skills_of_a_member_are_a_form(superuser: Client, acme: World) -> None:
    member = member_of(acme)
    given = {"capacity": "3", "languages": "en\nde", "skills": "returns\nB2B"}
    assert save(superuser, member, **given).status_code == 302
    member.refresh_from_db()
    assert member.desk == {"capacity": 3, "languages": ["en", "de"], "skills": ["returns", "B2B"]}
    form = superuser.get(url(Membership, "change", member.pk)).context["adminform"].form
    assert {name: form[name].value() for name in given} == {
        "capacity": 3, "languages": "en\nde", "skills": "returns\nB2B",
    }  # fmt: skip
    assert save(superuser, member, capacity="", languages="", skills="").status_code == 302
    member.refresh_from_db()
    assert member.desk == {"capacity": None, "languages": [], "skills": []}


@pytest.mark.parametrize(
    ("field", "value"),
    [("capacity", "501"), ("capacity", "-1"), ("languages", "en\nGerman"), ("skills", "x" * 41), ("skills", "a\0b")],
)
def test_what_is_wrong_of_them_is_said_at_the_field(field: str, value: str, superuser: Client, acme: World) -> None:
    member = member_of(acme)
    page = save(superuser, member, **{field: value})
    assert page.status_code == 200 and list(page.context["adminform"].form.errors) == [field]
    member.refresh_from_db()
    assert member.desk is None


def test_people_who_only_read_see_them(staff_of: Any, superuser: Client, acme: World) -> None:
    member = member_of(acme)
    save(superuser, member, capacity="3", languages="en\nde", skills="returns")
    page = staff_of(acme.tenant, READS).get(url(Membership, "change", member.pk)).content.decode()
    assert "en, de" in page and "returns" in page
    assert save(staff_of(acme.tenant, READS), member, capacity="5").status_code == 403


def test_permissions_of_a_row_are_read_in_words(staff_of: Any, acme: World) -> None:
    client = staff_of(acme.tenant, READS)
    with tenant_scope(acme.tenant.id):
        key, _ = api_key_create(tenant=acme.tenant, name="shop", scopes=["*"])
    role = rows(Role).get(name="acme-role")
    rows(Role).filter(pk=role.pk).update(permissions=["channels:read"])
    assert "Everything, also what comes later" in client.get(url(ApiKey, "change", key.pk)).content.decode()
    page = client.get(url(Role, "change", role.pk)).content.decode()
    assert "channels:read: " in page and "&quot;channels:read&quot;" not in page


def test_times_of_incidents_are_those_of_all_pages(superuser: Client, acme: World) -> None:
    incident = rows(ChannelIncident).get(tenant=acme.tenant)
    page = superuser.get(url(Channel, "change", acme.channel.pk)).content.decode()
    assert f"{incident.created_at:%Y, %H:%M}" in page
    assert "+00:00" not in page.partition("Incidents")[2]


@pytest.mark.parametrize(
    "model", [Label, Team, Invitation, Role, ApiKey, CannedReply, Membership, KnowledgeEntry, Intent]
)
def test_who_has_one_tenant_need_not_choose_it(
    model: Any, staff_of: Any, superuser: Client, acme: World, globex: World
) -> None:
    chosen = [
        client.get(url(model, "add")).context["adminform"].form["tenant"].value()
        for client in (staff_of(acme.tenant), superuser)
    ]
    assert chosen == [acme.tenant.pk, None]
