"""Integrators hear of every event that they asked for, once per event, signed, whatever dies in between (DEL-4)."""

from __future__ import annotations

import time
from typing import Any

import pytest
import structlog
from django.db import IntegrityError

from channels_app.http.standard_webhooks import complaint
from conversations.models import Event
from messaging import publish, tasks
from messaging.integrators import calls as integrator_send
from messaging.integrators import subscribers as integrators
from messaging.integrators.calls import call_endpoint
from messaging.integrators.endpoints import (
    endpoint_change,
    endpoint_create,
)
from messaging.integrators.subscribers import wants
from messaging.models import WebhookDelivery, WebhookEndpoint
from messaging.publish import publish_events
from messaging.sweep import GRACE, sweep
from tenants.scope import tenant_scope
from tenants.storage.db import now
from tests.messaging.conftest import Calls
from tests.messaging.integrators.steps import due_now, only, publish_all, secret_of

pytestmark = pytest.mark.django_db(transaction=True)


# ---- what is sent -------------------------------------------------------------------------


def test_an_event_arrives_signed_and_whole(endpoint, crm, happen, calls: Calls) -> None:
    event = happen(message_id="m1", text="hello")
    publish_all()
    assert calls.of("call_endpoint") == [endpoint.id]
    tasks.call_endpoint(str(endpoint.id))

    (call,) = crm.calls
    assert complaint(call.headers, call.body, [secret_of(endpoint)], time.time()) == ""
    assert call.headers["webhook-id"] == str(only().id)
    assert call.headers["content-type"] == "application/json"
    assert call.document == {
        "id": str(event.id),
        "type": "chat.message.received",
        "version": 1,
        "timestamp": event.created_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "tenant_id": str(endpoint.tenant_id),
        "conversation_id": str(event.conversation_id),
        "seq": event.seq,
        "data": event.payload,
    }
    assert (only().status, only().response_status, only().attempts) == ("delivered", 204, 1)


def test_a_call_names_what_began_it(endpoint, crm, happen) -> None:
    """Integrators find their own request again; an event that no request led to names none."""
    with structlog.contextvars.bound_contextvars(correlation_id="order-4711"):
        happen(message_id="m1")
    happen(message_id="m2")
    publish_all()
    call_endpoint(endpoint.id)
    assert sorted(call.headers.get("x-correlation-id", "") for call in crm.calls) == ["", "order-4711"]


@pytest.mark.parametrize(
    ("event_types", "type", "wanted"),
    [
        (["*"], "chat.message.sent", True),
        (["chat.message.*"], "chat.message.sent", True),
        (["chat.message.*"], "chat.messages.sent", False),
        (["chat.message.sent"], "chat.message.sent", True),
        (["chat.message.sent"], "chat.message.sent_again", False),
        (["chat.conversation.*", "chat.message.read"], "chat.message.read", True),
        ([], "chat.message.sent", False),
    ],
)
def test_who_wants_what(event_types, type, wanted) -> None:
    assert wants(event_types, type) is wanted


def test_an_endpoint_hears_only_what_it_asked_for(scope, endpoint, crm, happen) -> None:
    endpoint_change(endpoint, event_types=["chat.conversation.*"])
    happen("chat.message.received")
    happen("chat.conversation.ended")
    publish_all()
    call_endpoint(endpoint.id)
    assert [call.document["type"] for call in crm.calls] == ["chat.conversation.ended"]


def test_a_tenant_hears_nothing_of_another(endpoint, other_tenant, crm, happen) -> None:
    with tenant_scope(other_tenant.id):
        Event.objects.create(tenant=other_tenant, type="chat.system.channel_degraded")
        theirs, _ = endpoint_create(other_tenant.id, url=crm.url + "/theirs", event_types=["*"])
    happen()
    publish_all()
    tasks.call_endpoint(str(endpoint.id))
    tasks.call_endpoint(str(theirs.id))
    assert {call.path: call.document["tenant_id"] for call in crm.calls} == {
        "/hook": str(endpoint.tenant_id),
        "/hook/theirs": str(other_tenant.id),
    }
    assert call_endpoint(theirs.id) == 0  # from within the first one's scope it does not exist
    assert len(crm.calls) == 2


def test_a_tenant_without_endpoints_costs_one_look_in_a_while(scope, happen, django_assert_num_queries) -> None:
    events = [happen(), happen()]
    with django_assert_num_queries(1):
        integrators.events_queue(events)
        integrators.events_queue(events)


# ---- once per event, whatever dies --------------------------------------------------------


def test_a_publisher_that_dies_before_it_marks_the_events_doubles_nothing(endpoint, crm, happen, monkeypatch) -> None:
    first = happen()

    def die(events: Any) -> None:
        raise RuntimeError("the process is gone")

    monkeypatch.setattr(publish, "SINKS", [integrators.events_queue, die])
    with pytest.raises(RuntimeError):
        publish_events()
    assert only().event_id == first.id  # written, but the event is not marked

    second = happen()
    monkeypatch.setattr(publish, "SINKS", [integrators.events_queue])
    publish_all()
    assert sorted(WebhookDelivery.objects.values_list("event_id", flat=True)) == [first.id, second.id]


def test_two_publishers_at_once_leave_one_call_each(endpoint, happen, monkeypatch) -> None:
    events = [happen(), happen()]
    really, lost = integrators._write, []

    def slower(rows: Any) -> Any:
        monkeypatch.setattr(integrators, "_write", really)
        integrators.events_queue(events[:1])  # the other one, between our look and our write
        try:
            return really(rows)
        except IntegrityError:
            lost.append(len(rows))
            raise

    monkeypatch.setattr(integrators, "_write", slower)
    integrators.events_queue(events)
    assert lost == [2]
    assert sorted(WebhookDelivery.objects.values_list("event_id", flat=True)) == [event.id for event in events]


def test_an_endpoint_removed_meanwhile_does_not_stop_the_others(endpoint, scope, crm, happen) -> None:
    gone, _ = endpoint_create(scope.id, url=crm.url, event_types=["*"])
    integrators.subscribers_of(scope.id)
    WebhookEndpoint.objects.filter(id=gone.id).delete()  # by another process: our memo was not told
    happen()
    publish_all()
    assert only().endpoint_id == endpoint.id


def test_a_caller_that_dies_is_followed_by_another_with_the_same_id(endpoint, crm, happen, monkeypatch) -> None:
    happen()
    publish_all()

    def die(attempt: Any) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(integrator_send, "_settle", die)
        with pytest.raises(KeyboardInterrupt):
            call_endpoint(endpoint.id)
    assert only().status == "sending"
    assert call_endpoint(endpoint.id) == 0  # leased
    due_now()
    assert call_endpoint(endpoint.id) == 1
    assert only().status == "delivered"
    assert len({call.headers["webhook-id"] for call in crm.calls}) == 1
    assert len(crm.calls) == 2
    assert len({call.body for call in crm.calls}) == 1


def test_two_callers_do_not_make_the_same_call(endpoint, crm, happen, calls) -> None:
    happen()
    publish_all()
    crm.meanwhile = lambda: tasks.call_endpoint(str(endpoint.id))
    call_endpoint(endpoint.id)
    assert len(crm.calls) == 1


def test_who_lost_the_lease_changes_nothing(endpoint, crm, happen) -> None:
    happen()
    publish_all()
    crm.say(500)
    crm.meanwhile = lambda: WebhookDelivery.objects.unscoped().update(claim=None, status="delivered")
    call_endpoint(endpoint.id)
    assert (only().status, only().response_status) == ("delivered", None)
    endpoint.refresh_from_db()
    assert endpoint.failures == 0


def test_the_sweep_finds_a_lost_wake_up(endpoint, crm, happen, calls) -> None:
    happen()
    publish_all()
    calls.all.clear()
    assert (sweep(), calls.of("call_endpoint")) == (0, [])  # its own wake-up may still be on the way
    WebhookDelivery.objects.update(due_at=now() - GRACE)
    assert (sweep(), calls.of("call_endpoint")) == (1, [endpoint.id])
