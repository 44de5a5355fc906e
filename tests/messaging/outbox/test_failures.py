"""Events that one of our own handlers gave up on are listed and handled again: console, REST, command, measure (EVT-6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from chatsvc.observe.row_metrics import rows
from conversations.event_schemas import Envelope
from conversations.models import Event
from conversations.timeline import system_event
from messaging.models import DailyFigure, HandledEvent
from messaging.outbox import handlers
from messaging.publish import publish_events
from tenants.models import AuditEntry, Tenant
from tenants.scope import tenant_scope
from tenants.storage.db import new_id, now
from tests.factories import MembershipFactory, RoleFactory, UserFactory

PAUSED = {"endpoint_id": str(new_id()), "description": "CRM", "reason": "http_500"}
PATH = "/api/v2/events/failed"


class Broken:
    """The analytics handler, which breaks until it is ``repaired``."""

    def __init__(self) -> None:
        self.real, self.repaired = handlers.analytics, False

    def __call__(self, events: list[Envelope]) -> None:
        if not self.repaired:
            raise KeyError("missing")
        self.real(events)


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Broken:
    handler = Broken()
    monkeypatch.setitem(handlers.HANDLERS, "analytics", handler)
    return handler


@pytest.fixture
def failed(tenant: Tenant, other_tenant: Tenant, broken: Broken) -> HandledEvent:
    """One failure of the tenant, after one of another tenant."""
    for one in (other_tenant, tenant):
        with tenant_scope(one.id):
            system_event(one.id, "chat.system.webhook_paused", PAUSED)
    publish_events()
    with tenant_scope(tenant.id):
        return HandledEvent.objects.get(error="KeyError")


def figures(tenant: Tenant) -> dict[str, int]:
    with tenant_scope(tenant.id):
        return dict(DailyFigure.objects.values_list("name", "value"))


def left(tenant: Tenant) -> int:
    with tenant_scope(tenant.id):
        return HandledEvent.objects.filter(error__gt="").count()


def test_a_failure_is_listed_with_its_event(tenant, failed, api: Callable[..., Any]) -> None:
    client = api(tenant)
    page = client.data_of(client.get(PATH))
    [shown] = page["items"]
    assert (shown["id"], shown["handler"], shown["error"]) == (str(failed.id), "analytics", "KeyError")
    assert (shown["type"], shown["event_id"]) == ("chat.system.webhook_paused", str(failed.event))
    assert (page["has_next"], client.data_of(client.get(PATH, {"handler": "audit"}))["items"]) == (False, [])


def test_pages_follow_the_cursor(tenant, failed, api) -> None:
    with tenant_scope(tenant.id):
        for _ in range(2):
            HandledEvent.objects.create(tenant=tenant, handler="audit", event=new_id(), error="KeyError")
    client = api(tenant)
    first = client.data_of(client.get(PATH, {"page_size": 2}))
    second = client.data_of(client.get(PATH, {"page_size": 2, "cursor": first["next_cursor"]}))
    assert (len(first["items"]), [row["id"] for row in second["items"]]) == (2, [str(failed.id)])
    assert (first["items"][0]["type"], first["has_next"], second["has_next"]) == (None, True, False)


def test_a_failure_is_handled_again_by_rest(tenant, failed, broken, api) -> None:
    client = api(tenant)
    answer = client.data_of(client.post(f"{PATH}/{failed.id}/retry"))
    assert (answer["worked"], answer["failure"]["error"], left(tenant)) == (False, "KeyError", 1)
    broken.repaired = True
    with tenant_scope(tenant.id):
        again = HandledEvent.objects.get(error__gt="")
    assert client.data_of(client.post(f"{PATH}/{again.id}/retry")) == {"worked": True, "failure": None}
    assert (left(tenant), figures(tenant)) == (0, {"chat.system.webhook_paused": 1})
    assert client.post(f"{PATH}/{again.id}/retry").status_code == 404


def test_another_tenant_sees_and_retries_none_of_it(tenant, other_tenant, failed, broken, api) -> None:
    broken.repaired = True
    client = api(other_tenant)
    assert str(failed.id) not in client.get(PATH).content.decode()
    assert (client.post(f"{PATH}/{failed.id}/retry").status_code, left(tenant)) == (404, 1)


def test_a_reader_may_not_retry(tenant, failed, api) -> None:
    client = api(tenant, "deliveries:read")
    assert (client.get(PATH).status_code, client.post(f"{PATH}/{failed.id}/retry").status_code) == (200, 403)


@pytest.mark.parametrize("gone", ["deleted", "too old"])
def test_what_is_no_longer_there_is_said(tenant, failed, broken, api, gone) -> None:
    broken.repaired = True
    with tenant_scope(tenant.id):
        ends = {
            "deleted": lambda: Event.objects.all().delete(),
            "too old": lambda: Event.objects.update(created_at=now() - handlers.MARKS_KEPT),
        }
        ends[gone]()
    answer = api(tenant).post(f"{PATH}/{failed.id}/retry")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "event_gone")


@pytest.fixture
def console(tenant: Tenant) -> Client:
    user = UserFactory()
    MembershipFactory(tenant=tenant, user=user, role=RoleFactory(tenant=tenant, permissions=["*"]))
    client = Client()
    client.force_login(user)
    return client


def test_the_console_counts_lists_and_retries_it(tenant, failed, broken, console) -> None:
    first = console.get(reverse("admin:index"))
    [figure] = [figure for figure in first.context["figures"] if figure["title"] == "Events not handled"]
    assert (figure["count"], figure["wanting"]) == ("1", True)
    listed = console.get(figure["link"]).content.decode()
    assert ("chat.system.webhook_paused" in listed, "KeyError" in listed) == (True, True)
    broken.repaired = True
    press = reverse("admin:messaging_handledevent_do", args=[failed.id, "retry"])
    console.post(press)
    assert (left(tenant), figures(tenant)) == (0, {"chat.system.webhook_paused": 1})
    with tenant_scope(tenant.id):
        assert AuditEntry.objects.filter(action="handledevent.retried").exists()


def test_the_list_asks_once_for_all_its_events(tenant, failed, console) -> None:
    def statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert console.get(reverse("admin:messaging_handledevent_changelist")).status_code == 200
        return len(captured)

    before = statements()
    with tenant_scope(tenant.id):
        for _ in range(5):
            HandledEvent.objects.create(tenant=tenant, handler="audit", event=new_id(), error="KeyError")
    assert statements() == before


def test_a_command_handles_all_of_a_tenant_again(tenant, other_tenant, failed, broken, capsys) -> None:
    broken.repaired = True
    call_command("replay_dead_letters", tenant=tenant.slug, what="handlers", all=True, dry_run=True)
    assert "KeyError" in capsys.readouterr().out
    call_command("replay_dead_letters", tenant=tenant.slug, what="handlers", all=True)
    assert capsys.readouterr().out == "1 handlers have dealt with their events.\n"
    assert (left(tenant), left(other_tenant)) == (0, 1)


def test_a_measure_counts_them(tenant, failed) -> None:
    assert rows()["given_up"]["handlers"] == 2
