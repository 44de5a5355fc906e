"""What people asked and got no answer to, the like of each other together: what is worth an article.

Owns the notes (Unanswered), which hold no words: those are read from the messages, and gone with them. A question that an
article answers by now is listed no more.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from assistant.knowledge.search import known_of
from assistant.models import Unanswered, Vector
from assistant.vectors.rows import numbers_of
from conversations.models import Message
from tenants.scope import current_tenant_id
from tenants.storage import prepared
from tenants.storage.db import now

MOST_READ = 2_000  # notes, the newest
SAME = 0.6  # so alike are questions that are one
MOST_NAMED = 5  # messages of a question
NOTED = prepared.Select(Unanswered, lambda rows, message_id: rows.filter(message_id=message_id).values_list("id"))


@dataclass(frozen=True)
class Question:
    """``text``: as it was asked last; ``message_ids``: the last ones."""

    text: str
    language: str
    count: int
    last_at: datetime
    message_ids: tuple[uuid.UUID, ...]


def unanswered_note(message_id: uuid.UUID, conversation_id: uuid.UUID) -> None:
    """Within the transaction that answers the message: note that nothing answered it. Again is harmless."""
    if not NOTED.run(message_id=message_id):
        noted = Unanswered(tenant_id=current_tenant_id(), message_id=message_id, conversation_id=conversation_id)
        prepared.insert([noted])


def questions_unanswered(limit: int) -> list[Question]:
    """Of the tenant in scope, what was asked most often first; nothing that is like what staff dismissed. Raises StoreAway."""
    noted = _noted()
    groups, numbers = _together(noted)
    found = sorted(groups, key=lambda group: (-len(group), -group[0].created_at.timestamp()))
    questions: list[Question] = []
    for group in found:
        if len(questions) == limit:
            break
        if any(noted[row.id] for row in group):
            continue
        vector = numbers.get(group[0].id)
        if vector is None or not known_of(vector):
            named = tuple(row.id for row in group[:MOST_NAMED])
            questions.append(Question(group[0].text, group[0].language, len(group), group[0].created_at, named))
    return questions


def question_dismiss(message_id: uuid.UUID) -> int:
    """This question, and what stands together with it, is listed no more; how many messages that are. 0: it was not listed.
    Raises StoreAway."""
    groups, _ = _together(_noted())
    ids = next((ids for group in groups if message_id in (ids := [row.id for row in group])), [])
    done: int = Unanswered.objects.filter(message_id__in=ids, dismissed_at=None).update(dismissed_at=now())
    return done


def _noted() -> dict[uuid.UUID, datetime | None]:
    """Message → when it was dismissed, the newest first."""
    rows = Unanswered.objects.order_by("-created_at", "-id").values_list("message_id", "dismissed_at")
    return dict(rows[:MOST_READ])


def _together(noted: Collection[uuid.UUID]) -> tuple[list[list[Message]], dict[uuid.UUID, Any]]:
    rows = Message.objects.filter(id__in=noted, deleted_at=None).only("id", "text", "language", "created_at")
    said = {row.id: row for row in rows if row.text.strip()}
    numbers = numbers_of(Vector.Kind.MESSAGE, said)
    return _grouped([said[id] for id in noted if id in said], numbers), numbers


def _grouped(rows: Sequence[Message], numbers: Mapping[uuid.UUID, Any]) -> list[list[Message]]:
    """Each beside the question most like it, or by itself; what has no vector beside the same words."""
    import numpy as np

    groups: list[list[Message]] = []
    by_words: dict[str, list[Message]] = {}
    first = np.empty((len(rows), 0), np.float32)  # the vector of each group's first question
    places: list[int] = []
    for row in rows:
        words = " ".join(row.text.casefold().split())
        vector, group = numbers.get(row.id), by_words.get(words)
        if group is None and vector is not None and places:
            likeness = first[: len(places)] @ vector
            best = int(likeness.argmax())
            group = groups[places[best]] if likeness[best] >= SAME else None
        if group is None:
            group = []
            groups.append(group)
            if vector is not None:
                first = first if first.shape[1] else np.empty((len(rows), len(vector)), np.float32)
                first[len(places)] = vector
                places.append(len(groups) - 1)
        group.append(row)
        by_words.setdefault(words, group)
    return groups
