"""Records that nothing reads any more, deleted by age.

Owns the ages. Must not delete what people said: messages, receipts and the audit trail are kept by other rules.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.contrib.sessions.models import Session as Login
from django.db.models import Q, QuerySet

from assistant.models import CachedAnswer
from channels_app.models import ChannelIncident
from conversations.models import Reaction, Revision
from messaging.integrators.sweep import FINISHED, KEPT
from messaging.models import EarlyStatus, HandledEvent, StaffAlert, WebhookDelivery
from messaging.outbox.failures import FAILED
from messaging.outbox.handlers import MARKS_KEPT
from messaging.reports.delivery_status import ORPHANED
from messaging.reports.revise import LIFE
from tenants.api.idempotency import KEPT as ANSWERS_KEPT
from tenants.models import IdempotencyRecord, OAuthCode, RevokedToken, StaffSession, TokenFamily
from tenants.storage.batches import More, delete_in_batches
from tenants.storage.db import now


@dataclass(frozen=True)
class Trim:
    """Records of ``model`` that go when ``field`` is older than ``age``; of those that fit ``where`` only."""

    model: Any
    field: str
    age: timedelta = timedelta(0)
    where: Q | None = None

    def rows(self) -> QuerySet[Any]:
        objects = self.model._default_manager
        # unscoped: housekeeping by age, for every tenant
        rows = objects.unscoped() if hasattr(objects, "unscoped") else objects.all()
        return rows.filter(self.where or Q(), **{f"{self.field}__lte": now() - self.age})


FINAL_ALERT = Q(status__in=(StaffAlert.Status.SENT, StaffAlert.Status.FAILED, StaffAlert.Status.DROPPED))

#: docs/operations.md tells these ages
TRIMS: dict[str, Trim] = {
    "early_statuses": Trim(EarlyStatus, "created_at", ORPHANED),
    "orphaned_revisions": Trim(Revision, "created_at", LIFE, Q(message=None)),
    "orphaned_reactions": Trim(Reaction, "created_at", LIFE, Q(message=None)),
    "handler_marks": Trim(HandledEvent, "created_at", MARKS_KEPT + timedelta(days=1), Q(error="")),
    "handler_failures": Trim(HandledEvent, "created_at", MARKS_KEPT + timedelta(days=1), Q(**FAILED)),
    # a finished row's due_at is its last lease, and has the index
    "webhook_log": Trim(WebhookDelivery, "due_at", KEPT, Q(status__in=FINISHED)),
    "staff_alerts": Trim(StaffAlert, "due_at", timedelta(days=90), FINAL_ALERT),
    "incidents": Trim(ChannelIncident, "closed_at", timedelta(days=400), Q(is_open=False)),
    "idempotent_answers": Trim(IdempotencyRecord, "created_at", ANSWERS_KEPT),
    "revoked_tokens": Trim(RevokedToken, "expires_at", timedelta(seconds=1)),
    "token_families": Trim(TokenFamily, "expires_at", timedelta(days=30)),
    "oauth_codes": Trim(OAuthCode, "expires_at", timedelta(days=1)),
    "logins": Trim(Login, "expire_date"),
    "staff_sessions": Trim(StaffSession, "expires_at"),
    "cached_answers": Trim(CachedAnswer, "expires_at"),
}


def trim(name: str, more: More = lambda: True) -> int:
    """Delete the records of that line of TRIMS which are old enough; how many went."""
    return delete_in_batches(TRIMS[name].rows(), more)
