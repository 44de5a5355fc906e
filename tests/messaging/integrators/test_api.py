"""Integrators' endpoints by REST, console and command: what may be saved, who may, what is shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import TextField
from django.db.models.functions import Cast
from django.test import Client
from django.urls import reverse

from channels_app.contract import Unreachable
from channels_app.http import addresses
from messaging.integrators.endpoints import MOST_ENDPOINTS, endpoint_create, live_secrets, secret_rotate
from messaging.models import WebhookDelivery, WebhookEndpoint
from tenants.models import AuditEntry, Tenant
from tenants.scope import tenant_scope
from tenants.storage.db import new_id, now
from tests.factories import UserFactory
from tests.messaging.conftest import Calls

pytestmark = pytest.mark.django_db
ROOT = "/api/v2/webhook-endpoints"
GOOD = {"url": "https://hooks.example.com/chat", "event_types": ["chat.message.*"]}
ADDRESSES = {"hooks.example.com": ["93.184.216.34"], "inside.example.com": ["10.0.0.7"], "both.example.com": ["10.0.0.7", "93.184.216.34"]}  # fmt: skip


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """A resolver without a network: addresses as they are, names of a list, all others unknown."""

    def resolve(host: str, port: int) -> list[str]:
        literal = host.replace(".", "").isdigit() or ":" in host
        if not literal and host not in ADDRESSES:
            raise Unreachable("dns_failed")
        return ADDRESSES.get(host, [host])

    monkeypatch.setattr(addresses, "resolve", resolve)


@pytest.fixture
def endpoint(scope: Tenant) -> WebhookEndpoint:
    return endpoint_create(scope.id, **GOOD)[0]


@pytest.fixture
def logged(endpoint: WebhookEndpoint) -> Callable[..., WebhookDelivery]:
    def make(**fields: Any) -> WebhookDelivery:
        return WebhookDelivery.objects.create(
            **{"tenant_id": endpoint.tenant_id, "endpoint": endpoint, "type": "chat.message.sent", **fields}
        )

    return make


def test_the_secret_is_shown_once(tenant, api) -> None:
    client = api(tenant)
    made = client.post(ROOT, GOOD)
    data = client.data_of(made)
    assert made.status_code == 201
    with tenant_scope(tenant.id):
        assert [data["secret"]] == live_secrets(WebhookEndpoint.objects.get(), now())
    read, listed = client.get(f"{ROOT}/{data['id']}"), client.get(ROOT)
    assert data["secret"] not in read.content.decode() + listed.content.decode()
    assert client.data_of(read)["secrets"] == [{"masked": "••••" + data["secret"][-4:], "expires_at": None}]
    assert client.data_of(listed)["items"] == [client.data_of(read)]
    assert client.data_of(read)["state"] == "active"


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ftp://hooks.example.com/", "invalid_url"),
        ("not an address", "invalid_url"),
        ("https://", "invalid_url"),
        ("https://user:word@hooks.example.com/", "invalid_url"),
        ("https://hooks.example.com/#part", "invalid_url"),
        ("https://hooks.example.com:99999/", "invalid_url"),
        ("https://[::1/", "invalid_url"),
        ("http://hooks.example.com/", "url_not_https"),
        ("https://127.0.0.1/", "url_not_public"),
        ("https://[::1]/", "url_not_public"),
        ("https://169.254.169.254/latest/meta-data", "url_not_public"),
        ("https://inside.example.com/", "url_not_public"),
        ("", "validation_error"),
        ("https://hooks.example.com/" + "x" * 2048, "validation_error"),
    ],
)
def test_addresses_that_are_refused(tenant, api, url, code) -> None:
    client = api(tenant)
    refused = client.post(ROOT, {**GOOD, "url": url})
    assert (refused.status_code, client.error_of(refused)["code"]) == (400, code)
    assert client.error_of(refused)["details"][0]["field"] == "url"
    assert client.data_of(client.get(ROOT))["items"] == []


@pytest.mark.parametrize(
    "url",
    ["https://hooks.example.com:8443/a?b=c", "https://both.example.com/", "https://not-set-up-yet.example.com/"],
)
def test_addresses_that_are_taken(tenant, api, url) -> None:
    assert api(tenant).post(ROOT, {**GOOD, "url": url}).status_code == 201


def test_the_deployment_may_allow_an_address(tenant, api, crm) -> None:
    assert api(tenant).post(ROOT, {**GOOD, "url": crm.url}).status_code == 201


@pytest.mark.parametrize("event_types", [["chat.mesage.*"], ["chat.message.sent", "x"], ["**"], ["chat.message"]])
def test_types_that_are_never_sent(tenant, api, event_types) -> None:
    client = api(tenant)
    refused = client.post(ROOT, {**GOOD, "event_types": event_types})
    assert (refused.status_code, client.error_of(refused)["code"]) == (400, "unknown_event_type")


def test_a_type_that_stands_twice_is_refused_by_its_name(tenant, api) -> None:
    client = api(tenant)
    refused = client.post(ROOT, {**GOOD, "event_types": ["chat.message.sent", "chat.*", "chat.message.sent"]})
    [detail] = client.error_of(refused)["details"]
    assert (refused.status_code, detail["field"], detail["code"]) == (400, "event_types", "repeated")


@pytest.mark.parametrize(
    "change",
    [{"event_types": []}, {"url": None}, {"enabled": "perhaps"}, {"secrets": []}, {"paused_at": None}, {"url": 7}],
    ids=json.dumps,
)
def test_changes_that_are_refused(tenant, api, endpoint, change) -> None:
    assert api(tenant).patch(f"{ROOT}/{endpoint.id}", change).status_code == 400


def test_there_are_not_too_many(tenant, api, scope) -> None:
    WebhookEndpoint.objects.bulk_create(WebhookEndpoint(tenant=tenant, **GOOD) for _ in range(MOST_ENDPOINTS))
    client = api(tenant)
    refused = client.post(ROOT, GOOD)
    assert (refused.status_code, client.error_of(refused)["code"]) == (422, "too_many_endpoints")


def test_change_and_remove(tenant, api, endpoint) -> None:
    client, url = api(tenant), f"{ROOT}/{endpoint.id}"
    changed = client.data_of(client.patch(url, {"description": "CRM", "event_types": ["*"], "enabled": False}))
    assert (changed["description"], changed["event_types"], changed["state"]) == ("CRM", ["*"], "disabled")
    assert changed["url"] == endpoint.url
    assert client.delete(url).status_code == 204
    assert client.get(url).status_code == 404
    trail = AuditEntry.objects.order_by("id").values_list("action", flat=True)
    assert list(trail) == ["webhookendpoint.updated", "webhookendpoint.deleted"]


@pytest.mark.parametrize("change", [{"url": "https://both.example.com/"}, {"enabled": True}], ids=json.dumps)
def test_a_new_address_and_enabling_again_end_a_pause(tenant, api, endpoint, logged, change, calls: Calls) -> None:
    waiting = logged(due_at=now() + timedelta(hours=5))
    WebhookEndpoint.objects.update(paused_at=now(), failures=20, held_until=now(), enabled="url" in change)
    client = api(tenant)
    changed = client.data_of(client.patch(f"{ROOT}/{endpoint.id}", change))
    assert (changed["state"], changed["failures"], changed["paused_at"]) == ("active", 0, None)
    waiting.refresh_from_db()
    assert waiting.due_at <= now()
    assert calls.of("call_endpoint") == [endpoint.id]


def test_rotation(tenant, api, endpoint) -> None:
    client, old = api(tenant), endpoint.secrets[0]["secret"]
    rotated = client.data_of(client.post(f"{ROOT}/{endpoint.id}/rotate-secret", {"keep_old_hours": 2}))
    endpoint.refresh_from_db()
    assert live_secrets(endpoint, now()) == [rotated["secret"], old]
    assert live_secrets(endpoint, now() + timedelta(hours=3)) == [rotated["secret"]]
    assert [entry["expires_at"] is None for entry in rotated["secrets"]] == [True, False]
    assert old not in json.dumps(rotated)
    assert client.post(f"{ROOT}/{endpoint.id}/rotate-secret", {"keep_old_hours": 169}).status_code == 400


def test_ping_answers_with_what_came_of_it(tenant, api, crm) -> None:
    client = api(tenant)
    made = client.data_of(client.post(ROOT, {**GOOD, "url": crm.url}))
    crm.say(204, 500)
    pinged = [client.data_of(client.post(f"{ROOT}/{made['id']}/ping")) for _ in range(2)]
    assert [(call["status"], call["response_status"], call["type"]) for call in pinged] == [
        ("delivered", 204, "chat.system.ping"),
        ("failed", 500, "chat.system.ping"),
    ]
    assert made["secret"] not in json.dumps(pinged)


def test_the_log_is_paged_without_gap_or_repeat(tenant, api, endpoint, logged) -> None:
    client, at = api(tenant), now()
    made = [logged(created_at=at - timedelta(seconds=n // 2)) for n in range(5)]
    url, seen, cursor = f"{ROOT}/{endpoint.id}/deliveries", [], ""
    for _ in range(3):
        page = client.data_of(client.get(url, {"page_size": 2, **({"cursor": cursor} if cursor else {})}))
        seen += [call["id"] for call in page["items"]]
        cursor = page["next_cursor"]
        logged()  # what comes meanwhile moves nothing
    assert cursor is None
    assert sorted(seen) == sorted(str(call.id) for call in made)


@pytest.mark.parametrize(
    ("query", "found"),
    [({}, 3), ({"status": "failed"}, 1), ({"type": "chat.message.*"}, 2), ({"type": "chat.session.ended"}, 1)],
    ids=str,
)
def test_the_log_is_filtered(tenant, api, endpoint, logged, query, found) -> None:
    logged(status="failed")
    logged(type="chat.message.read")
    logged(type="chat.session.ended")
    client = api(tenant)
    assert len(client.data_of(client.get(f"{ROOT}/{endpoint.id}/deliveries", query))["items"]) == found


def test_a_cursor_of_another_endpoint_is_refused(tenant, api, endpoint, logged) -> None:
    other, _ = endpoint_create(tenant.id, **GOOD)
    logged(), logged()
    client = api(tenant)
    cursor = client.data_of(client.get(f"{ROOT}/{endpoint.id}/deliveries", {"page_size": 1}))["next_cursor"]
    for given in (cursor, "x"):
        refused = client.get(f"{ROOT}/{other.id}/deliveries", {"cursor": given})
        assert (refused.status_code, client.error_of(refused)["code"]) == (400, "invalid_cursor")


def test_replay_of_one_and_of_many(tenant, api, endpoint, logged, calls: Calls) -> None:
    client, failed = api(tenant), logged(status="failed", attempts=8, finished_at=now(), error_code="http_500")
    logged(status="failed", type="chat.session.ended")
    sending = logged(status="sending")
    url = f"{ROOT}/{endpoint.id}"
    one = client.post(f"{url}/deliveries/{failed.id}/replay")
    assert (one.status_code, client.data_of(one)["status"], client.data_of(one)["attempts"]) == (202, "queued", 0)
    assert calls.of("call_endpoint") == [endpoint.id]
    for call in (sending, logged(status="failed", type="chat.system.ping")):
        refused = client.post(f"{url}/deliveries/{call.id}/replay")
        assert (refused.status_code, client.error_of(refused)["code"]) == (409, "webhook_delivery_not_replayable")
    many = client.post(f"{url}/replay", {"since": "2026-01-01T00:00:00Z", "types": ["chat.session.*"]})
    assert (many.status_code, client.data_of(many)) == (202, {"count": 1})
    assert client.post(f"{url}/replay", {"since": "2026-01-01T00:00:00"}).status_code == 400
    WebhookEndpoint.objects.update(enabled=False)
    for refused in (client.post(f"{url}/replay"), client.post(f"{url}/resume")):
        assert (refused.status_code, client.error_of(refused)["code"]) == (409, "webhook_endpoint_disabled")


def test_resume(tenant, api, endpoint, logged) -> None:
    logged()
    WebhookEndpoint.objects.update(paused_at=now())
    client = api(tenant)
    assert client.data_of(client.get(f"{ROOT}/{endpoint.id}"))["state"] == "paused"
    assert client.data_of(client.post(f"{ROOT}/{endpoint.id}/resume")) == {"count": 1}
    assert client.data_of(client.get(f"{ROOT}/{endpoint.id}"))["state"] == "active"


PATHS = [
    ("get", ""), ("patch", ""), ("delete", ""), ("post", "/rotate-secret"), ("post", "/ping"), ("post", "/resume"),
    ("post", "/replay"), ("get", "/deliveries"), ("post", "/deliveries/{call}/replay"),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_another_tenants_endpoint_does_not_exist(other_tenant, api, endpoint, logged, method, path) -> None:
    client = api(other_tenant)
    answer = getattr(client, method)(f"{ROOT}/{endpoint.id}{path.format(call=logged().id)}")
    assert (answer.status_code, client.error_of(answer)["code"]) == (404, "webhook_endpoint_not_found")


@pytest.mark.parametrize(("method", "path"), PATHS)
def test_who_may(tenant, api, endpoint, logged, method, path) -> None:
    url = f"{ROOT}/{endpoint.id}{path.format(call=logged().id)}"
    reader = getattr(api(tenant, "webhooks:read"), method)(url)
    stranger = getattr(api(tenant, "messages:send"), method)(url)
    assert (reader.status_code, stranger.status_code) == (200 if method == "get" else 403, 403)


def test_a_call_of_another_endpoint_does_not_exist(tenant, api, endpoint, logged) -> None:
    other, _ = endpoint_create(tenant.id, **GOOD)
    for call_id in (logged().id, new_id()):
        refused = api(tenant).post(f"{ROOT}/{other.id}/deliveries/{call_id}/replay")
        assert refused.status_code == 404


# ---- console and command --------------------------------------------------------------------


@pytest.fixture
def staff(db: None) -> Client:
    client = Client()
    client.force_login(UserFactory(is_superuser=True))
    return client


def page(name: str, *args: Any) -> str:
    return reverse(f"admin:messaging_{name}", args=args)


def test_the_console_makes_changes_and_replaces_a_secret(tenant, staff) -> None:
    form = {"tenant": tenant.id, "url": GOOD["url"], "event_types": "chat.message.*\nchat.session.*", "enabled": "on"}
    made = staff.post(page("webhookendpoint_add"), form, follow=True)
    with tenant_scope(tenant.id):
        endpoint = WebhookEndpoint.objects.get()
        assert endpoint.event_types == ["chat.message.*", "chat.session.*"]
        assert endpoint.secrets[0]["secret"] in made.content.decode()
    change = page("webhookendpoint_change", endpoint.id)
    assert endpoint.secrets[0]["secret"] not in staff.get(change).content.decode()
    staff.post(change, {**form, "description": "CRM", "enabled": ""}, follow=True)
    rotated = staff.post(page("webhookendpoint_do", endpoint.id, "rotate"), follow=True)
    with tenant_scope(tenant.id):
        endpoint = WebhookEndpoint.objects.get()
    assert (endpoint.description, endpoint.enabled, len(endpoint.secrets)) == ("CRM", False, 2)
    assert endpoint.secrets[0]["secret"] in rotated.content.decode()


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("url", "https://127.0.0.1/", "not on the public internet"),
        ("event_types", "chat.mesage.*", "Choose among"),
        ("event_types", "", "required"),
    ],
)
def test_the_console_says_what_is_wrong(tenant, staff, field, value, told) -> None:
    form = {"tenant": tenant.id, "url": GOOD["url"], "event_types": "*", "enabled": "on", field: value}
    assert told in staff.post(page("webhookendpoint_add"), form).content.decode()
    # unscoped: there is none at all
    assert not WebhookEndpoint.objects.unscoped().exists()


def test_the_console_pings_resumes_and_replays(tenant, staff, crm, scope) -> None:
    endpoint, _ = endpoint_create(tenant.id, **{**GOOD, "url": crm.url})
    failed = WebhookDelivery.objects.create(tenant=tenant, endpoint=endpoint, type="chat.message.sent", status="failed")
    crm.say(204, 500)

    def press(verb: str, row: Any = endpoint) -> str:
        return staff.post(page(f"{row._meta.model_name}_do", row.pk, verb), follow=True).content.decode()

    assert "answered 204" in press("ping")
    assert "http_500" in press("ping")
    assert "1 calls are on their way" in press("replay")
    assert "1 waiting calls" in press("resume")
    WebhookDelivery.objects.filter(id=failed.id).update(status="failed")
    assert "is on its way again" in press("replay", failed)
    listed = staff.get(page("webhookdelivery_changelist"), {"endpoint": endpoint.pk})
    assert len(listed.context["cl"].result_list) == 3


def replay(*words: str) -> str:
    out = StringIO()
    call_command("webhook_replay", *words, stdout=out)
    return out.getvalue()


def test_the_command(tenant, endpoint, logged) -> None:
    call = logged(status="failed")
    words = ("--tenant", tenant.slug, "--endpoint", str(endpoint.id))
    assert "1 calls; nothing" in replay(*words, "--dry-run")
    assert "0 calls" in replay(*words, "--type", "chat.session.*", "--until", "2026-01-31T12:00Z")
    assert "1 calls are" in replay(*words)
    call.refresh_from_db()
    assert call.status == "queued"


@pytest.mark.parametrize("words", [("--since", "yesterday"), ("--since", "2026-01-31T12:00"), ("--until", "2026-99-99T00:00Z")])  # fmt: skip
def test_the_command_refuses_clearly(tenant, endpoint, words) -> None:
    with pytest.raises(CommandError, match="not a time"):
        replay("--tenant", tenant.slug, "--endpoint", str(endpoint.id), *words)


def test_the_command_knows_no_foreign_endpoint(other_tenant, endpoint) -> None:
    with pytest.raises(CommandError, match="no such webhook endpoint"):
        replay("--tenant", other_tenant.slug, "--endpoint", str(endpoint.id))


def test_secrets_lie_encrypted(endpoint) -> None:
    secret = secret_rotate(endpoint)
    stored = WebhookEndpoint.objects.annotate(raw=Cast("secrets", TextField()))
    raw = stored.values_list("raw", flat=True).get(id=endpoint.id)
    assert secret not in raw
    assert secret[6:20] not in raw
