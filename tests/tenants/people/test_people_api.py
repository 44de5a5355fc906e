"""Members, roles and the tenant's settings by REST: no caller gives or takes more than they have (API-1, TEN-2, TEN-4)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from tenants.access.permissions import ALL, PERMISSIONS, require_held
from tenants.errors import Forbidden
from tenants.models import AuditEntry, Membership, Role, Tenant
from tenants.storage.db import new_id
from tests.admin.conftest import rows, url
from tests.factories import MembershipFactory, RoleFactory, UserFactory

pytestmark = pytest.mark.django_db
V2 = "/api/v2"
READER = ["conversations:read", "messages:read"]


def refused(client: Any, answer: Any) -> tuple[int, str]:
    return answer.status_code, client.error_of(answer)["code"]


def trail(tenant: Tenant) -> list[str]:
    return list(rows(AuditEntry).filter(tenant=tenant).order_by("id").values_list("action", flat=True))


def test_a_role_is_made_changed_and_removed(tenant: Tenant, other_tenant: Tenant, api: Any) -> None:
    client, foreign = api(tenant), api(other_tenant)
    made = client.data_of(client.post(f"{V2}/roles", {"name": "reader", "permissions": [*READER, READER[0]]}))
    at = f"{V2}/roles/{made['id']}"
    assert (made["permissions"], made["members"]) == (READER, 0)
    assert refused(client, client.post(f"{V2}/roles", {"name": "reader", "permissions": []})) == (409, "role_exists")
    unknown = client.post(f"{V2}/roles", {"name": "x", "permissions": ["moon:write"]})
    assert (unknown.status_code, client.error_of(unknown)["details"][0]["code"]) == (400, "unknown_permission")
    changed = client.data_of(client.patch(at, {"permissions": ["audit:read"]}))
    assert (changed["name"], changed["permissions"]) == ("reader", ["audit:read"])
    MembershipFactory(tenant=tenant, role=rows(Role).get(id=made["id"]))
    assert client.data_of(client.get(at))["members"] == 1
    assert refused(client, client.delete(at)) == (409, "role_in_use")
    for answer in (foreign.get(at), foreign.patch(at, {"name": "mine"}), foreign.delete(at)):
        assert refused(foreign, answer) == (404, "role_not_found")
    rows(Membership).filter(tenant=tenant).delete()
    assert client.delete(at).status_code == 204
    assert trail(tenant) == ["role.created", "role.updated", "role.deleted"]


def test_a_member_is_read_changed_and_removed(tenant: Tenant, other_tenant: Tenant, api: Any) -> None:
    client, foreign = api(tenant), api(other_tenant)
    MembershipFactory(tenant=tenant)
    RoleFactory(tenant=tenant, name="reader", permissions=READER)
    row = MembershipFactory(
        tenant=tenant, user__username="ben", role__name="agent", role__permissions=["messages:send"]
    )
    at = f"{V2}/members/{row.user_id}"
    told = client.data_of(client.get(at))
    assert (told["name"], told["role"], told["admin"], told["email"]) == ("ben", "agent", False, "ben@example.com")
    assert "agent" in [one["role"] for one in client.data_of(client.get(f"{V2}/members"))["items"]]
    picture = "https://pics.example.com/ben.png"
    changed = client.data_of(client.patch(at, {"role": "reader", "picture": picture}))
    assert (changed["role"], changed["picture"]) == ("reader", picture)
    assert client.data_of(client.patch(at, {"picture": ""}))["picture"] is None
    assert refused(client, client.patch(at, {"role": "king"})) == (404, "unknown_role")
    assert client.patch(at, {"picture": "http://pics.example.com/ben.png"}).status_code == 400
    for answer in (foreign.get(at), foreign.patch(at, {"picture": ""}), foreign.delete(at)):
        assert refused(foreign, answer) == (404, "member_not_found")
    assert client.delete(at).status_code == 204
    assert refused(client, client.get(at)) == (404, "member_not_found")
    assert trail(tenant) == ["membership.updated", "membership.updated", "membership.deleted"]


#: what a caller who may change members, and else read messages only, must not do
BEYOND = {
    "make a wide role": ("post", "roles", {"name": "wider", "permissions": ["audit:read"]}),
    "make a role of all": ("post", "roles", {"name": "wider", "permissions": ["*"]}),
    "widen their own role": ("patch", "roles/{own}", {"permissions": ["members:write", "messages:read", "audit:read"]}),
    "strip a wider role": ("patch", "roles/{wide}", {"permissions": ["members:write"]}),
    "remove a wider role": ("delete", "roles/{unused}", None),
    "promote themselves": ("patch", "members/{me}", {"role": "wide"}),
    "demote one who may more": ("patch", "members/{boss}", {"role": "own"}),
    "remove one who may more": ("delete", "members/{boss}", None),
    "invite one who may more": ("post", "invitations", {"email": "a@example.com", "role": "wide"}),
    "make a wider key": ("post", "api-keys", {"name": "x", "scopes": ["*"]}),
}


@pytest.mark.parametrize("deed", BEYOND)
def test_no_caller_gives_or_takes_more_than_they_have(deed: str, tenant: Tenant, api: Any) -> None:
    own = RoleFactory(tenant=tenant, name="own", permissions=["members:write", "messages:read"])
    wide = RoleFactory(tenant=tenant, name="wide", permissions=["members:write", "audit:read"])
    unused = RoleFactory(tenant=tenant, name="unused", permissions=["audit:read"])
    me, boss = (MembershipFactory(tenant=tenant, role=role).user_id for role in (own, wide))
    MembershipFactory(tenant=tenant)
    method, path, body = BEYOND[deed]
    client = api(tenant, "members:write", "messages:read", "keys:write")
    address = f"{V2}/{path}".format(own=own.id, wide=wide.id, unused=unused.id, me=me, boss=boss)
    before = (
        sorted(rows(Role).values_list("name", "permissions")),
        sorted(rows(Membership).values_list("user", "role__name")),
    )
    assert refused(client, getattr(client, method)(address, body)) == (403, "more_than_yours")
    after = (
        sorted(rows(Role).values_list("name", "permissions")),
        sorted(rows(Membership).values_list("user", "role__name")),
    )
    assert after == before
    assert trail(tenant) == []


@pytest.mark.parametrize("model", [Role, Membership], ids=["role", "member"])
@pytest.mark.parametrize("page", ["change", "delete", "changelist"])
def test_the_console_keeps_the_same_rule(model: Any, page: str, tenant: Tenant) -> None:
    narrow = RoleFactory(tenant=tenant, name="narrow", permissions=["members:read", "members:write"])
    client = Client()
    client.force_login(MembershipFactory(tenant=tenant, role=narrow).user)
    wide = RoleFactory(tenant=tenant, name="wide", permissions=["audit:read"])
    spare = RoleFactory(tenant=tenant, name="spare", permissions=["audit:read"])
    member = MembershipFactory(tenant=tenant, role=wide)
    row, facts = {
        Role: (spare, {"name": "spare", "permissions": ["members:read"]}),
        Membership: (member, {"user": str(member.user_id), "role": str(narrow.pk)}),
    }[model]
    posted, at = {
        "change": ({"tenant": str(tenant.pk), **facts}, [row.pk]),
        "delete": ({"post": "yes"}, [row.pk]),
        "changelist": ({"action": "delete_selected", "post": "yes", "_selected_action": [str(row.pk)]}, []),
    }[page]
    told = client.post(url(model, page, *at), posted, follow=True).content.decode()
    assert "You cannot take away permissions that you do not have yourself." in told
    assert rows(model).get(pk=row.pk).__dict__.items() >= {
        name: value for name, value in row.__dict__.items() if name.endswith("_id") or name == "permissions"
    }.items()  # fmt: skip


@pytest.mark.parametrize(
    ("held", "before", "after", "missing"),
    [
        (PERMISSIONS, [], [ALL], []),
        (PERMISSIONS, [ALL], [], []),
        ({"audit:read"}, ["audit:read"], [], []),
        ({"members:write"}, ["audit:read"], ["audit:read"], []),
        (PERMISSIONS.keys() - {"keys:read"}, [ALL], sorted(PERMISSIONS), ["keys:read"]),
        (PERMISSIONS.keys() - {"keys:read"}, sorted(PERMISSIONS), [ALL], ["keys:read"]),
        ({"members:write"}, ["audit:read"], ["keys:read"], ["audit:read", "keys:read"]),
    ],
    ids=[
        "give all",
        "take all",
        "take own",
        "touch nothing",
        "end what comes later",
        "give what comes later",
        "both ways",
    ],
)
def test_the_rule(held: Any, before: list[str], after: list[str], missing: list[str]) -> None:
    try:
        require_held(frozenset(held), before=before, after=after)
        found = []
    except Forbidden as error:
        found = error.details["permissions"]
    assert found == missing


# ---------------------------------------------------------------------------- the tenant


@pytest.mark.parametrize("name", ["slack_webhook_url", "webhook_url"])
@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("https://127.0.0.1/x", "url_not_public"), ("https://[::ffff:10.0.0.1]/x", "url_not_public"),
        ("https://2130706433/x", "url_not_public"), ("https://169.254.169.254/x", "url_not_public"),
        ("http://93.184.216.34/x", "url_not_https"), ("https://me@93.184.216.34/x", "invalid_url"),
        ("https://93.184.216.34/x", None),
    ],
)  # fmt: skip
def test_an_address_of_alerts_that_would_not_be_called_is_refused(
    name: str, url: str, code: str | None, tenant: Tenant, api: Any
) -> None:
    client = api(tenant)
    answer = client.patch(f"{V2}/tenant", {"settings": {"alerts": {name: url}}})
    if code is None:
        assert client.data_of(answer)["settings"]["alerts"][name] == url
        return
    assert refused(client, answer) == (400, "invalid_settings")
    [detail] = client.error_of(answer)["details"]
    assert (detail["field"], detail["code"]) == (f"alerts.{name}", code)
    assert Tenant.objects.get(id=tenant.id).settings == {}


def test_settings_are_read_and_changed(tenant: Tenant, api: Any) -> None:
    client, at = api(tenant), f"{V2}/tenant"
    told = client.data_of(client.get(at))
    assert (told["slug"], told["settings"]["bot_name"], told["settings"]["rate_limit"]) == ("acme", "Assistant", None)
    given = {"name": "Acme Ltd", "settings": {"bot_name": "Ada", "safety": {"max_links": 1}}}
    changed = client.data_of(client.patch(at, given))
    assert (changed["name"], changed["settings"]["bot_name"]) == ("Acme Ltd", "Ada")
    assert (changed["settings"]["safety"]["max_links"], changed["settings"]["languages"]) == (1, ["en"])
    stored = Tenant.objects.get(id=tenant.id).settings
    assert stored == {"bot_name": "Ada", "safety": {"max_links": 1}}
    assert client.data_of(client.patch(at, {"settings": {"bot_name": None}}))["settings"]["bot_name"] == "Assistant"
    entry = rows(AuditEntry).filter(action="tenant.updated").order_by("id")[0]
    assert entry.changes == {"fields": ["name", "settings.bot_name", "settings.safety"]}


@pytest.mark.parametrize(
    ("settings_", "code"),
    [
        ({"bot_name": ""}, "string_too_short"),
        ({"moon": 1}, "extra_forbidden"),
        ({"default_flow": "x"}, "unknown_flow"),
        ({"llm_budget": {"soft_usd": 5, "hard_usd": 1}}, "above_the_hard_limit"),
        ({"rate_limit": 2000}, "operators_only"),
        ({"burst_limit": 5000}, "operators_only"),
        ({"user_rate_limit": 1001}, "operators_only"),
        ({"user_burst_limit": 2001}, "operators_only"),
        ({"rate_limit": 10_001}, "above_the_ceiling"),
    ],
)
def test_what_settings_refuse_is_named(settings_: dict[str, Any], code: str, tenant: Tenant, api: Any) -> None:
    client = api(tenant)
    answer = client.patch(f"{V2}/tenant", {"settings": settings_})
    assert (answer.status_code, client.error_of(answer)["details"][0]["code"]) == (400, code)
    assert Tenant.objects.get(id=tenant.id).settings == {}


def test_a_tenant_lowers_its_limits_and_does_not_raise_them_again(tenant: Tenant, api: Any, settings: Any) -> None:
    settings.ENV = {**settings.ENV, "DEFAULT_RATE_LIMIT": 1000, "BURST_LIMIT": 2000, "MAX_RATE_LIMIT": 0}
    client, at = api(tenant), f"{V2}/tenant"
    assert client.patch(at, {"settings": {"rate_limit": 900}}).status_code == 200
    for raised in ({"rate_limit": 901}, {"rate_limit": None}, {"user_rate_limit": 901}):
        assert client.error_of(client.patch(at, {"settings": raised}))["details"][0]["code"] == "operators_only"
    boss, root = Client(), Client()
    boss.force_login(MembershipFactory(tenant=tenant).user)
    root.force_login(UserFactory(username="root", is_superuser=True))
    limits = f"/admin/tenants/tenant/{tenant.pk}/settings/?section=limits"
    assert "only the operator" in boss.post(limits, {"rate_limit": "5000"}).content.decode()
    assert Tenant.objects.get(id=tenant.id).settings == {"rate_limit": 900}
    root.post(limits, {"rate_limit": "5000"})
    assert Tenant.objects.get(id=tenant.id).settings == {"rate_limit": 5000}


def test_addresses_that_let_their_holder_write_are_shown_to_who_may_change_them(tenant: Tenant, api: Any) -> None:
    alerts = {"slack_webhook_url": "https://hooks.slack.com/services/T0/B0/secret", "webhook_url": ""}
    Tenant.objects.filter(id=tenant.id).update(settings={"alerts": alerts})
    shown = [
        client.data_of(client.get(f"{V2}/tenant"))["settings"]["alerts"]
        for client in (api(tenant), api(tenant, "tenants:read"))
    ]
    assert [one["slack_webhook_url"] for one in shown] == [alerts["slack_webhook_url"], "https://hooks.slack.com/…"]
    assert [one["webhook_url"] for one in shown] == ["", ""]


def test_nothing_of_another_tenant_is_reached(tenant: Tenant, other_tenant: Tenant, api: Any) -> None:
    RoleFactory(tenant=tenant, name="ours")
    MembershipFactory(tenant=tenant)
    foreign = api(other_tenant)
    assert foreign.data_of(foreign.get(f"{V2}/tenant"))["slug"] == "globex"
    assert foreign.data_of(foreign.get(f"{V2}/roles"))["items"] == []
    assert foreign.get(f"{V2}/members/{new_id()}").status_code == 404
