"""Whether a message is here already, under the same id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from channels_app.content.types import Content
from channels_app.contract import InboundMessage
from channels_app.models import Channel
from conversations.models import Conversation, Message
from messaging.arrivals.entrance import Accepted, Entrance
from tenants.errors import Conflict


def repeat_of(channel: Channel, inbound: InboundMessage, content: Content, entrance: Entrance) -> Accepted | None:
    """The message that was stored under the same id before, if that is what stopped us."""
    stored = None
    if inbound.platform_id:
        stored = Message.objects.filter(channel=channel, platform_message_id=inbound.platform_id).first()
    if not stored and entrance.client_message_id:
        sender = inbound.sender
        stored = Message.objects.filter(
            client_message_id=entrance.client_message_id,
            role=Message.Role.VISITOR,
            identity__channel=channel,
            identity__scheme=sender.scheme,
            identity__scope=sender.scope,
            identity__value=sender.value,
        ).first()
        if stored and not _says(stored, content):
            raise Conflict("This message id was used for other content.", code="message_id_conflict")
    if not stored:
        return None
    return Accepted(stored, Conversation.objects.get(id=stored.conversation_id), duplicate=True)


def _says(stored: Message, content: Content) -> bool:
    """Whether the stored message is, or may have been, this content. A file of ours goes into one message
    only, and a recording's words are added to it later."""
    media = stored.content.get("media") or {}
    same_file = content.media and content.media.url.startswith("media:") and media.get("url") == content.media.url
    changed = stored.edited_at or stored.deleted_at
    return bool(changed or same_file) or _unquoted(stored.content) == _unquoted(content.to_json())


def _unquoted(said: Mapping[str, Any]) -> dict[str, Any]:
    """The content but for its quote, which is filled in when it is stored."""
    return {**said, "quote": None}
