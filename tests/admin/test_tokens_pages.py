"""The console's pages on OAuth clients, trusted issuers and families of tokens."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest

from tenants.access.grants.clients import client_facts
from tenants.access.signing import issuers
from tenants.errors import Unavailable
from tenants.models import AuditEntry, OAuthClient, TokenFamily, TrustedIssuer
from tenants.storage.db import now
from tests.admin.conftest import World, do, rows, url

BACK = "https://analytics.example.com/callback"
KEYS = {"2026-01": {"kty": "EC"}}
SECRET = re.compile(r"oas_[\w-]{43}")


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses that were asked for keys; each has some but for the one that is away."""
    asked: list[str] = []

    def keys_at(address: str) -> Any:
        asked.append(address)
        if "away" in address:
            raise Unavailable("The issuer's keys cannot be had at the moment.", code="issuer_away", retry_after=60)
        return KEYS

    for place in (issuers, __import__("tenants.console.tokens.issuers", fromlist=["x"])):
        monkeypatch.setattr(place, "keys_at", keys_at)
    return asked


def client_form(world: World, **changes: Any) -> dict[str, Any]:
    asked = {"tenant": str(world.tenant.id), "name": "Shop", "scopes": ["messages:read"], "redirect_uris": BACK}
    return {**asked, **changes}


def refusals(page: Any) -> dict[str, Any]:
    return dict(page.context["adminform"].form.errors)


def test_a_client_is_made_with_a_secret_that_is_shown_once_and_replaced(staff_of: Any, acme: World) -> None:
    desk = staff_of(acme.tenant, ("keys:read", "keys:write", "messages:read"))
    page = desk.post(url(OAuthClient, "add"), client_form(acme), follow=True)
    (secret,) = set(SECRET.findall(page.content.decode()))
    row = rows(OAuthClient).get(name="Shop")
    assert (row.redirect_uris, row.scopes, client_facts(row.client_id).knows(secret)) == (
        [BACK],
        ["messages:read"],
        True,
    )
    assert secret not in desk.get(url(OAuthClient, "change", row.pk)).content.decode()

    (new,) = set(SECRET.findall(do(desk, row, "rotate").content.decode()))
    facts = client_facts(row.client_id)
    assert (facts.knows(secret), facts.knows(new), facts.knows("")) == (True, True, False)
    rows(OAuthClient).filter(pk=row.pk).update(former_until=now() - timedelta(seconds=1))
    do(desk, row, "rotate")  # the one before the former is dead at once
    facts = client_facts(row.client_id)
    assert (facts.knows(secret), facts.knows(new)) == (False, True)

    changed = client_form(acme, name="Shop 2", redirect_uris="com.shop.app:/done")
    desk.post(url(OAuthClient, "change", row.pk), changed, follow=True)
    assert client_facts(row.client_id).redirect_uris == ("com.shop.app:/done",)
    do(desk, row, "revoke")
    assert client_facts(row.client_id) is None
    assert desk.post(url(OAuthClient, "change", row.pk), changed).status_code == 403
    deeds = rows(AuditEntry).filter(target=f"oauthclient:{row.pk}").order_by("id").values_list("action", flat=True)
    assert list(deeds) == [f"oauthclient.{did}" for did in ("created", "rotated", "rotated", "updated", "revoked")]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"redirect_uris": "http://analytics.example.com/"}, "redirect_uris"),
        ({"redirect_uris": "", "public": "on"}, "redirect_uris"),
        ({"scopes": ["audit:read"]}, "__all__"),
        ({"scopes": ["moon:read"]}, "scopes"),
    ],
    ids=["an address in the clear", "public without an address", "more than the maker has", "no such permission"],
)
def test_a_client_that_must_not_be_is_not_made(staff_of: Any, acme: World, changes: Any, field: str) -> None:
    desk = staff_of(acme.tenant, ("keys:read", "keys:write", "messages:read"))
    assert set(refusals(desk.post(url(OAuthClient, "add"), client_form(acme, **changes)))) == {field}
    assert not rows(OAuthClient).filter(name="Shop").exists()


def test_staff_send_no_codes_elsewhere_that_stand_for_more_than_they_have(staff_of: Any, acme: World) -> None:
    desk = staff_of(acme.tenant, ("keys:read", "keys:write"))
    row = rows(OAuthClient).get(tenant=acme.tenant)
    page = desk.post(url(OAuthClient, "change", row.pk), client_form(acme))
    assert "permissions that you do not have" in str(refusals(page))
    do(desk, row, "rotate")
    row.refresh_from_db()
    assert (row.redirect_uris, row.former_hash) == ([], None)


def test_an_issuer_is_trusted_tried_changed_and_ended(staff_of: Any, acme: World, at: list[str]) -> None:
    desk = staff_of(acme.tenant, ("tenants:read", "tenants:write", "messages:read"))
    asked = {
        "tenant": str(acme.tenant.id), "issuer": "https://id.example.com/", "audience": "chat", "permissions": ["messages:read"],
        "jwks_url": "https://id.example.com/jwks",
    }  # fmt: skip
    page = desk.post(url(TrustedIssuer, "add"), {**asked, "jwks_url": "https://away.example.com/"})
    assert set(refusals(page)) == {"jwks_url"}
    desk.post(url(TrustedIssuer, "add"), asked)
    row = rows(TrustedIssuer).get(issuer=asked["issuer"])
    assert row.keys == KEYS
    assert "1 key (2026-01)" in do(desk, row, "try").content.decode()

    page = url(TrustedIssuer, "change", row.pk)
    assert set(refusals(desk.post(page, {**asked, "jwks_url": "https://away.example.com/"}))) == {"jwks_url"}
    desk.post(page, {**asked, "jwks_url": "https://new.example.com/jwks"})
    desk.post(page, {**asked, "jwks_url": "https://new.example.com/jwks", "audience": "theirs"})
    row.refresh_from_db()
    assert (row.jwks_url, row.audience) == ("https://new.example.com/jwks", "chat")
    desk.post(url(TrustedIssuer, "delete", row.pk), {"post": "yes"})
    assert not rows(TrustedIssuer).filter(pk=row.pk).exists()
    deeds = rows(AuditEntry).filter(target=f"tokenissuer:{row.pk}").order_by("id").values_list("action", flat=True)
    assert list(deeds) == [f"tokenissuer.{did}" for did in ("created", "tried", "updated", "updated", "deleted")]
    away, there, new = "https://away.example.com/", asked["jwks_url"], "https://new.example.com/jwks"
    assert at == [away, there, there, away, new]


def test_an_address_is_asked_only_for_those_who_may_trust_it(staff_of: Any, acme: World, at: list[str]) -> None:
    row = rows(TrustedIssuer).get(tenant=acme.tenant)
    asked = {"tenant": str(acme.tenant.id), "jwks_url": "https://new.example.com/", "permissions": ["messages:read"]}
    reader = staff_of(acme.tenant, ("tenants:read",))
    assert reader.post(url(TrustedIssuer, "add"), {**asked, "issuer": "a", "audience": "b"}).status_code == 403
    assert reader.post(url(TrustedIssuer, "change", row.pk), asked).status_code == 403
    assert at == []
    narrow = staff_of(acme.tenant, ("tenants:read", "tenants:write"))
    assert "permissions that you do not have" in str(refusals(narrow.post(url(TrustedIssuer, "change", row.pk), asked)))


def test_a_family_is_ended_once(staff_of: Any, acme: World) -> None:
    desk = staff_of(acme.tenant, ("keys:read", "keys:write"))
    row = rows(TokenFamily).get(tenant=acme.tenant)
    do(desk, row, "revoke")
    row.refresh_from_db()
    assert row.ended_by == "revoked"
    assert desk.post(url(TokenFamily, "do", row.pk, "revoke")).status_code == 403
    assert [entry.action for entry in rows(AuditEntry).filter(target=f"tokenfamily:{row.pk}")] == [
        "tokenfamily.revoked",
        "tokenfamily.read",
    ]
