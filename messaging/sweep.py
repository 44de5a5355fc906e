"""The safety net: find rows whose wake-up was lost or whose worker died, and wake a worker for them.

Owns the look at all tenants; must not do the work itself.
"""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Min, QuerySet

from messaging import wake
from messaging.integrators.sweep import calls_settle
from tenants.storage.batches import Failures
from tenants.storage.db import now
from tenants.work.leases import TABLES, Table, due

MOST = 500  # rows of a table a sweep wakes at most; the next one goes on
MOST_TENANTS = 100  # that share them at one look
GRACE = timedelta(seconds=2)  # what is due only just has its wake-up on the way


def sweep() -> int:
    """Wake what is overdue, of each tenant the longest due first. Returns how many wake-ups were sent. A table that
    cannot be looked at keeps no other from being swept."""
    overdue, woken, failures = now() - GRACE, 0, Failures()
    with failures.apart(table="calls"):
        calls_settle(overdue)
    for name, table in TABLES.items():
        with failures.apart(table=name), wake.gathered():
            for row_id in _overdue(table, overdue):
                table.wake(row_id, expires_s=wake.repeated_s())
                woken += 1
    failures.tell()
    return woken


def lane_more(table: Table, tenant_id: uuid.UUID) -> int:
    """Wake what is due of one tenant, for a worker that has done all it was told of. Returns how many."""
    waiting = list(_of_tenant(due(table, now()), table, tenant_id)[:MOST])
    with wake.gathered():
        for row in waiting:
            table.wake(row[table.woken])
    return len(waiting)


def _overdue(table: Table, overdue: datetime) -> Iterator[uuid.UUID]:
    """Every tenant has a share, so that a crowd of one leaves room for the others."""
    rows = due(table, overdue)
    tenants = list(rows.order_by("tenant_id").values_list("tenant_id", flat=True).distinct())  # ids: a few thousand
    random.shuffle(tenants)  # where there are more than can be served at one look
    for tenant_id in tenants[:MOST_TENANTS]:
        share = max(MOST // len(tenants), MOST // MOST_TENANTS)
        yield from (row[table.woken] for row in _of_tenant(rows, table, tenant_id)[:share])


def _of_tenant(rows: QuerySet[Any], table: Table, tenant_id: uuid.UUID) -> QuerySet[Any, dict[str, Any]]:
    """By what is woken: one endpoint with many calls counts once."""
    return rows.filter(tenant_id=tenant_id).values(table.woken).annotate(since=Min("due_at")).order_by("since")
