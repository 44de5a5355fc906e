"""What a tenant has taught its assistant: intents, knowledge, and how well each training did.

Owns the rows only. Must not train or answer: that is assistant/intents/training.py and assistant/builtin/engine.py.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from assistant.checks import check_responses, check_slots, check_texts
from tenants.storage.db import TenantModel, now


class Intent(TenantModel):
    """Something people want, taught by examples.

    ``responses`` are alternatives; each is a text, a content in JSON, or a list of these said one after the
    other. Text may hold ``{slot}`` or ``{slot|what to say without it}``; ``{name}`` and ``{bot}`` are known too.
    ``slots`` are asked for in their order before the reply (assistant/slots.py has the members). An intent
    with the name of a common one (assistant/intents/common.py) adds to it; when disabled, it switches it off.
    """

    name = models.SlugField(max_length=60)
    title = models.CharField(max_length=20, blank=True)  # what people read in "Did you mean …?"
    description = models.CharField(max_length=500, blank=True)
    examples = models.JSONField(default=list, blank=True, validators=[check_texts])
    responses = models.JSONField(default=list, blank=True, validators=[check_responses])
    slots = models.JSONField(default=list, blank=True, validators=[check_slots])
    enabled = models.BooleanField(default=True)
    handover = models.BooleanField(default=False)  # after the reply, a human takes over
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
    answer = models.TextField(max_length=4000)
    tags = models.JSONField(default=list, blank=True, validators=[check_texts])
    language = models.CharField(max_length=2, blank=True)  # ISO 639-1; "" suits all
    source_url = models.URLField(max_length=2048, blank=True)
    enabled = models.BooleanField(default=True)
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
    """What a training learnt, as NumPy arrays (assistant/intents/arrays.py): numbers, never code.

    Beside TrainedModel and not in it, so that a list of trainings does not carry them.
    """

    trained = models.OneToOneField(TrainedModel, on_delete=models.CASCADE, related_name="numbers")
    npz = models.BinaryField()

    def __str__(self) -> str:
        return f"{len(self.npz)} bytes"
