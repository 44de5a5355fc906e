"""A new tenant has roles and its first member in one flow; keys are replaced with an overlap (OPS-4, TEN-3, ADM-1)."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client

from tenants.access.api_keys import LONGEST_OVERLAP_H, api_key_create, api_key_verify
from tenants.access.permissions import ROLES
from tenants.models import ApiKey, AuditEntry, Membership, Role, Tenant, User
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tests.admin.conftest import do, rows, url
from tests.factories import RoleFactory, UserFactory

pytestmark = pytest.mark.django_db
PASSWORD = "a long and good passphrase"


def roles_of(tenant: Tenant) -> set[str]:
    return set(rows(Role).filter(tenant=tenant).values_list("name", flat=True))


def account(**more: str) -> dict[str, str]:
    return {"username": "ana", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD, **more}


def test_from_nothing_to_a_member_who_signs_in_in_two_forms(superuser: Client) -> None:
    made = superuser.post(url(Tenant, "add"), {"name": "Acme", "slug": "acme", "status": "active"})
    tenant = Tenant.objects.get(slug="acme")
    assert roles_of(tenant) == set(ROLES)
    assert made["Location"] == f"{url(User, 'add')}?tenant={tenant.pk}"
    form = superuser.get(made["Location"]).context["adminform"].form
    admin = rows(Role).get(tenant=tenant, name="admin")
    assert form["place"].value() == str(admin.pk)
    assert "Acme · admin</option>" in str(form["place"])
    superuser.post(made["Location"], account(place=form["place"].value()))
    client = Client()
    answer = client.post("/admin/login/", {"username": "ana", "password": PASSWORD}, follow=True)
    assert (answer.status_code, answer.request["PATH_INFO"][:7]) == (200, "/admin/")
    assert client.get("/admin/").status_code == 200
    assert rows(Membership).get(user__username="ana").role == admin
    assert rows(AuditEntry).filter(tenant=tenant, action="membership.created").count() == 1


def test_an_account_without_a_place_is_refused_unless_it_may_do_everything(superuser: Client) -> None:
    page = superuser.post(url(User, "add"), account())
    assert "an account without a place sees nothing" in page.content.decode()
    superuser.post(url(User, "add"), account(is_superuser="on"))
    assert User.objects.get(username="ana").is_staff


def test_a_role_is_shown_with_its_tenant(superuser: Client, tenant: Tenant, other_tenant: Tenant) -> None:
    for one in (tenant, other_tenant):
        RoleFactory(tenant=one, name="agent")
    labels = [
        label for _, label in superuser.get(url(Membership, "add")).context["adminform"].form.fields["role"].choices
    ]
    assert {f"{tenant} · agent", f"{other_tenant} · agent"} <= set(labels)


def test_who_becomes_a_member_may_sign_in(superuser: Client, tenant: Tenant) -> None:
    role, user = RoleFactory(tenant=tenant), UserFactory(is_staff=False)
    superuser.post(url(Membership, "add"), {"tenant": tenant.pk, "user": user.pk, "role": role.pk, "picture": ""})
    user.refresh_from_db()
    assert user.is_staff


def test_roles_that_a_tenant_has_changed_stay(superuser: Client, tenant: Tenant) -> None:
    RoleFactory(tenant=tenant, name="agent", permissions=["messages:read"])
    superuser.post(url(Tenant, "change", tenant.pk), {"name": "New name", "slug": tenant.slug, "status": "active"})
    assert roles_of(tenant) == {"agent"}


def test_colleagues_do_not_see_where_else_one_belongs(staff_of: Any, tenant: Tenant) -> None:
    page = staff_of(tenant, ("members:read",)).get(url(User, "changelist")).content.decode()
    assert "Member of" not in page


# ------------------------------------------------------------------------------ API keys


def made_key(tenant: Tenant, **more: Any) -> tuple[ApiKey, str]:
    with tenant_scope(tenant.id):
        return api_key_create(tenant=tenant, name="shop", scopes=["messages:send"], **more)


def test_a_key_is_replaced_and_goes_on_for_a_day(tenant: Tenant, staff_of: Any) -> None:
    key, former = made_key(tenant)
    client = staff_of(tenant)
    page = do(client, key, "rotate").content.decode()
    (plaintext,) = re.findall(r"csk_[a-z0-9]{8}_[\w-]{43}", page)
    assert api_key_verify(plaintext).permissions == api_key_verify(former).permissions == {"messages:send"}
    key.refresh_from_db()
    assert abs(key.expires_at - now() - timedelta(days=1)) < timedelta(minutes=1)
    assert plaintext not in client.get(url(ApiKey, "change", key.pk)).content.decode()
    assert "ending" in client.get(url(ApiKey, "changelist")).content.decode()


def test_a_key_that_has_ended_has_no_successor(tenant: Tenant, staff_of: Any) -> None:
    key, _ = made_key(tenant, expires_at=now() - timedelta(seconds=1))
    client = staff_of(tenant)
    assert "expired" in client.get(url(ApiKey, "changelist")).content.decode()
    assert do(client, key, "rotate").status_code == 403
    assert rows(ApiKey).count() == 1


def test_a_key_that_may_more_is_not_replaced_by_those_who_may_less(tenant: Tenant, staff_of: Any) -> None:
    key, _ = made_key(tenant)
    page = do(staff_of(tenant, ("keys:read", "keys:write")), key, "rotate").content.decode()
    assert "You cannot give permissions" in page
    assert rows(ApiKey).count() == 1


def test_an_overlap_has_a_bound() -> None:
    assert LONGEST_OVERLAP_H == 720
