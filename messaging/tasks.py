"""Celery's view of the verbs: each task opens the tenant scope of the row it is told of, and calls one verb.

Must not contain rules.
"""

from __future__ import annotations

import math
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import Context, copy_context
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from celery import Task, current_app, shared_task
from django.conf import settings

from assistant.builtin.evaluation import evaluate_lessons
from assistant.intents.lessons import invalidate
from assistant.intents.versions.runs import trainings_go_on
from assistant.knowledge.indexed import articles_go_on
from assistant.knowledge.sites.reading import sites_go_on
from assistant.vectors.lanes import vectors_go_on
from channels_app.models import Channel
from channels_app.selectors import channel_for_id
from channels_app.templates.sync import templates_sync, templates_sync_all
from conversations.models import Attachment, Conversation, Note
from messaging import deliver as deliver_verb
from messaging import housekeeping, receive, wake
from messaging import publish as publish_verb
from messaging import respond as respond_verb
from messaging import sweep as sweep_verb
from messaging.agents import rule
from messaging.agents.models import ScheduledReply
from messaging.agents.scheduled import scheduled_say
from messaging.assist.summary import note_rewritten
from messaging.health import watch
from messaging.hours import places
from messaging.housekeeping import removal
from messaging.integrators import calls as integrator_send
from messaging.kafka import stream as kafka
from messaging.many import deliver as deliver_many
from messaging.many import respond as respond_many
from messaging.media import fetch as media_verb
from messaging.media import thumbnails
from messaging.models import InboundEvent, StaffAlert, Turn, WebhookEndpoint
from messaging.outbox import alerts
from messaging.outbox.lanes import BATCH
from messaging.reports import typing_marks
from messaging.shutdown import stopping
from tenants.scope import tenant_scope
from tenants.storage.batches import for_seconds
from tenants.tenant_settings import is_active
from tenants.work.crew import SHARED, Lane, Told, outside

REMOVAL_S = 60.0  # that one run goes on; the next one follows within seconds
PRIVACY_S = 30.0  # the same, of exports and of erasures
VECTORS_S = 5.0  # the same, of vectors
TRAININGS_S = 3600.0  # the same, of trainings that were asked for
SITES_S = 20.0  # the same, of sites whose pages become articles
GATHERED_S = 1.0  # that one run of publishing waits for events that gather, in all
VOID = "void"  # what a task returns that was called too late
Share = Callable[[str, Lane, str, Callable[[], object]], bool]
Together = Callable[[Sequence[Told]], object]

#: in a worker: shares the work out among its threads (chatsvc/processes/crews.py); False: do it here and now
share: Share | None = None
share_all: Callable[[str, Lane, Sequence[RowWork]], bool] | None = None  # `share`, of several rows of a lane


@dataclass(frozen=True)
class RowWork:
    """What a call asks for: called, it is done for the one row. With ``together`` those of several rows of a lane may be
    done at once (`rows_work`). ``trail``: what the call's headers say of the row, where it was not named first."""

    tenant_id: Any
    work: Callable[[uuid.UUID], object]
    told: Told
    together: Together | None = None
    trail: Mapping[str, Any] | None = None

    def scoped(self) -> Told:
        """The row, with the tenant's scope in its context."""

        def entered() -> Context:
            with tenant_scope(self.tenant_id):
                return copy_context()

        return Told(self.told.row_id, self.told.context.copy().run(entered))

    def __call__(self) -> None:
        if self.together:
            rows_work([self])
        else:
            _in_scope(self.tenant_id, self.work, self.told.row_id)


def rows_work(works: Sequence[RowWork]) -> None:
    """Of one task and one tenant."""
    [first, *_] = works
    assert first.together
    with tenant_scope(first.tenant_id), wake.gathered():
        first.together([work.scoped() for work in works])


def row_task(
    name: str,
    model: Any,
    work: Callable[[uuid.UUID], object],
    part: str | None = "channel_id",
    *,
    together: Together | None = None,
    later: Together | None = None,
    fits: Callable[[Any], bool] = lambda _: True,
) -> Any:
    """The task ``messaging.tasks.<name>``: told rows' ids, it has ``work`` done in the scope of each row's tenant.

    The tenant and ``part``, a field of the row, say whose work it is: they get their share of the threads and no more.
    ``together``: instead of ``work``, when the call comes from where the row was written, for it says whose it is;
    where that ``fits`` the tenant. ``later``: instead of ``work``, for all other calls.
    """
    task_name = f"messaging.tasks.{name}"
    fields = ["tenant_id", *([part] if part else [])]

    @shared_task(name=task_name, bind=True)
    def task(call: Task, row_id: str) -> str | None:
        if wake.is_void(call.request):
            return VOID
        rows: dict[str, Any] = {row_id: None, **dict(wake.also_of(call.request))}
        told = wake.lane_of(call.request)
        lanes = dict.fromkeys(rows, told) if told else _lanes_of(model, fields, list(rows))
        many = together if told and together and fits(told.tenant) else later
        works: dict[Lane, list[RowWork]] = {}
        for row, lane in lanes.items():
            works.setdefault(lane, []).append(RowWork(lane.tenant, work, Told(uuid.UUID(row)), many, rows[row]))
        left = [found for lane, found in works.items() if not _shared(task_name, lane, found)]
        for found in left:
            if many:
                rows_work(found)
            else:
                for one in found:
                    one()
        return SHARED if works and not left else None

    return task


def _shared(task_name: str, lane: Lane, works: Sequence[RowWork]) -> bool:
    if share and len(works) == 1:
        return share(task_name, lane, str(works[0].told.row_id), works[0])
    return bool(share_all and share_all(task_name, lane, works))


def _lanes_of(model: Any, fields: Sequence[str], row_ids: Sequence[str]) -> dict[str, Lane]:
    # unscoped: a task is told rows; each row tells the tenant
    owners = model.objects.unscoped().filter(id__in=row_ids).values_list("id", *fields)
    found = {str(row_id): Lane(*owner) for row_id, *owner in owners}
    return {row_id: found[row_id] for row_id in row_ids if row_id in found}


def service_task(work: Callable[[], None]) -> Any:
    """The task that does ``work`` for all tenants, under its name; in each worker once at a time."""
    task_name = f"messaging.tasks.{work.__name__}"
    lane, spaced = Lane(task_name), _Spaced(task_name, work)

    @shared_task(name=task_name, bind=True)
    def task(call: Task) -> str | None:
        if wake.is_void(call.request):
            return VOID
        if share and share(task_name, lane, "", spaced):
            return SHARED
        work()
        return None

    return task


class _Spaced:
    """``work``, left out when it was begun less than half of beat's interval ago: beat's calls that have piled up while
    all workers were away say the same thing many times. By a clock that nothing sets. Is called once at a time."""

    def __init__(self, task_name: str, work: Callable[[], None]):
        self._task_name, self._work, self._begun_at = task_name, work, -math.inf

    def __call__(self) -> None:
        at = time.monotonic()
        if at - self._begun_at >= self._every_s() / 2:
            self._begun_at = at
            self._work()

    def _every_s(self) -> float:
        """0 for what beat does not call for."""
        entries: Iterable[Any] = current_app.conf.beat_schedule.values()
        mine = (entry["schedule"].run_every for entry in entries if entry["task"] == self._task_name)
        return next(mine, timedelta(0)).total_seconds()


def _in_scope(tenant_id: Any, work: Callable[[uuid.UUID], object], row_id: uuid.UUID) -> None:
    with tenant_scope(tenant_id):
        work(row_id)


def _sync_templates(channel_id: uuid.UUID) -> None:
    channel = channel_for_id(channel_id)
    if channel and channel.enabled and is_active(channel.tenant_id):
        templates_sync(channel)


def _watch(channel_id: uuid.UUID) -> None:
    channel = channel_for_id(channel_id)
    if channel and channel.enabled and is_active(channel.tenant_id):
        watch.channel_watch(channel)


parse = row_task("parse", InboundEvent, receive.receipt_process, together=receive.receipts_take)
respond = row_task(
    "respond", Turn, respond_verb.respond, "conversation__channel_id",
    together=respond_many.turns_take, fits=respond_many.answers_instantly,
)  # fmt: skip
deliver = row_task(
    "deliver", Conversation, deliver_verb.deliver, together=deliver_many.lanes_deliver, later=deliver_many.lanes_deliver
)
show_typing = row_task(
    "show_typing", Conversation, typing_marks.show_typing, together=typing_marks.marks_show,
    later=typing_marks.marks_go_on,
)  # fmt: skip
show_unasked = row_task("show_unasked", Conversation, typing_marks.show_unasked)
put_through = row_task("put_through", Conversation, typing_marks.put_through)
sum_up = row_task("sum_up", Note, note_rewritten, None)
media = row_task("media", Attachment, media_verb.file_process)
thumbnail = row_task("thumbnail", Attachment, thumbnails.thumbnail_make)
say_scheduled = row_task("say_scheduled", ScheduledReply, scheduled_say, None)
send_alert = row_task("send_alert", StaffAlert, alerts.alert_send, "way")
call_endpoint = row_task("call_endpoint", WebhookEndpoint, integrator_send.call_endpoint, "id")
sync_templates_of = row_task("sync_templates_of", Channel, _sync_templates, "id")
watch_channel = row_task("watch_channel", Channel, _watch, "id")


def tenant_task(name: str, work: Callable[[], object]) -> Any:
    """The task ``messaging.tasks.<name>``: ``work`` in the scope of the tenant whose id it is told."""
    task_name = f"messaging.tasks.{name}"

    @shared_task(name=task_name, bind=True)
    def task(call: Task, tenant_id: str) -> str | None:
        if wake.is_void(call.request):
            return VOID
        told = Told(uuid.UUID(tenant_id))
        done = RowWork(told.row_id, lambda _: work(), told)
        if share and share(task_name, Lane(told.row_id), tenant_id, done):
            return SHARED
        done()
        return None

    return task


assign_waiting = tenant_task("assign_waiting", rule.assign_waiting)
tell_places = tenant_task("tell_places", places.places_tell)


@service_task
def publish() -> None:
    _in_batches(publish_verb.publish_events)


@service_task
def stream() -> None:
    _in_batches(kafka.stream_events)


def _in_batches(hand_on: Callable[[], int]) -> None:
    """Hand on all that waits, and look once more after that: another worker may have come while its lanes were held.

    In a worker a batch that was not full is followed by the next one no sooner than others had time to gather, so that
    load makes the batches larger and not more of them. The piece of work stays a short one, for its crew is shared.
    """
    gather_s, more = settings.ENV["KAFKA_LINGER_MS"] / 1000, for_seconds(GATHERED_S)
    while (taken := hand_on()) and not stopping.is_set():
        if share and taken < BATCH:
            if gather_s > GATHERED_S or not more():
                wake.publish_soon()
                return
            with outside():
                stopping.wait(gather_s)


@service_task
def sweep() -> None:
    try:
        sweep_verb.sweep()
    finally:
        wake.publish()


@service_task
def keep_house() -> None:
    housekeeping.keep_house()


@service_task
def privacy() -> None:
    for step in housekeeping.PRIVACY.values():
        step(for_seconds(PRIVACY_S, stopping.is_set))


@service_task
def vectors() -> None:
    vectors_go_on(for_seconds(VECTORS_S, stopping.is_set), [articles_go_on])


@service_task
def sites() -> None:
    sites_go_on(for_seconds(SITES_S, stopping.is_set), invalidate)


@service_task
def trainings() -> None:
    trainings_go_on(for_seconds(TRAININGS_S, stopping.is_set), evaluate_lessons)


@service_task
def remove_tenants() -> None:
    removal.removals_go_on(for_seconds(REMOVAL_S, stopping.is_set))


@service_task
def sync_templates() -> None:
    templates_sync_all()


@service_task
def watch_channels() -> None:
    watch.channels_watch()
