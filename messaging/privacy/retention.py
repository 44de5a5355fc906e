"""How long a tenant keeps what was said, and what is older than that (PRIV-3).

Owns what falls due. Must not delete anything: purge.py does. A conversation that is open falls never due, nor one that a
legal hold keeps, the tenant's own or its contact's.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q

from conversations.models import Attachment, Conversation, Event, Message, Session
from messaging.privacy.holds import held_contacts
from tenants.models import Tenant
from tenants.scope import current_tenant_id
from tenants.storage.db import now
from tenants.tenant_settings import TenantSettings, settings_read
from tenants.trail.audit import AuditEntry, audit

BEGAN = "retention.purge_began"  # in the audit trail, with the time before which things go
UNTIL = "retention.purged_until"  # the same, of entries that the trail keeps no longer


@dataclass(frozen=True)
class Preview:
    """What a purge would remove now. ``before``: of what had ended by then; None: everything is kept."""

    days: int
    legal_hold: bool
    before: datetime | None
    conversations: int = 0
    messages: int = 0
    files: int = 0
    sessions: int = 0
    events: int = 0  # that happened to no conversation; those that name a held contact stay
    oldest: datetime | None = None  # when something was said last in the first of the conversations


def settings_now() -> TenantSettings:
    """Of the tenant in scope, as they are stored now: what another process remembers is too old to delete by."""
    return settings_read(Tenant.objects.get(id=current_tenant_id()))


def days_kept(chosen: TenantSettings) -> int:
    """0: for ever."""
    days = chosen.retention_days
    return int(settings.ENV["MESSAGE_RETENTION_DAYS"]) if days is None else days


def due_before(chosen: TenantSettings) -> datetime | None:
    """What had ended by then falls due; None: nothing does."""
    days = days_kept(chosen)
    return None if chosen.legal_hold or not days else now() - timedelta(days=days)


def conversations_due(before: datetime) -> Any:
    """Chats of the tenant in scope that had ended. Those that something is still on its way of are among them."""
    # __in: SQLite finds no index for a bare boolean
    ended = Conversation.objects.filter(kind="chat", is_open__in=[False], ended_at__lte=before)
    silent = ended.filter(Q(last_message_at=None) | Q(last_message_at__lte=before))
    return silent.exclude(contact_id__in=held_contacts())


def threads_due(before: datetime) -> Any:
    """Threads between people, of the tenant in scope, in which nothing has happened since: they have no end."""
    return Conversation.objects.filter(kind="thread", last_message_at__lte=before).exclude(
        contact_id__in=held_contacts()
    )


def sessions_due(before: datetime) -> Any:
    """Of the tenant in scope."""
    return Session.objects.filter(ended_at__lte=before).exclude(contact_id__in=held_contacts())


def untold() -> Q:
    """Of events: what was not handed on yet to all who are to have it."""
    return Q(published_at=None) | (Q(streamed_at=None) if settings.ENV["KAFKA_BROKERS"] else Q(pk__in=[]))


def events_due(before: datetime) -> Any:
    """What happened to no conversation, of the tenant in scope, and was handed on. What names a contact with a legal hold is
    among it."""
    return Event.objects.filter(conversation=None, created_at__lte=before).exclude(untold())


def preview() -> Preview:
    """Of the tenant in scope."""
    chosen = settings_now()
    before, days = due_before(chosen), days_kept(chosen)
    if before is None:
        return Preview(days, chosen.legal_hold, None)
    due = (conversations_due(before), threads_due(before))
    oldest = [rows.order_by("last_message_at").values_list("last_message_at", flat=True).first() for rows in due]
    return Preview(
        days, chosen.legal_hold, before,
        conversations=sum(rows.count() for rows in due),
        messages=sum(Message.objects.filter(conversation_id__in=rows.values("id")).count() for rows in due),
        files=sum(Attachment.objects.filter(message__conversation_id__in=rows.values("id")).count() for rows in due),
        sessions=sessions_due(before).count(),
        events=events_due(before).count(),
        oldest=min(filter(None, oldest), default=None),
    )  # fmt: skip


def days_purged() -> date | None:
    """The last day of which events may have gone with their conversations, in the tenant in scope."""
    at = _latest(AuditEntry.objects.all())
    return at.date() if at else None


def trail_going(entries: Any) -> None:
    """Entries of the tenant in scope are kept no longer; what they say of days that were purged is said anew."""
    if at := _latest(entries):
        audit("system", UNTIL, f"tenant:{current_tenant_id()}", {"before": at.isoformat()})


def _latest(entries: Any) -> datetime | None:
    told: Iterator[str] = (
        changes["before"] for changes in entries.filter(action__in=[BEGAN, UNTIL]).values_list("changes", flat=True)
    )
    return max(map(datetime.fromisoformat, told), default=None)


def tenant_ids() -> list[uuid.UUID]:
    """The tenants that keep something for a time only."""
    rows = Tenant.objects.exclude(status=Tenant.Status.REMOVING).order_by("id")
    return [tenant.id for tenant in rows if due_before(settings_read(tenant))]
