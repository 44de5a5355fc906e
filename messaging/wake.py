"""Wake-up calls: tell a worker that a row is due. A call that gets lost is made up for by the sweep.

Must not carry anything but ids.
"""

from __future__ import annotations

import uuid

import structlog
from celery import current_app

log = structlog.get_logger(__name__)


def parse(receipt_id: uuid.UUID) -> None:
    _call("messaging.tasks.parse", receipt_id)


def respond(turn_id: uuid.UUID, delay_s: float = 0.0) -> None:
    _call("messaging.tasks.respond", turn_id, delay_s)


def deliver(conversation_id: uuid.UUID, delay_s: float = 0.0) -> None:
    _call("messaging.tasks.deliver", conversation_id, delay_s)


def _call(task: str, row_id: uuid.UUID, delay_s: float = 0.0) -> None:
    try:
        current_app.send_task(task, args=[str(row_id)], countdown=delay_s or None, retry=False)
    except Exception as error:  # noqa: BLE001  a broker that is away must not fail what is committed
        log.warning("wake_up_lost", task=task, row=str(row_id), error=type(error).__name__)
