"""The transcript as frames, read from the rows: for a page over HTTP, and for a socket that has missed something.

Must not know who reads it. Call within the tenant's scope.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any

from conversations.models import Attachment, Conversation, Message
from messaging.live.authors import author_of
from messaging.live.frames import change_frame, gone_frame, media_frame, message_frame
from tenants.storage import prepared

PAGE = 200  # the longest replay, and the longest page over HTTP
RECENT = 50  # messages whose files may have come while no socket listened

LAST_SEQ = prepared.Select(Conversation, lambda rows, id: rows.filter(id=id).values_list("last_seq", flat=True))
AFTER = prepared.Select(
    Message, lambda rows, conversation, seq: rows.filter(conversation=conversation, seq__gt=seq).order_by("seq")
)
BEFORE = prepared.Select(
    Message, lambda rows, conversation, seq: rows.filter(conversation=conversation, seq__lt=seq).order_by("-seq")
)
FILES = prepared.Select(
    Attachment,
    lambda rows, conversation, above, upto: (
        rows.filter(message__conversation=conversation, message__seq__gt=above, message__seq__lte=upto)
        .filter(message__deleted_at=None)
        .exclude(state=Attachment.State.REMOTE)
        .exclude(platform_media_id="", url="", transcript="")  # of which its message said all from the beginning
        .select_related("message")
        .order_by("message__seq", "position")
    ),
)


def frames_after(conversation_id: uuid.UUID, after: int, limit: int = PAGE) -> list[dict[str, Any]]:
    """The transcript frames that follow ``after``, oldest first."""
    return _frames(AFTER.run(conversation=conversation_id, seq=after, most=limit))


def frames_before(conversation_id: uuid.UUID, before: int, limit: int = PAGE) -> list[dict[str, Any]]:
    """The last transcript frames before ``before``, oldest first."""
    return _frames(BEFORE.run(conversation=conversation_id, seq=before, most=limit))[::-1]


def files_upto(conversation_id: uuid.UUID, seq: int) -> list[dict[str, Any]]:
    """What became of the files of the last messages up to ``seq``. These frames have no number of their own: who was away
    when they were pushed gets them again."""
    files = FILES.run(conversation=conversation_id, above=max(seq - RECENT, 0), upto=seq, most=RECENT)
    return [media_frame(file.message, file.state) for file in files]


def last_seq(conversation_id: uuid.UUID) -> int:
    """How far the transcript goes; 0 when the conversation is gone."""
    return LAST_SEQ.first(id=conversation_id) or 0


def _frames(rows: Iterable[Message]) -> list[dict[str, Any]]:
    """Each entry as a frame; an entry that tells of a change shows what its message says now."""
    entries = list(rows)
    changed = [entry.reply_to for entry in entries if entry.change]
    now_says = Message.objects.in_bulk(changed) if changed else {}
    return [change_frame(entry, now_says.get(entry.reply_to)) if entry.change else _frame(entry) for entry in entries]


def _frame(message: Message) -> dict[str, Any]:
    if message.deleted_at:
        return gone_frame(message)
    return message_frame(message, author_of(message))
