"""Conversations in which nothing is said any more.

Owns what idle means. Must not end one by what a list said: the condition is looked at again under the lock.
"""

from __future__ import annotations

import itertools
import uuid
from datetime import datetime, timedelta
from functools import partial

from django.conf import settings
from django.db.models import Q

from conversations.models import Conversation, Event, Message
from messaging.agents.models import ScheduledReply
from messaging.agents.snooze import WAKE
from messaging.context.changes import UPDATED
from messaging.models import Delivery, Turn
from messaging.rules.control import conversation_end
from tenants.errors import NotFound
from tenants.scope import tenant_scope
from tenants.storage.batches import Failures, More, batches
from tenants.storage.db import now
from tenants.tenant_settings import suspended

OUTSIDE = Conversation.Holder.OUTSIDE


def idle_end(more: More) -> int:
    """End conversations in which nothing has been said for CONVERSATION_IDLE_TTL; how many."""
    since = now() - timedelta(seconds=settings.ENV["CONVERSATION_IDLE_TTL"])
    owed_nothing = Q(control_owner=Conversation.Owner.BOT) | Q(waiting_since=None) | Q(held_by=OUTSIDE)
    # unscoped: of all tenants; each is ended inside its own scope
    # __in: SQLite finds no index for a bare boolean, and would read all conversations
    listed = Conversation.objects.unscoped().filter(owed_nothing, is_open__in=[True], last_message_at__lte=since)
    listed = listed.exclude(tenant_id__in=suspended())  # their people cannot write now: that is no silence of theirs
    count, failures = 0, Failures()
    for found in batches(listed, "tenant_id", by="last_message_at", more=more):
        for row in itertools.takewhile(lambda _: more(), found):
            with failures.apart(conversation=str(row.id)), tenant_scope(row.tenant_id):
                count += _ended(row.id, since)
    failures.tell()
    return count


def _ended(conversation_id: uuid.UUID, since: datetime) -> bool:
    """False when it has ended already, or a person has written, waits or is being answered."""
    try:
        return not conversation_end(conversation_id, reason="idle", only_if=partial(_is_idle, since=since)).repeated
    except NotFound:
        return False  # its tenant is being removed


def _is_idle(conversation: Conversation, *, since: datetime) -> bool:
    """Nothing was said since, and it is not for us to speak: a person who waits for a human is never idle, however
    long our people take, nor one whose turn is still to be answered, whom our words have not reached, for whom a reply is
    planned, or whom staff have put off and not seen again for as long."""
    if conversation.last_message_at is None or conversation.last_message_at > since:
        return False
    if conversation.control_owner == Conversation.Owner.HUMAN and (
        _waits(conversation) or _put_off(conversation, since)
    ):
        return False
    if ScheduledReply.objects.filter(conversation=conversation, status__in=ScheduledReply.OPEN).exists():
        return False
    if Delivery.objects.filter(conversation=conversation, status__in=Delivery.UNFINISHED).exists():
        return False
    return not Turn.objects.filter(conversation=conversation, status__in=Turn.OPEN).exists()


def _waits(conversation: Conversation) -> bool:
    """Whether the person waits for a human. Answers that staff give outside end no ``waiting_since``: there the
    transcript tells."""
    if conversation.held_by != OUTSIDE:
        return conversation.waiting_since is not None
    said = Message.objects.filter(conversation=conversation, role=Message.Role.VISITOR, deleted_at=None)
    return said.filter(seq__gt=conversation.answered_seq).exists()


def _put_off(conversation: Conversation, since: datetime) -> bool:
    """Whether it is snoozed, or has come back since."""
    back = Event.objects.filter(conversation=conversation, type=UPDATED, created_at__gt=since, payload__trigger=WAKE)
    return conversation.snoozed_until is not None or back.exists()
