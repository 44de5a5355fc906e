"""Which language a person speaks, by their messages (MSG-3, BOT-2): what they spoke before stands until their words clearly
tell another.

Owns that judgement. Must not change what is stored of a message.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from typing import Any

from channels_app.words.text import tells_clearly
from conversations.models import Message

LOOKED_BACK = 20  # messages that tell a language


def last_words(conversation_id: uuid.UUID) -> list[Any]:
    """The person's last messages that tell some language, oldest first, each with what the contact speaks."""
    said = Message.objects.filter(conversation_id=conversation_id, role=Message.Role.VISITOR, deleted_at=None)
    facts = ("role", "language", "text", "content", "conversation__contact__language")
    return list(said.exclude(language="").order_by("-seq").values_list(*facts, named=True)[:LOOKED_BACK])[::-1]


def language_spoken(messages: Sequence[Any], languages: Collection[str]) -> str:
    """That of the last words which tell it, "" where none do. "AC-10042" and "Sim" are too short, and stand in the language
    before them, and so does a short line that may be of its neighbour ("No cancele mi pedido"), unless the next one tells the
    same, or its sender named the language. ``languages``: those of the tenant."""
    among, spoken, doubted = frozenset(languages), "", ""
    for message in messages:
        if not message.language or message.role != Message.Role.VISITOR or message.language == spoken:
            continue
        told = message.language
        named = message.content.get("language") == told
        if not spoken or named or told == doubted or tells_clearly(message.text, told, among):
            spoken, doubted = told, ""
        else:
            doubted = told
    return spoken
