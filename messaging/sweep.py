"""The safety net: find rows whose wake-up was lost or whose worker died, and wake somebody for them.

Owns the look at all tenants; must not do the work itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from conversations.models import Attachment, Conversation, Session
from messaging import wake
from messaging.control import conversation_end
from messaging.handlers import marks_forget
from messaging.integrator_sweep import endpoints_overdue, log_trim
from messaging.models import Delivery, InboundEvent, PendingReceipt, StaffAlert, Turn
from messaging.receipts import pending_apply
from messaging.revise import late_changes_apply, late_changes_forget
from tenants.db import now
from tenants.errors import NotFound
from tenants.idempotency import records_delete_expired
from tenants.scope import tenant_scope
from tenants.tokens import revoked_delete_expired

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


def keep_house() -> None:
    """What has to be done now and then: late receipts, idle conversations, ended sessions, old records."""
    _apply_late_receipts()
    late_changes_apply()
    late_changes_forget()
    _abandon_idle()
    at = now()
    # unscoped: housekeeping of all tenants
    Session.objects.unscoped().filter(ended_at=None, expires_at__lte=at).update(ended_at=at)
    # unscoped: platforms resend for up to seven days; what is older can have no owner any more
    PendingReceipt.objects.unscoped().filter(created_at__lte=at - timedelta(days=8)).delete()
    log_trim()
    marks_forget()
    records_delete_expired()
    revoked_delete_expired()


def _apply_late_receipts() -> None:
    """A status that slipped in between our look and our write of the part's id."""
    # unscoped: of all tenants; each is applied inside its own scope
    for early in PendingReceipt.objects.unscoped().filter(created_at__lte=now() - GRACE)[:MOST]:
        with tenant_scope(early.tenant_id):
            known = Delivery.objects.filter(parts__channel_id=early.channel_id, parts__platform_id=early.platform_id)
            for delivery in known:
                pending_apply(delivery)


def _abandon_idle() -> None:
    idle_since = now() - timedelta(seconds=settings.ENV["CONVERSATION_IDLE_TTL"])
    # unscoped: of all tenants; each is ended inside its own scope
    # __in: SQLite finds no index for a bare boolean, and would read all conversations
    idle = Conversation.objects.unscoped().filter(is_open__in=[True], last_message_at__lte=idle_since)
    for tenant_id, conversation_id in idle.values_list("tenant_id", "id")[:MOST]:
        with tenant_scope(tenant_id):
            try:
                conversation_end(conversation_id, reason="idle")
            except NotFound:
                continue  # somebody else ended it
