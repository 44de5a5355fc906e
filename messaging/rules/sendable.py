"""What a channel's platform would refuse is told to the caller, before anything is stored (CH-1).

Owns that refusal, for staff, integrators and engines alike. Must not know any platform: adapters do.
"""

from __future__ import annotations

from channels_app.content.types import Content
from channels_app.models import Channel
from channels_app.outgoing import complaints_of
from conversations.models import Conversation
from messaging.reply import recipient_of
from tenants.errors import Unprocessable


def content_require(channel: Channel, conversation: Conversation, content: Content) -> None:
    """``content`` has its template resolved. Raises Unprocessable ``content_refused``, whose details say what and where."""
    if channel.adapter.instant:
        return
    found = complaints_of(channel, content, recipient_of(conversation, conversation.identity))
    if found:
        details = [
            {"field": f"content.{one.field}".rstrip("."), "message": one.sentence, "code": one.code} for one in found
        ]
        raise Unprocessable(found[0].sentence, code="content_refused", details=details)
