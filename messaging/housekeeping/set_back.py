"""Times in rows that lie further ahead than any clock that is right can have noted them (decision 0029).

Owns the limits and the correction, for all tenants. Must not be called by a process whose own clock may be the one
that is wrong: `rows_correct` asks the database's first.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db.models import Q

from channels_app.models import ChannelHealth
from conversations.files.attachments import NEVER
from messaging.models import OutboxLane, WebhookEndpoint
from tenants.models import IdempotencyRecord
from tenants.storage.db import now, server_now
from tenants.storage.memo import forget_all
from tenants.work.leases import TABLES

log = structlog.get_logger(__name__)

AGREE_S = 5.0  # how far our clock and the database's may be apart
LEASE_S = 180  # the longest of those that no setting makes longer
DAY, HOUR, QUARTER = timedelta(hours=25), timedelta(hours=1), timedelta(minutes=15)
HELD, NO_ROW = Q(claim__isnull=False), Q(pk=None)
LONGEST = {"receipts": QUARTER, "turns": QUARTER}  # of registered work; of others an outside server may ask for a day
ONLY: dict[str, dict[str, Any]] = {
    "files": {"due_at__lt": NEVER, "message__isnull": False},  # an unused upload is removed late, not early
    "scheduled": {"claim__isnull": False},  # the others wait for a time that staff have chosen
}


@dataclass(frozen=True)
class Times:
    """The times of a table's unfinished rows, and how far ahead they may lie.

    ``leased`` are those that a worker may hold. What it holds is never taken away at once: it gets a whole lease
    from now, which is longer than it can go on.
    """

    model: Any
    longest: timedelta
    leased: Q
    open: Mapping[str, Any] = field(default_factory=dict)
    name: str = "due_at"


OTHERS = (
    Times(OutboxLane, QUARTER, HELD),
    Times(IdempotencyRecord, QUARTER, ~NO_ROW, {"status": 0}, "running_until"),
    Times(ChannelHealth, HOUR, NO_ROW, name="held_until"),
    Times(WebhookEndpoint, DAY, NO_ROW, name="held_until"),
)


def rows_correct(*, set_back: bool = False) -> int:
    """Bring near what lies too far ahead. After the clock was ``set_back`` everything that waits does: how long it
    has waited cannot be told any more. Returns how many rows; none while our clock and the database's disagree."""
    at = now()
    if abs((server_now() - at).total_seconds()) > AGREE_S:
        log.warning("clock_disagrees_with_database", seconds=round((server_now() - at).total_seconds()))
        return 0
    count = sum(_correct(times, at, set_back) for times in (*_work(), *OTHERS))
    forget_all()
    if count:
        log.warning("rows_brought_near", rows=count, set_back=set_back)
    return count


def longest_lease() -> timedelta:
    env = settings.ENV
    engine_s, request_s = env["ENGINE_TIMEOUT_MS"] / 1000, env["REQUEST_TIMEOUT_MS"] / 1000
    return timedelta(seconds=max(LEASE_S, env["DELIVERY_LEASE_S"], engine_s + 30, request_s + 30))


def _work() -> Iterator[Times]:
    for name, table in TABLES.items():
        unfinished = {f"{table.model.STATE}__in": tuple(table.model.OPEN)}
        yield Times(table.model, LONGEST.get(name, DAY), HELD, unfinished | ONLY.get(name, {}))


def _correct(times: Times, at: datetime, set_back: bool) -> int:
    # unscoped: the clock is everybody's
    rows = getattr(times.model.objects, "unscoped", times.model.objects.all)().filter(**times.open)
    lease = longest_lease()

    def bring(some: Any, ahead: timedelta, to: timedelta) -> int:
        count: int = some.filter(**{f"{times.name}__gt": at + ahead}).update(**{times.name: at + to})
        return count

    held = bring(rows.filter(times.leased), lease if set_back else max(times.longest, lease), lease)
    return held + bring(rows.exclude(times.leased), timedelta(0) if set_back else times.longest, timedelta(0))
