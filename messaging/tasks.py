"""Celery's view of the verbs: each task opens the tenant scope of the row it is told of, and calls one verb.

Must not contain rules.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from celery import shared_task

from channels_app.models import Channel
from channels_app.selectors import channel_for_id
from channels_app.templates.sync import templates_sync, templates_sync_all
from conversations.models import Attachment, Conversation
from messaging import deliver as deliver_verb
from messaging import housekeeping, receive, wake
from messaging import publish as publish_verb
from messaging import respond as respond_verb
from messaging import sweep as sweep_verb
from messaging.health import watch
from messaging.integrators import calls as integrator_send
from messaging.kafka import stream as kafka
from messaging.media import fetch as media_verb
from messaging.media import thumbnails
from messaging.models import InboundEvent, StaffAlert, Turn, WebhookEndpoint
from messaging.outbox import alerts
from messaging.rules import typing_marks as attention
from tenants.scope import tenant_scope


@contextmanager
def scope_of(model: Any, row_id: str) -> Iterator[uuid.UUID | None]:
    """The scope of the tenant that owns the row; yields its id, or None when the row is gone."""
    # unscoped: a task is told a row; the row tells the tenant
    tenant_id = model.objects.unscoped().filter(id=row_id).values_list("tenant_id", flat=True).first()
    if tenant_id is None:
        yield None
    else:
        with tenant_scope(tenant_id):
            yield uuid.UUID(row_id)


def row_task(name: str, model: Any, work: Callable[[uuid.UUID], object]) -> Any:
    """The task ``messaging.tasks.<name>``: told a row's id, it does ``work`` in the row's tenant's scope."""

    @shared_task(name=f"messaging.tasks.{name}")
    def task(row_id: str) -> None:
        with scope_of(model, row_id) as found:
            if found:
                work(found)

    return task


def _parse(receipt_id: uuid.UUID) -> None:
    try:
        receive.receipt_process(receipt_id)
    except Exception as error:  # noqa: BLE001  the receipt is tried again; it is never lost
        receive.receipt_failed(receipt_id, error)


def _sync_templates(channel_id: uuid.UUID) -> None:
    if channel := channel_for_id(channel_id):
        templates_sync(channel)


def _watch(channel_id: uuid.UUID) -> None:
    channel = channel_for_id(channel_id)
    if channel and channel.enabled:
        watch.channel_watch(channel)


parse = row_task("parse", InboundEvent, _parse)
respond = row_task("respond", Turn, respond_verb.respond)
deliver = row_task("deliver", Conversation, deliver_verb.deliver)
attend = row_task("attend", Conversation, attention.attend)
put_through = row_task("put_through", Conversation, attention.put_through)
media = row_task("media", Attachment, media_verb.attend)
thumbnail = row_task("thumbnail", Attachment, thumbnails.thumbnail_make)
send_alert = row_task("send_alert", StaffAlert, alerts.alert_send)
call_endpoint = row_task("call_endpoint", WebhookEndpoint, integrator_send.call_endpoint)
sync_templates_of = row_task("sync_templates_of", Channel, _sync_templates)
watch_channel = row_task("watch_channel", Channel, _watch)


@shared_task(name="messaging.tasks.publish")
def publish() -> None:
    while publish_verb.publish_events():
        pass


@shared_task(name="messaging.tasks.stream")
def stream() -> None:
    while kafka.stream_events():
        pass


@shared_task(name="messaging.tasks.sweep")
def sweep() -> None:
    sweep_verb.sweep()
    wake.publish(expires_s=sweep_verb.expires_s())


@shared_task(name="messaging.tasks.keep_house")
def keep_house() -> None:
    housekeeping.keep_house()


@shared_task(name="messaging.tasks.sync_templates")
def sync_templates() -> None:
    templates_sync_all()


@shared_task(name="messaging.tasks.watch_channels")
def watch_channels() -> None:
    watch.channels_watch()
