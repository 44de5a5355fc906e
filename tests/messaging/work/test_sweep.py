"""The sweep: whatever is overdue is woken once per look, by a call that expires when later looks make up for it."""

from __future__ import annotations

import math
import uuid
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
import time_machine

from channels_app.models import Channel
from chatsvc.settings import CELERY
from conversations.models import Attachment
from messaging import sweep, tasks, wake
from messaging.models import Delivery, InboundEvent, StaffAlert, Turn, WebhookDelivery, WebhookEndpoint
from tenants.storage import server_clock
from tenants.storage.db import new_id, now
from tenants.work.breaker import Breaker
from tenants.work.crew import Lane
from tests.factories import DeliveryFactory, MessageFactory, TenantFactory

REAL_CALL = wake._call  # before a fixture takes its place
LATE = sweep.GRACE + timedelta(seconds=1)


def receipt(web: Channel, due_at: Any) -> uuid.UUID:
    own = {"tenant": web.tenant, "channel": web}
    return InboundEvent.objects.create(**own, digest=str(new_id()), request={}, due_at=due_at).id


def turn(web: Channel, due_at: Any) -> uuid.UUID:
    said = MessageFactory(tenant=web.tenant)
    own = {"tenant": web.tenant, "conversation": said.conversation}
    return Turn.objects.create(**own, first_seq=said.seq, last_seq=said.seq, due_at=due_at).id


def file(web: Channel, due_at: Any) -> uuid.UUID:
    return Attachment.objects.create(tenant=web.tenant, channel=web, kind="image", due_at=due_at).id


def alert(web: Channel, due_at: Any) -> uuid.UUID:
    return StaffAlert.objects.create(tenant=web.tenant, event=new_id(), way="email", subject="!", due_at=due_at).id


def lane(web: Channel, due_at: Any) -> uuid.UUID:
    """Of two messages; it is woken once."""
    first = DeliveryFactory(tenant=web.tenant, due_at=due_at)
    second = MessageFactory(tenant=web.tenant, conversation=first.conversation, seq=first.seq + 1)
    DeliveryFactory(tenant=web.tenant, message=second, due_at=due_at)
    assert Delivery.objects.filter(conversation=first.conversation).count() == 2
    return first.conversation_id


def endpoint(web: Channel, due_at: Any) -> uuid.UUID:
    made = WebhookEndpoint.objects.create(tenant=web.tenant, url="https://crm.example/hook", event_types=["*"])
    own = {"tenant": web.tenant, "endpoint": made}
    WebhookDelivery.objects.create(**own, type="chat.session.ended", due_at=due_at)
    return made.id


@pytest.mark.parametrize(
    ("make", "task"),
    [(receipt, "parse"), (turn, "respond"), (file, "media"), (alert, "send_alert"), (lane, "deliver"),
     (endpoint, "call_endpoint")],
    ids=["receipt", "turn", "file", "alert", "lane", "endpoint"],
)  # fmt: skip
def test_what_is_overdue_is_woken_for_two_intervals(scope, web, calls, settings, make, task) -> None:
    settings.ENV = {**settings.ENV, "SWEEP_INTERVAL_S": 7}
    late = make(web, now() - LATE)
    make(web, now())  # its own wake-up is still on the way
    calls.all.clear()
    calls.expiries.clear()
    tasks.sweep()
    assert calls.of(task) == [late]
    assert calls.expiries == [(task, 14.0), ("publish", 14.0)]


TENANT, CHANNEL = uuid.uuid4(), uuid.uuid4()


class Broker:
    """Instead of a broker: what was sent, and how."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []

    def send(self, task: str, args: Any, **options: Any) -> None:
        self.sent.append({"task": task, "args": args, **options})


@pytest.mark.parametrize(
    ("options", "headers"),
    [
        ({}, None), ({"delay_s": 3.0}, None), ({"expires_s": 14.0}, {"void_at": 1014.0}),
        ({"delay_s": 3.0, "expires_s": 14.0}, {"void_at": 1017.0}),
        ({"lane": Lane(TENANT, CHANNEL)}, {"lane": [str(TENANT), str(CHANNEL)]}),
    ],
    ids=["normal", "delayed", "of-the-sweep", "expires-after-its-delay", "of-who-wrote-the-row"],
)  # fmt: skip
def test_a_call_says_a_row_and_what_goes_with_it(monkeypatch: pytest.MonkeyPatch, options, headers) -> None:
    """Only those that say so expire; the task has one argument, as workers of a former release know it."""
    broker = Broker()
    monkeypatch.setattr(wake, "_call", REAL_CALL)
    monkeypatch.setattr(wake, "broker_breaker", Breaker(failures=1, cool_s=60))
    monkeypatch.setattr(wake, "calls", broker)
    monkeypatch.setattr(wake, "shared_now", lambda: 1000.0)
    row = uuid.uuid4()
    wake.deliver(row, **options)
    [sent] = broker.sent
    assert (sent["task"], sent["args"], sent["headers"]) == ("messaging.tasks.deliver", [str(row)], headers)
    assert sent["delay_s"] == options.get("delay_s", 0)


@pytest.mark.parametrize("says_lane", [True, False], ids=["with-lane", "of-a-former-release"])
def test_a_lane_saves_the_question_whose_work_it_is(
    scope, web, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries, says_lane: bool
) -> None:
    shared: list[Any] = []
    monkeypatch.setattr(tasks, "share", lambda task, lane, row_id, work: shared.append((lane, row_id)) or True)
    conversation = DeliveryFactory(tenant=scope).conversation
    whose = Lane(scope.id, conversation.channel_id)
    with django_assert_num_queries(0 if says_lane else 1):
        tasks.deliver.apply([str(conversation.id)], headers=wake.headers_of(whose if says_lane else None))
    assert shared == [(whose, str(conversation.id))]


def test_a_call_that_names_another_tenant_reaches_no_row_of_this_one(scope, web, monkeypatch) -> None:
    delivery = DeliveryFactory(tenant=scope)
    monkeypatch.setattr(tasks, "share", None)
    foreign = Lane(TenantFactory().id, delivery.channel_id)
    tasks.deliver.apply([str(delivery.conversation_id)], headers=wake.headers_of(foreign))
    delivery.refresh_from_db()
    assert (delivery.status, delivery.leases) == (Delivery.Status.QUEUED, 0)


# ------------------------------------------------------- hosts whose clocks disagree


class Host:
    """A process whose own clock is ``ahead`` of the database's, which all share."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch):
        self._monkeypatch, self.noon = monkeypatch, now()

    def at(self, server_s: float, ahead: timedelta, traveller: Any) -> None:
        server = self.noon + timedelta(seconds=server_s)
        traveller.move_to(server + ahead)
        self._monkeypatch.setattr(server_clock, "server_now", lambda: server)
        self._monkeypatch.setattr(server_clock, "_answer", (0.0, -math.inf))  # another process


@pytest.mark.parametrize("sender", [timedelta(0), timedelta(hours=1), -timedelta(hours=1)], ids=str)
@pytest.mark.parametrize("worker", [timedelta(0), timedelta(hours=1), -timedelta(hours=1)], ids=str)
@pytest.mark.parametrize(("waited_s", "followed"), [(13.0, True), (15.0, False)])
def test_a_call_is_void_by_the_clock_that_all_share(
    scope, web, monkeypatch: pytest.MonkeyPatch, sender, worker, waited_s, followed
) -> None:
    done: list[str] = []
    monkeypatch.setattr(tasks, "share", lambda task, lane, row_id, work: done.append(row_id) or True)
    row = MessageFactory(tenant=scope).conversation_id
    broker, host = Broker(), Host(monkeypatch)
    monkeypatch.setattr(wake, "_call", REAL_CALL)
    monkeypatch.setattr(wake, "broker_breaker", Breaker(failures=1, cool_s=60))
    monkeypatch.setattr(wake, "calls", broker)
    with time_machine.travel(host.noon, tick=False) as traveller:
        host.at(0, sender, traveller)
        wake.deliver(row, expires_s=14.0)
        host.at(waited_s, worker, traveller)
        tasks.deliver.apply(broker.sent[0]["args"], headers=broker.sent[0]["headers"])
    assert done == [str(row)] * followed


def test_nothing_that_beat_calls_for_expires_by_a_worker_s_clock() -> None:
    assert [name for name, entry in CELERY["beat_schedule"].items() if "options" in entry] == []


@pytest.mark.parametrize(("task", "half_s", "times"), [("sweep", 2.5, 2), ("keep_house", 30, 2), ("publish", 0, 4)])
def test_calls_of_beat_that_have_piled_up_are_followed_once_in_half_an_interval(
    monkeypatch: pytest.MonkeyPatch, task: str, half_s: float, times: int
) -> None:
    """What beat does not call for is followed each time."""
    clock = iter([100.0, 100.0 + half_s / 2, 100.0 + half_s, 100.0 + half_s * 1.5])
    monkeypatch.setattr(tasks, "time", SimpleNamespace(monotonic=lambda: next(clock)))
    done: list[str] = []
    paced = tasks._Spaced(f"messaging.tasks.{task}", lambda: done.append(task))
    for _ in range(4):
        paced()
    assert len(done) == times


def test_a_worker_s_crew_is_handed_the_paced_work(monkeypatch: pytest.MonkeyPatch) -> None:
    handed: list[Any] = []
    monkeypatch.setattr(tasks, "share", lambda task, lane, row_id, work: handed.append(work) or True)
    tasks.sweep.run()
    assert [type(work) for work in handed] == [tasks._Spaced]
