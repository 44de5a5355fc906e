"""Whether the engine that answers a tenant's people is well: ill from the first fallback reply, well again once it has
answered and has not failed for a while.

Owns the row `EngineHealth` and what well means. Must not tell staff: outbox/alert_words.py does, from the events.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F

from assistant.models import EngineHealth
from channels_app.words.moments import written
from conversations.event_schemas import Envelope
from conversations.models import Event
from conversations.timeline import system_event
from messaging import wake
from tenants.scope import tenant_scope
from tenants.storage.batches import Failures, More
from tenants.storage.db import atomic, now, retried
from tenants.tenant_settings import suspended

PROCESSED = "chat.message.processed"
CALM = timedelta(minutes=5)  # without a failure
WAVERS = timedelta(
    hours=1
)  # in place of it, for one that was ill within that time before: staff are not told at every turn of it
OVERLAP = timedelta(minutes=1)  # an event may be committed so much later than it says
BATCH = 500
#: why an answer is less than wanted though the engine is well: it was cut or held back, or the day's money is spent
AT_WORK = frozenset(
    {"answer_too_long", "prompt_withheld", "stopped_by_refusal", "stopped_by_filter", "budget_exceeded"}
)


def is_failure(data: Mapping[str, Any]) -> bool:
    """Whether an answer, as its event tells of it, is a sign that the engine is ill: less than the tenant wanted, and not because it
    did its work."""
    return data.get("degraded") is True and data.get("reason") not in AT_WORK


def engine_failed(events: Sequence[Envelope]) -> None:
    """Fallback replies, in the tenant's scope and the caller's transaction. Raises IntegrityError when another process
    makes the tenant's first row at this moment: the caller tries again."""
    times = [event.timestamp for event in events]
    first, last = min(times), max(times)
    rows = EngineHealth.objects.all()
    if rows.filter(ill_since__isnull=False).update(failures=F("failures") + len(times)):
        rows.filter(failed_at__lt=last).update(failed_at=last)
        return
    ill = {"ill_since": first, "failed_at": last, "failures": len(times), "looked_at": last}
    if not rows.update(**ill):
        EngineHealth.objects.create(tenant_id=events[0].tenant_id, **ill)


def engine_ill_since() -> datetime | None:
    """Of the tenant in scope; None when its engine is well."""
    return EngineHealth.objects.filter(ill_since__isnull=False).values_list("ill_since", flat=True).first()


def engines_recover(more: More) -> int:
    """Write the event of every engine that is well again; how many."""
    count, failures = 0, Failures()
    # unscoped: of all tenants; each is looked at inside its own scope
    ill = EngineHealth.objects.unscoped().filter(ill_since__lte=now(), failed_at__lte=now() - CALM)
    for health in ill.exclude(tenant_id__in=suspended()).order_by("looked_at"):
        if more():
            with failures.apart(tenant=str(health.tenant_id)), tenant_scope(health.tenant_id):
                count += _recovers(health)
    if count:
        wake.publish_soon()
    failures.tell()
    return count


def _recovers(health: EngineHealth) -> bool:
    assert health.ill_since is not None  # that is how it was found
    wavers = health.well_at is not None and health.well_at > health.ill_since - WAVERS
    if wavers and health.failed_at > now() - WAVERS:
        return False
    at = now()
    answered_at = _answered(max(health.failed_at, health.looked_at - OVERLAP))
    if answered_at is None:
        EngineHealth.objects.filter(id=health.id).update(looked_at=at)
        return False
    return _well(health, answered_at)


def _answered(since: datetime) -> datetime | None:
    """When an engine answered first after ``since``."""
    rows = Event.objects.filter(type=PROCESSED, created_at__gt=since).order_by("created_at", "id")
    for payload, at in rows.values_list("payload", "created_at").iterator(BATCH):
        if payload.get("degraded") is False or payload.get("reason") in AT_WORK:
            return at
    return None


@retried
def _well(health: EngineHealth, answered_at: datetime) -> bool:
    """False when it has failed again by now."""
    with atomic():
        same = {"id": health.id, "ill_since": health.ill_since, "failed_at": health.failed_at}
        if not EngineHealth.objects.filter(**same).update(ill_since=None, well_at=now()):
            return False
        times = {"ill_since": health.ill_since, "failed_at": health.failed_at, "answered_at": answered_at}
        facts = {name: written(at) for name, at in times.items() if at}
        system_event(health.tenant_id, "chat.system.engine_recovered", {**facts, "failures": health.failures})
    return True
