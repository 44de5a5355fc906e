"""The last admin of a tenant stays, by every way and for every caller (TEN-4)."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from tenants.access.permissions import PERMISSIONS, ROLES
from tenants.errors import Conflict
from tenants.models import AuditEntry, Membership, Role, Tenant, User
from tenants.people.members import member_remove
from tenants.scope import tenant_scope
from tests.admin.conftest import rows, url
from tests.factories import MembershipFactory, RoleFactory

ALL = frozenset(PERMISSIONS)


@pytest.fixture
def boss(tenant: Tenant, other_tenant: Tenant) -> Membership:
    """The only one who may do everything; a keeper of members stands beside, and a boss of another tenant."""
    MembershipFactory(tenant=other_tenant)
    MembershipFactory(tenant=tenant, role=RoleFactory(tenant=tenant, name="keeper", permissions=["members:write"]))
    RoleFactory(tenant=tenant, name="agent", permissions=list(ROLES["agent"]))
    return MembershipFactory(tenant=tenant, user__username="boss", role__name="boss")


def state(tenant: Tenant) -> Any:
    members = rows(Membership).filter(tenant=tenant).values_list("user__username", "role__name", "user__is_active")
    return sorted(members), sorted(rows(Role).filter(tenant=tenant).values_list("name", "permissions"))


def by_rest(method: str, path: str, **body: Any) -> Callable[..., Any]:
    def act(row: Membership, api: Any, superuser: Client) -> str:
        address = f"/api/v2/{path}".format(user=row.user_id, role=row.role_id)
        answer = getattr(api(row.tenant), method)(address, body)
        assert answer.status_code == 409
        return api().error_of(answer)["code"]

    return act


def in_console(model: Any, page: str, of: Callable[[Membership], Any], **posted: Any) -> Callable[..., Any]:
    def act(row: Membership, api: Any, superuser: Client) -> str:
        given = {name: value(row) if callable(value) else value for name, value in posted.items()}
        target = url(model, page, *([] if page == "changelist" else [of(row)]))
        told = superuser.post(target, given, follow=True).content.decode()
        return "last_admin" if "left without an admin" in told else told

    return act


def account(**changed: str) -> dict[str, Any]:
    facts = {
        "username": "boss",
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
        "is_active": "on",
        "is_staff": "on",
    }
    return {name: value for name, value in {**facts, **changed}.items() if value}


def agent(row: Membership) -> str:
    return str(rows(Role).get(tenant=row.tenant, name="agent").pk)


WAYS = {
    "REST, removed": by_rest("delete", "members/{user}"),
    "REST, another role": by_rest("patch", "members/{user}", role="agent"),
    "REST, role stripped": by_rest("patch", "roles/{role}", permissions=["members:write"]),
    "console, removed": in_console(Membership, "delete", lambda row: row.pk, post="yes"),
    "console, removed with others": in_console(
        Membership, "changelist", lambda row: row.pk, action="delete_selected", post="yes",
        _selected_action=lambda row: [str(one.pk) for one in rows(Membership).filter(tenant=row.tenant)],
    ),
    "console, another role": in_console(
        Membership, "change", lambda row: row.pk, tenant=lambda row: str(row.tenant_id),
        user=lambda row: str(row.user_id), role=agent,
    ),
    "console, role stripped": in_console(
        Role, "change", lambda row: row.role_id, tenant=lambda row: str(row.tenant_id), name="boss", permissions=["keys:read"]
    ),
    "console, account switched off": in_console(User, "change", lambda row: row.user_id, **account(is_active="")),
    "console, account no longer staff": in_console(User, "change", lambda row: row.user_id, **account(is_staff="")),
    "console, account deleted": in_console(User, "delete", lambda row: row.user_id, post="yes"),
    "console, accounts deleted": in_console(
        User, "changelist", lambda row: row.user_id, action="delete_selected", post="yes",
        _selected_action=lambda row: [str(row.user_id)],
    ),
}  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("way", WAYS)
def test_the_last_admin_stays(way: str, boss: Membership, api: Any, superuser: Client) -> None:
    before = state(boss.tenant)
    assert WAYS[way](boss, api, superuser) == "last_admin"
    assert state(boss.tenant) == before
    changed = rows(AuditEntry).filter(action__regex="^(membership|role)")
    assert not changed.exists()


@pytest.mark.django_db
@pytest.mark.parametrize("way", [name for name in WAYS if name.startswith("REST")])
def test_with_another_admin_it_is_done(way: str, boss: Membership, api: Any, superuser: Client) -> None:
    MembershipFactory(tenant=boss.tenant)
    before = state(boss.tenant)
    with pytest.raises(AssertionError):  # no 409
        WAYS[way](boss, api, superuser)
    assert state(boss.tenant) != before


@pytest.mark.django_db
def test_an_admin_who_is_switched_off_is_none(boss: Membership, api: Any) -> None:
    MembershipFactory(tenant=boss.tenant, user__is_active=False)
    MembershipFactory(tenant=boss.tenant, user__is_staff=False)
    answer = api(boss.tenant).delete(f"/api/v2/members/{boss.user_id}")
    assert api().error_of(answer)["code"] == "last_admin"


@pytest.mark.django_db
def test_without_an_admin_the_last_keeper_of_members_stays(tenant: Tenant, api: Any) -> None:
    keeper = MembershipFactory(tenant=tenant, role__permissions=["members:write"])
    other = MembershipFactory(tenant=tenant, role__permissions=["messages:read"])
    client = api(tenant)
    assert client.delete(f"/api/v2/members/{other.user_id}").status_code == 204
    assert client.error_of(client.delete(f"/api/v2/members/{keeper.user_id}"))["code"] == "last_admin"


@pytest.mark.django_db(transaction=True)
def test_two_admins_who_are_removed_at_once_do_not_both_go(tenant: Tenant) -> None:
    role = RoleFactory(tenant=tenant)
    admins = [MembershipFactory(tenant=tenant, role=role) for _ in range(2)]
    ready, ended = threading.Barrier(2), []

    def remove(row: Membership) -> None:
        try:
            with tenant_scope(tenant.id):
                ready.wait(10)
                member_remove(row.user_id, ALL)
                ended.append("gone")
        except Conflict as error:
            ended.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=remove, args=(row,)) for row in admins]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(ended) == ["gone", "last_admin"]
    assert rows(Membership).filter(tenant=tenant).count() == 1
