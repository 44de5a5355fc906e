"""Reading conversations: pages by keyset, two statements at most, the same cost at any depth."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from django.db.models import F, Q, QuerySet

from conversations.media_links import content_with_links, media_link
from conversations.models import Attachment, Conversation, Message, Reaction
from conversations.shapes import ConversationQuery, MessageQuery
from tenants.api.pages import Walk
from tenants.errors import NotFound

Row = TypeVar("Row", Attachment, Reaction)
#: not by the id alone: PostgreSQL would walk the primary key, over all tenants' rows
CONVERSATIONS = Walk("cursor", by="created_at", latest=True)


def conversation_page(query: ConversationQuery, *, words: bool) -> dict[str, Any]:
    """A page of conversations, the newest conversation first: what is written meanwhile moves none of them, so that a walk
    meets each that there was at its start, once. ``words``: whether the reader may read messages; without, none is
    shown, and none is searched. Raises Invalid ``invalid_cursor``."""
    rows = _filtered(Conversation.objects.select_related("channel", "contact", "assignee"), query, words=words)
    return CONVERSATIONS.page(
        rows, size=query.page_size, cursor=query.cursor,
        shape=lambda page: [conversation_shape(row, words=words) for row in page],
    )  # fmt: skip


def _filtered(rows: QuerySet[Conversation], query: ConversationQuery, *, words: bool) -> QuerySet[Conversation]:
    rows = rows.filter(kind="chat", last_message_at__isnull=False)
    if query.status:
        rows = rows.filter(status=query.status)
    if query.priority:
        rows = rows.filter(priority=query.priority)
    if query.channel:
        rows = rows.filter(channel__kind=query.channel)
    if query.user_id:
        rows = rows.filter(identity__value=query.user_id)
    if query.start_date:
        rows = rows.filter(last_message_at__gte=query.start_date)
    if query.end_date:
        rows = rows.filter(last_message_at__lte=query.end_date)
    if query.search:
        wanted = query.search
        found = Q(subject__icontains=wanted) | Q(contact__name__icontains=wanted)
        rows = rows.filter(found | Q(last_message_preview__icontains=wanted) if words else found)
    return rows


def conversation_get(conversation_id: uuid.UUID) -> Conversation:
    """Raises NotFound, for another tenant's as for none at all."""
    rows = Conversation.objects.select_related("channel", "contact", "identity", "assignee")
    conversation = rows.filter(id=conversation_id).first()
    if conversation is None:
        raise NotFound("There is no such conversation.", code="conversation_not_found")
    return conversation


def conversation_detail(conversation_id: uuid.UUID, *, words: bool) -> dict[str, Any]:
    """``words`` as in `conversation_page`. Raises NotFound."""
    row = conversation_get(conversation_id)
    return {
        **conversation_shape(row, words=words),
        "user_id": row.identity.value,
        "context": {name: value for name, value in row.context.items() if name != "assistant"},
        "came_from": row.contact.profile.get("came_from"),
        "first_reply_at": row.first_reply_at,
        "reply_window_expires_at": row.reply_window_expires_at,
        "satisfaction": row.satisfaction,
    }


def holder_shape(row: Conversation) -> dict[str, Any]:
    """Who is in control of a conversation."""
    assignee = row.assignee
    return {
        "control_owner": row.control_owner,
        "held_by": row.held_by,
        "control_epoch": row.control_epoch,
        "assignee": {"id": assignee.id, "name": assignee.get_username()} if assignee else None,
    }


def conversation_shape(row: Conversation, *, words: bool) -> dict[str, Any]:
    return {
        "id": row.id,
        "status": row.status,
        **holder_shape(row),
        "channel": {"id": row.channel_id, "kind": row.channel.kind, "name": row.channel.name},
        "contact": {"id": row.contact_id, "name": row.contact.name},
        "subject": row.subject,
        "priority": row.priority,
        "message_count": row.message_count,
        "last_seq": row.last_seq,
        "last_message": row.last_message_preview if words else None,
        "last_message_at": row.last_message_at,
        "waiting_since": row.waiting_since,
        "created_at": row.created_at,
        "ended_at": row.ended_at,
    }


def message_page(conversation_id: uuid.UUID, query: MessageQuery) -> dict[str, Any]:
    """Entries ascending by seq: those after ``after``, or the last ones before ``before``. Four statements."""
    last_seq = Conversation.objects.filter(id=conversation_id).values_list("last_seq", flat=True).first()
    if last_seq is None:
        raise NotFound("There is no such conversation.", code="conversation_not_found")
    rows = Message.objects.filter(conversation_id=conversation_id, seq__gt=query.after)
    rows = rows.annotate(delivery_status=F("delivery__status"))
    if query.before:
        found = list(rows.filter(seq__lt=query.before).order_by("-seq")[: query.limit + 1])
        page = found[: query.limit][::-1]
    else:
        found = list(rows.order_by("seq")[: query.limit + 1])
        page = found[: query.limit]
    files, reactions = _of_messages(Attachment, page), _of_messages(Reaction, page)
    return {
        "items": [_message_shape(row, row.delivery_status, files[row.id], reactions[row.id]) for row in page],
        "last_seq": last_seq,
        "has_more": len(found) > query.limit,
    }


def _of_messages(model: type[Row], messages: Sequence[Message]) -> dict[uuid.UUID, list[Row]]:
    """What belongs to each of them. Django's prefetch_related makes a query set for every message, also for those
    that have nothing: three quarters of what a page cost."""
    found: dict[uuid.UUID, list[Row]] = defaultdict(list)
    for row in model.objects.filter(message_id__in=[message.id for message in messages]).order_by("id"):
        found[row.message_id].append(row)
    return found


def sent_message(row: Message) -> dict[str, Any]:
    """A message that was just written, and whether the person waits for more."""
    shape = _message_shape(row, "queued", row.attachments.all(), row.reactions.all())
    return {**shape, "waiting_since": row.conversation.waiting_since}


def _message_shape(
    row: Message, status: str | None, files: Iterable[Attachment], reactions: Iterable[Reaction]
) -> dict[str, Any]:
    return {
        "id": row.id,
        "seq": row.seq,
        "conversation_id": row.conversation_id,
        "direction": row.direction,
        "role": row.role,
        "content": None if row.deleted_at else content_with_links(row.content),
        "attachments": [attachment_shape(file) for file in files],
        "status": status,
        "message_id": row.client_message_id or None,
        "reply_to": row.reply_to,
        "language": row.language,
        "analysis": row.analysis,
        "created_at": row.created_at,
        "edited_at": row.edited_at,
        "deleted_at": row.deleted_at,
        "reactions": [
            {"emoji": reaction.emoji, "identity_id": reaction.identity_id, "at": reaction.at}
            for reaction in reactions
            if reaction.emoji
        ],
        "change": {"kind": row.change, "of": row.reply_to} if row.change else None,
    }


def attachment_shape(row: Attachment) -> dict[str, Any]:
    """A file with its link; without one as long as, or because, there is none."""
    stored = row.state == Attachment.State.STORED
    return {
        "id": row.id, "kind": row.kind, "state": row.state, "reason": row.reason, "name": row.name, "type": row.mime,
        "size_bytes": row.size, "width": row.width, "height": row.height, "transcript": row.transcript,
        "url": media_link(row.id) if stored else None,
        "thumbnail_url": f"{media_link(row.id)}?size=thumb" if stored and row.thumbnail else None,
    }  # fmt: skip
