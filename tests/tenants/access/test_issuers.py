"""Tokens of a tenant's own service: whose they are, what they may, by which keys, and everything forged (TEN-3)."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from channels_app.issuer_keys import issuer_keys
from tenants.access import auth
from tenants.access.signing import issuers
from tenants.access.signing.issuers import issuer_change, issuer_create, issuer_end
from tenants.access.signing.pem import algorithm_of, public_numbers
from tenants.errors import Conflict, Forbidden, Invalid, NotAuthenticated, ServiceError, Unavailable, Unprocessable
from tenants.models import AuditEntry, Tenant, TrustedIssuer
from tenants.scope import tenant_scope
from tenants.storage import memo
from tests.channels_app.loopback import Loopback, served
from tests.conftest import Api
from tests.factories import TenantFactory

pytestmark = pytest.mark.django_db
AT = datetime.datetime(2026, 11, 28, 12, tzinfo=datetime.UTC)
NOW = int(AT.timestamp())
ISSUER, AUDIENCE, URL = "https://id.example.com/", "chat", "https://id.example.com/jwks.json"
EC, RSA, OTHER = (
    ec.generate_private_key(ec.SECP256R1()),
    rsa.generate_private_key(public_exponent=65537, key_size=2048),
    ec.generate_private_key(ec.SECP256R1()),
)


def jwk(key: Any, kid: str, **more: str) -> dict[str, str]:
    public = key.public_key()
    return {**public_numbers(algorithm_of(public), public), "kid": kid, **more}


class Outside:
    """The issuer's address. ``error``: it does not answer."""

    def __init__(self) -> None:
        self.keys: Any = [jwk(EC, "ec"), jwk(RSA, "rsa", alg="RS256", use="sig")]
        self.error: ServiceError | None = None
        self.asked = 0

    def __call__(self, url: str) -> bytes:
        assert url == URL
        self.asked += 1
        if self.error:
            raise self.error
        return json.dumps({"keys": self.keys}).encode()


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> Outside:
    served = Outside()
    monkeypatch.setattr(issuers, "fetch", served)
    return served


@pytest.fixture
def clock() -> Iterator[Any]:
    with time_machine.travel(AT, tick=False) as moved:
        yield moved


@pytest.fixture
def trusted(clock: Any, outside: Outside, tenant: Tenant) -> TrustedIssuer:
    return issuer_create(
        tenant, issuer=ISSUER, audience=AUDIENCE, jwks_url=URL, permissions=["contacts:read", "messages:send"]
    )


def signed(key: Any = EC, kid: Any = "ec", algorithm: str = "ES256", header: Any = None, **changes: Any) -> str:
    claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": "user-42", "iat": NOW, "exp": NOW + 600, **changes}
    claims = {name: value for name, value in claims.items() if value is not None}
    headers = {"kid": kid, **(header or {})} if kid is not None else header
    return jwt.encode(claims, key, algorithm=algorithm, headers=headers)


def code_of(token: str) -> str:
    with pytest.raises((NotAuthenticated, Unavailable, Forbidden)) as refusal:
        auth.principal_for(token)
    return refusal.value.code


@pytest.mark.parametrize("text", ["\0", "\ud800", "a\0b"], ids=["NUL", "half a character", "NUL within"])
def test_texts_that_no_database_keeps_are_no_claims(trusted: TrustedIssuer, text: str) -> None:
    for changes in ({"sub": text}, {"learners": [text]}):
        answer = Api(signed(**changes)).get("/api/v1/threads")
        assert (answer.status_code, Api.error_of(answer)["code"]) == (401, "invalid_token")


# ---------------------------------------------------------------------------------- changes


def test_what_its_tokens_may_is_changed_for_those_that_are_out(trusted: TrustedIssuer, tenant: Tenant) -> None:
    token = signed()
    assert "messages:send" in auth.principal_for(token).permissions
    with tenant_scope(tenant.id):
        issuer_change(trusted, permissions=["contacts:read"])
    assert auth.principal_for(token).permissions == {"contacts:read"}


def test_keys_of_the_former_address_prove_nothing_any_more(
    trusted: TrustedIssuer, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = signed()
    auth.principal_for(token)
    elsewhere = json.dumps({"keys": [jwk(OTHER, "new")]}).encode()
    monkeypatch.setattr(issuers, "fetch", lambda url: elsewhere)
    with tenant_scope(tenant.id):
        issuer_change(trusted, jwks_url="https://id.example.com/new")
    assert code_of(token) == "invalid_token"
    assert auth.principal_for(signed(OTHER, "new")).tenant_id == tenant.id


def test_a_look_at_the_former_address_brings_no_key_back(
    trusted: TrustedIssuer, tenant: Tenant, outside: Outside, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The address is changed while the former one is being asked."""
    clock.shift(61)

    def changed_meanwhile(url: str) -> bytes:
        if url == URL:
            with tenant_scope(tenant.id):
                issuer_change(trusted, jwks_url="https://id.example.com/new")
            return outside(url)
        return json.dumps({"keys": [jwk(OTHER, "new")]}).encode()

    monkeypatch.setattr(issuers, "fetch", changed_meanwhile)
    assert code_of(signed(kid="unknown")) == "invalid_token"
    with tenant_scope(tenant.id):
        assert sorted(TrustedIssuer.objects.get(id=trusted.id).keys) == ["new"]


def test_an_address_without_keys_changes_nothing(
    trusted: TrustedIssuer, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuers, "fetch", lambda url: b'{"keys": []}')
    with tenant_scope(tenant.id), pytest.raises(Unprocessable):
        issuer_change(trusted, jwks_url="https://id.example.com/new", permissions=["contacts:read"])
    assert auth.principal_for(signed()).permissions == {"contacts:read", "messages:send"}


def test_an_issuer_is_changed_by_rest_within_what_the_caller_has(
    trusted: TrustedIssuer, tenant: Tenant, api: Any
) -> None:
    where = f"/api/v2/token-issuers/{trusted.id}"
    changed = api(tenant).patch(where, {"permissions": ["messages:send"]})
    assert Api.data_of(changed)["permissions"] == ["messages:send"]
    lesser = api(tenant, "tenants:write", "tenants:read")
    for change in ({"permissions": ["contacts:read"]}, {"jwks_url": "https://evil.example.com/jwks"}):
        assert Api.error_of(lesser.patch(where, change))["code"] == "more_than_yours"
    assert api(tenant, "tenants:read").patch(where, {"permissions": ["messages:send"]}).status_code == 403
    with tenant_scope(tenant.id):
        row, entry = (
            TrustedIssuer.objects.get(id=trusted.id),
            AuditEntry.objects.filter(action="tokenissuer.updated").get(),
        )
    assert (row.permissions, row.jwks_url) == (["messages:send"], URL)
    assert entry.changes == {"fields": ["permissions"], "permissions": ["messages:send"]}


def test_another_tenant_changes_no_issuer_of_ours(trusted: TrustedIssuer, api: Any) -> None:
    answer = api(TenantFactory()).patch(f"/api/v2/token-issuers/{trusted.id}", {"permissions": ["*"]})
    assert Api.error_of(answer)["code"] == "token_issuer_not_found"


# ------------------------------------------------------------------------------- what is taken


@pytest.mark.parametrize(
    ("key", "kid", "algorithm"), [(EC, "ec", "ES256"), (RSA, "rsa", "RS256")], ids=["ES256", "RS256"]
)
def test_a_token_of_the_issuer_opens_its_tenant(
    trusted: TrustedIssuer, tenant: Tenant, key: Any, kid: str, algorithm: str
) -> None:
    token = signed(key, kid, algorithm)
    principal = auth.principal_for(token)
    assert (principal.tenant_id, principal.subject, principal.kind) == (tenant.id, "user-42", "token")
    assert principal.permissions == {"contacts:read", "messages:send"}
    assert [Api(token).get(f"/api/v2/{path}").status_code for path in ("contacts", "audit")] == [200, 403]


PERMISSIONS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "scope": ({"scope": "contacts:read openid audit:read"}, {"contacts:read"}),
    "a list": ({"permissions": ["messages:send", "audit:read", "*"]}, {"messages:send"}),
    "no word of ours": ({"scope": "openid"}, set()),
    "an empty list": ({"permissions": []}, set()),
    "several audiences": ({"aud": ["billing", AUDIENCE]}, {"contacts:read", "messages:send"}),
    "its tenant": ({"tid": "own"}, {"contacts:read", "messages:send"}),
}


@pytest.mark.parametrize(("claims", "held"), PERMISSIONS.values(), ids=PERMISSIONS)
def test_it_may_what_it_says_of_what_its_issuer_may(
    trusted: TrustedIssuer, tenant: Tenant, claims: dict[str, Any], held: set[str]
) -> None:
    own = {"tid": str(tenant.id)} if "tid" in claims else {}
    assert auth.principal_for(signed(**{**claims, **own})).permissions == held


def test_a_warm_token_costs_no_query(trusted: TrustedIssuer, django_assert_num_queries: Any) -> None:
    token = signed()
    auth.principal_for(token)
    with django_assert_num_queries(0):
        auth.principal_for(token)


# ------------------------------------------------------------------------------ what is refused

FORGERIES: dict[str, Callable[[], str]] = {
    "another key": lambda: signed(OTHER),
    "the other key's id": lambda: signed(EC, "rsa"),
    "RS256 under the id of the EC key": lambda: signed(RSA, "ec", "RS256"),
    "unknown id": lambda: signed(OTHER, "new"),
    "no id": lambda: signed(kid=None),
    "long id": lambda: signed(kid="x" * 201),
    "id is a path": lambda: signed(kid="../../dev/null"),
    "RS512": lambda: signed(RSA, "rsa", "RS512"),
    "PS256": lambda: signed(RSA, "rsa", "PS256"),
    "HS256 by a public number": lambda: jwt.encode(
        {"iss": ISSUER, "aud": AUDIENCE, "sub": "x", "iat": NOW, "exp": NOW + 60}, jwk(RSA, "rsa")["n"], "HS256",
        headers={"kid": "rsa"},
    ),
    "none": lambda: jwt.encode({"iss": ISSUER, "aud": AUDIENCE, "sub": "x", "iat": NOW, "exp": NOW + 60}, "", "none",
                               headers={"kid": "ec"}),
    "crit": lambda: signed(header={"crit": ["exp"], "exp": 1}),
    "key within": lambda: signed(OTHER, header={"jwk": jwk(OTHER, "ec")}),
    "key elsewhere": lambda: signed(OTHER, header={"jku": "https://evil.example/jwks.json"}),
    "long header": lambda: signed(header={"x": "y" * 1000}),
    "another issuer": lambda: signed(iss="https://evil.example/"),
    "issuer without its end": lambda: signed(iss=ISSUER.rstrip("/")),
    "no issuer": lambda: signed(iss=None),
    "issuer is ours": lambda: signed(iss="chatsvc", aud="chatsvc-api"),
    "another audience": lambda: signed(aud="billing"),
    "no audience": lambda: signed(aud=None),
    "many audiences": lambda: signed(aud=[f"a{n}" for n in range(10)] + [AUDIENCE]),
    "no subject": lambda: signed(sub=None),
    "empty subject": lambda: signed(sub=""),
    "long subject": lambda: signed(sub="x" * 201),
    "no expiry": lambda: signed(exp=None),
    "expiry as text": lambda: signed(exp="soon"),
    "expiry in fractions": lambda: signed(exp=NOW + 0.5),
    "expiry in another age": lambda: signed(exp=10**12),
    "no birth": lambda: signed(iat=None),
    "from the future": lambda: signed(iat=NOW + 600),
    "not yet": lambda: signed(nbf=NOW + 600),
    "another tenant": lambda: signed(tid="0192f0d0-7b1a-7c3e-9a55-1f0a7a3c9e10"),
    "permissions nested": lambda: signed(permissions=[["*"]]),
    "permissions a number": lambda: signed(permissions=5),
    "learners a word": lambda: signed(learners="l1"),
    "payload no object": lambda: jwt.encode({}, EC, "ES256", headers={"kid": "ec"}).replace("e30", "W10"),
    "payload deep": lambda: signed().split(".")[0] + "." + "W1tb" * 900 + ".AAAA",
}  # fmt: skip


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES)
def test_a_forged_token_is_refused(trusted: TrustedIssuer, forge: Callable[[], str]) -> None:
    assert code_of(forge()) == "invalid_token"


@pytest.mark.parametrize(("late_s", "good"), [(609, True), (610, False)], ids=["grace", "over"])
def test_it_ends_when_it_says_remembered_or_not(trusted: TrustedIssuer, clock: Any, late_s: int, good: bool) -> None:
    remembered = signed()
    auth.principal_for(remembered)
    clock.shift(late_s)
    for token in (remembered, signed(jti="fresh")):
        assert (good and auth.principal_for(token).subject == "user-42") or code_of(token) == "token_expired"


def test_a_limit_to_learners_is_not_lost(trusted: TrustedIssuer) -> None:
    assert code_of(signed(learners=["l1"])) in ("learners_not_supported", "limited_to_learners")


def test_a_suspended_tenant_is_refused(trusted: TrustedIssuer) -> None:
    Tenant.objects.update(status=Tenant.Status.SUSPENDED)
    assert code_of(signed()) == "tenant_suspended"


def test_an_issuer_that_has_ended_takes_its_tokens_along(trusted: TrustedIssuer) -> None:
    token = signed()
    auth.principal_for(token)
    issuer_end(trusted)
    assert code_of(token) == "invalid_token"


def test_it_is_no_refresh_token_and_cannot_be_exchanged(trusted: TrustedIssuer, api: Any) -> None:
    answer = api().post("/api/v2/auth/refresh", {"refresh_token": signed()})
    assert (answer.status_code, Api.error_of(answer)["code"]) == (401, "invalid_token")


# ----------------------------------------------------------------------------------------- keys


def test_a_new_key_is_found_but_its_address_is_asked_once_a_minute(
    trusted: TrustedIssuer, outside: Outside, clock: Any
) -> None:
    outside.keys.append(jwk(OTHER, "new"))
    assert [code_of(signed(OTHER, "new")) for _ in range(3)] == ["invalid_token"] * 3
    assert outside.asked == 1  # when it was made
    clock.shift(60)
    assert auth.principal_for(signed(OTHER, "new")).subject == "user-42"
    assert [code_of(signed(OTHER, f"guess {n}")) for n in range(5)] == ["invalid_token"] * 5
    assert outside.asked == 2


def test_a_key_that_is_taken_back_is_refused_after_ten_minutes(
    trusted: TrustedIssuer, outside: Outside, clock: Any
) -> None:
    outside.keys.pop(0)
    clock.shift(600)
    assert auth.principal_for(signed(exp=NOW + 9999)).subject == "user-42"
    clock.shift(1)
    assert code_of(signed(exp=NOW + 9999, jti="next")) == "invalid_token"


def test_while_its_address_is_away_the_last_keys_count_for_a_day(
    trusted: TrustedIssuer, outside: Outside, clock: Any
) -> None:
    outside.error = Unavailable("away", code="issuer_away")
    clock.shift(86_400)
    assert auth.principal_for(signed(exp=NOW + 10**6)).subject == "user-42"
    clock.shift(1)
    assert code_of(signed(exp=NOW + 10**6, jti="next")) == "issuer_away"
    outside.error = None
    clock.shift(60)
    assert auth.principal_for(signed(exp=NOW + 10**6, jti="third")).subject == "user-42"


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"keys": 5}', b"[" * 5000, b"\xff"], ids=["empty", "list", "number", "deep", "bytes"]
)
def test_nonsense_at_its_address_leaves_the_last_keys(
    trusted: TrustedIssuer, clock: Any, monkeypatch: pytest.MonkeyPatch, body: bytes
) -> None:
    monkeypatch.setattr(issuers, "fetch", lambda url: body)
    clock.shift(700)
    assert auth.principal_for(signed(exp=NOW + 9999)).subject == "user-42"


WEAK = rsa.generate_private_key(public_exponent=65537, key_size=1024)
UNUSABLE: dict[str, Any] = {
    "none": [],
    "weak": [{"kty": "RSA", "kid": "weak", **{n: v for n, v in jwt.algorithms.RSAAlgorithm.to_jwk(WEAK.public_key(), as_dict=True).items() if n in ("n", "e")}}],
    "a secret": [{"kty": "oct", "k": "AAAA", "kid": "x"}],
    "another curve": [{**jwt.algorithms.ECAlgorithm.to_jwk(ec.generate_private_key(ec.SECP384R1()).public_key(), as_dict=True), "kid": "x"}],
    "without an id": [{name: value for name, value in jwk(EC, "x").items() if name != "kid"}],
    "for encryption": [jwk(EC, "x", use="enc")],
    "for another algorithm": [jwk(RSA, "x", alg="RS512")],
}  # fmt: skip


@pytest.mark.parametrize("keys", UNUSABLE.values(), ids=UNUSABLE)
def test_an_issuer_without_a_good_key_is_not_trusted(outside: Outside, tenant: Tenant, keys: Any) -> None:
    outside.keys = keys
    with pytest.raises(Unprocessable) as refusal:
        issuer_create(tenant, issuer=ISSUER, audience=AUDIENCE, jwks_url=URL, permissions=["*"])
    assert refusal.value.code == "issuer_keys_unusable"


def test_of_a_private_key_nothing_private_is_kept(outside: Outside, tenant: Tenant) -> None:
    whole = jwt.algorithms.ECAlgorithm.to_jwk(EC, as_dict=True)
    outside.keys = [{**whole, "kid": "ec"}]
    row = issuer_create(tenant, issuer=ISSUER, audience=AUDIENCE, jwks_url=URL, permissions=["*"])
    assert sorted(row.keys["ec"]) == ["crv", "kty", "x", "y"]


ADDRESSES = {
    "loopback": "https://127.0.0.1/jwks.json", "metadata": "https://169.254.169.254/latest", "private": "https://10.0.0.1/",
    "no https": "http://id.example.com/jwks.json", "a file": "file:///etc/passwd", "nothing": "x",
}  # fmt: skip


@pytest.mark.parametrize("url", ADDRESSES.values(), ids=ADDRESSES)
def test_no_address_inside_is_called(url: str) -> None:
    with pytest.raises((Unprocessable, Unavailable)) as refusal:
        issuer_keys(url)
    assert refusal.value.code in ("issuer_keys_unusable", "issuer_away")


ANSWERS = {
    "a redirect": (b"302 Found\r\nLocation: https://id.example.com/", b"", "issuer_keys_unusable", "answers 302"),
    "not there": (b"404 Not Found", b"", "issuer_keys_unusable", "answers 404"),
    "more than fits": (b"200 OK", b" " * 65_537, "issuer_keys_unusable", "more than 64 kB"),
    "a fault": (b"500 Internal Server Error", b"", "issuer_away", "at the moment"),
    "asked too often": (b"429 Too Many Requests", b"", "issuer_away", "at the moment"),
}


@pytest.mark.parametrize(("head", "body", "code", "words"), ANSWERS.values(), ids=ANSWERS)
def test_what_is_wrong_with_an_address_is_told(settings: Any, head: bytes, body: bytes, code: str, words: str) -> None:
    """ "At the moment" only where another time may help."""

    def talk(line: Any, _: Loopback) -> None:
        line.recv(4096)
        line.sendall(b"HTTP/1.1 " + head + b"\r\nContent-Length: %d\r\nConnection: close\r\n\r\n" % len(body) + body)

    with served(talk) as server:
        settings.ENV = {**settings.ENV, "OUTBOUND_ALLOW_HOSTS": [server.authority]}
        with pytest.raises((Unprocessable, Unavailable)) as refusal:
            issuer_keys(f"{server.url}/jwks.json")
    assert refusal.value.code == code
    assert words in refusal.value.message


# ------------------------------------------------------------------------------------------ API


@pytest.mark.django_db(transaction=True)
def test_issuers_are_made_listed_and_ended_by_the_api(
    outside: Outside, clock: Any, api: Any, tenant: Tenant, other_tenant: Tenant
) -> None:
    admin, body = (
        api(tenant),
        {"issuer": ISSUER, "audience": AUDIENCE, "jwks_url": URL, "permissions": ["contacts:read"]},
    )
    made = Api.data_of(admin.post("/api/v2/token-issuers", body))
    address = f"/api/v2/token-issuers/{made['id']}"
    assert (made["key_ids"], made["fetched_at"]) == (["ec", "rsa"], "2026-11-28T12:00:00.000Z")
    assert Api.data_of(admin.get("/api/v2/token-issuers"))["items"] == [Api.data_of(admin.get(address))]
    assert auth.principal_for(signed()).permissions == {"contacts:read"}
    taken = api(other_tenant).post("/api/v2/token-issuers", body)
    assert (taken.status_code, Api.error_of(taken)["code"]) == (409, "issuer_taken")
    assert api(other_tenant).get(address).status_code == api(other_tenant).delete(address).status_code == 404
    assert admin.delete(address).status_code == 200
    assert code_of(signed()) == "invalid_token"
    with tenant_scope(tenant.id):
        actions = list(AuditEntry.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["tokenissuer.created", "tokenissuer.deleted"]


def test_no_issuer_gets_more_than_its_maker_has(outside: Outside, api: Any, tenant: Tenant) -> None:
    body = {"issuer": ISSUER, "audience": AUDIENCE, "jwks_url": URL, "permissions": ["audit:read"]}
    answer = api(tenant, "tenants:write").post("/api/v2/token-issuers", body)
    assert (answer.status_code, Api.error_of(answer)["code"]) == (403, "more_than_yours")
    assert outside.asked == 0


def test_an_unknown_permission_is_refused(outside: Outside, tenant: Tenant) -> None:
    with pytest.raises(Invalid):
        issuer_create(tenant, issuer=ISSUER, audience=AUDIENCE, jwks_url=URL, permissions=["everything"])


@pytest.mark.django_db(transaction=True)
def test_the_same_issuer_may_serve_two_tenants_by_its_audience(trusted: TrustedIssuer, other_tenant: Tenant) -> None:
    issuer_create(other_tenant, issuer=ISSUER, audience="other", jwks_url=URL, permissions=["*"])
    assert auth.principal_for(signed(aud="other")).tenant_id == other_tenant.id
    with pytest.raises(Conflict):
        issuer_create(other_tenant, issuer=ISSUER, audience=AUDIENCE, jwks_url=URL, permissions=["*"])
    memo.forget_all()
    assert auth.principal_for(signed()).tenant_id == trusted.tenant_id


@pytest.mark.parametrize("audience", ["{}", "https://chat.example.com/{}/", "0192f0d0-7b1a-7c3e-9a55-0000{}"])
def test_an_audience_with_a_tenants_id_is_that_tenants_alone(
    outside: Outside, tenant: Tenant, other_tenant: Tenant, audience: str
) -> None:
    for spelt in (str(tenant.id), str(tenant.id).upper()):
        named = {"issuer": ISSUER, "audience": audience.format(spelt), "jwks_url": URL, "permissions": ["*"]}
        with pytest.raises(Conflict) as refused:
            issuer_create(other_tenant, **named)
        assert refused.value.code == "issuer_taken"
        assert issuer_create(tenant, **named).tenant_id == tenant.id


def test_an_audience_with_an_id_of_no_tenant_is_like_any_other(outside: Outside, tenant: Tenant) -> None:
    audience = "api://0192f0d0-7b1a-7c3e-9a55-0000000000c1"
    assert issuer_create(tenant, issuer=ISSUER, audience=audience, jwks_url=URL, permissions=["*"]).audience == audience
