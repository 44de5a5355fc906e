"""The live push: what was committed is shown at once to widgets, best effort. A frame that is lost is fetched by ``seq``.

Must not be relied upon: who has to be told for certain is told by messaging/publish.py.
"""

from __future__ import annotations

from conversations.media_links import shown
from conversations.models import Attachment, Message, Reaction
from messaging import wake
from messaging.live.frames import change_frame, message_frame
from messaging.live.hub import conversation_group, hub, tenant_group
from tenants.scope import tenant_scope
from tenants.tenant_settings import settings_for


def push_message(message: Message) -> None:
    """Show a new transcript entry to the visitor's widgets and to staff."""
    with tenant_scope(message.tenant_id):
        frame = message_frame(message, bot_name=settings_for(message.tenant_id).bot_name)
    hub.push(conversation_group(message.conversation_id), frame)
    hub.push(tenant_group(message.tenant_id), {**frame, "conversation": str(message.conversation_id)})
    wake.publish_soon()


def push_status(message: Message, status: str) -> None:
    """Show how far a message got."""
    frame = {"t": "status", "of": str(message.id), "of_seq": message.seq, "status": str(status)}
    hub.push(tenant_group(message.tenant_id), {**frame, "conversation": str(message.conversation_id)})
    wake.publish_soon()


def push_media(message: Message, attachment: Attachment) -> None:
    """Show anew what a message says: its file has come, was refused, or was put into words."""
    frame = {
        "t": "media",
        "of": str(message.id),
        "of_seq": message.seq,
        "state": attachment.state,
        "content": shown(message.content),
    }
    hub.push(conversation_group(message.conversation_id), frame)
    hub.push(tenant_group(message.tenant_id), {**frame, "conversation": str(message.conversation_id)})
    wake.publish_soon()


def push_change(entry: Message, message: Message) -> None:
    """Show that a message was edited or deleted. ``entry`` is what the transcript says of it."""
    frame = change_frame(entry, message)
    hub.push(conversation_group(message.conversation_id), frame)
    hub.push(tenant_group(message.tenant_id), {**frame, "conversation": str(message.conversation_id)})
    wake.publish_soon()


def push_reaction(reaction: Reaction, message: Message) -> None:
    """Show a person's emoji on a message; "" when it was taken back."""
    frame = {"t": "reaction", "of": str(message.id), "of_seq": message.seq, "by": {"role": "visitor"}}
    frame |= {"emoji": reaction.emoji}
    hub.push(conversation_group(message.conversation_id), frame)
    hub.push(tenant_group(message.tenant_id), {**frame, "conversation": str(message.conversation_id)})
    wake.publish_soon()


def push_typing(conversation_id: object, tenant_id: object, role: str, *, on: bool) -> None:
    """Somebody is writing; forgotten after five seconds."""
    frame = {"t": "typing", "from": {"role": role}, "on": on, "ttl_s": 5}
    hub.push(conversation_group(conversation_id), frame)
    hub.push(tenant_group(tenant_id), {**frame, "conversation": str(conversation_id)})
