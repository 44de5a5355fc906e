"""Wake-up calls: tell a worker that a row is due. A call that gets lost is made up for by the sweep.

Must not carry anything but ids. Where many rows become due together (`gathered`), one call names all of one task and
lane. ``expires_s``: after so long no worker needs to follow the call. ``lane``, of those who
have just written the row: whose work it is, which a worker need not ask for then.
"""

from __future__ import annotations

import math
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any

import structlog
from celery import signals
from django.conf import settings
from django.core.cache import cache

from messaging.measures import LOST_CALLS
from tenants.storage.server_clock import shared_now
from tenants.tenant_settings import settings_for
from tenants.work import calls
from tenants.work.breaker import Breaker
from tenants.work.crew import Lane

log = structlog.get_logger(__name__)

VOID_AT = "void_at"  # header of a call: Unix seconds by the database's clock, after which it is not followed
LANE = "lane"  # header of a call: the row's tenant, and its channel or endpoint
ALSO = "also"  # header of a call: further rows, each with what the trail says of it
MOST_ROWS = 50  # of one call
STEP_S = 0.1  # rows of one call are due within so long, and it comes for the last of them
BACK_OFF_S = 2.0  # after a failure the broker is left alone for so long
broker_breaker = Breaker(failures=1, cool_s=BACK_OFF_S)
PLACES_S = 2.0  # between two looks at who waits in a tenant
_covered_until = 0.0
_thread = threading.local()  # .calls: those that are gathered
Also = tuple[str, Mapping[str, Any]]  # a row, and the trail's headers of its call

#: in a worker: takes a task and a row while the broker is away; False when they are not its own
stand_in: Callable[[str, uuid.UUID | None], bool] | None = None


def parse(receipt_id: uuid.UUID, *, expires_s: float | None = None, lane: Lane | None = None) -> None:
    _call("messaging.tasks.parse", receipt_id, 0.0, expires_s, lane)


def respond(
    turn_id: uuid.UUID, delay_s: float = 0.0, *, expires_s: float | None = None, lane: Lane | None = None
) -> None:
    _call("messaging.tasks.respond", turn_id, delay_s, expires_s, lane)


def deliver(
    conversation_id: uuid.UUID, delay_s: float = 0.0, *, expires_s: float | None = None, lane: Lane | None = None
) -> None:
    _call("messaging.tasks.deliver", conversation_id, delay_s, expires_s, lane)


def show_typing(conversation_id: uuid.UUID, delay_s: float = 0.0, *, lane: Lane | None = None) -> None:
    _call("messaging.tasks.show_typing", conversation_id, delay_s, None, lane)


def show_unasked(conversation_id: uuid.UUID) -> None:
    _call("messaging.tasks.show_unasked", conversation_id)


def put_through(conversation_id: uuid.UUID, delay_s: float = 0.0) -> None:
    _call("messaging.tasks.put_through", conversation_id, delay_s)


def sum_up(note_id: uuid.UUID) -> None:
    _call("messaging.tasks.sum_up", note_id)


def sync_templates(channel_id: uuid.UUID) -> None:
    _call("messaging.tasks.sync_templates_of", channel_id)


def media(attachment_id: uuid.UUID, delay_s: float = 0.0, *, expires_s: float | None = None) -> None:
    _call("messaging.tasks.media", attachment_id, delay_s, expires_s)


def thumbnail(attachment_id: uuid.UUID) -> None:
    _call("messaging.tasks.thumbnail", attachment_id)


def watch(channel_id: uuid.UUID, delay_s: float = 0.0) -> None:
    _call("messaging.tasks.watch_channel", channel_id, delay_s)


def call_endpoint(endpoint_id: uuid.UUID, delay_s: float = 0.0, *, expires_s: float | None = None) -> None:
    _call("messaging.tasks.call_endpoint", endpoint_id, delay_s, expires_s)


def say_scheduled(reply_id: uuid.UUID, delay_s: float = 0.0, *, expires_s: float | None = None) -> None:
    _call("messaging.tasks.say_scheduled", reply_id, delay_s, expires_s)


def assign_waiting(tenant_id: uuid.UUID) -> None:
    """A person waits, or a colleague has become free, perhaps; nothing where no rule of the tenant assigns."""
    if settings_for(tenant_id).assignment.on:
        _call("messaging.tasks.assign_waiting", tenant_id, 0.0, repeated_s())


def tell_places(tenant_id: uuid.UUID) -> None:
    """The queue of those who wait has changed: one call covers all changes until it is followed."""
    if cache.add(f"places:{tenant_id.hex}", 1, PLACES_S * 0.75):
        _call("messaging.tasks.tell_places", tenant_id, PLACES_S, repeated_s())


def queue_changed(tenant_id: uuid.UUID) -> None:
    """Who waits for a human, or their order, is another, or a colleague has one less."""
    tell_places(tenant_id)
    assign_waiting(tenant_id)


def privacy() -> None:
    """An export or an erasure was asked for."""
    _call("messaging.tasks.privacy", None, 0.0, repeated_s())


def send_alert(alert_id: uuid.UUID, *, expires_s: float | None = None) -> None:
    _call("messaging.tasks.send_alert", alert_id, 0.0, expires_s)


def publish(delay_s: float = 0.0) -> None:
    """There is something in the outboxes, perhaps."""
    _call("messaging.tasks.publish", None, delay_s, repeated_s())
    if settings.ENV["KAFKA_BROKERS"]:
        _call("messaging.tasks.stream", None, delay_s, repeated_s())


def repeated_s() -> float:
    """After so many seconds by the database's clock a call that the sweep repeats is void: later sweeps have made it
    again, and under overload, or where no worker takes them, the repeats would drown the queues."""
    return 2.0 * settings.ENV["SWEEP_INTERVAL_S"]


def is_void(request: Any) -> bool:
    """Whether a task's call came too late to be followed. ``request``: of the task."""
    void_at = (request.headers or {}).get(VOID_AT)
    return void_at is not None and shared_now() > void_at


def headers_of(lane: Lane | None, void_at: float | None = None, also: Sequence[Also] = ()) -> dict[str, Any] | None:
    """Of a call, beside its row: workers of a former release leave a header aside, and take no second argument. What
    they leave aside of ``also`` is found by the sweep."""
    told = {LANE: [str(lane.tenant), str(lane.part)] if lane else None, VOID_AT: void_at, ALSO: list(also) or None}
    return {name: said for name, said in told.items() if said is not None} or None


def also_of(request: Any) -> Sequence[Also]:
    """The further rows of a task's call. ``request``: of the task."""
    rows: Sequence[Also] = (request.headers or {}).get(ALSO, ())
    return rows


def lane_of(request: Any) -> Lane | None:
    """Whose work the row is, where a task's call says it. ``request``: of the task."""
    owner = (request.headers or {}).get(LANE)
    return Lane(*map(uuid.UUID, owner)) if owner else None


def publish_soon() -> None:
    """Call after a commit: one call covers all that is committed within the window after it."""
    global _covered_until
    if time.monotonic() >= _covered_until:
        window_s = settings.ENV["KAFKA_LINGER_MS"] / 1000
        _covered_until = time.monotonic() + window_s
        publish(window_s)


@contextmanager
def gathered() -> Iterator[None]:
    """What is called for inside, by this thread, is called for at the end, many rows by one call."""
    if getattr(_thread, "calls", None) is not None:
        yield
        return
    _thread.calls = []
    try:
        yield
    finally:
        calls, _thread.calls = _thread.calls, None
        for together in _joined(calls):
            _follow(together)


@dataclass(frozen=True)
class _Call:
    task: str
    row_id: uuid.UUID | None
    delay_s: float
    expires_s: float | None
    lane: Lane | None
    context: Context = field(default_factory=copy_context)  # whose trail the call carries

    def trail(self) -> dict[str, Any]:
        """What those who hear of every call (chatsvc/observe/trail.py) would have its headers say."""
        headers: dict[str, Any] = {}
        self.context.run(signals.before_task_publish.send, sender=self.task, headers=headers)
        return headers


def _call(
    task: str,
    row_id: uuid.UUID | None = None,
    delay_s: float = 0.0,
    expires_s: float | None = None,
    lane: Lane | None = None,
) -> None:
    call, waiting = _Call(task, row_id, delay_s, expires_s, lane), getattr(_thread, "calls", None)
    if waiting is None or row_id is None:
        _follow([call])
    else:
        waiting.append(call)


def _joined(calls: Sequence[_Call]) -> Iterator[list[_Call]]:
    """Those that one call can say."""
    alike: dict[Any, list[_Call]] = {}
    for call in calls:
        key = (call.task, call.lane, call.expires_s, math.ceil(call.delay_s / STEP_S))
        alike.setdefault(key, []).append(call)
    for together in alike.values():
        for start in range(0, len(together), MOST_ROWS):
            yield together[start : start + MOST_ROWS]


def _follow(together: Sequence[_Call]) -> None:
    delay_s = max(call.delay_s for call in together)
    if together[0].context.run(_send, together, delay_s):
        return
    for call in together:
        if not (stand_in and delay_s <= 0 and stand_in(call.task, call.row_id)):
            LOST_CALLS.inc()


def _send(together: Sequence[_Call], delay_s: float) -> bool:
    """Never raises and never takes long: a broker that is away must not hold up what is committed."""
    if not broker_breaker.admits():
        return False
    first, *others = together
    try:
        args = [str(first.row_id)] if first.row_id else []
        # Not Celery's `expires`: a worker whose clock is ahead would leave every call of another host's aside.
        void_at = shared_now() + delay_s + first.expires_s if first.expires_s else None
        headers = headers_of(first.lane, void_at, [(str(call.row_id), call.trail()) for call in others])
        calls.send(first.task, args, delay_s=delay_s, headers=headers)
    except Exception as error:  # noqa: BLE001  as above
        broker_breaker.failed()
        log.warning("wake_up_lost", task=first.task, row=str(first.row_id or ""), error=type(error).__name__)
        return False
    broker_breaker.succeeded()
    return True
