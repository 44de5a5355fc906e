"""The safety net: find rows whose wake-up was lost or whose worker died, and wake somebody for them.

Owns the look at all tenants; must not do the work itself.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings

from channels_app.models import IncidentNotice
from conversations.models import Attachment, Conversation, Session
from messaging import wake
from messaging.control import conversation_end
from messaging.handlers import marks_forget
from messaging.integrator_sweep import endpoints_wake, log_trim
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
    # unscoped: the net spans all tenants; every task opens the scope of its own row
    receipts = InboundEvent.objects.unscoped().filter(status=InboundEvent.Status.RECEIVED, due_at__lte=overdue)
    # unscoped: as above
    turns = Turn.objects.unscoped().filter(status__in=Turn.OPEN, due_at__lte=overdue)
    # unscoped: as above
    deliveries = Delivery.objects.unscoped().filter(status__in=Delivery.UNFINISHED, due_at__lte=overdue)
    # unscoped: as above
    files = Attachment.objects.unscoped().filter(state__in=Attachment.UNFINISHED, due_at__lte=overdue)
    lanes = dict.fromkeys(deliveries.order_by("due_at").values_list("conversation_id", flat=True)[:MOST])
    found = 0
    for receipt_id in receipts.order_by("due_at").values_list("id", flat=True)[:MOST]:
        wake.parse(receipt_id)
        found += 1
    for turn_id in turns.order_by("due_at").values_list("id", flat=True)[:MOST]:
        wake.respond(turn_id)
        found += 1
    for attachment_id in files.order_by("due_at").values_list("id", flat=True)[:MOST]:
        wake.media(attachment_id)
        found += 1
    # unscoped: as above
    notices = IncidentNotice.objects.unscoped().filter(status=IncidentNotice.Status.WAITING, due_at__lte=overdue)
    for notice_id in notices.order_by("due_at").values_list("id", flat=True)[:MOST]:
        wake.tell_staff(notice_id)
        found += 1
    # unscoped: as above
    alerts = StaffAlert.objects.unscoped().filter(status=StaffAlert.Status.WAITING, due_at__lte=overdue)
    for alert_id in alerts.order_by("due_at").values_list("id", flat=True)[:MOST]:
        wake.send_alert(alert_id)
        found += 1
    for conversation_id in lanes:
        wake.deliver(conversation_id)
    return found + len(lanes) + endpoints_wake(overdue)


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
    idle = Conversation.objects.unscoped().filter(is_open=True, last_message_at__lte=idle_since)
    for tenant_id, conversation_id in idle.values_list("tenant_id", "id")[:MOST]:
        with tenant_scope(tenant_id):
            try:
                conversation_end(conversation_id, reason="idle")
            except NotFound:
                continue  # somebody else ended it
