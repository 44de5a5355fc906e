"""The safety net under calls to integrators: lost wake-ups, endpoints that are off, old log rows.

Owns the look at all tenants' endpoints; must not call them (integrator_send.py) nor wake anybody (sweep.py).
"""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta

from django.db.models import Q

from messaging.integrators.subscribers import subscribers_forget
from messaging.models import WebhookDelivery, WebhookEndpoint
from tenants.storage.db import now

MOST = 500  # endpoints that a sweep wakes at most; the next one goes on
PUT_OFF = timedelta(minutes=10)  # what waits for a paused endpoint is looked at this often
LONGEST_PAUSE = timedelta(days=7)  # then the endpoint is disabled, and what waited has failed
KEPT = timedelta(days=30)  # the log of finished calls
FINISHED = (WebhookDelivery.Status.DELIVERED, WebhookDelivery.Status.FAILED)


def endpoints_overdue(overdue: datetime) -> list[uuid.UUID]:
    """The endpoints to wake: running ones that have had something due since before ``overdue``.

    What waits for a paused endpoint is put off and what waits for a disabled one has failed, so that
    neither is met again at every sweep.
    """
    # unscoped: the net spans all tenants; every task opens the scope of its own endpoint
    late = WebhookDelivery.objects.unscoped().filter(status__in=WebhookDelivery.UNFINISHED, due_at__lte=overdue)
    ids = list(late.order_by().values_list("endpoint_id", flat=True).distinct()[:MOST])
    if not ids:
        return []
    # unscoped: as above
    endpoints = WebhookEndpoint.objects.unscoped().filter(id__in=ids)
    at = now()
    running = endpoints.filter(Q(held_until=None) | Q(held_until__lte=at), enabled=True, paused_at=None)
    awake = list(running.values_list("id", flat=True))
    paused = list(endpoints.filter(enabled=True, paused_at__isnull=False).values_list("id", flat=True))
    if paused:
        late.filter(endpoint_id__in=paused).update(status=WebhookDelivery.Status.QUEUED, due_at=at + PUT_OFF)
    disabled = list(endpoints.filter(enabled=False).values_list("id", flat=True))
    if disabled:
        late.filter(endpoint_id__in=disabled).update(
            status=WebhookDelivery.Status.FAILED, finished_at=at, error_code="endpoint_disabled"
        )
    return awake


def log_trim() -> None:
    """End pauses that nobody ended, and drop what nobody looks up any more."""
    at = now()
    # unscoped: housekeeping of all tenants
    given_up = WebhookEndpoint.objects.unscoped().filter(enabled=True, paused_at__lte=at - LONGEST_PAUSE)
    if given_up.update(enabled=False):
        subscribers_forget()
    # unscoped: as above; a finished row's due_at is its last lease, and has the index
    WebhookDelivery.objects.unscoped().filter(status__in=FINISHED, due_at__lte=at - KEPT).delete()
