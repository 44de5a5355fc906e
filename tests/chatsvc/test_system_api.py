"""What operators do by REST, and that no one else does: figures of the service, its caches, a tenant's limits (API-2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client as Browser

from assistant.models import CachedAnswer
from tenants.access import auth, buckets, limits
from tenants.access.grants.clients import client_create
from tenants.models import AuditEntry, Role, Tenant, User
from tenants.scope import tenant_scope
from tenants.storage import memo
from tenants.storage.db import new_id, now
from tests.conftest import Api
from tests.factories import ContactFactory, MembershipFactory, UserFactory
from tests.tenants.access.oauth.steps import BACK, allowed, exchanged

STATS, FLUSH, RESET = (f"/api/v2/system/{name}" for name in ("stats", "cache/flush", "rate-limits/reset"))
TENANTS = "/api/v2/system/tenants"
BOTH = ("system:read", "system:write")
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def without_redis(settings: Any) -> None:
    settings.REDIS_URL = ""


@pytest.fixture
def root(db: None) -> User:
    return UserFactory(username="root", is_staff=True, is_superuser=True)


@pytest.fixture
def acting(tenant: Tenant) -> Callable[..., Api]:
    """``acting(user)``: a token of the account."""

    def make(user: User, *permissions: str) -> Api:
        named = permissions or BOTH
        return Api(auth.issue_access_token(tenant, f"user:{user}", permissions=named, user_id=str(user.id)))

    return make


def refused(answer: Any) -> tuple[int, str]:
    return answer.status_code, Api.error_of(answer)["code"]


def test_an_operator_comes_by_oauth(tenant: Tenant, root: User) -> None:
    client, secret = client_create(tenant, "Runbook", ["system:read"], [BACK])
    browser = Browser()
    browser.force_login(root)
    token = exchanged(client, secret, allowed(browser, client, scope="system:read")).json()["access_token"]
    told = Api.data_of(Api(token).get(STATS))
    assert told["tenants"] == {"active": 1}
    assert told["queues"]["inbound"] == {"rows": 0, "age_seconds": 0.0}
    assert {"deliveries", "handlers"} <= told["given_up"].keys()
    assert refused(Api(token).post(FLUSH, {"cache_name": "all"})) == (403, "permission_denied")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", STATS), ("POST", FLUSH), ("POST", RESET), ("GET", TENANTS), ("POST", TENANTS)]
)
def test_no_credential_of_a_tenant_gets_in(
    tenant: Tenant, api: Any, acting: Any, root: User, method: str, path: str
) -> None:
    member = MembershipFactory(tenant=tenant).user
    claims = {"permissions": BOTH, "kind": "token"}
    gone = UserFactory(username="gone", is_superuser=True, is_active=False)
    callers = {
        "key": api(tenant), "token": Api(auth.issue_access_token(tenant, "user:root", **claims)), "member": acting(member),
    }  # fmt: skip
    for name, caller in callers.items():
        assert refused(caller.generic(method, path)) == (403, "operators_only"), name
    assert refused(acting(gone).generic(method, path)) == (401, "token_revoked")
    Tenant.objects.filter(id=tenant.id).update(settings={"second_factor": True})
    memo.forget_all()
    assert refused(acting(root).generic(method, path)) == (401, "token_revoked"), "no second step"
    User.objects.filter(id=root.id).update(second_factor_at=now())
    memo.forget_all()
    assert acting(root).generic(method, path).status_code in (200, 400)


def test_a_demand_for_a_second_step_counts_at_once(tenant: Tenant, acting: Any, root: User) -> None:
    """Whatever is remembered of the account."""
    caller = acting(root)
    assert caller.get(STATS).status_code == 200
    Tenant.objects.filter(id=tenant.id).update(settings={"second_factor": True})
    assert refused(caller.get(STATS)) == (403, "operators_only")


def test_figures_cost_the_same_however_many_tenants(
    acting: Any, root: User, other_tenant: Tenant, django_assert_max_num_queries: Any
) -> None:
    caller = acting(root)
    Tenant.objects.filter(id=other_tenant.id).update(status="suspended")
    assert Api.data_of(caller.get(STATS))["tenants"] == {"active": 1, "suspended": 1}
    with django_assert_max_num_queries(3):  # the account, whether it is closed, the tenants; what is due is remembered
        assert caller.get(STATS).status_code == 200


def answer_kept(tenant: Tenant) -> None:
    with tenant_scope(tenant.id):
        contact = ContactFactory(tenant=tenant)
        CachedAnswer.objects.create(
            tenant=tenant, contact=contact, digest="d", answer={"text": "Yes"}, expires_at=now()
        )


def test_caches_are_flushed_by_name(tenant: Tenant, other_tenant: Tenant, acting: Any, root: User) -> None:
    for one in (tenant, other_tenant):
        answer_kept(one)
    remembered = memo.Memo[int]("flush-test", ttl=60)
    try:
        assert remembered.get("a", lambda: 1) == 1
        cache.set("measures:rows", {"old": True}, 60)
        cache.set("worker-seen:inbound", 1.0, 60)
        caller = acting(root)
        assert refused(caller.post(FLUSH, {"cache_name": "sessions"})) == (400, "validation_error")
        assert remembered.get("a", lambda: 2) == 1
        done = Api.data_of(caller.post(FLUSH, {"cache_name": "memory"}))
        assert (done["flushed"]["memory"] > 10, done["complete"]) == (True, True)
        assert (remembered.get("a", lambda: 2), cache.get("measures:rows")) == (2, {"old": True})
        everything = Api.data_of(caller.post(FLUSH, {"cache_name": "all"}))["flushed"]
        assert everything == {"memory": len(memo.ALL), "measures": 3, "answers": 2}
        assert (cache.get("measures:rows"), cache.get("worker-seen:inbound")) == (None, 1.0), "what is no cache stays"
    finally:
        memo.ALL.remove(remembered)
    with tenant_scope(tenant.id):
        told = AuditEntry.objects.filter(action="system.cache_flushed")
        assert [sorted(entry.changes["flushed"]) for entry in told.order_by("id")] == [
            ["memory"], ["answers", "measures", "memory"],
        ]  # fmt: skip


def test_another_process_forgets_what_was_flushed() -> None:
    ours, theirs = (memo.Memo[int]("flush-test", ttl=60) for _ in range(2))
    try:
        theirs.get("a", lambda: 1)
        ours.flush()
        theirs._looked_at = 0.0  # a second later
        assert theirs.get("a", lambda: 2) == 2
    finally:
        for one in (ours, theirs):
            memo.ALL.remove(one)


def spent(tenant: Tenant) -> None:
    for key in (f"{tenant.id}", f"{tenant.id}:key:ab12cd34", f"{tenant.id}:ip:192.0.2.7"):
        while limits.allow(key, 0.001, 2) == 0:
            pass


def left(tenant: Tenant, below: str = "") -> bool:
    return limits.allow(f"{tenant.id}{below}", 0.001, 2) == 0


def test_limits_of_one_tenant_are_full_again(tenant: Tenant, other_tenant: Tenant, acting: Any, root: User) -> None:
    third = Tenant.objects.create(name="Third", slug="third")
    for one in (other_tenant, third):
        spent(one)
    caller = acting(root)
    done = Api.data_of(caller.post(RESET, {"tenant_id": str(other_tenant.id)}))
    assert done == {"tenant_id": str(other_tenant.id), "buckets": 3}
    assert [left(other_tenant, part) for part in ("", ":key:ab12cd34", ":ip:192.0.2.7")] == [True] * 3
    assert not left(third)
    with tenant_scope(other_tenant.id):
        entry = AuditEntry.objects.get()
        assert (entry.action, entry.target, entry.changes) == (
            "system.rate_limits_reset", f"tenant:{other_tenant.id}", {"buckets": 3},
        )  # fmt: skip
    assert refused(caller.post(RESET, {"tenant_id": str(new_id())})) == (404, "tenant_not_found")
    assert refused(caller.post(RESET, {"tenant_id": "acme"})) == (400, "validation_error")


def test_limits_that_redis_counts_are_filled_there(
    redis_url: str, settings: Any, tenant: Tenant, other_tenant: Tenant, acting: Any, root: User
) -> None:
    settings.REDIS_URL = redis_url
    for one in (tenant, other_tenant):
        spent(one)
    assert buckets.fill(str(other_tenant.id)) == 3
    assert (left(other_tenant), left(tenant)) == (True, False)


def test_a_redis_that_is_away_is_told(settings: Any, tenant: Tenant, acting: Any, root: User) -> None:
    caller = acting(root)
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    assert refused(caller.post(RESET, {"tenant_id": str(tenant.id)})) == (503, "unavailable")
    with tenant_scope(tenant.id):
        assert not AuditEntry.objects.filter(action="system.rate_limits_reset").exists()


def test_a_token_does_not_suspend_the_tenant_that_it_is_of(acting: Any, root: User, tenant: Tenant) -> None:
    """It could not undo it: what is of a suspended tenant is refused."""
    one, caller = f"{TENANTS}/{tenant.id}", acting(root)
    assert refused(caller.patch(one, {"status": "suspended", "name": "Other"})) == (409, "own_tenant")
    assert Tenant.objects.get(id=tenant.id).status == "active"
    assert Api.data_of(caller.patch(one, {"status": "active"}))["status"] == "active"


def test_an_operator_makes_finds_and_suspends_a_tenant(acting: Any, root: User, other_tenant: Tenant) -> None:
    caller = acting(root)
    made = caller.post(TENANTS, {"slug": "zebra", "name": "Zebra"})
    assert (made.status_code, Api.data_of(made)["status"]) == (201, "active")
    zebra = Tenant.objects.get(slug="zebra")
    with tenant_scope(zebra.id):
        assert Role.objects.filter(name="admin").exists()
    assert refused(caller.post(TENANTS, {"slug": "zebra", "name": "Again"})) == (409, "tenant_exists")
    assert [row["slug"] for row in Api.data_of(caller.get(TENANTS, {"search_query": "zeb"}))["items"]] == ["zebra"]
    first = Api.data_of(caller.get(TENANTS, {"page_size": 2}))
    rest = Api.data_of(caller.get(TENANTS, {"page_size": 2, "cursor": first["next_cursor"]}))
    assert [row["slug"] for row in first["items"] + rest["items"]][0] == "zebra"
    assert (len(first["items"] + rest["items"]), rest["has_next"]) == (3, False)
    assert Api.data_of(caller.get(TENANTS, {"page": 1, "status": "suspended"}))["total"] == 0
    one = f"{TENANTS}/{zebra.id}"
    assert Api.data_of(caller.get(one))["slug"] == "zebra"
    raised = caller.patch(one, {"status": "suspended", "settings": {"rate_limit": 5000, "burst_limit": 9000}})
    told = Api.data_of(raised)
    assert (told["status"], told["settings"]["rate_limit"], told["name"]) == ("suspended", 5000, "Zebra")
    assert Api.data_of(caller.patch(one, {"name": "Zebras"}))["status"] == "suspended"
    assert refused(caller.patch(one, {"status": "removing"})) == (400, "validation_error")
    assert refused(caller.get(f"{TENANTS}/{new_id()}")) == (404, "tenant_not_found")
    assert refused(caller.delete(one))[0] == 405
    with tenant_scope(zebra.id):
        actions = AuditEntry.objects.order_by("created_at").values_list("action", flat=True)
        assert list(actions)[:2] == ["tenant.created", "tenant.updated"]
