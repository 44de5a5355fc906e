"""What goes wrong with ourselves: our servers cost no try, a row that ends its workers is given up, staff are told once
(PIPE-3, DEL-2)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError

from channels_app.models import Channel
from conversations.models import Event
from messaging import receive, respond, tasks
from messaging.agents import scheduled as scheduled_verb
from messaging.integrators import calls as calls_verb
from messaging.media import fetch
from messaging.models import InboundEvent, StaffAlert, Turn
from messaging.outbox import alert_ways, alerts
from messaging.receipts import settling
from messaging.sends import due, trying
from messaging.shutdown import stopping
from messaging.turns import request, thinking
from tenants.storage.db import now
from tenants.work.leases import MOST_LEASES, TABLES
from tests.messaging.work.test_work import alert, call, delivery, file, receipt, scheduled, turn

pytestmark = pytest.mark.django_db(transaction=True)

MAKE: dict[str, Callable[..., Any]] = {
    "receipts": receipt, "turns": turn, "files": file, "alerts": alert, "scheduled": scheduled, "deliveries": delivery, "calls": call,
}  # fmt: skip
TASK = {"receipts": tasks.parse, "turns": tasks.respond, "files": tasks.media, "alerts": tasks.send_alert,
        "scheduled": tasks.say_scheduled, "deliveries": tasks.deliver, "calls": tasks.call_endpoint}  # fmt: skip
#: what each verb does first with a row that it has leased
FIRST: dict[str, tuple[Any, str]] = {
    "receipts": (receive, "channel_for_id"),
    "turns": (thinking, "request_of"),
    "files": (fetch, "channel_for_id"),
    "alerts": (alert_ways, "members_who_may"),
    "scheduled": (scheduled_verb, "locked"),
    "deliveries": (trying, "check_reachable"),
    "calls": (calls_verb, "body_of"),
}


def run(name: str) -> Any:
    """Take the row up, and give it as it is then."""
    rows: Any = TABLES[name].model._default_manager
    TASK[name](str(getattr(rows.get(), TABLES[name].woken)))
    return rows.get()


def lock_timeout(*_: Any, **__: Any) -> Any:
    raise OperationalError("canceling statement due to lock timeout")


@pytest.mark.parametrize("name", FIRST)
def test_trouble_of_our_own_servers_costs_no_try(scope, web, monkeypatch, calls, name) -> None:
    row = MAKE[name](web)
    monkeypatch.setattr(*FIRST[name], lock_timeout)
    for _ in range(2 * MOST_LEASES):
        after = run(name)
        assert (after.attempts, after.leases, after.claim) == (0, 0, None)
        assert now() < after.due_at < now() + timedelta(seconds=6)
        type(row).objects.update(due_at=now())
    assert getattr(after, after.STATE) in after.OPEN


@pytest.mark.parametrize(
    ("name", "ended", "reason"),
    [("receipts", "failed", "reason"), ("alerts", "failed", "error"), ("scheduled", "failed", "reason"),
     ("deliveries", "failed", "error_code"),
     ("calls", "failed", "error_code"), ("files", "failed", "reason"), ("turns", "failed", "outcome")],
)  # fmt: skip
def test_a_row_that_ends_its_workers_is_given_up(scope, web, monkeypatch, calls, name, ended, reason) -> None:
    row = MAKE[name](web, leases=2 * MOST_LEASES)
    monkeypatch.setattr(*FIRST[name], lambda *_: pytest.fail("it would have ended this worker, too"))
    for owner in (due, trying):
        monkeypatch.setattr(owner, "channel_for_id", lambda _: web)
    after = run(name)
    assert (getattr(after, after.STATE), getattr(after, reason)) == (ended, "worker_lost")
    assert row.id == after.id


def test_a_turn_whose_workers_ended_gets_the_fallback_first(scope, web, calls) -> None:
    turn(web, leases=MOST_LEASES)
    assert run("turns").outcome == "fallback"


def test_a_turn_that_fails_for_a_day_is_given_up_told_and_answered_again(scope, web, monkeypatch, calls) -> None:
    row = turn(web, attempts=respond.TRIES.tries - 2)
    with monkeypatch.context() as broken:
        broken.setattr(request, "_recent", lambda _: 1 / 0)
        assert (run("turns").status, Turn.objects.get().claim) == ("running", None)
        Turn.objects.update(due_at=now())
        assert (run("turns").status, Turn.objects.get().outcome) == ("failed", "ZeroDivisionError")
    told = Event.objects.get(type="chat.system.work_given_up").payload
    assert told == {"work": "turns", "row_id": str(row.id), "reason": "ZeroDivisionError"}
    assert respond.turns_replay(Turn.objects.all()) == 1
    assert run("turns").status == "answered"


def test_an_alert_that_was_given_up_is_sent_again(scope, web, calls) -> None:
    row = alert(web, status="failed", attempts=9)
    assert alerts.alerts_replay(StaffAlert.objects.all()) == 1
    assert (StaffAlert.objects.get().status, calls.of("send_alert")) == ("waiting", [row.id])


def test_staff_are_told_once_an_hour_of_what_fails_in_crowds(scope, web, calls) -> None:
    for _ in range(3):
        settling.receipt_give_up(receipt(web), "ValueError")
    tasks.publish()
    assert Event.objects.filter(type="chat.system.work_given_up").count() == 3
    assert StaffAlert.objects.count() == 1
    StaffAlert.objects.update(created_at=now() - timedelta(hours=2))
    settling.receipt_give_up(receipt(web), "ValueError")
    tasks.publish()
    assert StaffAlert.objects.count() == 2


def test_a_malformed_request_is_told_by_its_worker_alone(scope, whatsapp, monkeypatch, calls) -> None:
    row = receipt(whatsapp)
    InboundEvent.objects.update(request={"method": "POST", "path": "/", "body": "bm90IGpzb24="})
    real = receive.channel_for_id

    def slowly(channel_id: Any) -> Channel | None:
        InboundEvent.objects.update(claim=row.id)  # its lease ended meanwhile
        return real(channel_id)

    monkeypatch.setattr(receive, "channel_for_id", slowly)
    run("receipts")
    assert not Event.objects.filter(type="chat.system.webhook_malformed").exists()


@pytest.mark.parametrize(("task", "verb"), [("publish", "publish_events"), ("stream", "stream_events")])
def test_a_worker_that_is_told_to_stop_hands_on_no_further_batch(monkeypatch, task, verb) -> None:
    batches: list[int] = []

    def batch() -> int:
        batches.append(1)
        stopping.set()
        return 500

    monkeypatch.setattr({"publish": tasks.publish_verb, "stream": tasks.kafka}[task], verb, batch)
    try:
        getattr(tasks, task)()
    finally:
        stopping.clear()
    assert len(batches) == 1
