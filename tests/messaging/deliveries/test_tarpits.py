"""A server that takes the connection and says nothing holds up its own tenant, and no other (OPS-10)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.db import connections
from django.urls import reverse

from channels_app.adapters.teams import keys
from channels_app.http import waiting
from channels_app.models import Channel
from messaging.integrators.endpoints import endpoint_create
from tenants.models import Tenant
from tenants.scope import tenant_scope
from tests.adapters.kit import kits
from tests.channels_app.loopback import Loopback, read_request, served
from tests.conftest import Api
from tests.factories import ChannelFactory, TenantFactory, UserFactory

pytestmark = pytest.mark.django_db(transaction=True)


@dataclass
class Tarpit:
    """``caught`` counts the requests that wait; ``let_go`` ends the wait of all."""

    url: str = ""
    caught: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    let_go: threading.Event = field(default_factory=threading.Event)

    def talk(self, connection: Any, seen: Loopback) -> None:
        read_request(connection)
        self.caught.release()
        self.let_go.wait(20)


@pytest.fixture
def tarpit(reachable: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> Iterator[Tarpit]:
    monkeypatch.setattr(waiting, "ASK_S", 20.0)  # the test lets go
    pit = Tarpit()
    with served(pit.talk) as server:
        pit.url = server.url
        reachable(server.url)
        yield pit
        pit.let_go.set()


@pytest.fixture
def slow(tarpit: Tarpit) -> Callable[[Tenant], Channel]:
    """A channel of a tenant whose platform is the tarpit."""

    def make(tenant: Tenant) -> Channel:
        config = {"phone_number_id": "1", "api_base": tarpit.url}
        secrets = {"access_token": "t" * 12, "app_secret": "a" * 12, "verify_token": "v" * 12}
        return ChannelFactory(tenant=tenant, kind="whatsapp", config=config, secrets=secrets)

    return make


@pytest.fixture
def threads() -> Iterator[Callable[..., Future[Any]]]:
    with ThreadPoolExecutor(8) as pool:

        def run(work: Callable[[], Any]) -> Future[Any]:
            return pool.submit(_closing, work)

        yield run


def _closing(work: Callable[[], Any]) -> Any:
    try:
        return work()
    finally:
        connections.close_all()


def ask(client: Api, channel: Channel) -> Any:
    return client.post(f"/api/v2/channels/{channel.id}/health")


def test_one_question_a_tenant_and_two_a_process(tenant, other_tenant, tarpit, slow, api, threads):
    mine, theirs, third = slow(tenant), slow(other_tenant), TenantFactory()
    client, their_client = api(tenant), api(other_tenant)
    first = threads(lambda: ask(client, mine))
    assert tarpit.caught.acquire(timeout=10)
    refused = [ask(client, mine) for _ in range(7)]  # each at once: the tarpit catches nothing more
    assert [(one.status_code, client.error_of(one)["code"]) for one in refused] == [(429, "busy")] * 7
    assert refused[0]["Retry-After"]
    second = threads(lambda: ask(their_client, theirs))
    assert tarpit.caught.acquire(timeout=10)
    full = ask(api(third), slow(third))
    assert (full.status_code, client.error_of(full)["code"]) == (429, "busy")
    tarpit.let_go.set()
    assert [first.result(10).status_code, second.result(10).status_code] == [200, 200]
    assert ask(client, mine).status_code == 200  # the room is free again


@pytest.fixture
def others(tenant: Tenant, tarpit: Tarpit) -> dict[str, Callable[[Api], Any]]:
    """What else calls out, or looks names up, while a request waits."""
    with tenant_scope(tenant.id):
        endpoint = endpoint_create(tenant.id, url=tarpit.url, event_types=["*"])[0]
    base = f"/api/v2/webhook-endpoints/{endpoint.id}"
    wanted = {"url": "https://hooks.example/x", "event_types": ["*"]}
    return {
        "ping": lambda client: client.post(f"{base}/ping"),
        "new endpoint": lambda client: client.post("/api/v2/webhook-endpoints", wanted),
        "moved endpoint": lambda client: client.patch(base, wanted),
    }


@pytest.mark.parametrize("name", ["ping", "new endpoint", "moved endpoint"])
def test_every_call_out_of_a_request_shares_the_room(tenant, tarpit, slow, api, threads, others, name):
    client, channel = api(tenant), slow(tenant)
    waiting_one = threads(lambda: ask(client, channel))
    assert tarpit.caught.acquire(timeout=10)
    answer = others[name](client)
    assert (answer.status_code, client.error_of(answer)["code"]) == (429, "busy")
    tarpit.let_go.set()
    waiting_one.result(10)


def test_the_console_shares_it_too(tenant, tarpit, slow, api, threads, browser):
    channel = slow(tenant)
    with tenant_scope(tenant.id):
        endpoint = endpoint_create(tenant.id, url=tarpit.url, event_types=["*"])[0]
    browser.force_login(UserFactory(is_superuser=True, is_staff=True))
    waiting_one = threads(lambda: ask(api(tenant), channel))
    assert tarpit.caught.acquire(timeout=10)
    for row, verb in ((channel, "test"), (channel, "sync_templates"), (endpoint, "ping")):
        page = reverse(f"admin:{row._meta.app_label}_{row._meta.model_name}_do", args=[row.pk, verb])
        answer = browser.post(page, follow=True)
        assert b"Other questions to outside are being asked" in answer.content
    tarpit.let_go.set()
    waiting_one.result(10)


def test_many_channels_are_checked_by_workers(tenant, tarpit, slow, browser, calls):
    rows = [slow(tenant), slow(tenant)]
    browser.force_login(UserFactory(is_superuser=True, is_staff=True))
    data = {"action": "test", "_selected_action": [row.pk for row in rows]}
    browser.post(reverse("admin:channels_app_channel_changelist"), data)
    assert sorted(calls.of("watch_channel")) == sorted(row.id for row in rows)
    assert not tarpit.caught.acquire(blocking=False)


def test_a_question_ends_after_three_seconds(tenant, slow, api, tarpit, monkeypatch):
    monkeypatch.setattr(waiting, "ASK_S", 0.2)
    answer = ask(api(tenant), slow(tenant))
    assert answer.status_code == 200
    assert "could not be asked" in answer.content.decode()


def test_a_webhook_waits_for_no_slow_server_of_keys(tenant, tarpit, browser, threads, monkeypatch):
    """Any caller may post a token with an unknown key, and the tenant says where keys are published."""
    keys.keys_forget()
    kit = next(kit for kit in kits() if kit.kind == "teams")
    config = {**kit.configured.model_dump(mode="json"), "openid_url": f"{tarpit.url}/keys"}
    secrets = {"client_secret": config.pop("client_secret")}
    one, two = (ChannelFactory(tenant=tenant, kind="teams", config=config | {"openid_url": f"{tarpit.url}/{n}"},
                               secrets=secrets) for n in "12")  # fmt: skip
    token = "eyJhbGciOiJSUzI1NiIsImtpZCI6IngifQ.e30.c2ln"

    def post(channel: Channel) -> Any:
        path = f"/api/v2/webhooks/teams/{channel.key}"
        return browser.post(path, "{}", content_type="application/json", headers={"authorization": f"Bearer {token}"})

    first = threads(lambda: post(one))
    assert tarpit.caught.acquire(timeout=10)
    monkeypatch.setattr(keys, "WAIT_S", 0.01)
    assert [post(one).status_code, post(two).status_code] == [503, 503]
    assert not tarpit.caught.acquire(blocking=False)
    tarpit.let_go.set()
    assert first.result(10).status_code == 503
