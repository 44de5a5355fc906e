"""Questions that staff wrote down with what a good answer has, and what they think of answers. Must not ask an engine."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from assistant.checks import check_texts
from tenants.storage.db import TenantModel, now


class EvaluationCase(TenantModel):
    """A question, and what is expected of its answer; what is empty is not looked at.

    ``name`` of the set it belongs to; ``intent`` by name; ``facts`` are words that must all stand in the answer, whatever
    their case and accents; ``source``: title, address or id of what must be cited. Written by staff: words of people do not
    belong here.
    """

    name = models.SlugField(max_length=60, default="main", verbose_name="set")
    question = models.CharField(max_length=1000)
    language = models.CharField(max_length=5, blank=True)  # "" suits all
    intent = models.CharField(max_length=60, blank=True)
    facts = models.JSONField(default=list, blank=True, validators=[check_texts])
    source = models.CharField(max_length=500, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes: ClassVar[list[Any]] = [models.Index(fields=["tenant", "name", "id"], name="evaluation_set")]
        verbose_name = "evaluation question"

    def __str__(self) -> str:
        return self.question[:60]


class AnswerMark(TenantModel):
    """What a member of staff (``by``) thinks of an answer of the assistant. No foreign keys and no words, as with Unanswered."""

    message_id = models.UUIDField()
    conversation_id = models.UUIDField()
    good = models.BooleanField()
    by = models.UUIDField()
    marked_at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "message_id"], name="answer_mark_once")
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["tenant", "marked_at"], name="answer_mark_by_age"),
            models.Index(fields=["tenant", "conversation_id"], name="answer_mark_by_talk"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} {'good' if self.good else 'bad'}"
