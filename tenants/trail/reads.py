"""Who looked at what of a person: an entry of the audit trail for the first look in an hour (TEN-6).

Owns how often. Must not know what is read. What each process remembers holds while Redis is away, and instead of it: an
entry may come once of each process then, and never misses.
"""

from __future__ import annotations

import hashlib
from typing import Any

from django.core.cache import cache
from django.core.cache.backends.locmem import LocMemCache

from tenants.scope import current_tenant_id
from tenants.trail.audit import actor_name, audit

HOUR_S = 3600
HERE = LocMemCache("audit-reads", {"OPTIONS": {"MAX_ENTRIES": 50_000}})


def read_noted(actor: Any, noun: str, row_id: Any = "", ip: str | None = None) -> None:
    """``<noun>.read`` of one row, ``<noun>.listed`` where none is named. Call within the tenant's scope, outside of
    transactions. Raises what the database raises: who looks is noted, or nothing is shown."""
    said = f"{current_tenant_id()}\n{actor_name(actor)}\n{noun}\n{row_id}"
    key = f"audit-read:{hashlib.sha256(said.encode()).hexdigest()}"
    if not HERE.add(key, 1, HOUR_S) or cache.get(key):
        return
    try:
        audit(actor, f"{noun}.read" if row_id else f"{noun}.listed", f"{noun}:{row_id}" if row_id else "", None, ip)
    except Exception:
        HERE.delete(key)  # the next look is noted then
        raise
    cache.set(key, 1, HOUR_S)
