"""Tokens of clients of OAuth are refreshed, and end (TEN-3)."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client as Browser

from tenants.access import auth
from tenants.access.grants.clients import client_create, client_end
from tenants.access.tokens import token_read
from tenants.models import Membership, Tenant, User
from tenants.scope import tenant_scope
from tenants.storage import memo
from tests.conftest import Api
from tests.tenants.access.oauth.steps import (
    BACK,
    SCOPES,
    allowed,
    error_of,
    exchanged,
    fetched,
    is_good,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def pair(desk: Browser, made: Any) -> dict[str, Any]:
    told: dict[str, Any] = exchanged(*made, allowed(desk, made[0])).json()
    return told


def test_a_client_refreshes_its_own(pair: dict[str, Any], made: Any, tenant: Tenant) -> None:
    other = client_create(tenant, "Other", SCOPES, [BACK])
    assert error_of(fetched("refresh_token", *other, refresh_token=pair["refresh_token"])) == (400, "invalid_grant")
    plain = Api().post("/api/v2/auth/refresh", {"refresh_token": pair["refresh_token"]})
    assert (plain.status_code, Api.error_of(plain)["code"]) == (401, "invalid_token")
    told = fetched("refresh_token", *made, refresh_token=pair["refresh_token"]).json()
    assert (is_good(told["access_token"]), told["scope"]) == (True, "conversations:read")
    later = fetched("refresh_token", *made, refresh_token=told["refresh_token"], scope="contacts:read")
    assert error_of(later) == (400, "invalid_scope")


def test_a_refresh_token_that_comes_twice_ends_the_family(pair: dict[str, Any], made: Any) -> None:
    first = fetched("refresh_token", *made, refresh_token=pair["refresh_token"]).json()
    fetched("refresh_token", *made, refresh_token=first["refresh_token"])
    assert error_of(fetched("refresh_token", *made, refresh_token=pair["refresh_token"])) == (400, "invalid_grant")
    assert not is_good(first["access_token"])


def test_a_member_who_leaves_takes_the_tokens_along(pair: dict[str, Any], made: Any) -> None:
    Membership.objects.unscoped().all().delete()  # unscoped: all there are
    memo.forget_all()
    assert not is_good(pair["access_token"])
    assert error_of(fetched("refresh_token", *made, refresh_token=pair["refresh_token"])) == (400, "invalid_grant")


def test_a_member_who_may_less_lets_less(pair: dict[str, Any], tenant: Tenant) -> None:
    with tenant_scope(tenant.id):
        Membership.objects.get().role.__class__.objects.update(permissions=["messages:read"])
    memo.forget_all()
    assert auth.principal_for(pair["access_token"]).permissions == frozenset()


def test_a_client_that_ends_takes_its_tokens_along(pair: dict[str, Any], made: Any) -> None:
    itself = fetched("client_credentials", *made).json()["access_token"]
    client_end(made[0])
    assert [is_good(pair["access_token"]), is_good(itself)] == [False, False]
    assert error_of(fetched("refresh_token", *made, refresh_token=pair["refresh_token"]))[1] == "invalid_client"


def test_a_token_says_through_whom_it_came(pair: dict[str, Any], made: Any, ana: User) -> None:
    claims = token_read(pair["access_token"], "access")
    assert (claims["cid"], claims["usr"]) == (made[0].client_id, str(ana.id))
