"""The frames of protocol ``desk-chat.v1`` that show rows: one shape for socket, HTTP and push.

Must not query: what it shows is handed in.
"""

from __future__ import annotations

from typing import Any

from channels_app.words.moments import written
from conversations.files.media_links import content_with_links
from conversations.models import Attachment, Message
from tenants.staff import UNNAMED, Face

TYPING_TTL_S = 5  # without another frame the widget takes the dots away


def message_frame(message: Message, author: Face = UNNAMED) -> dict[str, Any]:
    """A transcript entry. System entries that tell of a change of the conversation are ``state`` frames."""
    content = content_with_links(message.content)
    head = _head(message)
    if message.role == Message.Role.SYSTEM and "state" in message.metadata:
        known = {"agent": {"name": author.name}} if author.name else {}
        return {"t": "state", **head, "text": message.text, **message.metadata, **known}
    return {
        "t": "msg",
        **head,
        "from": {"role": message.role, "name": author.name, "picture": author.picture or None},
        "kind": content["type"],
        "text": content.get("text") or "",
        "format": {"markdown": "md"}.get(content.get("format", ""), "plain"),
        "quick_replies": content.get("quick_replies") or [],
        "content": content,
        "cid": message.client_message_id or None if message.role == Message.Role.VISITOR else None,
        "lang": message.language or None,
    }


def _head(entry: Message) -> dict[str, Any]:
    """Where it stands: numbers count within a conversation."""
    conversation, ts = str(entry.conversation_id), written(entry.created_at)
    return {"conversation": conversation, "seq": entry.seq, "id": str(entry.id), "ts": ts}


def change_frame(entry: Message, message: Message | None) -> dict[str, Any]:
    """The transcript entry that says that ``message`` was edited or deleted: what it says now."""
    head = {**_head(entry), "of": str(entry.reply_to)}
    if message is None or message.deleted_at:
        return {"t": "del", **head}
    words = message_frame(message)
    return {"t": "edit", **head, **{name: words[name] for name in ("kind", "text", "format", "content", "lang")}}


def gone_frame(message: Message) -> dict[str, Any]:
    """A message that was deleted, in its own place: its number stays, so that the transcript has no hole."""
    return {"t": "del", **_head(message), "of": str(message.id)}


def media_frame(message: Message, state: str) -> dict[str, Any]:
    """What ``message`` says by now that its file is ``state`` (of Attachment): come, lost, or put into words."""
    return {
        "t": "media",
        "of": str(message.id),
        "of_seq": message.seq,
        "state": "refused" if state in Attachment.LOST else state,
        "content": content_with_links(message.content),
    }


def typing_frame(role: str, author: Face = UNNAMED, *, on: bool) -> dict[str, Any]:
    return {"t": "typing", "from": {"role": role, "name": author.name}, "on": on, "ttl_s": TYPING_TTL_S}


def bot_typing_frame(after: int, *, on: bool) -> dict[str, Any]:
    """The bot thinks about a transcript that ends at ``after``, or has ceased to."""
    return {**typing_frame("bot", on=on), "after": after}


def draft_frame(words: str, after: int) -> dict[str, Any]:
    """What the bot has written so far of its answer."""
    content = {"type": "text", "text": words, "format": "markdown"}
    return {**bot_typing_frame(after, on=True), "content": content}


def ack_frame(message: Message, *, duplicate: bool) -> dict[str, Any]:
    return {
        "t": "ack",
        "cid": message.client_message_id,
        "conversation": str(message.conversation_id),
        "seq": message.seq,
        "id": str(message.id),
        "ts": written(message.created_at),
        "duplicate": duplicate,
    }
