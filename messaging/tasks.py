"""Celery's view of the verbs: each task opens the tenant scope of the row it is told of, and calls one verb.

Must not contain rules.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import shared_task

from channels_app.models import Channel
from channels_app.selectors import channel_for_id
from channels_app.template_sync import templates_sync, templates_sync_all
from conversations.models import Attachment, Conversation
from messaging import alerts, attention, integrator_send, kafka, receive, wake, watch
from messaging import deliver as deliver_verb
from messaging import media as media_verb
from messaging import publish as publish_verb
from messaging import respond as respond_verb
from messaging import sweep as sweep_verb
from messaging.models import InboundEvent, StaffAlert, Turn, WebhookEndpoint
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


@shared_task(name="messaging.tasks.parse")
def parse(receipt_id: str) -> None:
    with scope_of(InboundEvent, receipt_id) as row_id:
        if row_id:
            try:
                receive.receipt_process(row_id)
            except Exception as error:  # noqa: BLE001  the receipt is tried again; it is never lost
                receive.receipt_failed(row_id, error)


@shared_task(name="messaging.tasks.respond")
def respond(turn_id: str) -> None:
    with scope_of(Turn, turn_id) as row_id:
        if row_id:
            respond_verb.respond(row_id)


@shared_task(name="messaging.tasks.deliver")
def deliver(conversation_id: str) -> None:
    with scope_of(Conversation, conversation_id) as row_id:
        if row_id:
            deliver_verb.deliver(row_id)


@shared_task(name="messaging.tasks.attend")
def attend(conversation_id: str) -> None:
    with scope_of(Conversation, conversation_id) as row_id:
        if row_id:
            attention.attend(row_id)


@shared_task(name="messaging.tasks.put_through")
def put_through(conversation_id: str) -> None:
    with scope_of(Conversation, conversation_id) as row_id:
        if row_id:
            attention.put_through(row_id)


@shared_task(name="messaging.tasks.media")
def media(attachment_id: str) -> None:
    with scope_of(Attachment, attachment_id) as row_id:
        if row_id:
            media_verb.attend(row_id)


@shared_task(name="messaging.tasks.publish")
def publish() -> None:
    while publish_verb.publish_events():
        pass


@shared_task(name="messaging.tasks.stream")
def stream() -> None:
    while kafka.stream_events():
        pass


@shared_task(name="messaging.tasks.send_alert")
def send_alert(alert_id: str) -> None:
    with scope_of(StaffAlert, alert_id) as row_id:
        if row_id:
            alerts.alert_send(row_id)


@shared_task(name="messaging.tasks.call_endpoint")
def call_endpoint(endpoint_id: str) -> None:
    with scope_of(WebhookEndpoint, endpoint_id) as row_id:
        if row_id:
            integrator_send.call_endpoint(row_id)


@shared_task(name="messaging.tasks.sweep")
def sweep() -> None:
    sweep_verb.sweep()
    wake.publish(expires_s=sweep_verb.expires_s())


@shared_task(name="messaging.tasks.keep_house")
def keep_house() -> None:
    sweep_verb.keep_house()


@shared_task(name="messaging.tasks.sync_templates")
def sync_templates() -> None:
    templates_sync_all()


@shared_task(name="messaging.tasks.sync_templates_of")
def sync_templates_of(channel_id: str) -> None:
    with scope_of(Channel, channel_id) as row_id:
        channel = channel_for_id(row_id) if row_id else None
        if channel:
            templates_sync(channel)


@shared_task(name="messaging.tasks.watch_channels")
def watch_channels() -> None:
    watch.channels_watch()


@shared_task(name="messaging.tasks.watch_channel")
def watch_channel(channel_id: str) -> None:
    with scope_of(Channel, channel_id) as row_id:
        channel = channel_for_id(row_id) if row_id else None
        if channel and channel.enabled:
            watch.channel_watch(channel)
