"""Messages and conversations like a given one, by what they mean.

Owns how the messages of a conversation stand for it. Must not decide who may see what is found: the caller names the
conversations where the reader may see some of them only.
"""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from assistant.models import Vector
from assistant.vectors.port import Only
from assistant.vectors.rows import digest_of, numbers_of, vectors_like
from conversations.models import Message

LEAST = 0.4  # what is less like it is not like it
MOST_READ = 50  # messages of a conversation, the last ones
SPEAK = 3  # of them stand for another conversation: those most like it
WIDER = 4  # times as many are looked for as are wanted: what was edited since falls out


@dataclass(frozen=True)
class LikeThis:
    """``id``: of the message, or the conversation; ``score``: 0 to 1."""

    id: uuid.UUID
    score: float


def messages_like(message: Message, limit: int, only: Collection[uuid.UUID] | None = None) -> list[LikeThis] | None:
    """Of the tenant in scope, best first; not of its own conversation. ``only``: of these conversations. None: no vector
    of the message is there (yet). Raises StoreAway."""
    numbers = numbers_of(Vector.Kind.MESSAGE, [message.id]).get(message.id)
    if numbers is None:
        return None
    found = _found(numbers, limit * WIDER, Only(only, message.conversation_id))
    return [LikeThis(ref_id, score) for ref_id, _, score in found[:limit]]


def conversations_like(
    conversation_id: uuid.UUID, limit: int, only: Collection[uuid.UUID] | None = None
) -> list[LikeThis] | None:
    """The same of conversations, by what people and staff wrote in them."""
    said = Message.objects.filter(conversation_id=conversation_id, deleted_at=None).order_by("-seq")
    numbers = list(numbers_of(Vector.Kind.MESSAGE, said.values_list("id", flat=True)[:MOST_READ]).values())
    if not numbers:
        return None
    middle = sum(numbers[1:], numbers[0])
    middle = middle / max(float((middle @ middle) ** 0.5), 1e-6)
    talks: dict[uuid.UUID, list[float]] = defaultdict(list)
    for _, talk, score in _found(middle, limit * WIDER * SPEAK, Only(only, conversation_id)):
        talks[talk].append(score)
    best = [LikeThis(talk, sum(scores[:SPEAK]) / min(SPEAK, len(scores))) for talk, scores in talks.items()]
    return sorted(best, key=lambda one: (-one.score, one.id))[:limit]


def _found(numbers: Any, most: int, only: Only) -> list[tuple[uuid.UUID, uuid.UUID, float]]:
    """Message, conversation and score; of messages that say still what they said, in conversations with people."""
    likes = [one for one in vectors_like(Vector.Kind.MESSAGE, numbers, most, only) if one.score >= LEAST]
    rows = Message.objects.filter(id__in=[one.ref_id for one in likes], deleted_at=None, conversation__kind="chat")
    said = {row_id: (text, talk) for row_id, text, talk in rows.values_list("id", "text", "conversation_id")}
    return [
        (one.ref_id, said[one.ref_id][1], round(min(1.0, one.score), 4))
        for one in likes
        if one.ref_id in said and digest_of(said[one.ref_id][0]) == one.digest
    ]
