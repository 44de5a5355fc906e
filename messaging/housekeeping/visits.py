"""Visits whose time has run out: sessions end, each once and with its event.

Must not know what was said during one.
"""

from __future__ import annotations

import random
import uuid
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import DateTimeField, F, QuerySet, Value
from django.db.models.functions import Greatest

from conversations.models import Conversation, Session
from conversations.timeline import NewEvent, system_events
from messaging import wake
from tenants.errors import Conflict, NotFound
from tenants.scope import tenant_scope
from tenants.storage.batches import BATCH, Failures, More
from tenants.storage.db import atomic, now, retried

#: contact and channel
Place = tuple[uuid.UUID, uuid.UUID]


class Talk(NamedTuple):
    id: uuid.UUID
    last_message_at: datetime
    message_count: int


def visits_end(more: More) -> int:
    """End sessions whose time has run out, each with its event; how many."""
    count, failures = 0, Failures()
    # unscoped: of all tenants; each tenant's are ended inside its own scope
    expired = Session.objects.unscoped().filter(ended_at=None, expires_at__lte=now())
    # sorted here: asked for it, the database would read the sessions of all times by the index of tenants
    tenants = sorted(expired.order_by().values_list("tenant_id", flat=True).distinct())
    random.shuffle(tenants)  # a crowd of one does not use up the time of the same others at every run
    for tenant_id in tenants:
        with failures.apart(tenant=str(tenant_id)), tenant_scope(tenant_id):
            count += _visits_end(more)
    if count:
        wake.publish_soon()
    failures.tell()
    return count


def _visits_end(more: More) -> int:
    """Of the tenant in scope."""
    at, count = now(), 0
    expired = Session.objects.filter(ended_at=None, expires_at__lte=at)
    while more() and (sessions := list(expired.order_by("expires_at", "id")[:BATCH])):
        count += len(sessions) if _visits_close(sessions, expired) else 0
    return count


@retried
def _visits_close(sessions: Sequence[Session], expired: QuerySet[Session]) -> bool:
    """All of them with their events, or none, when another process has ended one or a person came back to it."""
    talks = _conversations_during(sessions)
    mine = expired.filter(id__in=[session.id for session in sessions])
    try:
        with atomic():
            if mine.update(ended_at=now()) != len(sessions):
                raise _Changed
            system_events(sessions[0].tenant_id, [_ended_event(session, talks) for session in sessions])
    except _Changed:
        return False
    return True


def visit_get(session_id: uuid.UUID) -> Session:
    """Raises NotFound ``session_not_found``."""
    row: Session | None = Session.objects.select_related("channel").filter(id=session_id).first()
    if row is None:
        raise NotFound("There is no such session.", code="session_not_found")
    return row


def visit_extend(session_id: uuid.UUID, seconds: int) -> Session:
    """It goes on for so long at least. Raises NotFound, Conflict ``session_ended``."""
    until = now() + timedelta(seconds=seconds)
    going_on = Session.objects.filter(id=session_id, ended_at=None)
    if not going_on.update(expires_at=Greatest(F("expires_at"), Value(until, output_field=DateTimeField()))):
        visit_get(session_id)
        raise Conflict("The session has ended.", code="session_ended")
    return visit_get(session_id)


@retried
def visit_end(session_id: uuid.UUID, reason: str) -> tuple[Session, bool]:
    """The session, ended with its event; False when it had ended before. Raises NotFound."""
    session = visit_get(session_id)
    talks = _conversations_during([session])
    with atomic():
        ended = bool(Session.objects.filter(id=session.id, ended_at=None).update(ended_at=now()))
        if ended:
            system_events(session.tenant_id, [_ended_event(session, talks, reason)])
    if ended:
        wake.publish_soon()
    return visit_get(session_id), ended


class _Changed(Exception):
    """Undoes the transaction: the list is out of date, and is read again."""


def _conversations_during(sessions: Sequence[Session]) -> Mapping[Place, list[Talk]]:
    """(contact, channel) → the conversations that went on during one of the sessions, the oldest first."""
    rows = Conversation.objects.filter(
        contact_id__in={session.contact_id for session in sessions},
        last_message_at__gte=min(session.created_at for session in sessions),
    ).order_by("created_at")
    talks: dict[Place, list[Talk]] = defaultdict(list)
    for row in rows.values_list("contact_id", "channel_id", "id", "last_message_at", "message_count"):
        talks[row[0], row[1]].append(Talk(*row[2:]))
    return talks


def _ended_event(session: Session, talks: Mapping[Place, list[Talk]], reason: str = "expired") -> NewEvent:
    here = talks.get((session.contact_id, session.channel_id), [])
    own = [talk for talk in here if talk.last_message_at >= session.created_at]
    facts = {
        "channel_id": str(session.channel_id),
        "contact_id": str(session.contact_id),
        "conversation_id": str(here[-1].id) if here else None,
        "session_id": str(session.id),
        "duration_seconds": max(0, int((session.last_seen_at - session.created_at).total_seconds())),
        "end_reason": reason,
        "session_summary": {"conversations": len(own), "message_count": sum(talk.message_count for talk in own)},
    }
    return NewEvent("chat.session.ended", facts)
