"""What people asked and got no answer to, the like of each other together: what is worth an article.

Owns the notes (Unanswered), which hold no words: those are read from the messages, and gone with them. A question that an
article answers by now is listed no more. What is asked in two languages stands apart, for an article is in one.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from assistant.knowledge.search import LETTERS, is_answered
from assistant.models import Unanswered, Vector
from assistant.vectors import texts
from assistant.vectors.rows import numbers_of
from conversations.models import Message
from tenants.scope import current_tenant_id
from tenants.storage import prepared
from tenants.storage.db import now
from tenants.tenant_settings import settings_for

MOST_READ = 2_000  # notes, the newest
SAME = 0.5  # so alike are the wordings of one question, in the middle of all pairs
MOST_NAMED = 5  # messages and wordings of a question
FOUND_LATER = timedelta(minutes=1)  # so long an article may be there and not be found yet
NOTED = prepared.Select(Unanswered, lambda rows, message_id: rows.filter(message_id=message_id).values_list("id"))


@dataclass(frozen=True)
class Question:
    """``text``: as it was asked last; ``texts``: the ways in which it was asked, that one first; ``message_ids``: the last ones."""

    text: str
    texts: tuple[str, ...]
    language: str
    count: int
    last_at: datetime
    message_ids: tuple[uuid.UUID, ...]


@dataclass
class _Group:
    """Messages that ask the same, the newest first. ``total``: the sum of the vectors of ``weight`` of them."""

    rows: list[Message] = field(default_factory=list)
    total: Any = None
    weight: int = 0

    def take(self, row: Message, vector: Any) -> None:
        self.rows.append(row)
        if vector is not None:
            self.total = vector.copy() if self.total is None else self.total + vector
            self.weight += 1

    def join(self, other: _Group) -> None:
        self.rows = sorted((*self.rows, *other.rows), key=lambda row: (row.created_at, row.id), reverse=True)
        self.total, self.weight = self.total + other.total, self.weight + other.weight


def unanswered_note(message_id: uuid.UUID, conversation_id: uuid.UUID) -> None:
    """Within the transaction that answers the message: note that nothing answered it. Again is harmless."""
    if not NOTED.run(message_id=message_id):
        noted = Unanswered(tenant_id=current_tenant_id(), message_id=message_id, conversation_id=conversation_id)
        prepared.insert([noted])


def questions_unanswered(limit: int) -> list[Question]:
    """Of the tenant in scope, what was asked most often first; nothing that is like what staff dismissed. Raises StoreAway."""
    noted = _noted()
    groups, numbers = _together(noted)
    questions: list[Question] = []
    for group in sorted(groups, key=lambda group: (-len(group), -group[0].created_at.timestamp())):
        if len(questions) == limit:
            break
        if not any(noted[row.id] for row in group) and not _is_answered(group[0], numbers):
            questions.append(_question(group))
    return questions


def _is_answered(last: Message, numbers: Mapping[uuid.UUID, Any]) -> bool:
    known = settings_for(current_tenant_id()).assistant.get("known", LETTERS)
    return is_answered(last.text, last.language, numbers.get(last.id), known, last.created_at - FOUND_LATER)


def _question(group: Sequence[Message]) -> Question:
    last, wordings = group[0], {_words(row): row.text for row in reversed(group)}
    ways = tuple(reversed(wordings.values()))[:MOST_NAMED]
    named = tuple(row.id for row in group[:MOST_NAMED])
    return Question(last.text, ways, last.language, len(group), last.created_at, named)


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
    apart: dict[str, list[Message]] = {}
    for row in (said[id] for id in noted if id in said):
        apart.setdefault(_tongue(row), []).append(row)
    return [group.rows for rows in apart.values() for group in _grouped(rows, numbers)], numbers


def _grouped(rows: Sequence[Message], numbers: Mapping[uuid.UUID, Any]) -> list[_Group]:
    """Each beside the question most like it, or by itself; then questions that came to be alike. What has no vector stands
    beside the same words."""
    groups: list[_Group] = []
    by_words: dict[str, _Group] = {}
    sums = _Sums(len(rows))
    for row in rows:
        words, vector = _words(row), numbers.get(row.id)
        group = by_words.get(words) or sums.nearest(vector, 1)
        if group is None:
            groups.append(group := _Group())
        group.take(row, vector)
        sums.put(group)
        by_words.setdefault(words, group)
    for group in reversed(groups):  # the youngest begin: they have had the fewest to stand beside
        sums.drop(group)
        beside = sums.nearest(group.total, group.weight)
        if beside:
            beside.join(group)
            group.rows = []
        sums.put(beside or group)
    return [group for group in groups if group.rows]


class _Sums:
    """The groups that have vectors, as rows of one matrix."""

    def __init__(self, most: int):
        import numpy as np

        self._groups: list[_Group] = []
        self._places: dict[int, int] = {}
        self._middles = np.zeros((most, texts.WIDTH), np.float32)

    def put(self, group: _Group) -> None:
        if group.total is None:
            return
        place = self._places.setdefault(id(group), len(self._groups))
        if place == len(self._groups):
            self._groups.append(group)
        self._middles[place] = group.total / group.weight

    def drop(self, group: _Group) -> None:
        if id(group) in self._places:
            self._middles[self._places[id(group)]] = 0.0

    def nearest(self, total: Any, weight: int) -> _Group | None:
        """The one whose messages are most like these in the middle, if they are alike."""
        if total is None or not self._groups:
            return None
        likeness = self._middles[: len(self._groups)] @ (total / weight)
        best = int(likeness.argmax())
        return self._groups[best] if likeness[best] >= SAME else None


def _words(row: Message) -> str:
    return " ".join(row.text.casefold().split()).strip(" ?!.…¿¡")


def _tongue(row: Message) -> str:
    return str(row.language or "").split("-")[0]
