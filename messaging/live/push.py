"""The live push: what was committed is shown at once, best effort. A frame that is lost is fetched by ``seq``.

Owns who is shown what. Must not be relied upon: what has to arrive for certain goes by messaging/publish.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

from conversations.models import Attachment, Message, Reaction
from messaging import wake
from messaging.live.authors import author_of
from messaging.live.frames import change_frame, media_frame, message_frame, typing_frame
from messaging.live.hub import conversation_group, hub
from messaging.live.staff import conversation_changed
from tenants.scope import tenant_scope
from tenants.staff import UNNAMED, Face


def push_message(message: Message) -> None:
    """A new entry of the transcript."""
    _show(message.conversation_id, partial(_message_frame, message))
    conversation_changed(message.tenant_id, message.conversation_id)  # a new one has taken no number of its own
    wake.publish_soon()


def push_media(message: Message, attachment: Attachment) -> None:
    """What a message says by now: its file has come, was refused, or was put into words."""
    _show(message.conversation_id, partial(media_frame, message, attachment.state))
    wake.publish_soon()


def push_change(entry: Message, message: Message) -> None:
    """That a message was edited or deleted. ``entry`` is what the transcript says of it."""
    _show(message.conversation_id, partial(change_frame, entry, message))
    wake.publish_soon()


def push_reaction(reaction: Reaction, message: Message) -> None:
    """A person's emoji on a message; "" when it was taken back."""
    of = {"of": str(message.id), "of_seq": message.seq}
    _show(message.conversation_id, lambda: {"t": "reaction", **of, "by": {"role": "visitor"}, "emoji": reaction.emoji})
    wake.publish_soon()


def push_typing(conversation_id: uuid.UUID, role: str, author: Face = UNNAMED, *, on: bool) -> None:
    """The bot or an agent is writing, or has ceased to."""
    _show(conversation_id, partial(typing_frame, role, author, on=on))


def push_read(conversation_id: uuid.UUID, role: str, seq: int) -> None:
    """How far the visitor (for their other windows) or the staff have read."""
    _show(conversation_id, lambda: {"t": "read", "by": {"role": role}, "seq": seq})


def push_place(conversation_id: uuid.UUID, place: int) -> None:
    """How many wait for a human up to the visitor, themselves counted."""
    _show(conversation_id, lambda: {"t": "queue", "conversation": str(conversation_id), "position": place})


def push_moved(conversation_id: uuid.UUID) -> None:
    """The conversation is another visitor's by now: its sockets look whose."""
    _show(conversation_id, lambda: {"t": "moved"})


def _message_frame(message: Message) -> dict[str, Any]:
    with tenant_scope(message.tenant_id):
        return message_frame(message, author_of(message))


def _show(conversation_id: uuid.UUID, frame: Callable[[], dict[str, Any]]) -> None:
    """To the sockets that follow the conversation: widgets, and windows of staff. No frame is made where no socket listens."""
    group = conversation_group(conversation_id)
    if hub.heard(group):
        hub.push(group, frame())
