"""A client of OAuth that acts for itself (TEN-3)."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client as Browser

from tenants.access import auth
from tenants.models import OAuthClient, Tenant
from tests.conftest import Api
from tests.tenants.access.oauth.steps import (
    SCOPES,
    TOKEN,
    error_of,
    fetched,
)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("basic", [True, False], ids=["header", "body"])
def test_a_client_gets_a_token_of_ours_for_itself(tenant: Tenant, made: Any, basic: bool) -> None:
    client, secret = made
    if basic:
        shown = base64.b64encode(f"{client.client_id}:{secret}".encode()).decode()
        answer = Browser().post(
            TOKEN, "grant_type=client_credentials", content_type="application/x-www-form-urlencoded",
            headers={"Authorization": f"Basic {shown}"},
        )  # fmt: skip
    else:
        answer = fetched("client_credentials", client, secret)
    told = answer.json()
    assert (answer.status_code, answer["Cache-Control"]) == (200, "no-store")
    assert (told["token_type"], told["expires_in"], told["scope"]) == ("Bearer", 3600, " ".join(SCOPES))
    assert "refresh_token" not in told
    principal = auth.principal_for(told["access_token"])
    assert (principal.tenant_id, principal.subject) == (tenant.id, f"client:{client.client_id}")
    assert principal.permissions == set(SCOPES)
    assert Api(told["access_token"]).get("/api/v2/contacts").status_code == 200


def test_it_may_ask_for_less_but_not_for_more(made: Any) -> None:
    assert fetched("client_credentials", *made, scope="contacts:read").json()["scope"] == "contacts:read"
    for scope in ("audit:read", "contacts:read audit:read", "everything"):
        assert error_of(fetched("client_credentials", *made, scope=scope)) == (400, "invalid_scope")


REFUSED: dict[str, Callable[[OAuthClient, str], Any]] = {
    "wrong secret": lambda c, s: fetched("client_credentials", c, s[:-1] + "_"),
    "no secret": lambda c, s: fetched("client_credentials", c, ""),
    "unknown client": lambda c, s: fetched("client_credentials", OAuthClient(client_id="oac_" + "0" * 16), s),
    "no client id": lambda c, s: fetched("client_credentials", OAuthClient(client_id="x' OR 1=1"), s),
}


@pytest.mark.parametrize("ask", REFUSED.values(), ids=REFUSED)
def test_a_client_proves_itself(made: Any, ask: Callable[[OAuthClient, str], Any]) -> None:
    status, code = error_of(ask(*made))
    assert (status in (400, 401), code) == (True, "invalid_client")


FORMS: dict[str, tuple[str, str]] = {
    "no grant": ("client_id=x", "unsupported_grant_type"),
    "another grant": ("grant_type=password&username=a&password=b", "unsupported_grant_type"),
    "implicit": ("grant_type=implicit", "unsupported_grant_type"),
    "twice": ("grant_type=client_credentials&grant_type=client_credentials", "invalid_request"),
    "NUL": ("grant_type=client_credentials&client_id=%00", "invalid_request"),
    "no bytes": ("", "invalid_request"),
}


@pytest.mark.parametrize(("body", "code"), FORMS.values(), ids=FORMS)
def test_what_is_no_request_has_the_codes_of_the_standard(body: str, code: str) -> None:
    assert error_of(Browser().post(TOKEN, body, content_type="application/x-www-form-urlencoded")) == (400, code)


def test_json_a_query_and_another_method_are_refused(made: Any) -> None:
    assert error_of(Api().post(TOKEN, {"grant_type": "client_credentials"})) == (400, "invalid_request")
    with_query = Browser().post(f"{TOKEN}?client_id=x", "", content_type="application/x-www-form-urlencoded")
    assert error_of(with_query) == (400, "invalid_request")
    assert Browser().get(TOKEN).status_code == 405


def test_a_flood_of_tries_is_slowed(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """With Redis its clock runs on: some more tries than the burst are let through then."""
    monkeypatch.setattr("tenants.access.buckets.time.monotonic", lambda: 1000.0)
    statuses = (fetched("client_credentials", made[0], "wrong").status_code for _ in range(600))
    allowed = list(itertools.takewhile(lambda status: status != 429, statuses))
    assert set(allowed) <= {400, 401}
    assert 60 <= len(allowed) < 600


def test_a_suspended_tenant_gets_none(made: Any) -> None:
    Tenant.objects.update(status=Tenant.Status.SUSPENDED)
    assert error_of(fetched("client_credentials", *made))[1] == "invalid_client"
