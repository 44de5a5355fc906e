"""An integrator that does not answer: tries, hold, pause, and room for the others (DEL-4)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from time_machine import travel

from channels_app.http.pauses import retry_after
from channels_app.http.standard_webhooks import headers_for
from conversations.models import Event
from messaging.housekeeping.trims import trim
from messaging.integrators import calls as integrator_send
from messaging.integrators import subscribers as integrators
from messaging.integrators import sweep
from messaging.integrators.calls import MOST_RETRY_AFTER_S, PAUSE_AFTER, TRIES, call_endpoint, ping
from messaging.integrators.endpoints import endpoint_change, endpoint_delete, endpoint_resume, secret_rotate
from messaging.integrators.sweep import calls_settle, pauses_end
from messaging.models import WebhookDelivery, WebhookEndpoint
from tenants.errors import Conflict
from tenants.storage.db import now
from tenants.work.leases import TABLES, due, given_up
from tests.messaging.integrators.steps import due_now, only, publish_all, secret_of

pytestmark = pytest.mark.django_db(transaction=True)


# ---- failures -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "code"),
    [(500, "http_500"), (503, "http_503"), (400, "http_400"), (301, "redirect"), (429, "http_429")],
)
def test_what_is_not_taken_is_tried_again_later(endpoint, crm, happen, status, code, calls) -> None:
    happen()
    publish_all()
    crm.say(status, location="http://127.0.0.1:1/elsewhere")
    before = now()
    assert call_endpoint(endpoint.id) == 1
    assert (only().status, only().error_code, only().response_status) == ("queued", code, status)
    assert before + timedelta(seconds=4) <= only().due_at <= now() + timedelta(seconds=5)
    assert calls.all[-1][0] == "call_endpoint"
    assert 3 < calls.all[-1][2] <= 5
    due_now()
    call_endpoint(endpoint.id)
    assert (only().status, only().error_code, len(crm.calls)) == ("delivered", "", 2)


def test_the_tries_of_a_day(endpoint, crm, happen) -> None:
    happen()
    publish_all()
    crm.say(*[500] * TRIES.tries)
    waits = []
    for _ in range(TRIES.tries):
        due_now()
        call_endpoint(endpoint.id)
        waits.append((only().due_at - now()).total_seconds())
    assert (only().status, only().attempts) == ("failed", TRIES.tries)
    assert only().finished_at
    assert [0.8 * most - 1 <= wait <= most for wait, most in zip(waits[:-1], TRIES.most_s, strict=True)] == [True] * 7
    assert len(only().exchanges) == 3
    assert len({call.headers["webhook-id"] for call in crm.calls}) == 1


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120.0),
        ("Wed, 21 Oct 2026 07:28:00 GMT", 60.0),
        ("Wed, 21 Oct 2026 07:26:00 GMT", 0.0),
        ("99999999", 86_400.0),
        ("soon", None),
        ("-5", 0.0),
        ("²", None),
        ("", None),
    ],
)
def test_retry_after_is_read(header, seconds) -> None:
    with travel("2026-10-21T07:27:00Z", tick=False):
        assert retry_after({"retry-after": header}, MOST_RETRY_AFTER_S) == seconds


def test_retry_after_holds_the_call_and_the_endpoint(endpoint, crm, happen) -> None:
    happen()
    happen()
    publish_all()
    crm.say(429, retry_after="3000")
    assert call_endpoint(endpoint.id) == 1
    endpoint.refresh_from_db()
    least = now() + timedelta(seconds=2990)
    assert endpoint.held_until > least
    assert WebhookDelivery.objects.get(attempts=1).due_at > least
    assert call_endpoint(endpoint.id) == 0  # the other one waits with it, its tries unharmed


def test_gone_ends_it(endpoint, crm, happen) -> None:
    happen()
    happen()
    publish_all()
    crm.say(410)
    call_endpoint(endpoint.id)
    endpoint.refresh_from_db()
    assert not endpoint.enabled
    assert Event.objects.get(type="chat.system.webhook_paused").payload["reason"] == "gone"
    calls_settle(now() + timedelta(seconds=1))
    outcomes = WebhookDelivery.objects.order_by("id").values_list("status", "error_code")
    assert list(outcomes) == [("failed", "gone"), ("failed", "endpoint_disabled")]
    happen()
    publish_all()
    assert WebhookDelivery.objects.count() == 2
    with pytest.raises(Conflict):
        endpoint_resume(endpoint)


def test_an_address_in_the_private_network_is_not_called(endpoint, crm, happen, settings, monkeypatch) -> None:
    monkeypatch.setitem(settings.ENV, "OUTBOUND_ALLOW_HOSTS", [])  # no longer allowed
    happen()
    publish_all()
    call_endpoint(endpoint.id)
    assert (only().status, only().error_code, crm.calls) == ("queued", "address_blocked", [])


def test_a_redirect_is_not_followed(endpoint, crm, happen) -> None:
    happen()
    publish_all()
    crm.say(307, location=crm.url + "/inside")
    call_endpoint(endpoint.id)
    assert [call.path for call in crm.calls] == ["/hook"]


# ---- hold, pause, resume ------------------------------------------------------------------


def test_failures_in_a_row_hold_the_endpoint_and_a_success_ends_it(endpoint, crm, happen) -> None:
    for _ in range(4):
        happen()
    publish_all()
    crm.say(500, 500, 500)
    for _ in range(3):
        call_endpoint(endpoint.id)
    endpoint.refresh_from_db()
    assert (endpoint.failures, len(crm.calls)) == (3, 3)
    assert endpoint.held_until > now()
    assert call_endpoint(endpoint.id) == 0

    due_now()
    call_endpoint(endpoint.id)
    endpoint.refresh_from_db()
    assert (endpoint.failures, endpoint.held_until) == (0, None)
    assert WebhookDelivery.objects.filter(status="delivered").count() == 4


def test_an_endpoint_that_goes_on_failing_is_paused_and_resumed(endpoint, crm, happen, calls) -> None:
    happen()
    publish_all()
    WebhookEndpoint.objects.update(failures=PAUSE_AFTER - 1)
    crm.say(500)
    call_endpoint(endpoint.id)
    endpoint.refresh_from_db()
    assert endpoint.paused_at
    told = Event.objects.get(type="chat.system.webhook_paused")
    assert told.payload == {"endpoint_id": str(endpoint.id), "description": "CRM", "reason": "failing"}

    happen()  # what happens meanwhile waits: two events and the one that tells of the pause
    publish_all()
    due_now()
    assert call_endpoint(endpoint.id) == 0
    calls_settle(now())
    assert not due(TABLES["calls"], now()).exists()
    assert not WebhookDelivery.objects.filter(due_at__lte=now()).exists()  # the next sweep need not look
    assert ping(endpoint).status == "delivered"

    calls.all.clear()
    assert endpoint_resume(endpoint) == 3
    assert calls.of("call_endpoint") == [endpoint.id] * 3
    call_endpoint(endpoint.id)
    endpoint.refresh_from_db()
    assert (endpoint.failures, endpoint.paused_at) == (0, None)
    assert not WebhookDelivery.objects.exclude(status="delivered").exists()


def test_a_pause_is_told_once(endpoint, crm, happen) -> None:
    WebhookEndpoint.objects.update(failures=PAUSE_AFTER)
    for _ in range(2):
        happen()
        publish_all()
        crm.say(500)
        due_now()
        call_endpoint(endpoint.id)
    assert Event.objects.filter(type="chat.system.webhook_paused").count() == 1


def test_a_pause_of_a_week_ends_in_failure(endpoint, happen) -> None:
    WebhookEndpoint.objects.update(paused_at=now() - timedelta(days=8))
    happen()
    publish_all()
    assert pauses_end() == 1
    calls_settle(now() + timedelta(seconds=1))
    assert (only().status, only().error_code) == ("failed", "endpoint_disabled")
    told = Event.objects.get(type="chat.system.webhook_paused").payload
    assert (told["endpoint_id"], told["reason"]) == (str(endpoint.id), "paused_too_long")
    assert pauses_end() == 0


def test_an_endpoint_that_is_resumed_in_this_moment_stays(endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    WebhookEndpoint.objects.update(paused_at=now() - timedelta(days=8))
    real = sweep._pause_end

    def late(*given: Any) -> bool:
        endpoint_resume(endpoint)
        return real(*given)

    monkeypatch.setattr(sweep, "_pause_end", late)
    assert pauses_end() == 0
    assert WebhookEndpoint.objects.get().enabled
    assert not Event.objects.filter(type="chat.system.webhook_paused").exists()


def test_a_call_that_is_resumed_while_the_list_is_gone_through_keeps_its_time(
    endpoint, happen, monkeypatch: pytest.MonkeyPatch
) -> None:
    WebhookEndpoint.objects.update(paused_at=now())
    happen()
    publish_all()
    WebhookDelivery.objects.update(due_at=now() - timedelta(minutes=1))
    real, resumed = sweep._in_batches, iter([lambda: endpoint_resume(endpoint)])

    def late(*given: Any, **changes: Any) -> None:
        listed = [row.id for row in given[1]]  # what the look finds; then staff resume the endpoint
        next(resumed, lambda: 0)()
        real(given[0], WebhookDelivery.objects.filter(id__in=listed), **changes)

    monkeypatch.setattr(sweep, "_in_batches", late)
    with travel(now(), tick=False):  # the look and the resumption in the same millisecond
        calls_settle(now())
        assert only().due_at == now()
    assert only().status == "queued"


def test_the_log_is_kept_for_a_month(endpoint, crm, happen) -> None:
    for status, days in (("delivered", 31), ("delivered", 29), ("queued", 31)):
        WebhookDelivery.objects.create(
            tenant_id=endpoint.tenant_id, endpoint=endpoint, event=happen(), type="chat.message.sent", status=status,
            due_at=now() - timedelta(days=days),
        )  # fmt: skip
    trim("webhook_log")
    assert sorted(WebhookDelivery.objects.values_list("status", flat=True)) == ["delivered", "queued"]


def test_no_more_calls_than_the_endpoint_may_have_under_way(endpoint, crm, happen) -> None:
    for _ in range(integrators.IN_FLIGHT + 1):
        happen()
    publish_all()
    under_way = WebhookDelivery.objects.order_by("id").values_list("id", flat=True)[: integrators.IN_FLIGHT]
    lease = now() + timedelta(seconds=60)
    WebhookDelivery.objects.filter(id__in=list(under_way)).update(status="sending", due_at=lease)
    assert call_endpoint(endpoint.id) == 0
    WebhookDelivery.objects.filter(status="sending").update(due_at=now() - timedelta(seconds=1))  # their workers died
    assert call_endpoint(endpoint.id) == integrators.IN_FLIGHT + 1


def test_a_slice_of_time_then_the_others(endpoint, crm, happen, monkeypatch, calls) -> None:
    monkeypatch.setattr(integrator_send, "SLICE_S", 0.0)
    happen()
    publish_all()
    calls.all.clear()
    assert call_endpoint(endpoint.id) == 0
    assert calls.of("call_endpoint") == [endpoint.id]


# ---- what is changed meanwhile -------------------------------------------------------------


def verifies(secret: str, call: Any) -> bool:
    """Whether the call is signed with this secret."""
    given = headers_for(call.headers["webhook-id"], int(call.headers["webhook-timestamp"]), call.body, [secret])
    return given["webhook-signature"] in call.headers["webhook-signature"].split()


CHANGES = {
    "a leaked secret": (lambda endpoint: secret_rotate(endpoint, timedelta(0)), 3),
    "a new address": (lambda endpoint: endpoint_change(endpoint, url=f"{endpoint.url}/moved"), 3),
    "disabled": (lambda endpoint: endpoint_change(endpoint, enabled=False), 1),
    "deleted": (endpoint_delete, 1),
}


@pytest.mark.parametrize(("change", "count"), CHANGES.values(), ids=CHANGES)
def test_a_change_counts_from_the_next_call_on(endpoint, crm, happen, monkeypatch, change, count) -> None:
    for _ in range(3):
        happen()
    publish_all()
    old, settle, settled = secret_of(endpoint), integrator_send._settle, []

    def changed_after_the_first(attempt):
        went_well = settle(attempt)
        settled.append(attempt)
        len(settled) > 1 or change(WebhookEndpoint.objects.get(id=endpoint.id))
        return went_well

    monkeypatch.setattr(integrator_send, "_settle", changed_after_the_first)
    call_endpoint(endpoint.id)
    assert len(crm.calls) == count
    assert [call.path == "/hook" and verifies(old, call) for call in crm.calls] == [True] + [False] * (count - 1)


def test_a_call_that_was_claimed_when_the_endpoint_was_stopped_is_no_try(endpoint, crm, happen, monkeypatch) -> None:
    happen()
    publish_all()
    claim = integrator_send._claim_next

    def stopped_meanwhile(row):
        delivery = claim(row)
        WebhookEndpoint.objects.update(paused_at=now())
        return delivery

    monkeypatch.setattr(integrator_send, "_claim_next", stopped_meanwhile)
    assert call_endpoint(endpoint.id) == 0
    assert (crm.calls, only().status, only().attempts) == ([], "queued", 0)


def test_a_call_that_failed_is_counted_as_given_up_and_a_ping_is_not(endpoint, crm, happen) -> None:
    """A ping is never made anew: nothing would take it out of the figure again."""
    crm.say(400)
    assert ping(endpoint).status == "failed"
    assert given_up(TABLES["calls"]).count() == 0
    happen()
    publish_all()
    WebhookDelivery.objects.exclude(type="chat.system.ping").update(status="failed")
    assert given_up(TABLES["calls"]).count() == WebhookDelivery.objects.count() - 1 > 0
