"""Who is let in: keys, tokens, their ends, and everything forged (TEN-3, reliability test 24)."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
import time_machine

from messaging.housekeeping.trims import trim
from tenants import tenant_settings
from tenants.access import api_keys, auth, tokens
from tenants.errors import Forbidden, Invalid, NotAuthenticated
from tenants.models import ApiKey, AuditEntry, Tenant
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tests.conftest import Api
from tests.factories import RoleFactory

pytestmark = [pytest.mark.urls("tests.api.views"), pytest.mark.django_db]


def code_of(response):
    return json.loads(response.content)["error"]["code"]


# ------------------------------------------------------------------------------- API keys


def test_a_key_lies_as_a_hash_and_is_found_by_its_prefix(tenant):
    key, plaintext = api_keys.api_key_create(tenant=tenant, name="crm", scopes=["messages:send"])
    assert plaintext.startswith(f"csk_{key.prefix}_")
    assert plaintext not in json.dumps({name: str(value) for name, value in vars(key).items()})
    principal = auth.principal_for(plaintext)
    assert (principal.tenant_id, principal.subject, principal.kind) == (tenant.id, f"key:{key.prefix}", "key")
    assert principal.permissions == {"messages:send"}


def test_a_key_cannot_have_a_permission_that_does_not_exist(tenant):
    with pytest.raises(Invalid):
        api_keys.api_key_create(tenant=tenant, name="crm", scopes=["everything"])


BAD_KEYS = {
    "unknown prefix": lambda key: "csk_zzzzzzzz_" + key[13:],
    "one letter changed": lambda key: key[:-1] + ("A" if key[-1] != "A" else "B"),
    "cut short": lambda key: key[:-1],
    "longer": lambda key: key + "A",
    "prefix only": lambda key: key[:12],
    "empty secret": lambda key: key[:13],
    "odd letters": lambda key: "csk_\u00e9" + key[5:],
    "SQL": lambda key: "csk_' OR 1=1_" + "a" * 43,
}


@pytest.mark.parametrize("change", BAD_KEYS.values(), ids=BAD_KEYS)
def test_a_wrong_key_is_refused_alike(api_key, change):
    with pytest.raises(NotAuthenticated) as refusal:
        auth.principal_for(change(api_key))
    assert refusal.value.code in ("invalid_api_key", "invalid_token")


def test_a_revoked_key_is_refused_at_once(tenant, api_key):
    assert auth.principal_for(api_key)
    api_keys.api_key_revoke(ApiKey.objects.unscoped().get())  # unscoped: the only key there is
    with pytest.raises(NotAuthenticated):
        auth.principal_for(api_key)


def test_an_expired_key_is_refused_even_while_it_is_remembered(tenant, make_key):
    with time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC), tick=False) as clock:
        _, plaintext = make_key(tenant, expires_at=now() + timedelta(seconds=10))
        assert auth.principal_for(plaintext)
        clock.shift(11)
        with pytest.raises(NotAuthenticated):
            auth.principal_for(plaintext)


def test_a_rotated_key_overlaps_with_its_successor(tenant, make_key):
    with time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC), tick=False) as clock:
        old, old_plaintext = make_key(tenant, "messages:send")
        _, new_plaintext = api_keys.api_key_rotate(old, grace_s=60)
        assert auth.principal_for(old_plaintext).permissions == auth.principal_for(new_plaintext).permissions
        clock.shift(61)
        assert auth.principal_for(new_plaintext)
        with pytest.raises(NotAuthenticated):
            auth.principal_for(old_plaintext)


def test_the_last_use_is_noted_but_once_a_minute(tenant, make_key, django_assert_num_queries):
    key, plaintext = make_key(tenant)
    auth.principal_for(plaintext)
    key.refresh_from_db()
    assert key.last_used_at is not None
    with django_assert_num_queries(0):
        auth.principal_for(plaintext)


# --------------------------------------------------------------------------------- headers


@pytest.mark.parametrize(
    "headers",
    [
        lambda key: {"Authorization": f"Bearer {key}"},
        lambda key: {"Authorization": f"bearer  {key} "},
        lambda key: {"X-API-Key": key},
    ],
    ids=["bearer", "careless bearer", "X-API-Key"],
)
def test_a_credential_may_come_in_two_headers(api, api_key, headers):
    assert api().get("/api/t/contacts", headers=headers(api_key)).status_code == 200


@pytest.mark.parametrize("given", ["Basic YTpi", "Bearer", "Bearer  ", "nonsense"])
def test_other_schemes_are_refused(api, given):
    response = api().get("/api/t/contacts", headers={"Authorization": given})
    assert (response.status_code, code_of(response)) == (401, "invalid_token")


def test_the_tenant_header_must_name_the_credentials_tenant(api, api_key, tenant, other_tenant):
    def status(named):
        headers = {"X-API-Key": api_key, "X-Tenant-ID": named}
        return api().get("/api/t/contacts", headers=headers).status_code

    named = [str(tenant.id), str(tenant.id).upper(), tenant.id.hex, str(other_tenant.id), "x", str(uuid.uuid4()), ""]
    assert [status(name) for name in named] == [200, 200, 200, 403, 403, 403, 403]


def test_a_mismatch_has_its_own_code(api, api_key, other_tenant):
    headers = {"X-API-Key": api_key, "X-Tenant-ID": str(other_tenant.id)}
    assert code_of(api().get("/api/t/contacts", headers=headers)) == "tenant_mismatch"


def test_a_suspended_tenant_is_refused_and_taken_back(api, tenant):
    client = api(tenant)
    statuses = []
    for status in (Tenant.Status.ACTIVE, Tenant.Status.SUSPENDED, Tenant.Status.ACTIVE):
        Tenant.objects.filter(id=tenant.id).update(status=status)
        tenant_settings.invalidate(tenant.id)
        statuses.append(client.get("/api/t/contacts"))
    assert [response.status_code for response in statuses] == [200, 403, 200]
    assert code_of(statuses[1]) == "tenant_suspended"


# ---------------------------------------------------------------------------------- tokens


def test_a_token_says_who_and_what(tenant):
    token = auth.issue_access_token(
        tenant, "anna", permissions=["threads:read", "no:such"], kind="visitor", extra={"channel": "c"}
    )
    principal = auth.principal_for(token, limited=True)
    assert (principal.tenant_id, principal.subject, principal.kind) == (tenant.id, "anna", "visitor")
    assert principal.permissions == {"threads:read"}
    assert principal.extra == {"channel": "c"}


@pytest.mark.urls("chatsvc.urls")
def test_a_token_is_limited_to_learners_and_so_is_what_is_refreshed_from_it(api, tenant):
    """TEN-4: such a token read the whole tenant once."""
    asked = {"subject": "g-1", "permissions": ["threads:read"], "learners": ["l-2", "l-1", "l-1"], "acts_as": "teacher"}
    pair = Api.data_of(api(tenant).post("/api/v2/auth/token", asked))
    again = Api.data_of(api().post("/api/v2/auth/refresh", {"refresh_token": pair["refresh_token"]}))
    for tokens_given in (pair, again):
        claims = jwt.decode(tokens_given["access_token"], options={"verify_signature": False})
        assert (claims["learners"], claims["ext"]) == (["l-1", "l-2"], {"acts_as": "teacher"})
        principal = auth.principal_for(tokens_given["access_token"], limited=True)
        assert principal.learners == {"l-1", "l-2"}
        with pytest.raises(Forbidden) as caught:
            auth.principal_for(tokens_given["access_token"])
        assert caught.value.code == "limited_to_learners"


@pytest.mark.urls("chatsvc.urls")
@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"learners": [f"learner-{number:0180}" for number in range(60)]}, "too_many_learners"),
        ({"acts_as": "staff"}, "learners_required"),
    ],
    ids=["long", "role"],
)
def test_no_token_is_issued_that_would_be_refused_or_says_nothing(api, tenant, asked, code):
    response = api(tenant).post("/api/v2/auth/token", {"subject": "g-1", **asked})
    assert (response.status_code, code_of(response)) == (422, code)


@pytest.mark.urls("chatsvc.urls")
@pytest.mark.parametrize("learners", [5, None, "l-1", [1], {"l-1": 1}], ids=str)
def test_a_claim_that_is_no_list_of_learners_opens_nothing(api, tenant, learners, settings):
    good = auth.issue_access_token(tenant, "user-42", permissions=["*"])
    claims = jwt.decode(good, options={"verify_signature": False})
    for use in ("access", "refresh"):
        odd = jwt.encode({**claims, "learners": learners, "use": use}, settings.JWT_SECRET_KEY, algorithm="HS256")
        response = Api(odd).get("/api/v1/threads")
        assert (response.status_code, code_of(response)) == (401, "invalid_token")
        response = api().post("/api/v2/auth/refresh", {"refresh_token": odd})
        assert (response.status_code, code_of(response)) == (401, "invalid_token")


def test_a_role_of_the_tenant_comes_before_the_default_one(tenant, other_tenant):
    RoleFactory(tenant=tenant, name="agent", permissions=["audit:read"])
    own = auth.principal_for(auth.issue_access_token(tenant, "a", role="agent"))
    default = auth.principal_for(auth.issue_access_token(other_tenant, "a", role="agent"))
    roleless = auth.principal_for(auth.issue_access_token(tenant, "a", role="emperor"))
    assert own.permissions == {"audit:read"}
    assert "conversations:write" in default.permissions
    assert roleless.permissions == frozenset()


def test_warm_requests_cost_no_query(api, tenant, django_assert_num_queries):
    key, token = api(tenant), api()
    token.credentials(HTTP_AUTHORIZATION="Bearer " + auth.issue_access_token(tenant, "anna", role="viewer"))
    for client in (key, token):
        assert client.get("/api/t/contacts").status_code == 200
        with django_assert_num_queries(1):  # the handler's own
            client.get("/api/t/contacts")


@pytest.mark.parametrize(("seconds", "good"), [(0, True), (60, True), (62, False)], ids=["new", "leeway", "over"])
def test_expiry_has_a_second_of_leeway_remembered_or_not(tenant, seconds, good):
    with time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC), tick=False) as clock:
        fresh, remembered = (auth.issue_access_token(tenant, "anna", ttl=60) for _ in range(2))
        auth.principal_for(remembered)
        clock.shift(seconds)
        assert [_is_good(token) for token in (fresh, remembered)] == [good, good]


def _is_good(token):
    try:
        return bool(auth.principal_for(token))
    except NotAuthenticated:
        return False


def test_a_revoked_token_is_refused_at_once_though_remembered(tenant):
    token = auth.issue_access_token(tenant, "anna")
    assert _is_good(token)
    assert auth.revoke(token)
    with pytest.raises(NotAuthenticated) as refusal:
        auth.principal_for(token)
    assert refusal.value.code == "token_revoked"
    assert not auth.revoke(token)


def test_revocations_are_kept_as_long_as_the_token_could_live(tenant):
    with time_machine.travel(datetime(2026, 1, 1, tzinfo=UTC), tick=False) as clock:
        auth.revoke(auth.issue_access_token(tenant, "anna", ttl=60))
        clock.shift(61)
        assert trim("revoked_tokens") == 0
        clock.shift(1)
        assert trim("revoked_tokens") == 1


def test_a_key_that_ended_takes_its_tokens_along(tenant, make_key):
    key, _ = make_key(tenant)
    token = auth.issue_access_token(tenant, "anna", permissions=["messages:send"], key_prefix=key.prefix)
    assert _is_good(token)
    api_keys.api_key_revoke(key)
    assert not _is_good(token)


# ------------------------------------------------------------------------------- endpoints


@pytest.mark.urls("chatsvc.urls")
def test_a_key_is_exchanged_for_a_pair_of_tokens(api, tenant, make_key):
    key, plaintext = make_key(tenant, "messages:send", "contacts:read")
    client = api()
    client.credentials(HTTP_X_API_KEY=plaintext)
    response = client.post("/api/v2/auth/token", {"subject": "anna", "permissions": ["contacts:read"], "ttl": 60})
    pair = client.data_of(response)
    principal = auth.principal_for(pair["access_token"])
    assert response.status_code == 200
    assert (pair["token_type"], pair["expires_in"]) == ("Bearer", 60)
    assert (principal.subject, principal.key_prefix) == ("anna", key.prefix)
    assert principal.permissions == {"contacts:read"}
    with tenant_scope(tenant.id):
        assert AuditEntry.objects.get().action == "token.issued"


@pytest.mark.urls("chatsvc.urls")
@pytest.mark.parametrize(
    ("wanted", "status", "code"),
    [
        ({"permissions": ["audit:read"]}, 403, "permission_denied"),
        ({"ttl": 0}, 400, "validation_error"),
        ({"admin": True}, 400, "validation_error"),
    ],
    ids=["more than the key has", "no life", "unknown field"],
)
def test_a_token_is_never_more_than_its_key(api, tenant, wanted, status, code):
    response = api(tenant, "messages:send").post("/api/v2/auth/token", wanted)
    assert (response.status_code, code_of(response)) == (status, code)


@pytest.mark.urls("chatsvc.urls")
def test_tokens_do_not_beget_tokens(api, tenant):
    client = api()
    client.credentials(HTTP_AUTHORIZATION="Bearer " + auth.issue_access_token(tenant, "anna", role="admin"))
    response = client.post("/api/v2/auth/token")
    assert (response.status_code, code_of(response)) == (403, "api_key_required")


@pytest.mark.urls("chatsvc.urls")
@pytest.mark.django_db(transaction=True)
def test_ttl_bounds_all_that_is_refreshed(api, tenant):
    with time_machine.travel(datetime(2026, 11, 28, 12, tzinfo=UTC), tick=False) as clock:
        pair = api().data_of(api(tenant).post("/api/v2/auth/token", {"ttl": 60}))
        assert pair["expires_in"] == 60
        clock.shift(40)
        later = api().data_of(api().post("/api/v2/auth/refresh", {"refresh_token": pair["refresh_token"]}))
        assert later["expires_in"] == 20
        clock.shift(25)
        late = api().post("/api/v2/auth/refresh", {"refresh_token": later["refresh_token"]})
        assert (late.status_code, code_of(late)) == (401, "token_expired")


@pytest.mark.urls("chatsvc.urls")
def test_a_suspended_tenant_cannot_refresh(tenant):
    refresh = auth.issue_refresh_token(tenant, "anna")
    Tenant.objects.update(status=Tenant.Status.SUSPENDED)
    with pytest.raises(Forbidden):
        auth.tokens_refresh(refresh)


@pytest.mark.urls("chatsvc.urls")
def test_the_holder_of_a_token_may_end_it(api, tenant):
    token = auth.issue_access_token(tenant, "anna")
    answers = [api().post("/api/v2/auth/revoke", {"token": given}) for given in (token, "nonsense")]
    assert [api().data_of(answer) for answer in answers] == [{"revoked": True}, {"revoked": False}]
    assert not _is_good(token)


def test_a_token_of_another_algorithm_is_refused_though_the_key_is_ours(tenant: Tenant, settings: Any) -> None:
    def issued() -> str:
        return tokens.token_issue(
            "access", tenant_id=tenant.id, subject="s", kind="key", permissions=[], ttl_s=60
        )  # fmt: skip

    settings.JWT_SECRET_KEY = "k" * 64
    settings.JWT_ALGORITHM = "HS512"
    ours = issued()
    assert tokens.token_verify(ours, "access")["sub"] == "s"
    settings.JWT_ALGORITHM = "HS256"
    other = issued()
    settings.JWT_ALGORITHM = "HS512"
    with pytest.raises(NotAuthenticated):
        tokens.token_verify(other, "access")
