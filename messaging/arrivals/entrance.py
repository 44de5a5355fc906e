"""How a message came in, and what became of it."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from channels_app.content.types import Content
from channels_app.contract import MediaRef
from conversations.models import Attachment, Conversation, Message
from messaging.models import Turn


@dataclass(frozen=True)
class Entrance:
    """How a message came in, beside what the platform says.

    ``answer_now``: the caller stays on the line and answers the turn itself (REST).
    """

    client_message_id: str = ""
    conversation_id: uuid.UUID | None = None
    session_key: str = "default"
    device: Mapping[str, Any] = field(default_factory=dict)
    hints: Mapping[str, Any] = field(default_factory=dict)
    verified: bool = True
    answer_now: bool = False


PLAIN = Entrance()  # nothing beside what the platform says


@dataclass(frozen=True)
class Accepted:
    """The stored message. ``turn`` is set only when the caller is to answer it now."""

    message: Message
    conversation: Conversation
    duplicate: bool = False
    turn: Turn | None = None


@dataclass(frozen=True)
class Checked:
    """What is known of a message before its transaction: what it says (``words``: as fields of a Message), its files (ids
    of those to be fetched, or the person's own upload), and what the platform tells beside it (``facts``, ``media``)."""

    content: Content
    words: Mapping[str, Any]
    file_ids: Sequence[uuid.UUID]
    upload: Attachment | None
    facts: Mapping[str, Any]
    media: Sequence[MediaRef]
