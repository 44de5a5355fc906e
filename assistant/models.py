"""What a tenant has taught its assistant: intents, knowledge, how well each training did; texts as vectors.

Owns the rows only. Must not train or answer: that is assistant/intents/learning/training.py and assistant/builtin/engine.py.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from assistant.checks import check_responses, check_slots, check_texts, check_translations
from assistant.llm_models import CachedAnswer, LanguageModel, ModelBudget, ModelUse, Provider
from tenants.storage.db import TenantModel, now
from tenants.work.leases import Leased

MOST_OF_ANSWER = 100_000  # characters of an article

__all__ = [
    "CachedAnswer",
    "EngineHealth",
    "Intent",
    "KnowledgeEntry",
    "LanguageModel",
    "LearntNumbers",
    "ModelBudget",
    "ModelUse",
    "Provider",
    "TrainedModel",
    "Translation",
]


class Intent(TenantModel):
    """Something people want, taught by examples.

    ``responses`` are alternatives; each is a text, a content in JSON, a list of these said one after the other, or
    {"messages": such a list, "language", "channels": kinds} for one language or some channels alone. Text may hold ``{slot}`` or ``{slot|what to say without it}``; ``{name}`` and ``{bot}`` are known too.
    ``slots`` are asked for in their order before the reply (assistant/slots.py has the members); ``translations`` say title
    and questions in further languages (assistant/checks.py). An intent
    with the name of a common one (assistant/intents/common.py) adds to it; when disabled, it switches it off.
    """

    name = models.SlugField(max_length=60)
    title = models.CharField(max_length=20, blank=True)  # what people read in "Did you mean …?"
    description = models.CharField(max_length=500, blank=True)
    examples = models.JSONField(default=list, blank=True, validators=[check_texts])
    responses = models.JSONField(default=list, blank=True, validators=[check_responses])
    slots = models.JSONField(default=list, blank=True, validators=[check_slots])
    translations = models.JSONField(default=dict, blank=True, validators=[check_translations])
    enabled = models.BooleanField(default=True)
    handover = models.BooleanField(default=False)  # after the reply, a human takes over
    confirm = models.BooleanField(default=False)  # the person is asked before: it has consequences
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "name"], name="intent_name_per_tenant")
        ]

    def __str__(self) -> str:
        return self.title or self.name


class KnowledgeEntry(TenantModel):
    """A fact in the words it is told in, found by its title, the ways to ask for it, its tags and its text."""

    title = models.CharField(max_length=200)
    questions = models.JSONField(default=list, blank=True, validators=[check_texts])
    answer = models.TextField(max_length=MOST_OF_ANSWER)
    tags = models.JSONField(default=list, blank=True, validators=[check_texts])
    language = models.CharField(max_length=2, blank=True)  # ISO 639-1; "" suits all
    source_url = models.URLField(max_length=2048, blank=True)
    enabled = models.BooleanField(default=True)
    checked_at = models.DateTimeField(default=now)  # when staff last found that it is still so
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes: ClassVar[list[Any]] = [models.Index(fields=["tenant", "updated_at"], name="knowledge_by_change")]
        verbose_name_plural = "knowledge entries"

    def __str__(self) -> str:
        return self.title


class TrainedModel(TenantModel):
    """One training: what it learnt from (by digest), how it did on examples held out, and who trains now."""

    version = models.PositiveIntegerField()
    examples_digest = models.CharField(max_length=64)  # SHA-256, hex
    state = models.JSONField(default=dict, blank=True)  # intents and counts of what was learnt from
    metrics = models.JSONField(default=dict, blank=True)  # assistant/builtin/evaluation.py
    trained_at = models.DateTimeField(default=now)
    training_until = models.DateTimeField(null=True, blank=True)  # the lease of the process that trains

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "version"], name="trained_version_per_tenant")
        ]

    def __str__(self) -> str:
        return f"version {self.version}"


class LearntNumbers(TenantModel):
    """What a training learnt, as NumPy arrays (assistant/intents/learning/arrays.py): numbers, never code.

    Beside TrainedModel and not in it, so that a list of trainings does not carry them.
    """

    trained = models.OneToOneField(TrainedModel, on_delete=models.CASCADE, related_name="numbers")
    npz = models.BinaryField()

    def __str__(self) -> str:
        return f"{len(self.npz)} bytes"


class Vector(TenantModel):
    """A text as numbers, for finding what is like it. Which text: ``kind``, ``ref_id`` and ``part``; of what it said then,
    ``digest``. Where another store keeps the numbers, ``numbers`` and ``signs`` are empty here, and the row tells that they
    are there. No foreign keys: rows of messages go in batches, and what hangs on them is looked for by none of these."""

    class Kind(models.TextChoices):
        MESSAGE = "message"
        ARTICLE = "article"

    model = models.CharField(max_length=60)  # whose numbers these are; those of another are never compared with them
    kind = models.CharField(max_length=8, choices=Kind)
    ref_id = models.UUIDField()  # the message, or the KnowledgeEntry
    part = models.PositiveIntegerField(default=0)  # of an article (assistant/knowledge/passages.py)
    conversation_id = models.UUIDField(null=True, blank=True)  # of a message
    digest = models.CharField(max_length=16)
    stored = models.BooleanField(default=False)  # False: the numbers have to be made, or made anew
    signs = models.BinaryField(default=b"")
    numbers = models.BinaryField(default=b"")

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "model", "kind", "ref_id", "part"], name="vector_once_per_text")
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["tenant", "model", "kind", "id"], name="vector_by_age"),
            models.Index(fields=["tenant", "conversation_id"], name="vector_by_conversation"),
            models.Index(fields=["tenant", "ref_id"], name="vector_by_ref"),
            models.Index(fields=["tenant"], condition=models.Q(stored=False), name="vector_to_make"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.ref_id}"


class VectorLane(Leased, TenantModel):
    """How far the vectors of a tenant are: one worker at a time makes them."""

    model = models.CharField(max_length=60)
    messages_to = models.DateTimeField(null=True, blank=True)  # when the last message was written that was looked at
    articles = models.CharField(max_length=64, blank=True)  # what the articles were when they were looked at

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "model"], name="vector_lane_per_tenant")
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["model", "due_at"], name="vector_lane_due")]

    def __str__(self) -> str:
        return f"{self.model} to {self.messages_to}"


class Unanswered(TenantModel):
    """A person's message that neither an intent nor the knowledge answered. What it said stands in the message alone.
    ``dismissed_at``: staff want to see this question, and the like of it, no more."""

    message_id = models.UUIDField()
    conversation_id = models.UUIDField()
    dismissed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "message_id"], name="unanswered_once_per_message")
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["tenant", "created_at"], name="unanswered_by_age"),
            models.Index(fields=["tenant", "conversation_id"], name="unanswered_by_talk"),
        ]

    def __str__(self) -> str:
        return str(self.message_id)


class Translation(TenantModel):
    """What a message says in another ``language`` (ISO 639-1), by ``model``; ``digest`` of the words that it translates. No
    foreign keys, as with Vector: it goes where the message's vectors go."""

    message_id = models.UUIDField()
    conversation_id = models.UUIDField()
    language = models.CharField(max_length=5)
    digest = models.CharField(max_length=16)
    text = models.TextField()
    model = models.CharField(max_length=181)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "message_id", "language"], name="translation_once")
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["tenant", "conversation_id"], name="translation_by_talk"),
        ]

    def __str__(self) -> str:
        return f"{self.message_id} {self.language}"


class EngineHealth(TenantModel):
    """Whether a tenant's people got answers of an engine lately; no row: always. ``ill_since``: the first fallback reply;
    None once it is well again, ``well_at``. ``looked_at``: until then the timeline was looked through for an answer."""

    ill_since = models.DateTimeField(null=True)
    failed_at = models.DateTimeField()  # the last time
    failures = models.PositiveIntegerField(default=0)  # since it is ill
    looked_at = models.DateTimeField()
    well_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["tenant"], name="engine_health_of_tenant")]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["ill_since"], name="engine_ill")]

    def __str__(self) -> str:
        return f"ill since {self.ill_since:%Y-%m-%d %H:%M}" if self.ill_since else "well"
