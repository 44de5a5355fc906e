"""OAuth 2.0: software of others gets our own tokens, for itself or for a member of staff who lets it (TEN-3)."""

from __future__ import annotations

import base64
import datetime
import hashlib
import itertools
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import time_machine
from django.test import Client as Browser

from messaging.housekeeping.trims import trim
from tenants.access import auth
from tenants.access.grants.clients import client_create, client_end, uri_allowed
from tenants.access.tokens import token_read
from tenants.errors import Invalid, NotAuthenticated
from tenants.models import AuditEntry, Membership, OAuthClient, OAuthCode, Tenant, TokenFamily, User
from tenants.scope import tenant_scope
from tenants.storage import memo
from tests.conftest import Api
from tests.factories import MembershipFactory, RoleFactory, UserFactory

pytestmark = pytest.mark.django_db
BACK = "https://analytics.example.com/callback"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
SCOPES = ["contacts:read", "conversations:read"]
AUTHORIZE, TOKEN = "/admin/oauth/authorize/", "/api/v2/oauth/token"


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(datetime.datetime(2026, 11, 28, 12, tzinfo=datetime.UTC), tick=False) as moved:
        yield moved


@pytest.fixture
def made(tenant: Tenant) -> tuple[OAuthClient, str]:
    return client_create(tenant, "Shop analytics", SCOPES, [BACK])


@pytest.fixture
def ana(tenant: Tenant) -> User:
    role = RoleFactory(tenant=tenant, permissions=["conversations:read", "messages:read"])
    return MembershipFactory(tenant=tenant, role=role, user=UserFactory(username="ana")).user


@pytest.fixture
def desk(ana: User) -> Browser:
    """The browser of a member of staff."""
    browser = Browser()
    browser.force_login(ana)
    return browser


def asked(client_id: str, **changes: Any) -> str:
    query = {
        "response_type": "code", "client_id": client_id, "redirect_uri": BACK, "state": "s1", "code_challenge": CHALLENGE,
        "code_challenge_method": "S256", "scope": " ".join(SCOPES), **changes,
    }  # fmt: skip
    return f"{AUTHORIZE}?{urlencode({name: value for name, value in query.items() if value is not None})}"


def fetched(grant: str, client: OAuthClient, secret: str, **fields: str) -> Any:
    body = {
        "grant_type": grant,
        "client_id": client.client_id,
        **({"client_secret": secret} if secret else {}),
        **fields,
    }
    return Browser().post(TOKEN, urlencode(body), content_type="application/x-www-form-urlencoded")


def error_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]


def code_from(answer: Any) -> str:
    assert answer.status_code == 302, answer.content
    sent = urlsplit(answer["Location"])
    query = parse_qs(sent.query)
    assert (f"{sent.scheme}://{sent.netloc}{sent.path}", query["state"]) == (BACK, ["s1"])
    return query["code"][0]


def allowed(desk: Browser, client: OAuthClient, **changes: Any) -> str:
    return code_from(desk.post(asked(client.client_id, **changes), {"answer": "allow"}))


def exchanged(client: OAuthClient, secret: str, code: str, **changes: str) -> Any:
    fields = {"code": code, "redirect_uri": BACK, "code_verifier": VERIFIER, **changes}
    return fetched("authorization_code", client, secret, **fields)


def is_good(token: str) -> bool:
    try:
        return bool(auth.principal_for(token))
    except NotAuthenticated as refusal:
        assert refusal.code == "token_revoked"
        return False


# ------------------------------------------------------------------------------- for itself


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


# ------------------------------------------------------------------------------- for a person


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


# ------------------------------------------------------------------------------ refresh and end


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


# ------------------------------------------------------------------------------------ clients


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
