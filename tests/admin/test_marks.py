"""Canned replies, labels and teams are made, changed and deleted in the console, with a trail, within one's own tenant (ADM-1)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from messaging.agents.models import CannedReply, Label
from tenants.access.permissions import ROLES
from tenants.models import AuditEntry, Team, TeamMember, Tenant
from tests.admin.conftest import World, rows, url
from tests.factories import ConversationFactory, MembershipFactory

pytestmark = pytest.mark.django_db

MAKES: dict[str, tuple[Any, dict[str, Any], dict[str, Any]]] = {
    "label": (Label, {"name": "Refund", "color": "red"}, {"name": "Refund", "color": "red"}),
    "canned": (
        CannedReply,
        {"shortcut": "hello", "title": "A greeting", "language": "en", "content-type": "text",
         "content-text": "Hello {{first_name}}!", "content-format": "plain"},
        {"shortcut": "hello", "content": {"type": "text", "text": "Hello {{first_name}}!"}, "language": "en"},
    ),
    "team": (
        Team, {"name": "Billing", "languages": "en\nde", "skills": "invoices"},
        {"name": "Billing", "languages": ["en", "de"], "skills": ["invoices"]},
    ),
}  # fmt: skip
made = pytest.mark.parametrize(("model", "sent", "kept"), MAKES.values(), ids=MAKES)


def problems(page: Any) -> str:
    assert page.status_code == 200
    return str(page.context["adminform"].errors)


@made
def test_what_is_entered_is_kept_and_leaves_a_trail(
    model: Any, sent: dict[str, Any], kept: dict[str, Any], tenant: Tenant, staff_of: Any
) -> None:
    client = staff_of(tenant)
    answer = client.post(url(model, "add"), {"tenant": tenant.pk, **sent})
    assert answer.status_code == 302, answer.context["adminform"].errors
    row = rows(model).get(tenant=tenant)
    assert {name: getattr(row, name) for name in kept} == kept
    assert client.post(url(model, "change", row.pk), sent).status_code == 302
    assert client.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 302
    assert not rows(model).filter(pk=row.pk).exists()
    acts = rows(AuditEntry).filter(target=f"{model._meta.model_name}:{row.pk}").order_by("id")
    names = [f"{model._meta.model_name}.{deed}" for deed in ("created", "updated", "deleted")]
    assert list(acts.values_list("action", flat=True)) == names


@made
def test_the_same_name_twice_is_refused_in_words(
    model: Any, sent: dict[str, Any], kept: dict[str, Any], tenant: Tenant, other_tenant: Tenant, staff_of: Any
) -> None:
    client, other = staff_of(tenant), staff_of(other_tenant)
    client.post(url(model, "add"), {"tenant": tenant.pk, **sent})
    told = problems(client.post(url(model, "add"), {"tenant": tenant.pk, **sent}))
    assert "There is a" in told or "is in use" in told
    assert other.post(url(model, "add"), {"tenant": other_tenant.pk, **sent}).status_code == 302


@made
def test_another_tenant_is_not_written_to(
    model: Any, sent: dict[str, Any], kept: dict[str, Any], tenant: Tenant, other_tenant: Tenant, staff_of: Any
) -> None:
    problems(staff_of(tenant).post(url(model, "add"), {"tenant": other_tenant.pk, **sent}))
    assert not rows(model).exists()


@pytest.mark.parametrize(
    ("role", "makes"), [("agent", {"label"}), ("viewer", set()), ("admin", {"label", "canned", "team"})]
)
def test_who_may_make_what(tenant: Tenant, staff_of: Any, role: str, makes: set[str]) -> None:
    client = staff_of(tenant, ROLES[role])
    assert {name for name, (model, _, _) in MAKES.items() if client.get(url(model, "add")).status_code == 200} == makes
    lists = [client.get(url(model, "changelist")).status_code for model, _, _ in MAKES.values()]
    assert lists == [200, 200, 200]  # all of them see what there is


@pytest.mark.parametrize(
    ("changed", "told"),
    [({"shortcut": "Not Good"}, "Small letters"), ({"content-text": ""}, "text"), ({"title": ""}, "required")],
    ids=["shortcut", "nothing said", "title"],
)
def test_a_canned_reply_that_could_not_be_used_is_refused(
    tenant: Tenant, staff_of: Any, changed: dict[str, str], told: str
) -> None:
    sent = {"tenant": tenant.pk, **MAKES["canned"][1], **changed}
    assert told in problems(staff_of(tenant).post(url(CannedReply, "add"), sent))
    assert not rows(CannedReply).exists()


def test_a_team_has_the_colleagues_that_are_ticked(tenant: Tenant, other_tenant: Tenant, staff_of: Any) -> None:
    client = staff_of(tenant)
    ana, ben = (MembershipFactory(tenant=tenant, user__username=name) for name in ("ana", "ben"))
    foreign = MembershipFactory(tenant=other_tenant)
    sent = {"tenant": tenant.pk, "name": "Billing"}
    assert client.post(url(Team, "add"), {**sent, "people": [ana.pk, ben.pk]}).status_code == 302
    team = rows(Team).get()
    assert client.post(url(Team, "change", team.pk), {**sent, "people": [ben.pk]}).status_code == 302
    assert list(rows(TeamMember).filter(team=team).values_list("membership_id", flat=True)) == [ben.pk]
    told = problems(client.post(url(Team, "change", team.pk), {**sent, "people": [foreign.pk]}))
    assert "not one of the available choices" in told


def test_a_label_says_how_many_conversations_have_it(tenant: Tenant, acme: World, superuser: Client) -> None:
    label = rows(Label).get(tenant=tenant)
    label.uses.model.objects.unscoped().create(
        tenant=tenant, label=label, conversation=ConversationFactory(tenant=tenant)
    )
    (shown,) = superuser.get(url(Label, "changelist")).context["cl"].result_list
    assert shown.uses_there == 1


def test_an_empty_slash_says_where_to_make_some(staff_of: Any, acme: World) -> None:
    choices = reverse("admin:conversations_conversation_choices", args=[acme.conversation.pk])
    seen = [staff_of(acme.tenant, ROLES[role]).get(choices).json()["make_at"] for role in ("agent", "admin")]
    assert seen == ["", url(CannedReply, "add")]


def test_the_page_after_a_logout_forgets_what_was_written(staff_of: Any, tenant: Tenant) -> None:
    page = staff_of(tenant).post("/admin/logout/").content.decode()
    assert "console/leave.js" in page
