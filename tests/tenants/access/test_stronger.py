"""No caller hands out, renews or redirects a credential that may more than they may; to end one is a valve for all who may
change credentials of its kind (TEN-4). By REST and in the console, and no operation is left out."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from tenants.access.api_keys import api_key_create
from tenants.access.grants.clients import client_create
from tenants.access.grants.families import family_begin
from tenants.access.permissions import declared
from tenants.access.signing import issuers
from tenants.console.grants import GrantAdmin
from tenants.models import (
    ApiKey,
    Invitation,
    Membership,
    OAuthClient,
    Role,
    SecondFactor,
    Tenant,
    TokenFamily,
    TrustedIssuer,
    User,
)
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tests.admin.conftest import do, rows, url
from tests.factories import MembershipFactory, RoleFactory
from tests.tenants.access.test_issuers import EC, jwk

pytestmark = pytest.mark.django_db
V2 = "/api/v2"
#: what the weaker caller has: all about access, and nothing else
OWN = [f"{noun}:{kind}" for noun in ("keys", "members", "tenants") for kind in ("read", "write")]
WRITES = {name for name in OWN if name.endswith(":write")}
STRONGER = {"by one permission": [*OWN, "audit:read"], "by all that is to come": ["*"]}
ELSEWHERE = "https://evil.example.com/back"

#: operation → what the weaker caller asks, and is refused
REFUSED: dict[str, list[tuple[str, str, Any]]] = {
    "make a key": [("post", "api-keys", {"name": "x", "scopes": "strong"})],
    "renew a key": [
        ("post", "api-keys/{key}/rotate", {}),
        ("post", "api-keys/{key}/rotate", {"keep_old_hours": 0}),
    ],
    "make a client": [("post", "oauth-clients", {"name": "x", "scopes": "strong"})],
    "change a client": [
        ("patch", "oauth-clients/{client}", {"redirect_uris": [ELSEWHERE]}),
        ("patch", "oauth-clients/{client}", {"scopes": ["keys:read"]}),
    ],
    "renew a client's secret": [("post", "oauth-clients/{client}/rotate", {})],
    "trust an issuer": [
        ("post", "token-issuers",
         {"issuer": "https://x.example/", "audience": "x", "jwks_url": ELSEWHERE, "permissions": "strong"}),
    ],
    "change an issuer": [
        ("patch", "token-issuers/{issuer}", {"jwks_url": ELSEWHERE}),
        ("patch", "token-issuers/{issuer}", {"permissions": ["keys:read"]}),
    ],
    "invite": [("post", "invitations", {"email": "x@example.com", "role": "strong"})],
    "send an invitation again": [("post", "invitations/{invitation}/send", None)],
    "change a member": [
        ("patch", "members/{me}", {"role": "strong"}),
        ("patch", "members/{boss}", {"role": "weak"}),
    ],
    "remove a member": [("delete", "members/{boss}", None)],
    "reset a second step": [("delete", "members/{boss}/second-factor", None)],
    "make a role": [("post", "roles", {"name": "x", "permissions": "strong"})],
    "change a role": [
        ("patch", "roles/{weak}", {"permissions": "strong"}),
        ("patch", "roles/{strong}", {"permissions": OWN}),
        ("patch", "roles/{strong}", {"name": "agent"}),  # who is given that name from now on
    ],
    "remove a role": [("delete", "roles/{unused}", None)],
}  # fmt: skip
#: what they end, who found that it has leaked
ENDED = [
    "api-keys/{key}",
    "oauth-clients/{client}",
    "token-issuers/{issuer}",
    "token-families/{family}",
    "invitations/{invitation}",
]
#: what hands out nothing
PLAIN = {("patch", "tenant")}


class World:
    """A tenant with credentials of one who may more, and a member who may less."""

    def __init__(self, tenant: Tenant, scopes: list[str]):
        self.tenant, self.scopes = tenant, scopes
        with tenant_scope(tenant.id):
            self.key, _ = api_key_create(tenant=tenant, name="strong", scopes=scopes)
            self.client, _ = client_create(tenant, "strong", scopes, ["https://a.example/back"])
            self.issuer = TrustedIssuer.objects.create(
                tenant=tenant, issuer="https://id.example/", audience="a", jwks_url="https://id.example/k",
                permissions=scopes, keys={}, fetched_at=now(),
            )  # fmt: skip
            end = int((now() + timedelta(days=1)).timestamp())
            begun = family_begin(tenant.id, "user-1", scopes, self.key.prefix, end)
            self.family = TokenFamily.objects.get(id=begun.family)
        self.strong = RoleFactory(tenant=tenant, name="strong", permissions=scopes)
        self.unused = RoleFactory(tenant=tenant, name="unused", permissions=scopes)
        self.weak = RoleFactory(tenant=tenant, name="weak", permissions=OWN)
        self.boss = MembershipFactory(tenant=tenant, role=self.strong)
        self.me = MembershipFactory(tenant=tenant, role=self.weak)
        SecondFactor.objects.create(user=self.boss.user, kind="app", name="phone", handle="x", secret="A")
        User.objects.filter(pk=self.boss.user_id).update(second_factor_at=now())
        self.invitation = rows(Invitation).create(
            tenant=tenant,
            email="new@example.com",
            role=self.strong,
            token_hash="x",
            expires_at=now() + timedelta(days=1),
        )

    @property
    def ids(self) -> dict[str, Any]:
        of = {name: row.pk for name, row in vars(self).items() if hasattr(row, "pk")}
        return {**of, "boss": self.boss.user_id, "me": self.me.user_id}

    def body(self, given: Any) -> Any:
        """``strong`` in the place of a list: the stronger one's permissions."""
        if not isinstance(given, dict):
            return given
        return {
            name: self.scopes if value == "strong" and name in ("scopes", "permissions") else value
            for name, value in given.items()
        }

    def stored(self) -> list[Any]:
        models = (ApiKey, OAuthClient, TrustedIssuer, TokenFamily, Invitation, Membership, Role, SecondFactor)
        facts = {model: [one.name for one in model._meta.fields if one.name != "last_used_at"] for model in models}
        return [list(rows(model).order_by("pk").values(*facts[model])) for model in models]

    def browser(self) -> Client:
        client = Client()
        client.force_login(self.me.user)
        return client


@pytest.fixture(autouse=True)
def keys_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(issuers, "fetch", lambda url: json.dumps({"keys": [jwk(EC, "ec")]}).encode())


@pytest.fixture(params=list(STRONGER.values()), ids=list(STRONGER))
def world(request: Any, tenant: Tenant) -> World:
    return World(tenant, request.param)


@pytest.mark.parametrize("deed", REFUSED)
def test_no_caller_hands_out_what_may_more_than_they(deed: str, world: World, api: Any) -> None:
    weaker = api(world.tenant, *OWN)
    before = world.stored()
    for method, path, body in REFUSED[deed]:
        answer = getattr(weaker, method)(f"{V2}/{path}".format(**world.ids), world.body(body))
        assert (answer.status_code, weaker.error_of(answer)["code"]) == (403, "more_than_yours"), (path, body)
    assert world.stored() == before


def test_a_token_has_no_more_than_its_key(world: World, api: Any) -> None:
    weaker = api(world.tenant, *OWN)
    answer = weaker.post(f"{V2}/auth/token", {"permissions": world.scopes})
    assert (answer.status_code, weaker.error_of(answer)["code"]) == (403, "permission_denied")


@pytest.mark.parametrize("path", ENDED)
def test_what_may_more_is_ended_by_who_may_change_its_kind(path: str, world: World, api: Any) -> None:
    """A leaked key is ended at once by the one who finds it: that gives no permission away, and the trail has who did."""
    answer = api(world.tenant, *OWN).delete(f"{V2}/{path}".format(**world.ids))
    assert answer.status_code in (200, 204), answer.content


def operations(patterns: Any, before: str = "") -> Any:
    for one in patterns:
        address = before + str(one.pattern)
        if isinstance(one, URLResolver):
            yield from operations(one.url_patterns, address)
        elif isinstance(one, URLPattern) and (view := getattr(one.callback, "view_class", None)):
            for method in getattr(view, "permissions", {}):
                if not WRITES.isdisjoint(declared(view, method)) and view.__module__.startswith("tenants."):
                    yield method.lower(), address


def shape(path: str) -> tuple[str, ...]:
    return tuple("*" if part[:1] in "<{" else part for part in path.split("/"))


def test_no_operation_on_access_is_left_out() -> None:
    asked = [(method, path) for some in REFUSED.values() for method, path, _ in some]
    asked += [("delete", path) for path in ENDED] + list(PLAIN)
    tried = {(method, shape(path)) for method, path in asked}
    found = {(method, shape(path.removeprefix("api/v2/"))) for method, path in operations(get_resolver().url_patterns)}
    assert found == tried


# ------------------------------------------------------------------------------- console

#: model, page or verb → what the weaker member posts, and is refused
PAGES: dict[tuple[Any, str], list[dict[str, Any]]] = {
    (ApiKey, "add"): [{"name": "x", "scopes": "strong"}],
    (ApiKey, "rotate"): [{}],
    (OAuthClient, "add"): [{"name": "x", "scopes": "strong"}],
    (OAuthClient, "change"): [
        {"name": "strong", "scopes": "strong", "redirect_uris": ELSEWHERE},
        {"name": "strong", "scopes": ["keys:read"], "redirect_uris": "https://a.example/back"},
    ],
    (OAuthClient, "rotate"): [{}],
    (TrustedIssuer, "add"): [
        {"issuer": "https://x.example/", "audience": "x", "jwks_url": ELSEWHERE, "permissions": "strong"}
    ],
    (TrustedIssuer, "change"): [
        {"jwks_url": ELSEWHERE, "permissions": "strong"},
        {"jwks_url": "https://id.example/k", "permissions": ["keys:read"]},
    ],
    (Invitation, "add"): [{"email": "x@example.com", "role": "{strong}"}],
    (Invitation, "send"): [{}],
    (Membership, "add"): [{"user": "{friend}", "role": "{strong}"}],
    (Membership, "change"): [{"role": "{weak}"}],
    (Membership, "delete"): [{"post": "yes"}],
    (Membership, "reset_second"): [{}],
    (Role, "add"): [{"name": "x", "permissions": "strong"}],
    (Role, "change"): [{"name": "strong", "permissions": OWN}, {"name": "agent", "permissions": "strong"}],
    (Role, "delete"): [{"post": "yes"}],
}
#: verbs that end one, or hand out nothing
VALVES = {
    (ApiKey, "revoke"), (OAuthClient, "revoke"), (Invitation, "revoke"), (TrustedIssuer, "delete"), (TrustedIssuer, "try"),
}  # fmt: skip


def page_of(world: World, model: Any, page: str) -> Any:
    return {
        ApiKey: world.key, OAuthClient: world.client, TrustedIssuer: world.issuer, Invitation: world.invitation,
        Membership: world.boss, Role: world.unused if page == "delete" else world.strong,
    }[model]  # fmt: skip


@pytest.mark.parametrize(("model", "page"), PAGES, ids=[f"{model.__name__} {page}" for model, page in PAGES])
def test_the_console_keeps_it_too(model: Any, page: str, world: World, other_tenant: Tenant) -> None:
    # a friend whom the weaker one knows from another tenant of theirs
    friend = MembershipFactory(tenant=other_tenant, role__permissions=["members:read"])
    MembershipFactory(tenant=other_tenant, user=world.me.user, role=friend.role)
    browser, before, row = world.browser(), world.stored(), page_of(world, model, page)
    for given in PAGES[model, page]:
        posted = {"tenant": str(world.tenant.pk)} if page in ("add", "change") else {}
        for name, value in world.body(given).items():
            posted[name] = value.format(**world.ids, friend=friend.user_id) if isinstance(value, str) else value
        if page in ("add", "change", "delete"):
            answer = browser.post(url(model, page, *([] if page == "add" else [row.pk])), posted, follow=True)
        else:
            answer = do(browser, row, page)
        told = answer.content.decode()
        assert "permissions that you do not have yourself" in told or "belongs to other organisations" in told
    assert world.stored() == before


def test_no_page_of_access_is_left_out() -> None:
    found = {
        (model, deed)
        for model, page in admin.site._registry.items()
        if isinstance(page, GrantAdmin)
        for deed in (*page.deeds, *(button.verb for button in page.buttons))
    }
    assert found == PAGES.keys() | VALVES


def test_a_place_is_not_handed_on_to_another_account(world: World, other_tenant: Tenant) -> None:
    """By a colleague who may change members, and knows the account from another tenant of theirs."""
    friend = MembershipFactory(tenant=other_tenant, role__permissions=["members:read"])
    MembershipFactory(tenant=other_tenant, user=world.me.user, role=friend.role)
    posted = {"tenant": str(world.tenant.pk), "user": str(friend.user_id), "role": str(world.strong.pk)}
    world.browser().post(url(Membership, "change", world.boss.pk), posted, follow=True)
    assert rows(Membership).get(pk=world.boss.pk).user_id == world.boss.user_id


def test_no_colleague_sets_the_password_or_the_address_of_one_who_may_more(world: World) -> None:
    browser, boss = world.browser(), world.boss.user
    for address in ("admin:auth_user_password_change", "admin:tenants_user_change", "admin:tenants_user_delete"):
        answer = browser.post(
            reverse(address, args=[boss.pk]),
            {"usable_password": "true", "password1": "Xx-long-enough-1", "password2": "Xx-long-enough-1", "email": "me@evil.example",
             "username": "boss", "post": "yes"},
        )  # fmt: skip
        assert answer.status_code == 403, address
    stored = User.objects.get(pk=boss.pk)
    assert (stored.password, stored.email) == (boss.password, boss.email)
