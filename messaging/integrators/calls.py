"""Calls to integrators: each delivery is posted, signed, until it is taken or its tries are used up.

Owns claiming, tries, back-off, the hold and the pause of an endpoint. Must not decide which endpoint gets what
(subscribers.py) nor what an endpoint may be (endpoints.py). Order is not promised: what failed comes
later than what came after it; events carry their ``seq``.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db.models import F

from channels_app.contract import SendError
from channels_app.http.client import HttpClient
from channels_app.http.pauses import retry_after
from channels_app.http.redact import Redactor
from channels_app.http.standard_webhooks import headers_for
from channels_app.http.waiting import asking
from channels_app.services import outbound_hosts
from channels_app.words.moments import written
from conversations.event_schemas import Envelope, envelope_of
from messaging import wake
from messaging.integrators.endpoints import PING, endpoint_stop, live_secrets
from messaging.integrators.subscribers import IN_FLIGHT, subscribers_forget
from messaging.models import WebhookDelivery, WebhookEndpoint
from tenants.storage.db import atomic, new_id, now, on_commit, retried, server_trouble
from tenants.work.leases import WORKER_LOST, Pauses, claim, put_off, server_back, settle

log = structlog.get_logger(__name__)

#: eight tries take about a day
TRIES = Pauses((5, 300, 1800, 7200, 18_000, 36_000, 36_000), tries=8, jitter=0.2)
#: how long the whole endpoint rests after so many failures in a row: an outage must not use up the tries
#: of everything that happens meanwhile
HOLD_S = (0, 0, 5, 15, 30, 60, 120, 300, 600)
PAUSE_AFTER = 20  # failures in a row, which the holds spread over two hours
MOST_HOLD_S = 3600.0
MOST_RETRY_AFTER_S = 86_400.0
READ_S, TOTAL_S = 10.0, 15.0
SLICE_S = 5.0  # then the endpoint goes to the end of the queue, so that others have their turn
SOON_S = 60.0  # later tries are left to the sweep: brokers hold far-off tasks badly
KEPT_EXCHANGES = 3
GONE = 410


@dataclass
class CallTry:
    """One try to call: what it needs and what came of it."""

    delivery: WebhookDelivery
    endpoint: WebhookEndpoint
    status: int | None = None
    error_code: str = ""
    trouble: bool = False  # of our own servers: no try, and nothing to do with the endpoint
    retry_after_s: float = 0.0
    exchange: dict[str, Any] | None = None

    @property
    def taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300

    @property
    def counts(self) -> bool:
        """Whether it counts for the endpoint's health: a ping, asked for by its owner, and a fault of ours do not."""
        return self.delivery.type != PING and self.error_code not in (WORKER_LOST, "internal_error")


def call_endpoint(endpoint_id: uuid.UUID) -> int:
    """Make the calls that are due to one endpoint, until one fails or SLICE_S are over. Returns how many.

    Stops where the endpoint is disabled, paused, held, or has as many calls under way as it may. The endpoint is read
    anew for each call: a new address, or a secret that is replaced because it leaked, counts from the next one on.
    """
    endpoint = _ready(endpoint_id)
    if endpoint is None:
        return 0
    done, ends = 0, time.monotonic() + SLICE_S
    while time.monotonic() < ends:
        delivery = _claim_next(endpoint)
        if delivery is None:
            return done
        endpoint = _ready(endpoint_id)
        if endpoint is None:
            put_off(delivery, now(), counts=False)  # stopped between claim and call
            return done
        done += 1
        if not _settle(_tried(delivery, endpoint)):
            return done
    wake.call_endpoint(endpoint_id)
    return done


def ping(endpoint: WebhookEndpoint) -> WebhookDelivery:
    """Call the endpoint with an event ``chat.system.ping``, now and once, paused or not. What came of it
    stands in the row. It has ASK_S to answer. Raises TooMany ``busy``."""
    with asking():
        return _ping(endpoint)


def _ping(endpoint: WebhookEndpoint) -> WebhookDelivery:
    delivery = WebhookDelivery.objects.create(
        tenant_id=endpoint.tenant_id, endpoint=endpoint, type=PING, status=WebhookDelivery.Status.SENDING,
        attempts=1, claim=new_id(), due_at=now() + _lease(),
    )  # fmt: skip
    _settle(_tried(delivery, endpoint))
    delivery.refresh_from_db()
    return delivery


def body_of(delivery: WebhookDelivery) -> bytes:
    """What is posted: the same bytes at every try."""
    if delivery.event is not None:
        return envelope_of(delivery.event).to_bytes()
    at = delivery.created_at.astimezone(UTC)
    return Envelope(
        id=delivery.id, type=delivery.type, version=1, timestamp=at, tenant_id=delivery.tenant_id, data={}
    ).to_bytes()  # fmt: skip


# --------------------------------------------------------------------------- one call


def _ready(endpoint_id: uuid.UUID) -> WebhookEndpoint | None:
    """The endpoint as it is now, if it may be called."""
    endpoint: WebhookEndpoint | None = WebhookEndpoint.objects.filter(id=endpoint_id).first()
    if endpoint is None or not endpoint.enabled or endpoint.paused_at is not None:
        return None
    held = endpoint.held_until is not None and endpoint.held_until > now()
    return None if held else endpoint


def _lease() -> timedelta:
    return timedelta(seconds=max(settings.ENV["DELIVERY_LEASE_S"], TOTAL_S + 5))


def _claim_next(endpoint: WebhookEndpoint) -> WebhookDelivery | None:
    """Lease the oldest due delivery by compare-and-set, unless enough of them are under way."""
    at, own = now(), WebhookDelivery.objects.filter(endpoint=endpoint)
    room = 1 if endpoint.failures else IN_FLIGHT
    if own.filter(status=WebhookDelivery.Status.SENDING, due_at__gt=at).count() >= room:
        return None
    due = own.filter(status__in=WebhookDelivery.UNFINISHED, due_at__lte=at).order_by("due_at", "id")
    found = (claim(delivery, _lease()) for delivery in due.select_related("event")[: 2 * IN_FLIGHT])
    return next(filter(None, found), None)


def _tried(delivery: WebhookDelivery, endpoint: WebhookEndpoint) -> CallTry:
    """Call, unless the row has ended too many workers; a fault of our own is kept apart from the endpoint's."""
    if delivery.worn_out:
        return CallTry(delivery, endpoint, error_code=WORKER_LOST)
    try:
        return _call(delivery, endpoint)
    except Exception as error:  # noqa: BLE001  a bug, or a server of ours: the row is put off, not left to its lease
        log.error("webhook_call_failed", delivery=str(delivery.id), error=type(error).__name__)
        return CallTry(delivery, endpoint, error_code="internal_error", trouble=server_trouble(error))


def _call(delivery: WebhookDelivery, endpoint: WebhookEndpoint) -> CallTry:
    """Sign and post. Redirects are not followed: a signature is meant for one address."""
    attempt, body, keys = CallTry(delivery, endpoint), body_of(delivery), live_secrets(endpoint, now())
    http = HttpClient(frozenset(keys), outbound_hosts(), read_s=READ_S, total_s=TOTAL_S, max_bytes=65_536)
    trail = delivery.event.correlation_id if delivery.event else ""
    headers = {"content-type": "application/json", **({"x-correlation-id": trail} if trail else {})}
    headers |= headers_for(str(delivery.id), int(time.time()), body, keys)
    try:
        answer = http.request("POST", endpoint.url, headers=headers, content=body)
    except SendError as error:
        attempt.error_code = error.code[:60]
    else:
        attempt.status = answer.status
        attempt.error_code = "" if attempt.taken else _code_of(answer.status)
        attempt.retry_after_s = retry_after(answer.headers, MOST_RETRY_AFTER_S) or 0.0
    attempt.exchange = _shown(http.trace[-1], delivery, body, keys)
    with structlog.contextvars.bound_contextvars(**({"correlation_id": trail} if trail else {})):
        facts = {"delivery": str(delivery.id), "type": delivery.type, "status": attempt.status}
        if attempt.taken:
            log.debug("webhook_called", **facts)
        else:
            log.info("webhook_called", **facts, error=attempt.error_code)
    return attempt


def _code_of(status: int) -> str:
    return "gone" if status == GONE else "redirect" if 300 <= status < 400 else f"http_{status}"


def _shown(note: Mapping[str, Any], delivery: WebhookDelivery, body: bytes, keys: list[str]) -> dict[str, Any]:
    """What the log keeps of an exchange: an answer that quotes the event gives nothing away either."""
    redactor = Redactor(keys)
    redactor.value(json.loads(body))  # learns the words that are left out
    return {
        "try": delivery.attempts,
        "at": written(now()),
        **{name: note[name] for name in ("method", "url", "headers", "request", "status", "error", "ms")},
        "response": redactor.value(note["response"]),
    }


# --------------------------------------------------------------------------- what came of it


@retried
def _settle(attempt: CallTry) -> bool:
    """Write it down. True when the endpoint took the call and may have the next."""
    delivery, endpoint = attempt.delivery, attempt.endpoint
    exchanges = [*delivery.exchanges, *filter(None, [attempt.exchange])][-KEPT_EXCHANGES:]
    seen = {"response_status": attempt.status, "error_code": attempt.error_code, "exchanges": exchanges}
    again_at = _again_at(attempt)
    with atomic():
        if again_at:
            settled = put_off(delivery, again_at, counts=not attempt.trouble, **seen)
        else:
            status = WebhookDelivery.Status.DELIVERED if attempt.taken else WebhookDelivery.Status.FAILED
            settled = settle(delivery, status=status, finished_at=now(), **seen)
        if settled and attempt.counts:
            _note_health(attempt)
    wait_s = (again_at - now()).total_seconds() if again_at else None
    if settled and wait_s is not None and wait_s <= SOON_S:
        wake.call_endpoint(endpoint.id, delay_s=max(0.0, wait_s))
    return settled and attempt.taken


def _again_at(attempt: CallTry) -> datetime | None:
    """When the call is made again; None where it was taken or is given up."""
    tries = attempt.delivery.attempts
    if attempt.taken:
        return None
    if attempt.trouble:
        return server_back()
    given_up = (
        attempt.status == GONE
        or attempt.error_code == WORKER_LOST
        or TRIES.over(tries)
        or attempt.delivery.type == PING
    )
    return None if given_up else TRIES.next(tries, attempt.retry_after_s)


def _note_health(attempt: CallTry) -> None:
    """Count failures in a row on the endpoint's row; hold, pause or disable it."""
    endpoint, at = attempt.endpoint, now()
    rows = WebhookEndpoint.objects.filter(id=endpoint.id)
    if attempt.taken:
        if endpoint.failures or endpoint.held_until:
            rows.update(failures=0, held_until=None)
            endpoint.failures, endpoint.held_until = 0, None
        return
    endpoint.failures += 1
    hold_s = max(HOLD_S[min(endpoint.failures, len(HOLD_S)) - 1], min(attempt.retry_after_s, MOST_HOLD_S))
    rows.update(failures=F("failures") + 1, held_until=at + timedelta(seconds=hold_s) if hold_s else None)
    if attempt.status == GONE:
        _stop(endpoint, "gone", enabled=False)
    elif rows.filter(failures__gte=PAUSE_AFTER).exists():
        _stop(endpoint, "failing", paused_at=at)


def _stop(endpoint: WebhookEndpoint, reason: str, **changes: Any) -> None:
    if endpoint_stop(endpoint, reason, **changes):
        on_commit(lambda: subscribers_forget(endpoint.tenant_id))
        log.warning("webhook_endpoint_stopped", endpoint=str(endpoint.id), reason=reason)
