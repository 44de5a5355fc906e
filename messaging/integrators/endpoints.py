"""Integrators' endpoints: what may be saved, their secrets, pause and resume, replay.

Owns the rules for the WebhookEndpoint row. Must not call an endpoint (calls.py).
"""

from __future__ import annotations

import base64
import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import reduce
from operator import or_
from typing import Any

from django.conf import settings
from django.db.models import Q

from channels_app.http.addresses import BadAddress, address_check
from channels_app.http.waiting import asking
from channels_app.services import outbound_hosts
from conversations.timeline import AWAITED, VERSIONS, system_event
from messaging import wake
from messaging.integrators.subscribers import IN_FLIGHT, subscribers_forget
from messaging.models import WebhookDelivery, WebhookEndpoint
from tenants.errors import Conflict, Invalid, NotFound, Unprocessable
from tenants.storage.db import atomic, now, retried

PING = "chat.system.ping"
MOST_ENDPOINTS = 50  # per tenant
KEEP_OLD = timedelta(hours=24)  # how long a replaced secret goes on signing, unless told otherwise


def endpoint_for_id(endpoint_id: uuid.UUID) -> WebhookEndpoint:
    """Raises NotFound ``webhook_endpoint_not_found``."""
    endpoint: WebhookEndpoint | None = WebhookEndpoint.objects.filter(id=endpoint_id).first()
    if endpoint is None:
        raise NotFound("There is no such webhook endpoint.", code="webhook_endpoint_not_found")
    return endpoint


def endpoint_create(
    tenant_id: uuid.UUID, *, url: str, event_types: Sequence[str], description: str = "", enabled: bool = True
) -> tuple[WebhookEndpoint, str]:
    """A new endpoint and its secret, which is shown this once.

    Raises Invalid (see url_check, event_types_check) and Unprocessable ``too_many_endpoints``.
    """
    url_check(url)
    event_types_check(event_types)
    room_check()
    secret = secret_new()
    endpoint = WebhookEndpoint.objects.create(
        tenant_id=tenant_id, url=url, event_types=list(event_types), description=description, enabled=enabled,
        secrets=[{"secret": secret, "expires_at": None}],
    )  # fmt: skip
    subscribers_forget(tenant_id)
    return endpoint, secret


def endpoint_change(endpoint: WebhookEndpoint, **changes: Any) -> WebhookEndpoint:
    """Store ``url``, ``event_types``, ``description`` and ``enabled`` where given. A new address, and being
    enabled again, ends a pause. Raises Invalid (see url_check, event_types_check)."""
    moved = changes.get("url", endpoint.url) != endpoint.url
    revived = changes.get("enabled", False) and not endpoint.enabled
    if moved:
        url_check(changes["url"])
    if "event_types" in changes:
        event_types_check(changes["event_types"])
    for name, value in changes.items():
        setattr(endpoint, name, value)
    endpoint.save(update_fields=[*changes, "updated_at"])  # the other fields are the senders'
    subscribers_forget(endpoint.tenant_id)
    if endpoint.enabled and (moved or revived):
        endpoint_resume(endpoint)
    return endpoint


def endpoint_delete(endpoint: WebhookEndpoint) -> None:
    """With its calls, waiting ones too."""
    endpoint.delete()
    subscribers_forget(endpoint.tenant_id)


def room_check() -> None:
    """Raises Unprocessable ``too_many_endpoints``."""
    if WebhookEndpoint.objects.count() >= MOST_ENDPOINTS:
        raise Unprocessable(f"There may be {MOST_ENDPOINTS} endpoints.", code="too_many_endpoints")


def url_check(url: str) -> None:
    """Say early what the guard of every call would refuse. Raises Invalid (see ``address_check``), TooMany
    ``busy``: names are looked up."""
    try:
        with asking():
            address_check(url, allowed=outbound_hosts(), https=not settings.DEBUG)
    except BadAddress as error:
        raise _invalid("url", str(error), error.code) from error


def event_types_check(event_types: Sequence[str]) -> None:
    """Each is a type that is written to the timeline, a ``chat.message.*`` glob that fits one, or ``*``."""
    written = VERSIONS.keys() - AWAITED.keys()
    dotted = (name.rsplit(".", 1)[0] + ".*" for name in written if "." in name)
    globs = {"*", *dotted, "chat.*", "CHAT_*"}
    unknown = [name for name in event_types if name not in written and name not in globs]
    if unknown or not event_types:
        raise _invalid("event_types", f"Choose among {', '.join(sorted({*written, *globs}))}.", "unknown_event_type")


def secret_new() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode("ascii")


def live_secrets(endpoint: WebhookEndpoint, at: datetime) -> list[str]:
    """The secrets that sign, the newest first."""
    return [
        entry["secret"]
        for entry in endpoint.secrets
        if entry["expires_at"] is None or datetime.fromisoformat(entry["expires_at"]) > at
    ]


@retried
def secret_rotate(endpoint: WebhookEndpoint, keep: timedelta = KEEP_OLD) -> str:
    """A new secret, returned once. The one before signs along for ``keep``; older ones end now."""
    secret = secret_new()
    with atomic():
        WebhookEndpoint.objects.filter(id=endpoint.id).update(updated_at=now())  # lock before look-up
        endpoint.refresh_from_db()
        until = (now() + keep).isoformat()
        endpoint.secrets = [
            {"secret": secret, "expires_at": None},
            *({**entry, "expires_at": until} for entry in endpoint.secrets[:1] if keep),
        ]
        endpoint.save(update_fields=["secrets"])
    return secret


@retried
def endpoint_resume(endpoint: WebhookEndpoint) -> int:
    """End a pause: what waited is due now. Returns how many calls that are. Raises Conflict
    ``webhook_endpoint_disabled``."""
    _demand_enabled(endpoint)
    with atomic():
        WebhookEndpoint.objects.filter(id=endpoint.id).update(paused_at=None, failures=0, held_until=None)
        waiting = WebhookDelivery.objects.filter(endpoint=endpoint, status=WebhookDelivery.Status.QUEUED)
        count: int = waiting.update(due_at=now())
    endpoint.refresh_from_db()
    _wake(endpoint.id, count)
    return count


def endpoint_stop(endpoint: WebhookEndpoint, reason: str, **changes: Any) -> bool:
    """Pause or disable, inside the caller's transaction, and tell it on the timeline, once."""
    running = WebhookEndpoint.objects.filter(id=endpoint.id, enabled=True, paused_at=None)
    if not running.update(**changes):
        return False
    endpoint_told(endpoint, reason)
    return True


def endpoint_told(endpoint: WebhookEndpoint, reason: str) -> None:
    """Write on the timeline why nothing is sent to the endpoint, inside the caller's transaction."""
    facts = {"endpoint_id": str(endpoint.id), "description": endpoint.description, "reason": reason}
    system_event(endpoint.tenant_id, "chat.system.webhook_paused", facts)


def deliveries_chosen(
    endpoint: WebhookEndpoint,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    status: str = "",
    types: Sequence[str] = (),
) -> Any:
    """An endpoint's calls made from ``since`` up to before ``until``, of a status, of types or globs."""
    found = WebhookDelivery.objects.filter(endpoint=endpoint)
    if since:
        found = found.filter(created_at__gte=since)
    if until:
        found = found.filter(created_at__lt=until)
    if status:
        found = found.filter(status=status)
    if types and "*" not in types:
        by_name = Q(type__in=[name for name in types if not name.endswith(".*")])
        by_glob = [Q(type__startswith=name[:-1]) for name in types if name.endswith(".*")]
        found = found.filter(reduce(or_, by_glob, by_name))
    return found


def deliveries_replay(endpoint: WebhookEndpoint, deliveries: Any) -> int:
    """Make calls of a queryset anew with fresh tries, under their old ``webhook-id``; those under way, and
    pings, are left alone. Returns how many. Raises Conflict ``webhook_endpoint_disabled``."""
    _demand_enabled(endpoint)
    idle = deliveries.filter(endpoint=endpoint).exclude(status=WebhookDelivery.Status.SENDING).exclude(type=PING)
    count: int = idle.update(
        status=WebhookDelivery.Status.QUEUED, attempts=0, due_at=now(), claim=None, finished_at=None, error_code=""
    )
    _wake(endpoint.id, count)
    return count


def _demand_enabled(endpoint: WebhookEndpoint) -> None:
    if not endpoint.enabled:
        raise Conflict("The endpoint is disabled: enable it first.", code="webhook_endpoint_disabled")


def _wake(endpoint_id: uuid.UUID, count: int) -> None:
    for _ in range(min(count, IN_FLIGHT)):
        wake.call_endpoint(endpoint_id)


def _invalid(field: str, message: str, code: str) -> Invalid:
    return Invalid(message, code=code, details=[{"field": field, "message": message, "code": code}])
