"""Events on which one of the service's own handlers gave up: listed, and handled again one by one (EVT-3, EVT-6).

Owns what counts as such a failure. Must not handle anything by itself: messaging/outbox/handlers.py does.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping

from django.db.models import Q, QuerySet

from conversations.event_schemas import envelope_of
from conversations.models import Event
from messaging.models import HandledEvent
from messaging.outbox.handlers import HANDLERS, MARKS_KEPT, handle
from tenants.errors import Conflict, NotFound
from tenants.storage.db import now
from tenants.storage.looking import among

FAILED = {"error__gt": ""}


def failures(handler: str | None = None) -> QuerySet[HandledEvent]:
    """Of the tenant in scope; those of all handlers, or of one."""
    rows = HandledEvent.objects.filter(handler=handler) if handler else HandledEvent.objects.all()
    return among(rows, Q(**FAILED))


def events_of(rows: Iterable[HandledEvent]) -> Mapping[uuid.UUID, Event]:
    """The events that the marks are about, by id; those are left out that are gone. Of the tenant in scope."""
    return {event.id: event for event in Event.objects.filter(id__in=[row.event for row in rows])}


def failure_get(failure_id: uuid.UUID) -> HandledEvent:
    """Raises NotFound ``failure_not_found``."""
    row: HandledEvent | None = failures().filter(id=failure_id).first()
    if row is None:
        raise NotFound("There is no such failure.", code="failure_not_found")
    return row


def failure_retry(failure_id: uuid.UUID) -> HandledEvent | None:
    """Let the handler deal with the event once more. Returns the failure as it is now, or None when it worked.

    Raises NotFound ``failure_not_found`` and Conflict ``event_gone``, when the timeline no longer has the event, or
    it is older than marks are kept.
    """
    row = failure_get(failure_id)
    event = events_of([row]).get(row.event)
    if event is None or event.created_at < now() - MARKS_KEPT or row.handler not in HANDLERS:
        raise Conflict("The event is gone; there is nothing to handle again.", code="event_gone")
    handle(row.handler, [envelope_of(event)], again=True)
    left: HandledEvent | None = failures().filter(handler=row.handler, event=row.event).first()
    return left


def failures_retry(rows: QuerySet[HandledEvent]) -> int:
    """The same for each of a queryset of failures, the oldest first; how many worked."""
    worked = 0
    for failure_id in list(rows.filter(**FAILED).order_by("id").values_list("id", flat=True)):
        try:
            worked += failure_retry(failure_id) is None
        except (NotFound, Conflict):  # dealt with meanwhile, or nothing left of it
            continue
    return worked
