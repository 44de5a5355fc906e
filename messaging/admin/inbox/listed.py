"""Which conversations a list of the inbox holds, in which order, page by page.

Owns the meaning of the lists. Call within the tenant's scope. Every list walks by keyset: a page costs the same at any
depth.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.core import signing
from django.db.models import Count, Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Coalesce

from conversations.models import Conversation
from messaging.admin.conversations import URGENCY
from messaging.admin.inbox.asked import Asked
from messaging.models import Delivery
from tenants.api.pages import Walk
from tenants.errors import Invalid

PAGE = 30
WAITING = "inbox waiting"  # of its cursors
LATEST = Walk("inbox", by="last_message_at", latest=True)
Holder = Conversation.Holder


def _colleagues(member_id: uuid.UUID) -> Q:
    others = Q(assignee=None) | ~Q(assignee=member_id)
    return Q(is_open=True, held_by__in=(Holder.STAFF, Holder.OUTSIDE)) & others


#: each list's title and the conversations in it, for a member of staff; a conversation is in one list
VIEWS: dict[str, tuple[str, Callable[[uuid.UUID], Q]]] = {
    "waiting": ("Waiting", lambda _: Q(is_open=True, held_by=Holder.QUEUE)),
    "mine": ("Mine", lambda me: Q(is_open=True, held_by__in=(Holder.STAFF, Holder.OUTSIDE), assignee=me)),
    "colleagues": ("With colleagues", _colleagues),
    "bot": ("With the bot", lambda _: Q(is_open=True, held_by=Holder.BOT)),
    "closed": ("Closed", lambda _: Q(is_open=False)),
}


def view_of(row: Conversation, member_id: uuid.UUID) -> str:
    """The list that holds a conversation."""
    if not row.is_open:
        return "closed"
    if row.held_by in (Holder.QUEUE, Holder.BOT):
        return "waiting" if row.held_by == Holder.QUEUE else "bot"
    return "mine" if row.assignee_id == member_id else "colleagues"


def page_of(asked: Asked) -> dict[str, Any]:
    """``items``: conversations; ``next_cursor``. One statement. Raises Invalid ``invalid_cursor``."""
    rows = _filtered(rows_all(), asked).filter(VIEWS[asked.view][1](asked.member_id))
    if asked.view == "waiting":
        return _waiting(rows, asked)
    return LATEST.page(rows, size=PAGE, cursor=asked.cursor, shape=list)


def rows_all() -> QuerySet[Conversation]:
    """Of the tenant in scope, with what a row shows."""
    talks = Conversation.objects.filter(kind="chat", last_message_at__isnull=False)
    return talks.select_related("channel", "contact", "identity", "assignee")


def counts(asked: Asked) -> dict[str, int]:
    """How many conversations the lists of open ones hold, of those that pass the filters. One statement."""
    rows = _filtered(Conversation.objects.filter(kind="chat", last_message_at__isnull=False, is_open=True), asked)
    found = dict.fromkeys(VIEWS, 0)
    for held_by, assignee_id, number in (
        rows.order_by().values_list("held_by", "assignee_id").annotate(number=Count("id"))
    ):
        stand_in = Conversation(held_by=held_by, assignee_id=assignee_id, is_open=True)
        found[view_of(stand_in, asked.member_id)] += number
    return found


def _filtered(rows: QuerySet[Conversation], asked: Asked) -> QuerySet[Conversation]:
    if asked.channel:
        rows = rows.filter(channel__kind=asked.channel)
    if asked.priority:
        rows = rows.filter(priority=asked.priority)
    if asked.failed:
        lost = Delivery.objects.filter(conversation=OuterRef("pk"), status=Delivery.Status.FAILED)
        rows = rows.filter(Exists(lost))
    return rows


def _waiting(rows: QuerySet[Conversation], asked: Asked) -> dict[str, Any]:
    """By priority, and then the longest first."""
    rows = rows.annotate(rank=URGENCY, since=Coalesce("waiting_since", "created_at"))
    if asked.cursor:
        rank, since, last_id = _place(asked.cursor, str(asked.tenant.id))
        later = Q(since__gt=since) | Q(since=since, id__gt=last_id)
        rows = rows.filter(Q(rank__gt=rank) | (Q(rank=rank) & later))
    found = list(rows.order_by("rank", "since", "id")[: PAGE + 1])
    page, cursor = found[:PAGE], None
    if len(found) > PAGE:
        last: Any = page[-1]
        place = [last.rank, last.since.isoformat(), str(last.id), str(asked.tenant.id)]
        cursor = signing.dumps(place, salt=WAITING)
    return {"items": page, "next_cursor": cursor, "has_next": cursor is not None}


def _place(cursor: str, owner: str) -> tuple[int, datetime, uuid.UUID]:
    try:
        rank, since, last_id, owned = signing.loads(cursor, salt=WAITING)
        if owned != owner:
            raise ValueError("of another tenant")
        return int(rank), datetime.fromisoformat(since), uuid.UUID(last_id)
    except (signing.BadSignature, ValueError, TypeError) as error:
        raise Invalid("The cursor is not one of ours.", code="invalid_cursor") from error
