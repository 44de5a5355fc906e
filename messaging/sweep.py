"""The safety net: find rows whose wake-up was lost or whose worker died, and wake somebody for them.

Owns the look at all tenants; must not do the work itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from conversations.models import Attachment
from messaging import wake
from messaging.integrators.sweep import endpoints_overdue
from messaging.models import Delivery, InboundEvent, StaffAlert, Turn
from tenants.storage.db import now

MOST = 500  # rows of a kind a sweep wakes at most; the next one goes on
GRACE = timedelta(seconds=2)  # what is due only just has its wake-up on the way


def sweep() -> int:
    """Wake what is overdue. Returns how many wake-ups were sent."""
    overdue = now() - GRACE
    net: list[tuple[Iterable[uuid.UUID], Callable[..., None]]] = [
        (_late(InboundEvent, overdue, status=InboundEvent.Status.RECEIVED), wake.parse),
        (_late(Turn, overdue, status__in=Turn.OPEN), wake.respond),
        (_late(Attachment, overdue, state__in=Attachment.UNFINISHED), wake.media),
        (_late(StaffAlert, overdue, status=StaffAlert.Status.WAITING), wake.send_alert),
        (_late(Delivery, overdue, "conversation_id", status__in=Delivery.UNFINISHED), wake.deliver),
        (endpoints_overdue(overdue), wake.call_endpoint),
    ]
    return len([call(row_id, expires_s=expires_s()) for row_ids, call in net for row_id in row_ids])


def expires_s() -> float:
    """After so many seconds a sweep's wake-up is void: later sweeps have woken the same rows again, and under
    overload the repeats would drown the queues."""
    return 2.0 * settings.ENV["SWEEP_INTERVAL_S"]


def _late(model: Any, overdue: datetime, name: str = "id", **waiting: Any) -> Iterable[uuid.UUID]:
    """Whom to wake for the rows that should have been taken up by ``overdue``, each once, the longest due first."""
    # unscoped: the net spans all tenants; every task opens the scope of its own row
    rows = model.objects.unscoped().filter(due_at__lte=overdue, **waiting).order_by("due_at")
    return dict.fromkeys(rows.values_list(name, flat=True)[:MOST])
