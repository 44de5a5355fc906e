"""Refresh tokens: each works once, two exchanges at once lose no caller, a stolen one ends its family (TEN-3)."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
import time_machine
from django.db import connection

from messaging.housekeeping.trims import trim
from tenants.access import auth, tokens
from tenants.access.grants import families
from tenants.access.tokens import token_read, token_revoke
from tenants.errors import NotAuthenticated
from tenants.models import AuditEntry, RevokedToken, Tenant, TokenFamily
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tests.conftest import Api

pytestmark = pytest.mark.django_db
AT = datetime.datetime(2026, 11, 28, 12, tzinfo=datetime.UTC)


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(AT, tick=False) as moved:
        yield moved


@pytest.fixture
def pair(api: Any, tenant: Tenant) -> dict[str, Any]:
    return Api.data_of(api(tenant, "messages:send").post("/api/v2/auth/token", {"subject": "anna"}))


def refresh(token: str) -> Any:
    return Api().post("/api/v2/auth/refresh", {"refresh_token": token})


def refreshed(token: str) -> dict[str, Any]:
    return Api.data_of(refresh(token))


def code_of(answer: Any) -> str:
    assert answer.status_code == 401
    return str(Api.error_of(answer)["code"])


def is_good(token: str) -> bool:
    try:
        return bool(auth.principal_for(token))
    except NotAuthenticated as refusal:
        assert refusal.code == "token_revoked"
        return False


def family_of(pair: dict[str, Any]) -> TokenFamily:
    family_id = token_read(pair["access_token"], "access")["fam"]
    return TokenFamily.objects.unscoped().get(id=family_id)  # unscoped: one row by its id


def test_an_exchange_moves_the_family_on(clock: Any, pair: dict[str, Any]) -> None:
    clock.shift(60)
    later = refreshed(pair["refresh_token"])
    principal, row = auth.principal_for(later["access_token"]), family_of(pair)
    assert (principal.subject, principal.permissions) == ("anna", {"messages:send"})
    assert (row.moves, row.subject, row.moved_at, row.ended_at) == (1, "anna", now(), None)
    assert row.expires_at == AT + datetime.timedelta(seconds=60 + 1_209_600)
    assert row.current == token_read(later["refresh_token"], "refresh")["jti"]


@pytest.mark.parametrize(
    ("waited_s", "same"), [(0, True), (10, True), (10.001, False)], ids=["at once", "late", "over"]
)
def test_an_answer_that_was_lost_is_given_again_for_ten_seconds(
    clock: Any, pair: dict[str, Any], waited_s: float, same: bool
) -> None:
    first = refreshed(pair["refresh_token"])
    clock.shift(waited_s)
    again = refresh(pair["refresh_token"])
    assert (again.status_code == 200) is same
    assert (again.content == refresh(first["refresh_token"]).content) is False
    assert [is_good(first["access_token"]), family_of(pair).ended_by] == [same, "" if same else "reused"]


def test_what_is_given_again_is_the_same_token(clock: Any, pair: dict[str, Any]) -> None:
    first = refreshed(pair["refresh_token"])
    clock.shift(7)
    again = refreshed(pair["refresh_token"])
    assert {**again, "expires_in": 0} == {**first, "expires_in": 0}
    assert family_of(pair).moves == 1


def test_one_that_comes_twice_ends_its_whole_family(clock: Any, api: Any, tenant: Tenant, pair: dict[str, Any]) -> None:
    others = Api.data_of(api(tenant, "messages:send").post("/api/v2/auth/token"))
    later = refreshed(pair["refresh_token"])
    latest = refreshed(later["refresh_token"])
    assert code_of(refresh(pair["refresh_token"])) == "token_revoked"  # within seconds, but two steps ago
    assert [is_good(one["access_token"]) for one in (pair, later, latest)] == [False, False, False]
    assert code_of(refresh(latest["refresh_token"])) == "token_revoked"
    assert is_good(others["access_token"])
    with tenant_scope(tenant.id):
        assert AuditEntry.objects.filter(action="tokenfamily.reused").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_many_exchanges_at_once_one_moves_the_family_and_all_get_its_pair(tenant: Tenant, make_key: Any) -> None:
    key, _ = make_key(tenant)
    holder = auth.Principal(tenant.id, "anna", "token", frozenset({"messages:send"}), key_prefix=key.prefix)
    _, token = auth.token_pair(holder)

    def exchanged(_: int) -> str:
        try:
            return str(token_read(auth.tokens_refresh(token)[1], "refresh")["jti"])
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        given = list(threads.map(exchanged, range(8)))
    row = TokenFamily.objects.unscoped().get()  # unscoped: the only one
    assert (set(given), row.moves, row.ended_at) == ({row.current}, 1, None)


def test_an_exchange_between_whose_looks_another_one_moves_gets_the_same_pair(
    clock: Any, pair: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its row is the old one, or its token is revoked already: both are seen together by none."""
    won: list[dict[str, Any]] = []
    looks = {"_rows": families._rows, "_revoked": families._revoked}

    def with_another_behind(name: str) -> Any:
        def look(*given: Any) -> Any:
            for one, plain in looks.items():
                monkeypatch.setattr(families, one, plain)
            seen = looks[name](*given)
            seen = seen.first() if name == "_rows" else seen
            won.append(refreshed(pair["refresh_token"]))
            return SimpleNamespace(first=lambda: seen) if name == "_rows" else seen

        return look

    for name in looks:
        monkeypatch.setattr(families, name, with_another_behind(name))
    assert [refreshed(pair["refresh_token"])] == won
    assert family_of(pair).ended_at is None


def test_an_exchange_that_loses_the_row_gets_the_winners_pair(
    clock: Any, pair: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    won: list[dict[str, Any]] = []
    moved = families._moved

    def after_another(*given: Any) -> bool:
        monkeypatch.setattr(families, "_moved", moved)
        won.append(refreshed(pair["refresh_token"]))
        return moved(*given)

    monkeypatch.setattr(families, "_moved", after_another)
    assert [refreshed(pair["refresh_token"])] == won
    assert family_of(pair).moves == 1


# -------------------------------------------------------------------- the release before beside


def by_the_release_before(claims: dict[str, Any]) -> dict[str, Any]:
    """What 0.1.0 does with a refresh token: the jti is refused from now on, and the next has no row."""
    assert token_revoke(claims)
    return {**claims, "jti": str(uuid.uuid4()), "iat": int(now().timestamp())}


def signed(claims: dict[str, Any]) -> str:
    return tokens.keyring().signed(claims)


def test_a_family_without_a_row_gets_one(clock: Any, tenant: Tenant) -> None:
    token = auth.issue_refresh_token(tenant, "anna", permissions=["messages:send"])
    later = refreshed(token)
    assert (family_of(later).subject, family_of(later).moves) == ("anna", 1)
    clock.shift(11)
    assert code_of(refresh(token)) == "token_revoked"


def test_the_release_before_may_move_a_family_on(clock: Any, pair: dict[str, Any]) -> None:
    clock.shift(1)
    theirs = by_the_release_before(token_read(pair["refresh_token"], "refresh"))
    later = refreshed(signed(theirs))
    theirs = by_the_release_before(token_read(later["refresh_token"], "refresh"))
    clock.shift(20)
    assert is_good(refreshed(signed(theirs))["access_token"])


def test_what_the_release_before_has_used_is_used(clock: Any, pair: dict[str, Any], tenant: Tenant) -> None:
    old = auth.issue_refresh_token(tenant, "ben")
    for token in (pair["refresh_token"], old):
        by_the_release_before(token_read(token, "refresh"))
        assert code_of(refresh(token)) == "token_revoked"
    assert not is_good(pair["access_token"])


def test_the_release_before_refuses_what_was_exchanged_here(clock: Any, pair: dict[str, Any]) -> None:
    refreshed(pair["refresh_token"])
    jti = token_read(pair["refresh_token"], "refresh")["jti"]
    assert RevokedToken.objects.filter(jti=jti).exists()


def test_a_stranger_of_the_family_is_no_member(clock: Any, pair: dict[str, Any]) -> None:
    claims = token_read(pair["refresh_token"], "refresh")
    stray = signed({**claims, "jti": str(uuid.uuid4())})
    assert code_of(refresh(stray)) == "token_revoked"
    assert code_of(refresh(signed({**claims, "fam": "none"}))) == "invalid_token"


# ------------------------------------------------------------------------------- list and end


def test_families_are_listed_by_subject(clock: Any, api: Any, tenant: Tenant, other_tenant: Tenant) -> None:
    for of, subject in ((tenant, "anna"), (tenant, "ben"), (tenant, "anna"), (other_tenant, "anna")):
        api(of, "messages:send").post("/api/v2/auth/token", {"subject": subject})
    reader = api(tenant, "keys:read")
    found = Api.data_of(reader.get("/api/v2/token-families?subject=anna"))["items"]
    assert [(one["subject"], one["state"], one["permissions"]) for one in found] == [
        ("anna", "valid", ["messages:send"])
    ] * 2
    clock.shift(1_209_601)
    found = Api.data_of(reader.get("/api/v2/token-families?page=1"))
    assert ([one["state"] for one in found["items"]], found["total"]) == (["expired"] * 3, 3)


def test_a_family_is_ended_with_all_its_tokens(clock: Any, api: Any, tenant: Tenant, pair: dict[str, Any]) -> None:
    later, address = refreshed(pair["refresh_token"]), f"/api/v2/token-families/{family_of(pair).id}"
    assert is_good(later["access_token"])
    ended = [Api.data_of(api(tenant, "keys:read", "keys:write").delete(address)) for _ in range(2)]
    assert [(one["state"], one["ended_at"]) for one in ended] == [("revoked", "2026-11-28T12:00:00.000Z")] * 2
    assert not is_good(later["access_token"])
    assert code_of(refresh(later["refresh_token"])) == "token_revoked"
    assert Api.data_of(api(tenant, "keys:read").get(address))["state"] == "revoked"
    with tenant_scope(tenant.id):
        assert AuditEntry.objects.filter(action="tokenfamily.revoked").count() == 1


def test_another_tenants_family_is_not_there(api: Any, other_tenant: Tenant, pair: dict[str, Any]) -> None:
    address = f"/api/v2/token-families/{family_of(pair).id}"
    for client in (api(other_tenant).get, api(other_tenant).delete):
        answer = client(address)
        assert (answer.status_code, Api.error_of(answer)["code"]) == (404, "token_family_not_found")
    assert is_good(pair["access_token"])


def test_a_refresh_token_that_is_ended_takes_its_family_along(pair: dict[str, Any]) -> None:
    later = refreshed(pair["refresh_token"])
    given = [Api().post("/api/v2/auth/revoke", {"token": later["refresh_token"]}) for _ in range(2)]
    assert [Api.data_of(one)["revoked"] for one in given] == [True, False]
    assert [is_good(one["access_token"]) for one in (pair, later)] == [False, False]


def test_an_access_token_that_is_ended_ends_alone(pair: dict[str, Any]) -> None:
    assert Api.data_of(Api().post("/api/v2/auth/revoke", {"token": pair["access_token"]}))["revoked"]
    assert is_good(refreshed(pair["refresh_token"])["access_token"])


def test_a_longer_life_of_the_first_token_is_kept(clock: Any, api: Any, tenant: Tenant) -> None:
    given = Api.data_of(api(tenant).post("/api/v2/auth/token", {"ttl": 86_400}))
    access, refresh_token = (
        jwt.decode(given[name], options={"verify_signature": False}) for name in ("access_token", "refresh_token")
    )
    assert (given["expires_in"], access["exp"] - access["iat"], refresh_token["exp"]) == (86_400, 86_400, access["end"])


def test_a_family_is_kept_for_a_month_after_its_end(clock: Any, pair: dict[str, Any]) -> None:
    clock.shift(1_209_600 + 30 * 86_400 - 1)
    assert trim("token_families") == 0
    clock.shift(1)
    assert trim("token_families") == 1
