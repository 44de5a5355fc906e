"""Clients of OAuth are made, listed and ended (TEN-3)."""

from __future__ import annotations

from typing import Any

import pytest

from tenants.access.grants.clients import client_create, uri_allowed
from tenants.errors import Invalid
from tenants.models import AuditEntry, OAuthClient, Tenant
from tenants.scope import tenant_scope
from tests.conftest import Api
from tests.tenants.access.oauth.steps import (
    AUTHORIZE,
    BACK,
    SCOPES,
    TOKEN,
    error_of,
    fetched,
)

pytestmark = pytest.mark.django_db


def test_clients_are_made_listed_and_ended_by_the_api(api: Any, tenant: Tenant, other_tenant: Tenant) -> None:
    admin = api(tenant)
    body = {"name": "Shop analytics", "scopes": ["contacts:read"], "redirect_uris": [BACK]}
    shown = Api.data_of(admin.post("/api/v2/oauth-clients", body))
    address = f"/api/v2/oauth-clients/{shown['id']}"
    row = OAuthClient.objects.unscoped().get()  # unscoped: the only one
    assert shown["client_secret"].startswith("oas_")
    assert shown["client_secret"] not in str(vars(row))
    listed = Api.data_of(admin.get("/api/v2/oauth-clients"))["items"]
    assert [(one["client_id"], "client_secret" in one) for one in listed] == [(shown["client_id"], False)]
    assert fetched("client_credentials", row, shown["client_secret"]).status_code == 200
    assert api(other_tenant).get(address).status_code == api(other_tenant).delete(address).status_code == 404
    narrow = api(tenant, "keys:write")
    for answer in (narrow.post(f"{address}/rotate", {}), narrow.patch(address, {"redirect_uris": []})):
        assert (answer.status_code, Api.error_of(answer)["code"]) == (403, "more_than_yours")
    new = Api.data_of(admin.post(f"{address}/rotate", {"keep_old_hours": 0}))["client_secret"]
    proofs = [fetched("client_credentials", row, one).status_code for one in (shown["client_secret"], new)]
    assert proofs == [401, 200]
    assert Api.data_of(admin.patch(address, {"name": "Shop"}))["redirect_uris"] == [BACK]
    assert Api.data_of(admin.delete(address))["revoked_at"] is not None
    assert Api.error_of(admin.patch(address, {"name": "x"}))["code"] == "client_ended"
    assert error_of(fetched("client_credentials", row, new))[1] == "invalid_client"
    with tenant_scope(tenant.id):
        actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == [
        "oauthclient.created", "token.issued", "oauthclient.rotated", "token.issued", "oauthclient.updated",
        "oauthclient.revoked",
    ]  # fmt: skip


def test_no_client_gets_more_than_its_maker_has(api: Any, tenant: Tenant) -> None:
    answer = api(tenant, "keys:write").post("/api/v2/oauth-clients", {"name": "x", "scopes": ["audit:read"]})
    assert (answer.status_code, Api.error_of(answer)["code"]) == (403, "more_than_yours")


ADDRESSES = {
    "https://a.example/cb": True, "https://a.example:8443/cb?x=1": True, "com.example.app:/cb": True,
    "com.example.app://cb": True, "http://127.0.0.1:7777/cb": True, "http://[::1]/cb": True, "http://127.0.0.1/cb": True,
    "http://a.example/cb": False, "https://a.example/cb#x": False, "https://user@a.example/cb": False, "javascript:alert(1)": False,
    "data:text/html,x": False, "https:///cb": False, "https://a.example/c b": False, "https://a.example\\@evil.example": False,
    "": False, "myapp:/cb": False, "https://a.example:x/cb": False, "//a.example": False, "http://127.0.0.1.evil.example/": False,
    "http://127.0.0.1@evil.example/": False, "http://127.0.0.1:@evil.example/": False, "http://[::1]:80@evil.example/": False,
    "https://a.example;script-src": False, "https://a.example,evil/": False, "https://a.example'x/": False, "https://[::1]:8/cb": True,
    "https://ä.example/": False, "https://a.example/" + "x" * 500: False,
}  # fmt: skip


@pytest.mark.parametrize(("uri", "good"), ADDRESSES.items(), ids=[uri[:40] or "empty" for uri in ADDRESSES])
def test_codes_go_only_to_whole_and_safe_addresses(uri: str, good: bool) -> None:
    assert uri_allowed(uri) is good


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"scopes": ["everything"]}, "scopes_invalid"),
        ({"redirect_uris": ["http://a.example"]}, "redirect_uris_invalid"),
        ({"redirect_uris": [BACK] * 11}, "redirect_uris_invalid"),
        ({"public": True}, "redirect_uris_invalid"),
    ],
    ids=["unknown permission", "open address", "many addresses", "public without an address"],
)
def test_a_client_that_makes_no_sense_is_not_made(tenant: Tenant, options: dict[str, Any], code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        client_create(tenant, "x", **{"scopes": SCOPES, **options})
    assert [one["code"] for one in refusal.value.details] == [code]


def test_clients_of_the_protocol_find_their_way(browser: Any) -> None:
    told = browser.get("/.well-known/oauth-authorization-server").json()
    assert told["authorization_endpoint"] == f"{told['issuer']}{AUTHORIZE}"
    assert told["token_endpoint"] == f"{told['issuer']}{TOKEN}"
    assert (told["code_challenge_methods_supported"], "messages:send" in told["scopes_supported"]) == (["S256"], True)
