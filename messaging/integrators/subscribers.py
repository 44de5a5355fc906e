"""The outbox's sink for integrators (DEL-4): each event becomes one call for every endpoint that wants it.

Owns which endpoint gets which events. Must not send anything (calls.py) nor change an endpoint (endpoints.py).
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import IntegrityError

from conversations.models import Event
from messaging import wake
from messaging.models import WebhookDelivery, WebhookEndpoint
from tenants.scope import tenant_scope
from tenants.storage import prepared
from tenants.storage.db import atomic, lost_race, on_mongo, retried
from tenants.storage.memo import Memo

IN_FLIGHT = 4  # calls to one endpoint at a time
ENABLED = prepared.Select(WebhookEndpoint, lambda rows: rows.filter(enabled=True).values_list("id", "event_types"))
LOOKS = 3  # how often the rows are worked out anew when another process changes them meanwhile


@dataclass(frozen=True)
class Subscriber:
    """What the sink needs to know of an endpoint."""

    id: uuid.UUID
    event_types: tuple[str, ...]


_subscribers: Memo[tuple[Subscriber, ...]] = Memo("webhook-endpoints", ttl=30)


def subscribers_of(tenant_id: uuid.UUID) -> tuple[Subscriber, ...]:
    """The tenant's enabled endpoints, paused ones too: what happens meanwhile waits for them."""
    return _subscribers.get(tenant_id, _load) or ()


def subscribers_forget(tenant_id: uuid.UUID) -> None:
    """Call after an endpoint of the tenant was changed: other processes follow within about a second."""
    _subscribers.forget(tenant_id)


def wants(event_types: Iterable[str], type: str) -> bool:
    """Whether a type is among names, ``chat.message.*`` and ``CHAT_*`` globs and ``*``."""
    return any(pattern == type or (pattern.endswith("*") and type.startswith(pattern[:-1])) for pattern in event_types)


def events_queue(events: Sequence[Event]) -> None:
    """Write the calls that these events lead to, and wake a worker for them.

    The same events may come again after a crash, and from two publishers at once: the unique key
    (endpoint, event) leaves one call each. Costs no statement for tenants without endpoints.
    """
    by_tenant: dict[uuid.UUID, list[Event]] = {}
    for event in events:
        by_tenant.setdefault(event.tenant_id, []).append(event)
    for tenant_id, own in by_tenant.items():
        with tenant_scope(tenant_id):
            _queue_for(tenant_id, own)


def _queue_for(tenant_id: uuid.UUID, events: Sequence[Event]) -> None:
    for look in range(1, LOOKS + 1):
        try:
            queued = _write(_missing(tenant_id, events))
        except IntegrityError as error:  # another publisher was quicker, or an endpoint has just been deleted
            subscribers_forget(tenant_id)
            if look == LOOKS or not lost_race(error):
                raise
        else:
            break
    for endpoint_id, count in queued.items():
        for _ in range(min(count, IN_FLIGHT)):
            wake.call_endpoint(endpoint_id)


def _missing(tenant_id: uuid.UUID, events: Sequence[Event]) -> list[WebhookDelivery]:
    subscribers = subscribers_of(tenant_id)
    wanted = [
        (subscriber.id, event)
        for event in events
        for subscriber in subscribers
        if wants(subscriber.event_types, event.type)
    ]
    if not wanted:
        return []
    endpoints, ids = {endpoint_id for endpoint_id, _ in wanted}, [event.id for _, event in wanted]
    if on_mongo():  # no foreign key there refuses calls to an endpoint that another process has deleted
        endpoints &= set(WebhookEndpoint.objects.filter(id__in=endpoints).values_list("id", flat=True))
    known = WebhookDelivery.objects.filter(endpoint_id__in=endpoints, event_id__in=ids)
    there = set(known.values_list("endpoint_id", "event_id"))
    return [
        WebhookDelivery(tenant_id=tenant_id, endpoint_id=endpoint_id, event_id=event.id, type=event.type)
        for endpoint_id, event in wanted
        if endpoint_id in endpoints and (endpoint_id, event.id) not in there
    ]


@retried
def _write(rows: Sequence[WebhookDelivery]) -> Counter[uuid.UUID]:
    if rows:
        with atomic():
            WebhookDelivery.objects.bulk_create(rows)
    return Counter(row.endpoint_id for row in rows)


def _load() -> tuple[Subscriber, ...]:
    return tuple(Subscriber(endpoint_id, tuple(types)) for endpoint_id, types in ENABLED.run())
