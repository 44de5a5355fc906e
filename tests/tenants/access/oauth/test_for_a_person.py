"""A client of OAuth that acts for a person: asked, allowed, a code, a token (TEN-3)."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client as Browser

from messaging.housekeeping.trims import trim
from tenants.access import auth
from tenants.access.grants.clients import client_create
from tenants.models import AuditEntry, OAuthCode, Tenant, TokenFamily, User
from tenants.scope import tenant_scope
from tenants.storage import memo
from tests.tenants.access.oauth.steps import (
    BACK,
    SCOPES,
    TOKEN,
    VERIFIER,
    allowed,
    asked,
    error_of,
    exchanged,
    fetched,
    is_good,
)

pytestmark = pytest.mark.django_db


def test_a_person_sees_what_is_asked_and_lets_it(desk: Browser, made: Any, tenant: Tenant) -> None:
    client, secret = made
    page = desk.get(asked(client.client_id))
    words = page.content.decode()
    assert all(
        said in words for said in ("Shop analytics", "ana", "Acme", "Read conversations", "analytics.example.com")
    )
    assert "Read contacts" not in words  # she may not do that herself
    assert "form-action 'self' https://analytics.example.com" in page["Content-Security-Policy"]
    told = exchanged(client, secret, allowed(desk, client)).json()
    principal = auth.principal_for(told["access_token"])
    assert (principal.tenant_id, principal.subject, principal.permissions) == (
        tenant.id, "user:ana", {"conversations:read"},
    )  # fmt: skip
    assert told["scope"] == "conversations:read"
    with tenant_scope(tenant.id):
        assert list(AuditEntry.objects.order_by("id").values_list("actor", "action")) == [
            ("user:ana", "oauthclient.authorized"), (f"client:{client.client_id}", "token.issued"),
        ]  # fmt: skip


def test_the_code_lies_as_a_hash(desk: Browser, made: Any) -> None:
    code = allowed(desk, made[0])
    row = OAuthCode.objects.unscoped().get()  # unscoped: the only one
    assert code not in str(vars(row))


def test_a_person_may_refuse(desk: Browser, made: Any) -> None:
    for body in ({"answer": "refuse"}, {}):
        answer = desk.post(asked(made[0].client_id), body)
        query = parse_qs(urlsplit(answer["Location"]).query)
        assert (query["error"], query["state"], "code" in query) == (["access_denied"], ["s1"], False)


def test_a_person_signs_in_first(made: Any, ana: User) -> None:
    answer = Browser().get(asked(made[0].client_id))
    assert answer["Location"].startswith("/admin/login/?next=/admin/oauth/authorize/%3Fresponse_type")


def test_consent_needs_the_pages_own_form(ana: User, made: Any) -> None:
    browser = Browser(enforce_csrf_checks=True)
    browser.force_login(ana)
    assert browser.post(asked(made[0].client_id), {"answer": "allow"}).status_code == 403


def test_a_token_is_refused_while_its_person_has_not_the_second_step_that_is_demanded(
    desk: Browser, made: Any, tenant: Tenant, ana: User
) -> None:
    told = exchanged(*made, allowed(desk, made[0])).json()
    tenant.settings = {**tenant.settings, "second_factor": True}
    tenant.save(update_fields=["settings"])
    memo.forget_all()
    assert not is_good(told["access_token"])
    assert error_of(fetched("refresh_token", *made, refresh_token=told["refresh_token"])) == (400, "invalid_grant")
    User.objects.filter(pk=ana.pk).update(second_factor_at=tenant.created_at)
    assert is_good(told["access_token"])
    assert fetched("refresh_token", *made, refresh_token=told["refresh_token"]).status_code == 200


def test_another_tenants_client_gets_nothing(desk: Browser, other_tenant: Tenant) -> None:
    client, _ = client_create(other_tenant, "Theirs", SCOPES, [BACK])
    for answer in (desk.get(asked(client.client_id)), desk.post(asked(client.client_id), {"answer": "allow"})):
        assert (answer.status_code, "Location" in answer) == (403, False)


NOWHERE: dict[str, dict[str, Any]] = {
    "unknown client": {"client_id": "oac_" + "0" * 16},
    "no client": {"client_id": None},
    "another address": {"redirect_uri": "https://evil.example/callback"},
    "a longer address": {"redirect_uri": BACK + "/more"},
    "a query behind it": {"redirect_uri": BACK + "?x=1"},
    "no address": {"redirect_uri": None},
}


@pytest.mark.parametrize("changes", NOWHERE.values(), ids=NOWHERE)
def test_no_browser_is_sent_where_the_client_has_not_said(desk: Browser, made: Any, changes: dict[str, Any]) -> None:
    address = asked(**{"client_id": made[0].client_id, **changes})
    for answer in (desk.get(address), desk.post(address, {"answer": "allow"})):
        assert (answer.status_code, "Location" in answer) == (400, False)


ODD = {
    "NUL": "\0",
    "an umlaut": "ä",
    "a line": "a\r\nb",
    "a quote": 'a"b',
    "a bar": "a\\b",
    "half a character": "\ufffd",
}


@pytest.mark.parametrize("name", ["response_type", "redirect_uri", "scope", "code_challenge", "client_id"])
@pytest.mark.parametrize("value", ODD.values(), ids=ODD)
def test_characters_that_the_standard_does_not_know_are_told(desk: Browser, made: Any, name: str, value: str) -> None:
    desk.raise_request_exception = False
    address = asked(**{"client_id": made[0].client_id, name: value})
    for answer in (desk.get(address), desk.post(address, {"answer": "allow"})):
        assert (answer.status_code, "Location" in answer) == (400, False)
    fields = {"code": "x", "redirect_uri": BACK, "code_verifier": VERIFIER, "scope": "", name: value}
    assert error_of(fetched("authorization_code", *made, **{**fields, "client_id": value}))[0] == 400


@pytest.mark.parametrize(
    "header", ["Basic", "Basic ", "Basic !", "Basic //46/w==", "Basic eA==", "Bearer x", "Basic \xff"]
)
def test_a_header_that_is_not_whole_proves_no_client(db: None, header: str) -> None:
    browser, form = Browser(raise_request_exception=False), "application/x-www-form-urlencoded"
    answer = browser.post(TOKEN, "grant_type=client_credentials", content_type=form, headers={"Authorization": header})
    assert error_of(answer) == (401, "invalid_client")


BACK_WITH: dict[str, tuple[dict[str, Any], str]] = {
    "no challenge": ({"code_challenge": None}, "invalid_request"),
    "plain challenge": ({"code_challenge_method": "plain"}, "invalid_request"),
    "challenge of no method": ({"code_challenge_method": None}, "invalid_request"),
    "short challenge": ({"code_challenge": "abc"}, "invalid_request"),
    "more than the client has": ({"scope": "audit:read"}, "invalid_scope"),
    "another response": ({"response_type": "token"}, "unsupported_response_type"),
}


@pytest.mark.parametrize(("changes", "code"), BACK_WITH.values(), ids=BACK_WITH)
def test_what_is_wrong_is_told_to_the_client(desk: Browser, made: Any, changes: dict[str, Any], code: str) -> None:
    answer = desk.get(asked(made[0].client_id, **changes))
    assert answer["Location"].startswith(f"{BACK}?")
    assert parse_qs(urlsplit(answer["Location"]).query)["error"] == [code]


EXCHANGES: dict[str, dict[str, str]] = {
    "wrong verifier": {"code_verifier": "w" * 64},
    "no verifier": {"code_verifier": ""},
    "another address": {"redirect_uri": "https://evil.example/callback"},
    "no address": {"redirect_uri": ""},
    "another code": {"code": "x" * 48},
}


@pytest.mark.parametrize("changes", EXCHANGES.values(), ids=EXCHANGES)
def test_a_code_is_good_only_with_all_that_belongs_to_it(desk: Browser, made: Any, changes: dict[str, str]) -> None:
    code = allowed(desk, made[0])
    status, error = error_of(exchanged(*made, **{"code": code, **changes}))
    assert (status, error in ("invalid_grant", "invalid_request")) == (400, True)


def test_a_code_is_the_clients_own(desk: Browser, made: Any, tenant: Tenant) -> None:
    other = client_create(tenant, "Other", SCOPES, [BACK])
    code = allowed(desk, made[0])
    assert error_of(exchanged(*other, code)) == (400, "invalid_grant")
    assert exchanged(*made, code).status_code == 200


def test_a_code_that_comes_twice_ends_what_it_gave(desk: Browser, made: Any) -> None:
    code = allowed(desk, made[0])
    told = exchanged(*made, code).json()
    assert is_good(told["access_token"])
    assert error_of(exchanged(*made, code)) == (400, "invalid_grant")
    assert not is_good(told["access_token"])


def test_a_code_that_comes_twice_at_once_ends_what_it_gives(
    desk: Browser, made: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second exchange comes before the first one has made its tokens."""
    code, make, others = allowed(desk, made[0]), auth.token_pair, []

    def slow(*args: Any, **options: Any) -> Any:
        monkeypatch.setattr(auth, "token_pair", make)
        others.append(error_of(exchanged(*made, code)))
        return make(*args, **options)

    monkeypatch.setattr(auth, "token_pair", slow)
    told = exchanged(*made, code).json()
    assert others == [(400, "invalid_grant")]
    assert not is_good(told["access_token"])
    assert error_of(fetched("refresh_token", *made, refresh_token=told["refresh_token"])) == (400, "invalid_grant")
    with tenant_scope(made[0].tenant_id):
        assert list(TokenFamily.objects.values_list("ended_by", flat=True)) == ["reused"]


def test_a_code_lives_a_minute_and_its_row_a_day(desk: Browser, made: Any, clock: Any) -> None:
    code = allowed(desk, made[0])
    clock.shift(60)
    assert error_of(exchanged(*made, code)) == (400, "invalid_grant")
    clock.shift(86_399)
    assert trim("oauth_codes") == 0
    clock.shift(1)
    assert trim("oauth_codes") == 1


def test_a_client_without_a_secret_needs_its_verifier_alone(desk: Browser, tenant: Tenant) -> None:
    client, secret = client_create(tenant, "App", SCOPES, [BACK], public=True)
    assert secret == ""
    assert exchanged(client, "", allowed(desk, client)).status_code == 200
    assert error_of(exchanged(client, "guess", allowed(desk, client)))[1] == "invalid_client"
    assert error_of(fetched("client_credentials", client, ""))[1] == "invalid_client"


def test_a_client_that_acts_for_itself_alone_sends_no_person_anywhere(desk: Browser, tenant: Tenant) -> None:
    client, _ = client_create(tenant, "Robot", SCOPES)
    assert desk.get(asked(client.client_id)).status_code == 400
