"""The safety net under calls to integrators: what waits for endpoints that are off, old log rows.

Owns the look at all tenants' endpoints; must not call them (calls.py) nor wake their workers (messaging/sweep.py).
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog

from messaging.integrators.endpoints import endpoint_told
from messaging.integrators.subscribers import subscribers_forget
from messaging.models import WebhookDelivery, WebhookEndpoint
from tenants.scope import tenant_scope
from tenants.storage.batches import Failures
from tenants.storage.db import atomic, now, on_commit, retried

log = structlog.get_logger(__name__)

BATCH = 500  # rows that one statement changes
MOST_BATCHES = 20  # at one look
PUT_OFF = timedelta(minutes=10)  # what waits for a paused endpoint is looked at this often
LONGEST_PAUSE = timedelta(days=7)  # then the endpoint is disabled, and what waited has failed
KEPT = timedelta(days=30)  # the log of finished calls
FINISHED = (WebhookDelivery.Status.DELIVERED, WebhookDelivery.Status.FAILED)


def calls_settle(at: datetime) -> None:
    """What waits for a paused endpoint is put off and what waits for a disabled one has failed, so that neither is met
    again at every look."""
    # unscoped: the net spans all tenants
    waiting = WebhookDelivery.objects.unscoped().filter(status__in=WebhookDelivery.UNFINISHED, due_at__lt=at)
    _in_batches(
        at, waiting.filter(endpoint__enabled=True, endpoint__paused_at__isnull=False),
        status=WebhookDelivery.Status.QUEUED, due_at=at + PUT_OFF, claim=None,
    )  # fmt: skip
    _in_batches(
        at, waiting.filter(endpoint__enabled=False),
        status=WebhookDelivery.Status.FAILED, finished_at=at, error_code="endpoint_disabled", claim=None,
    )  # fmt: skip


def _in_batches(at: datetime, waiting: Any, **changes: Any) -> None:
    """Each look finds what the one before has left; a statement stays short however much waits. A call that was made
    due meanwhile, by an endpoint's resumption, is left alone: its moment is ``at`` at the earliest, and so is not
    before it."""
    for _ in range(MOST_BATCHES):
        ids = list(waiting.order_by("due_at").values_list("id", flat=True)[:BATCH])
        # unscoped: of all tenants, as above
        rows = WebhookDelivery.objects.unscoped().filter(id__in=ids, status__in=WebhookDelivery.UNFINISHED)
        rows.filter(due_at__lt=at).update(**changes)
        if len(ids) < BATCH:
            return


def pauses_end() -> int:
    """Disable endpoints whose pause has lasted too long, and tell; what waits for them fails at the next sweep. How
    many."""
    # unscoped: housekeeping of all tenants
    paused = WebhookEndpoint.objects.unscoped().filter(enabled=True, paused_at__lte=now() - LONGEST_PAUSE)
    count, failures = 0, Failures()
    for endpoint in paused.only("id", "tenant_id", "description"):
        with failures.apart(endpoint=str(endpoint.id)), tenant_scope(endpoint.tenant_id):
            count += _pause_end(endpoint, paused)
    failures.tell()
    return count


@retried
def _pause_end(endpoint: WebhookEndpoint, paused: Any) -> bool:
    """False when staff have resumed it meanwhile."""
    with atomic():
        if not paused.filter(id=endpoint.id).update(enabled=False):
            return False
        endpoint_told(endpoint, "paused_too_long")
        on_commit(lambda: subscribers_forget(endpoint.tenant_id))
    log.warning("webhook_endpoint_stopped", endpoint=str(endpoint.id), reason="paused_too_long")
    return True
