"""What staff think of the assistant's answers: good, or not. A list from which questions of an evaluation set are made.

Owns the marks, which hold no words: those are read from the messages, and gone with them. Must not judge by itself.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db import IntegrityError
from django.db.models import Q

from assistant.evaluations.models import AnswerMark
from conversations.models import Message
from tenants.errors import Unprocessable
from tenants.storage.db import atomic, key_taken, now


@dataclass(frozen=True)
class Judged:
    """``question``: the person's words that the answer was given to; None where they are gone."""

    mark: AnswerMark
    answer: Message
    question: Message | None


def answer_mark(message: Message, good: bool | None, by: uuid.UUID) -> None:
    """What a member of staff thinks of an answer; None takes it back. The last one counts. Raises Unprocessable
    ``no_answer_of_the_assistant``."""
    if message.role != Message.Role.BOT or message.deleted_at:
        raise Unprocessable("Only answers of the assistant are judged.", code="no_answer_of_the_assistant")
    there = AnswerMark.objects.filter(message_id=message.id)
    if good is None:
        there.delete()
        return
    facts = {"good": good, "by": by, "marked_at": now()}
    if there.update(**facts):
        return
    try:
        with atomic():
            AnswerMark.objects.create(
                tenant_id=message.tenant_id, message_id=message.id, conversation_id=message.conversation_id, **facts
            )
    except IntegrityError as error:  # two colleagues at the same moment
        if not key_taken(error):
            raise
        there.update(**facts)


def mark_remove(message_id: uuid.UUID) -> bool:
    """Whether there was one."""
    removed, _ = AnswerMark.objects.filter(message_id=message_id).delete()
    return bool(removed)


def marks_of(message_ids: Collection[uuid.UUID]) -> dict[uuid.UUID, bool]:
    """Message → whether its answer was good, of those that were judged. One statement, none for none."""
    if not message_ids:
        return {}
    return dict(AnswerMark.objects.filter(message_id__in=list(message_ids)).values_list("message_id", "good"))


def answers_judged(
    limit: int, *, good: bool | None = None, behind: uuid.UUID | None = None
) -> tuple[list[Judged], uuid.UUID | None]:
    """Of the tenant in scope, the newest first, ``behind`` the mark of that id; what was deleted or erased since is not there.
    And the id to go on behind, None where there are no more."""
    rows = AnswerMark.objects.order_by("-marked_at", "-id")
    rows = rows if good is None else rows.filter(good=good)
    if last := AnswerMark.objects.filter(id=behind).first() if behind else None:
        rows = rows.filter(Q(marked_at__lt=last.marked_at) | Q(marked_at=last.marked_at, id__lt=last.id))
    marks = list(rows[: limit + 1])
    return judged_of(marks[:limit]), marks[limit - 1].id if len(marks) > limit else None


def judged_of(marks: Sequence[AnswerMark]) -> list[Judged]:
    """With their answers and questions, in the same order; what was deleted or erased since is not there. Two statements."""
    answers = _messages([mark.message_id for mark in marks])
    questions = _messages([row.reply_to for row in answers.values() if row.reply_to])
    return [
        Judged(mark, answer, questions.get(answer.reply_to) if answer.reply_to else None)
        for mark in marks
        if (answer := answers.get(mark.message_id))
    ]


def _messages(ids: Collection[uuid.UUID]) -> dict[uuid.UUID, Message]:
    return {row.id: row for row in Message.objects.filter(id__in=list(ids), deleted_at=None)} if ids else {}
