"""A security hub judges tokens: deadline, retries, breaker, what is remembered, and what a hub may not do (AI-2)."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tenants.access import auth
from tenants.access.hub import client
from tenants.access.hub.grpc_gen.security_hub_pb2 import (
    CheckPermissionsRequest,
    CheckPermissionsResponse,
    Learners,
    UserContext,
    ValidateTokenRequest,
    ValidateTokenResponse,
)
from tenants.access.hub.grpc_gen.security_hub_pb2_grpc import SecurityHubStub
from tenants.access.hub.server import SERVICE, SecurityHubServer, SecurityHubService
from tenants.errors import Forbidden, NotAuthenticated, Unavailable
from tenants.models import Tenant
from tests.conftest import Api

pytestmark = pytest.mark.django_db(transaction=True)


class Scripted(SecurityHubService):
    """A hub that says what a test wants, and counts. ``fails``: statuses of the next calls."""

    def __init__(self, user: UserContext | None, granted: tuple[str, ...] = (), token: str = "", expires_at: int = 0):
        super().__init__(token)
        self.__dict__.update(user=user, granted=granted, expires_at=expires_at, asked=[], fails=[], code="")

    def validate(self, message: ValidateTokenRequest, context: Any) -> ValidateTokenResponse:
        self._take("ValidateToken", context)
        return ValidateTokenResponse(user=self.user, error_code=self.code, expires_at=self.expires_at)

    def check(self, message: CheckPermissionsRequest, context: Any) -> CheckPermissionsResponse:
        self._take("CheckPermissions", context)
        return CheckPermissionsResponse(granted=self.granted)

    def _take(self, method: str, context: Any) -> None:
        self.asked.append(method)
        if self.fails:
            context.abort(self.fails.pop(0), "told to")


@pytest.fixture
def serve(settings: Any) -> Iterator[Callable[..., SecurityHubServer]]:
    """``serve(service)``: the hub of this deployment."""
    servers: list[SecurityHubServer] = []

    def start(service: SecurityHubService, token: str = "", timeout_ms: int = 5000, port: int = 0) -> SecurityHubServer:
        server = SecurityHubServer(service, host="127.0.0.1", port=port, threads=4)
        server.start()
        servers.append(server)
        settings.ENV = {
            **settings.ENV, "SECURITY_HUB_URL": f"127.0.0.1:{server.port}", "SECURITY_HUB_TOKEN": token,
            "SECURITY_HUB_TIMEOUT_MS": timeout_ms,
        }  # fmt: skip
        return server

    yield start
    for server in servers:
        server.stop(0)
    client._hub.cache_clear()


@pytest.fixture
def user(tenant: Tenant) -> UserContext:
    return UserContext(tenant_id=str(tenant.id), subject="anna", kind="token", extra={"plan": "gold"})


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "PAUSES_S", (0.001, 0.001))


def code_of(token: str = "x.y.z") -> str:
    with pytest.raises((NotAuthenticated, Unavailable, Forbidden)) as refusal:
        auth.principal_for(token)
    return refusal.value.code


# ------------------------------------------------------------------------- who, and what they may


def test_the_hub_says_who_it_is_and_what_they_may(serve: Any, user: UserContext, tenant: Tenant) -> None:
    serve(Scripted(user, ("messages:send", "everything", "messages:read")))
    principal = auth.principal_for("opaque token of a stranger")
    assert (principal.tenant_id, principal.subject, principal.kind) == (tenant.id, "anna", "token")
    assert (principal.permissions, principal.extra) == ({"messages:send", "messages:read"}, {"plan": "gold"})


def test_the_api_is_opened_by_it(serve: Any, user: UserContext) -> None:
    serve(Scripted(user, ("contacts:read",)))
    statuses = [Api("x.y.z").get(f"/api/v2/{path}").status_code for path in ("contacts", "audit")]
    assert statuses == [200, 403]


def test_api_keys_are_judged_here(serve: Any, user: UserContext, api_key: str) -> None:
    hub = Scripted(user)
    serve(hub)
    assert auth.principal_for(api_key).kind == "key"
    assert hub.asked == []


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("token_expired", "token_expired"),
        ("token_revoked", "token_revoked"),
        ("", "invalid_token"),
        ("tenant_mismatch", "invalid_token"),
    ],
    ids=["expired", "revoked", "nothing", "words of its own"],
)
def test_a_refusal_has_our_code_and_is_not_remembered(serve: Any, said: str, code: str) -> None:
    hub = Scripted(None)
    hub.__dict__["code"] = said
    serve(hub)
    assert [code_of(), code_of()] == [code, code]
    assert hub.asked == ["ValidateToken"] * 2


def test_a_refusal_counts_with_a_user_beside_it_too(serve: Any, user: UserContext) -> None:
    hub = Scripted(user, ("messages:send",))
    hub.__dict__["code"] = "token_revoked"
    serve(hub)
    assert code_of() == "token_revoked"


ODD: dict[str, dict[str, Any]] = {
    "tenant is no id": {"tenant_id": "acme"},
    "no tenant": {"tenant_id": ""},
    "unknown tenant": {"tenant_id": str(uuid.UUID(int=1))},
    "no subject": {"subject": ""},
    "long subject": {"subject": "x" * 201},
    "unknown kind": {"kind": "Visitor"},
}


@pytest.mark.parametrize("change", ODD.values(), ids=ODD)
def test_an_answer_that_makes_no_sense_lets_no_caller_in(serve: Any, user: UserContext, change: dict[str, Any]) -> None:
    for name, value in change.items():
        setattr(user, name, value)
    serve(Scripted(user, ("messages:send",)))
    assert code_of() == "invalid_token"


def test_a_limit_to_learners_is_not_lost(serve: Any, user: UserContext) -> None:
    user.learners.CopyFrom(Learners(ids=["l1"]))
    serve(Scripted(user, ("messages:read",)))
    assert code_of() in ("learners_not_supported", "limited_to_learners")


def test_a_suspended_tenant_is_refused(serve: Any, user: UserContext) -> None:
    Tenant.objects.update(status=Tenant.Status.SUSPENDED)
    serve(Scripted(user))
    assert code_of() == "tenant_suspended"


@pytest.mark.parametrize("token", ["", "x" * 4097], ids=["empty", "long"])
def test_what_is_no_token_is_not_asked_about(serve: Any, user: UserContext, token: str) -> None:
    hub = Scripted(user)
    serve(hub)
    assert code_of(token) == "invalid_token"
    assert hub.asked == []


# ------------------------------------------------------------------------------- remembered


def test_a_good_answer_is_remembered(serve: Any, user: UserContext) -> None:
    hub = Scripted(user, ("messages:send",))
    serve(hub)
    for _ in range(3):
        auth.principal_for("x.y.z")
    auth.principal_for("another")
    assert hub.asked == ["ValidateToken", "CheckPermissions"] * 2


@pytest.mark.parametrize(("later_s", "good"), [(999, True), (1001, False)], ids=["before", "after"])
def test_but_never_beyond_its_end(
    serve: Any, user: UserContext, monkeypatch: pytest.MonkeyPatch, later_s: int, good: bool
) -> None:
    at = int(time.time())
    hub = Scripted(user, ("messages:send",), expires_at=at + 1000)
    serve(hub)
    auth.principal_for("x.y.z")
    clock = SimpleNamespace(time=lambda: at + later_s, monotonic=time.monotonic, sleep=time.sleep)
    monkeypatch.setattr(client, "time", clock)  # gRPC's own deadlines go on
    assert (good and auth.principal_for("x.y.z").subject == "anna") or code_of() == "token_expired"
    assert len(hub.asked) == 2


def test_two_hubs_do_not_share_answers(serve: Any, user: UserContext) -> None:
    serve(Scripted(user))
    auth.principal_for("x.y.z")
    serve(Scripted(None))
    assert code_of() == "invalid_token"


# ---------------------------------------------------------------------------- when it is away

Status = grpc.StatusCode


@pytest.mark.parametrize("status", [Status.UNAVAILABLE, Status.CANCELLED], ids=lambda one: one.name)
def test_it_is_asked_again_when_no_server_answered(serve: Any, user: UserContext, status: Any) -> None:
    hub = Scripted(user, ("messages:send",))
    hub.fails.extend([status, status])
    serve(hub)
    assert auth.principal_for("x.y.z").subject == "anna"
    assert hub.asked == ["ValidateToken"] * 3 + ["CheckPermissions"]


@pytest.mark.parametrize(
    "status",
    [Status.INTERNAL, Status.UNAUTHENTICATED, Status.UNIMPLEMENTED, Status.NOT_FOUND],
    ids=lambda one: one.name,
)
def test_a_status_lets_no_caller_in_and_is_not_asked_again(serve: Any, user: UserContext, status: Any) -> None:
    hub = Scripted(user)
    hub.fails.append(status)
    serve(hub)
    assert code_of() == "security_hub_away"
    assert hub.asked == ["ValidateToken"]


def test_rest_says_when_to_come_back(serve: Any, user: UserContext) -> None:
    hub = Scripted(user)
    hub.fails.append(Status.INTERNAL)
    serve(hub)
    answer = Api("x.y.z").get("/api/v2/contacts")
    assert (answer.status_code, Api.error_of(answer)["code"], answer["Retry-After"]) == (503, "security_hub_away", "1")


def test_a_permission_question_that_fails_lets_no_caller_in(serve: Any, user: UserContext) -> None:
    class Half(Scripted):
        def check(self, message: Any, context: Any) -> Any:
            return context.abort(Status.INTERNAL, "no")

    serve(Half(user, ("messages:send",)))
    assert code_of() == "security_hub_away"


def test_one_that_does_not_answer_ends_with_the_deadline(serve: Any, user: UserContext) -> None:
    class Slow(Scripted):
        def validate(self, message: Any, context: Any) -> Any:
            self.asked.append("ValidateToken")
            while context.is_active():
                time.sleep(0.005)
            return ValidateTokenResponse()

    hub = Slow(user)
    serve(hub, timeout_ms=100)
    assert code_of() == "security_hub_away"
    assert hub.asked == ["ValidateToken"]


def test_after_three_failures_no_caller_waits_until_one_has_found_it_back(
    serve: Any, user: UserContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub = Scripted(user, ("messages:send",))
    serve(hub)
    hub.fails.extend([Status.RESOURCE_EXHAUSTED] * 3)
    assert [code_of() for _ in range(5)] == ["security_hub_away"] * 5
    assert len(hub.asked) == 3
    monkeypatch.setattr("tenants.work.breaker.time.monotonic", lambda: time.perf_counter() + 10**6)
    assert auth.principal_for("x.y.z").subject == "anna"


def test_a_hub_that_comes_back_on_its_port_is_found(serve: Any, user: UserContext) -> None:
    first = serve(Scripted(user, ("messages:send",)))
    auth.principal_for("x.y.z")
    first.stop(0)
    assert code_of("another") == "security_hub_away"
    assert auth.principal_for("x.y.z").subject == "anna"  # remembered


# -------------------------------------------------------------------------------- our own hub


def stub_of(server: SecurityHubServer) -> Any:
    return SecurityHubStub(grpc.insecure_channel(f"127.0.0.1:{server.port}"))


def test_our_own_hub_says_what_the_service_would_say(serve: Any, tenant: Tenant, make_key: Any) -> None:
    key, plaintext = make_key(tenant, "messages:send", "contacts:read")
    token = auth.issue_access_token(
        tenant, "anna", permissions=["messages:send", "audit:read"], key_prefix=key.prefix, extra={"plan": "gold"}
    )
    here = auth.principal_for(token)
    serve(SecurityHubService())
    assert auth.principal_for(token) == here
    assert auth.principal_for(plaintext).permissions == {"messages:send", "contacts:read"}


def test_it_knows_api_keys_too(serve: Any, tenant: Tenant, api_key: str) -> None:
    told = stub_of(serve(SecurityHubService())).ValidateToken(ValidateTokenRequest(token=api_key))
    assert (told.user.tenant_id, told.user.kind, told.expires_at) == (str(tenant.id), "key", 0)


def test_it_tells_why_a_token_is_refused(serve: Any, tenant: Tenant) -> None:
    stub = stub_of(serve(SecurityHubService()))
    revoked = auth.issue_access_token(tenant, "anna")
    auth.revoke(revoked)
    late = auth.issue_access_token(tenant, "anna", ttl=-10)
    refresh = auth.issue_refresh_token(tenant, "anna")
    told = [stub.ValidateToken(ValidateTokenRequest(token=token)) for token in (revoked, late, refresh, "nonsense")]
    assert [one.error_code for one in told] == ["token_revoked", "token_expired", "invalid_token", "invalid_token"]
    assert not any(one.HasField("user") for one in told)


def test_permissions_of_a_token_that_has_ended_are_none(serve: Any, tenant: Tenant) -> None:
    stub, names = stub_of(serve(SecurityHubService())), ["messages:send", "audit:read"]
    token = auth.issue_access_token(tenant, "anna", permissions=["messages:send"])
    granted = [list(stub.CheckPermissions(CheckPermissionsRequest(token=token, permissions=names)).granted)]
    auth.revoke(token)
    granted.append(list(stub.CheckPermissions(CheckPermissionsRequest(token=token, permissions=names)).granted))
    assert granted == [["messages:send"], []]


MALFORMED: dict[str, Callable[[Any], Any]] = {
    "no token": lambda stub: stub.ValidateToken(ValidateTokenRequest()),
    "long token": lambda stub: stub.ValidateToken(ValidateTokenRequest(token="x" * 4097)),
    "many permissions": lambda stub: stub.CheckPermissions(CheckPermissionsRequest(token="x", permissions=["a"] * 501)),
}


@pytest.mark.parametrize("call", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_question_is_the_callers_mistake(serve: Any, call: Callable[[Any], Any]) -> None:
    with pytest.raises(grpc.RpcError) as error:
        call(stub_of(serve(SecurityHubService())))
    assert error.value.code() is Status.INVALID_ARGUMENT


@pytest.mark.parametrize(
    ("shown", "let_in"), [("secret", True), ("other", False), ("", False)], ids=["right", "wrong", "none"]
)
def test_only_those_may_ask_who_know_its_token(serve: Any, tenant: Tenant, shown: str, let_in: bool) -> None:
    serve(SecurityHubService("secret"), token=shown)
    token = auth.issue_access_token(tenant, "anna")
    assert (let_in and auth.principal_for(token).subject == "anna") or code_of(token) == "security_hub_away"


def test_it_serves_health(serve: Any) -> None:
    server = serve(SecurityHubService())
    client.hub().health()
    stub = health_pb2_grpc.HealthStub(grpc.insecure_channel(f"127.0.0.1:{server.port}"))
    assert stub.Check(health_pb2.HealthCheckRequest(service=SERVICE)).status == health_pb2.HealthCheckResponse.SERVING
    server.stop(0)
    with pytest.raises(Unavailable):
        client.hub().health()
