"""Publishing under load: one publisher in a process, batches instead of single events, lanes that are not fought for
(EVT-1, EVT-5)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection
from django.db.models import Count, Sum
from django.test.utils import CaptureQueriesContext

from conversations.event_schemas import envelope_of
from conversations.models import Event
from messaging import tasks, wake
from messaging.models import DailyFigure, HandledEvent, OutboxLane
from messaging.outbox import handlers, lanes
from messaging.outbox.lanes import BATCH, LANES, LEASE, PUBLISHED
from messaging.publish import publish_events
from tenants.models import Tenant
from tenants.storage.db import new_id, now, on_mongo
from tenants.work.crew import Crew
from tests.factories import ConversationFactory

TALKS = 5
TYPES = ("chat.message.received", "chat.message.processed", "chat.message.sent")


def happen(tenant: Tenant, count: int) -> list[Event]:
    """Events of TALKS conversations, of three types in turn."""
    talks = [ConversationFactory(tenant=tenant) for _ in range(TALKS)]
    rows = [
        Event(tenant=tenant, conversation=talks[n % TALKS], seq=n // TALKS + 1, type=TYPES[n % 3]) for n in range(count)
    ]
    return Event.objects.bulk_create(rows)


def statements(work: Callable[[], object]) -> list[str]:
    with CaptureQueriesContext(connection) as seen:
        work()
    return [query["sql"] for query in seen.captured_queries]


def held_elsewhere(numbers: Iterator[int] | range) -> None:
    OutboxLane.objects.filter(outbox="published", number__in=list(numbers)).update(claim=new_id(), due_at=now() + LEASE)


@pytest.fixture
def ready(scope: Tenant) -> Tenant:
    """The lanes and the day's figures are there, as on any day but the first."""
    happen(scope, 3)
    assert publish_events() == 3
    return scope


# ------------------------------------------------------------------------ what a batch costs


@pytest.mark.skipif(on_mongo(), reason="no SQL there")
def test_a_batch_of_fifty_costs_twelve_statements(ready: Tenant, other_tenant: Tenant) -> None:
    happen(ready, 50)
    seen = statements(lambda: publish_events())  # the tenant's endpoints are kept in memory
    rows = [sql for sql in seen if sql.startswith(("SELECT", "UPDATE", "INSERT"))]
    assert [sql.split()[0] for sql in rows] == [
        "SELECT",  # which conversations
        "SELECT",  # which lanes are free
        "UPDATE",  # lease
        "SELECT",  # events
        "INSERT",  # marks
        "UPDATE", "UPDATE", "UPDATE",  # figures, one for each name
        "UPDATE", "UPDATE",  # the channel's sheet: its lock with what stands there, and the sum
        "UPDATE",  # published, and not for Kafka
        "UPDATE",  # release
    ]  # fmt: skip
    assert dict(DailyFigure.objects.values_list("name", "value")) == {TYPES[0]: 18, TYPES[1]: 18, TYPES[2]: 17}
    assert HandledEvent.objects.filter(handler="analytics").count() == 53


@pytest.mark.skipif(on_mongo(), reason="no SQL there")
def test_figures_and_marks_of_many_tenants_are_committed_once(ready: Tenant, other_tenant: Tenant) -> None:
    happen(ready, 10)
    happen(other_tenant, 10)
    seen = statements(lambda: publish_events())
    assert len([sql for sql in seen if sql.startswith("SAVEPOINT")]) == 2  # the other: marks and the end of the lease
    # unscoped: of both tenants
    assert sorted(HandledEvent.objects.unscoped().values_list("tenant__name").annotate(Count("id"))) == [
        ("Acme", 13), ("Globex", 10),
    ]  # fmt: skip


def test_a_tenant_whose_figures_break_keeps_no_other_from_its_own(
    ready: Tenant, other_tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shared transaction is rolled back, and each tenant's events are handled by themselves."""
    events = happen(ready, 2)
    happen(other_tenant, 4)
    real = handlers.analytics

    def breaks(told: Any) -> None:
        real(told)
        assert not {event.id for event in events} & {event.id for event in told}

    monkeypatch.setitem(handlers.HANDLERS, "analytics", breaks)
    assert publish_events() == 6
    # unscoped: of both tenants
    figures = DailyFigure.objects.unscoped().values_list("tenant__name").annotate(Sum("value"))
    assert dict(figures) == {"Acme": 3, "Globex": 4}
    assert HandledEvent.objects.filter(error="AssertionError").count() == 2


@pytest.mark.skipif(on_mongo(), reason="no SQL there")
def test_nothing_to_publish_costs_one_look(ready: Tenant) -> None:
    assert len(statements(lambda: publish_events())) == 1


@pytest.mark.skipif(on_mongo(), reason="no SQL there")
def test_marks_and_the_end_of_the_lease_are_one_commit(ready: Tenant) -> None:
    happen(ready, 5)
    seen = [sql.split()[0] for sql in statements(lambda: publish_events())]
    last = [word for word in seen if word in ("SAVEPOINT", "RELEASE", "UPDATE")][-4:]
    assert last == ["SAVEPOINT", "UPDATE", "UPDATE", "RELEASE"]


@pytest.mark.parametrize("broken", [(), ("_mark",)], ids=["handing-on", "marking"])
def test_lanes_are_free_again_when_a_batch_fails(
    ready: Tenant, monkeypatch: pytest.MonkeyPatch, broken: tuple[str, ...]
) -> None:
    [event] = happen(ready, 1)

    def fails(*_: Any) -> Any:
        assert OutboxLane.objects.exclude(claim=None).exists()
        raise OSError("away")

    for name in broken:
        monkeypatch.setattr(lanes, name, fails)
    with pytest.raises(OSError, match="away"):
        lanes.drain(PUBLISHED, {(): fails}.get(broken, lambda events: events))
    assert not OutboxLane.objects.exclude(claim=None).exists()
    monkeypatch.undo()
    assert lanes.drain(PUBLISHED, lambda events: events) == 1
    event.refresh_from_db()
    assert event.published_at is not None


def test_both_marks_are_set_at_once_without_kafka(ready: Tenant) -> None:
    [event] = happen(ready, 1)
    publish_events()
    event.refresh_from_db()
    assert event.published_at == event.streamed_at is not None


def test_what_was_handled_before_its_publisher_died_is_not_counted_twice(ready: Tenant) -> None:
    """Some of a batch have their marks: it is handed out again with events that have none."""
    events = happen(ready, 10)
    handlers.handle("analytics", [envelope_of(event) for event in events[:6]])
    assert publish_events() == 10
    assert sum(DailyFigure.objects.values_list("value", flat=True)) == 3 + 10


# ----------------------------------------------------------------------------------- lanes


@pytest.mark.skipif(on_mongo(), reason="no SQL there")
def test_lanes_of_others_are_not_tried(ready: Tenant) -> None:
    happen(ready, 20)
    held_elsewhere(range(LANES))
    seen = statements(lambda: publish_events())
    assert [sql.split()[0] for sql in seen] == ["SELECT", "SELECT"]
    OutboxLane.objects.update(due_at=now())  # their leases end
    assert publish_events() == 20


def test_a_lane_that_is_taken_between_look_and_lease_stays_with_its_holder(ready: Tenant) -> None:
    held_elsewhere(range(4))
    claim = new_id()
    assert sorted(lanes._lease(PUBLISHED, claim, range(2, 7))) == [4, 5, 6]
    assert OutboxLane.objects.filter(claim=claim).count() == 3


def test_what_lies_in_a_lane_of_another_waits_and_the_rest_goes_out(ready: Tenant) -> None:
    events = happen(ready, 50)
    number = events[0].conversation_id.int % LANES
    held_elsewhere(range(number, number + 1))
    publish_events()
    waiting = Event.objects.filter(published_at=None)
    there = {event.id for event in events if event.conversation_id.int % LANES == number}
    assert set(waiting.values_list("id", flat=True)) == there


def test_a_backlog_leaves_lanes_to_other_workers(ready: Tenant, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(8):
        happen(ready, 20)
    held: list[int] = []

    def look(events: Any) -> Any:
        held.append(OutboxLane.objects.exclude(claim=None).count())
        return events

    lanes.drain(PUBLISHED, look, limit=20)
    assert 0 < held[0] < LANES // 2
    assert not OutboxLane.objects.exclude(claim=None).exists()


# -------------------------------------------------------------------------------- a worker


class Process:
    """A worker's stop flag: its waits are written down and cost no time."""

    def __init__(self) -> None:
        self.waits: list[float] = []
        self.stopped = False

    def is_set(self) -> bool:
        return self.stopped

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)


@pytest.fixture
def process(monkeypatch: pytest.MonkeyPatch) -> Process:
    made = Process()
    monkeypatch.setattr(tasks, "stopping", made)
    return made


@pytest.fixture
def in_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tasks, "share", lambda *_: True)


def given(*batches: int) -> tuple[Callable[[], int], list[int]]:
    left = list(batches)
    return (lambda: left.pop(0)), left


@pytest.mark.usefixtures("in_a_worker")
def test_in_a_worker_a_small_batch_is_followed_by_the_next_one_after_a_while(process: Process) -> None:
    hand_on, left = given(BATCH, BATCH, 3, 40, 0)
    tasks._in_batches(hand_on)
    assert (left, process.waits) == ([], [0.1, 0.1])  # KAFKA_LINGER_MS


def test_outside_of_a_worker_nothing_waits(process: Process) -> None:
    hand_on, left = given(3, 1, 0)
    tasks._in_batches(hand_on)
    assert (left, process.waits) == ([], [])


@pytest.mark.usefixtures("in_a_worker")
@pytest.mark.parametrize("linger_ms", [100, 60_000])
def test_a_run_of_publishing_stays_short_and_calls_for_the_next(
    process: Process, calls: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, linger_ms: int
) -> None:
    """A crew takes a lane whose pieces take long for a slow one, which has to wait for slow endpoints."""
    settings.ENV = {**settings.ENV, "KAFKA_LINGER_MS": linger_ms}
    monkeypatch.setattr(wake, "_covered_until", 0.0)
    monkeypatch.setattr(tasks, "for_seconds", lambda seconds: lambda: len(process.waits) * linger_ms / 1000 < seconds)
    tasks._in_batches(lambda: 1)
    assert sum(process.waits) <= tasks.GATHERED_S
    assert calls.all == [("publish", None, linger_ms / 1000)]


@pytest.mark.usefixtures("in_a_worker")
def test_a_process_that_stops_begins_no_further_batch(process: Process) -> None:
    process.stopped = True
    hand_on, left = given(3, 1, 0)
    tasks._in_batches(hand_on)
    assert (left, process.waits) == ([1, 0], [])


def test_a_process_has_one_publisher_whatever_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """Eight threads are told at once: one publishes, and once more for those that came meanwhile."""
    crew = Crew("events", 32, computing=8)
    begun, go_on = threading.Semaphore(0), threading.Semaphore(0)
    at_work: list[int] = []
    most: list[int] = []

    def hand_on() -> int:
        at_work.append(1)
        most.append(len(at_work))
        begun.release()
        go_on.acquire(timeout=10)
        at_work.pop()
        return 0

    monkeypatch.setattr(tasks.publish_verb, "publish_events", hand_on)
    monkeypatch.setattr(tasks, "share", lambda task, lane, row_id, work: crew.take(lane, (task, row_id), work))
    tasks.publish.run()
    assert begun.acquire(timeout=10)
    callers = [threading.Thread(target=tasks.publish.run) for _ in range(8)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(10)
    go_on.release(9)
    assert crew.wait_idle(10)
    assert most == [1, 1]
    assert crew.stop(1)


# ------------------------------------------------------------------------------------ calls


def test_calls_that_the_sweep_repeats_expire(calls: Any, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.ENV = {**settings.ENV, "SWEEP_INTERVAL_S": 7, "KAFKA_BROKERS": ["k:9092"]}
    monkeypatch.setattr(wake, "_covered_until", 0.0)
    wake.publish_soon()
    assert calls.expiries == [("publish", 14.0), ("stream", 14.0)]
