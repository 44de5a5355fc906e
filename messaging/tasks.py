"""Celery's view of the verbs: each task opens the tenant scope of the row it is told of, and calls one verb.

Must not contain rules.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from celery import shared_task

from conversations.models import Conversation
from messaging import deliver as deliver_verb
from messaging import publish as publish_verb
from messaging import receive
from messaging import respond as respond_verb
from messaging import sweep as sweep_verb
from messaging.models import InboundEvent, Turn
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


@shared_task(name="messaging.tasks.publish")
def publish() -> None:
    while publish_verb.publish_events() == publish_verb.BATCH:
        pass


@shared_task(name="messaging.tasks.sweep")
def sweep() -> None:
    sweep_verb.sweep()
    publish()


@shared_task(name="messaging.tasks.keep_house")
def keep_house() -> None:
    sweep_verb.keep_house()
