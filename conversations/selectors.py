"""Reading conversations of the kind ``chat``: pages by keyset, two statements at most, the same cost at any depth. Threads
between people have their own permission and are read by messaging/threads."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.db.models.lookups import Exact

from channels_app.models import Channel
from conversations.files.media_links import content_with_links, media_link
from conversations.models import Attachment, Conversation, Message, Reaction, change_of
from conversations.safety import analysis_shown
from conversations.search.find import Found, rows_by_id
from conversations.shapes import ConversationQuery, MessageQuery, SearchQuery, TranscriptQuery
from tenants.api.pages import Walk
from tenants.errors import NotFound
from tenants.storage import prepared

Row = TypeVar("Row", Attachment, Reaction)
#: not by the id alone: PostgreSQL would walk the primary key, over all tenants' rows
CONVERSATIONS = Walk(
    "cursor", by="created_at", latest=True, dated="last_message_at",
    sorts={"created_at": "created_at", "last_message_at": "last_message_at"},
)  # fmt: skip
#: of one conversation, by its seqs alone
TRANSCRIPT = Walk(
    "transcript", by="seq", sorts={"seq": "seq", "created_at": "seq"}, searched=("text",), dated="created_at"
)

LAST_SEQ = prepared.Select(
    Conversation, lambda rows, id: rows.filter(id=id, kind="chat").values_list("last_seq", flat=True)
)
#: of an entry what is shown
SHOWN = (
    "id", "seq", "conversation_id", "direction", "role", "content", "client_message_id", "reply_to", "language",
    "analysis", "metadata", "created_at", "edited_at", "deleted_at", "delivery__status",
)  # fmt: skip
AFTER = prepared.Select(
    Message,
    lambda rows, conversation, after: (
        rows.filter(conversation=conversation, seq__gt=after).order_by("seq").values_list(*SHOWN, named=True)
    ),
)
BEFORE = prepared.Select(
    Message,
    lambda rows, conversation, after, before: (
        rows.filter(conversation=conversation, seq__gt=after, seq__lt=before)
        .order_by("-seq")
        .values_list(*SHOWN, named=True)
    ),
)
FILES = prepared.Select(Attachment, lambda rows, messages: rows.filter(message__id__in=messages).order_by("id"))
REACTIONS = prepared.Select(Reaction, lambda rows, messages: rows.filter(message__id__in=messages).order_by("id"))


def conversation_page(query: ConversationQuery, *, words: bool) -> dict[str, Any]:
    """A page of conversations, the newest conversation first: what is written meanwhile moves none of them, so that a walk
    meets each that there was at its start, once. ``words``: whether the reader may read messages; without, none is
    shown, and none is searched. Raises Invalid ``invalid_cursor``."""
    rows = _filtered(Conversation.objects.select_related("channel", "contact", "assignee", "team"), query, words=words)
    return CONVERSATIONS.answer(rows, query, shape=lambda page: [conversation_shape(row, words=words) for row in page])


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
    if query.contact_id:
        rows = rows.filter(contact_id=query.contact_id)
    if wanted := query.search_query or query.search:
        found = Q(subject__icontains=wanted) | Q(contact__name__icontains=wanted)
        rows = rows.filter(found | Q(last_message_preview__icontains=wanted) if words else found)
    return rows


def conversation_get(conversation_id: uuid.UUID) -> Conversation:
    """Raises NotFound, for another tenant's as for none at all."""
    rows = Conversation.objects.select_related("channel", "contact", "identity", "assignee", "team")
    conversation = rows.filter(id=conversation_id, kind="chat").first()
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
        "channel": channel_brief(row.channel),
        "contact": {"id": row.contact_id, "name": row.contact.name},
        "team": {"id": row.team.id, "name": row.team.name} if row.team else None,
        "subject": row.subject,
        "priority": row.priority,
        "message_count": row.message_count,
        "last_seq": row.last_seq,
        "last_message": row.last_message_preview if words else None,
        "last_message_at": row.last_message_at,
        "waiting_since": row.waiting_since,
        "snoozed_until": row.snoozed_until,
        "created_at": row.created_at,
        "ended_at": row.ended_at,
    }


def channel_brief(row: Channel) -> dict[str, Any]:
    return {"id": row.id, "kind": row.kind, "name": row.name}


def message_shapes(rows: Sequence[Message]) -> list[dict[str, Any]]:
    """Messages in their order, with their files and reactions; ``rows`` were read with their ``delivery``. Two statements."""
    files, reactions = _of_messages(FILES, rows), _of_messages(REACTIONS, rows)
    return [_message_shape(row, status_of(row), files[row.id], reactions[row.id]) for row in rows]


def status_of(row: Message) -> str | None:
    """Of its delivery, where it has one."""
    delivery = getattr(row, "delivery", None)
    return delivery.status if delivery else None


def history_shapes(rows: Sequence[Message]) -> list[dict[str, Any]]:
    """`message_shapes`, each with its channel."""
    channels = {row.id: channel_brief(row.channel) for row in rows}
    return [{**shape, "channel": channels[shape["id"]]} for shape in message_shapes(rows)]


def message_page(conversation_id: uuid.UUID, query: MessageQuery) -> dict[str, Any]:
    """Entries ascending by seq: those after ``after``, or the last ones before ``before``. Four statements. Raises NotFound
    ``conversation_not_found``."""
    last_seq = _last_seq(conversation_id)
    wanted: dict[str, Any] = {"conversation": conversation_id, "after": query.after, "most": query.limit + 1}
    found = BEFORE.run(before=query.before, **wanted) if query.before else AFTER.run(**wanted)
    page = found[: query.limit][:: -1 if query.before else 1]
    files, reactions = _of_messages(FILES, page), _of_messages(REACTIONS, page)
    return {
        "items": [_message_shape(row, row.delivery__status, files[row.id], reactions[row.id]) for row in page],
        "last_seq": last_seq,
        "has_more": len(found) > query.limit,
        **_onward(page, last_seq, conversation_id), "page": None, "page_size": query.limit, "total": None,
    }  # fmt: skip


def _onward(page: Sequence[Any], last_seq: int, conversation_id: uuid.UUID) -> dict[str, Any]:
    """What stands behind entries that are a part of a transcript, and before them."""
    more = bool(page) and page[-1].seq < last_seq
    return {
        "next_cursor": TRANSCRIPT.cursor_at(page[-1], str(conversation_id)) if more else None,
        "has_next": more,
        "has_previous": bool(page) and page[0].seq > 1,
    }


def transcript_page(conversation_id: uuid.UUID, query: TranscriptQuery) -> dict[str, Any]:
    """As every list. Raises NotFound ``conversation_not_found``, and as `Walk.answer`."""
    last_seq = _last_seq(conversation_id)
    rows = Message.objects.filter(conversation=conversation_id, seq__gt=query.after).select_related("delivery")
    rows = rows.filter(seq__lt=query.before) if query.before else rows
    page = TRANSCRIPT.answer(rows, query, shape=message_shapes, within=conversation_id)
    return {**page, "last_seq": last_seq, "has_more": page["has_next"]}


def _last_seq(conversation_id: uuid.UUID) -> int:
    last_seq: int | None = LAST_SEQ.first(id=conversation_id)
    if last_seq is None:
        raise NotFound("There is no such conversation.", code="conversation_not_found")
    return last_seq


def found_messages(found: Sequence[Found]) -> list[dict[str, Any]]:
    """What a search found, as messages in its order, each with the part that was meant."""
    rows = rows_by_id([one.id for one in found], *SHOWN)
    page = [one for one in found if one.id in rows]
    files, reactions = _of_messages(FILES, page), _of_messages(REACTIONS, page)
    return [
        {
            **_message_shape(rows[one.id], rows[one.id].delivery__status, files[one.id], reactions[one.id]),
            "snippet": one.snippet,
        }
        for one in page
    ]


def message_filters(query: SearchQuery) -> Q:
    """What a search asks of messages beside their words and times."""
    # looked up for each message that was found: for a join a planner may read all conversations
    # unscoped: the messages are in scope, each has its own conversation
    of_it = Conversation.objects.unscoped().filter(id=OuterRef("conversation_id"))
    rows = Q(Exact(Subquery(of_it.values("kind")[:1]), "chat"))
    if query.channel:
        rows &= Q(channel__kind=query.channel)
    if query.role:
        rows &= Q(role=query.role)
    if query.user_id:
        rows &= Q(identity__value=query.user_id)
    return rows


def _of_messages(rows: prepared.Select[Row], messages: Sequence[Any]) -> dict[uuid.UUID, list[Row]]:
    """What belongs to each of them."""
    found: dict[uuid.UUID, list[Row]] = defaultdict(list)
    for row in rows.run(messages=[message.id for message in messages]) if messages else ():
        found[row.message_id].append(row)
    return found


def message_get(message_id: uuid.UUID) -> Message:
    """With its delivery, channel and author. Raises NotFound ``message_not_found``."""
    rows = Message.objects.select_related("delivery", "channel", "author")
    row: Message | None = rows.filter(id=message_id, conversation__kind="chat").first()
    if row is None:
        raise NotFound("There is no such message.", code="message_not_found")
    return row


def message_detail(row: Message) -> dict[str, Any]:
    """One message, with what only one has room for. Two statements."""
    return {
        **message_shapes([row])[0],
        "channel": channel_brief(row.channel),
        "author": row.author.get_username() if row.author else None,
        "sent_at": row.sent_at,
    }


def message_context(row: Message, size: int) -> dict[str, Any]:
    """The message between the ``size`` entries before it and behind it. Three statements."""
    near = Message.objects.filter(conversation_id=row.conversation_id).select_related("delivery")
    rows = list(near.filter(seq__gte=max(row.seq - size, 1), seq__lte=row.seq + size).order_by("seq"))
    shapes = message_shapes(rows)
    at = next(place for place, other in enumerate(rows) if other.id == row.id)
    return {"before": shapes[:at], "message": shapes[at], "after": shapes[at + 1 :]}


def sent_message(row: Message) -> dict[str, Any]:
    """A message that was just written, and whether the person waits for more."""
    shape = _message_shape(row, "queued", row.attachments.all(), row.reactions.all())
    return {**shape, "waiting_since": row.conversation.waiting_since}


def _message_shape(
    row: Any, status: str | None, files: Iterable[Attachment], reactions: Iterable[Reaction]
) -> dict[str, Any]:
    """``row``: a message, or what is shown of one."""
    change = change_of(row.role, row.metadata)
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
        "analysis": analysis_shown(row.analysis),
        "created_at": row.created_at,
        "edited_at": row.edited_at,
        "deleted_at": row.deleted_at,
        "reactions": [
            {"emoji": reaction.emoji, "identity_id": reaction.identity_id, "at": reaction.at}
            for reaction in reactions
            if reaction.emoji
        ],
        "change": {"kind": change, "of": row.reply_to} if change else None,
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
