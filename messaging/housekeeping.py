"""What has to be done now and then for all tenants: late statuses, idle conversations, ended sessions, old records.

Must not wake rows that are due: that is messaging/sweep.py.
"""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings

from conversations.models import Conversation, Session
from messaging.integrators.sweep import log_trim
from messaging.models import Delivery, PendingReceipt
from messaging.outbox.handlers import marks_forget
from messaging.rules.control import conversation_end
from messaging.rules.delivery_status import pending_apply
from messaging.rules.revise import late_changes_apply, late_changes_forget
from messaging.sweep import GRACE, MOST
from tenants.access.tokens import revoked_delete_expired
from tenants.api.idempotency import records_delete_expired
from tenants.errors import NotFound
from tenants.scope import tenant_scope
from tenants.storage.db import now


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
