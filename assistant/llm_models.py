"""Which language models a tenant may ask, and who provides them (AI-5).

Owns the rows only. Must not ask any: that is assistant/llm/.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from assistant.checks import check_capabilities, check_model_defaults, check_names
from tenants.storage.crypto import EncryptedJSONField
from tenants.storage.db import TenantModel

MOST_USD = 100_000  # per million tokens


class Provider(TenantModel):
    """A server that serves language models, with the tenant's key for it.

    ``base_url``: "" is the provider's own address. The switches say what a compatible server understands;
    ``requests_per_minute`` 0: as many as come.
    """

    class Kind(models.TextChoices):
        OPENAI = "openai", "OpenAI"
        ANTHROPIC = "anthropic"
        COMPATIBLE = "compatible", "Compatible server"  # speaks OpenAI's chat completions

    class MaxTokensField(models.TextChoices):
        NEW = "max_completion_tokens"
        OLD = "max_tokens"

    class SystemRole(models.TextChoices):
        SYSTEM = "system"
        DEVELOPER = "developer"

    class JsonMode(models.TextChoices):
        SCHEMA = "json_schema"
        OBJECT = "json_object"
        NONE = "none"  # it is asked for in words

    name = models.SlugField(max_length=60)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    base_url = models.CharField(max_length=500, blank=True)
    key: Any = EncryptedJSONField(default=str, blank=True)  # text; "" where the server wants none
    max_tokens_field = models.CharField(max_length=24, choices=MaxTokensField.choices, default=MaxTokensField.NEW)
    system_role = models.CharField(max_length=12, choices=SystemRole.choices, default=SystemRole.SYSTEM)
    json_mode = models.CharField(max_length=12, choices=JsonMode.choices, default=JsonMode.SCHEMA)
    supports_usage_stream = models.BooleanField(default=True)
    supports_tools = models.BooleanField(default=True)
    requests_per_minute = models.PositiveIntegerField(default=0, validators=[MaxValueValidator(1_000_000)])
    enabled = models.BooleanField(default=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "name"], name="provider_name_per_tenant")
        ]

    def __str__(self) -> str:
        return self.name


class LanguageModel(TenantModel):
    """A model of a provider, and when it is asked.

    ``name`` is the provider's id of it. ``capabilities`` are among CAPABILITIES (assistant/checks.py). Prices are USD per
    million tokens. ``strength`` 1 to 3: how hard a question it is meant for. ``intents``, ``languages`` and ``purposes``
    name what alone it is asked for; empty: everything. Among those that fit, the cheaper comes first, unless ``rank``,
    the lower the sooner, says otherwise. ``defaults``: ``temperature`` (0 to 2) and ``max_tokens`` of an answer.
    """

    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, related_name="models")
    name = models.CharField(max_length=120)
    capabilities = models.JSONField(default=list, blank=True, validators=[check_capabilities])
    context_tokens = models.PositiveIntegerField(
        default=8192, validators=[MinValueValidator(256), MaxValueValidator(100_000_000)]
    )
    input_usd = models.FloatField(default=0, validators=[MinValueValidator(0), MaxValueValidator(MOST_USD)])
    output_usd = models.FloatField(default=0, validators=[MinValueValidator(0), MaxValueValidator(MOST_USD)])
    defaults = models.JSONField(default=dict, blank=True, validators=[check_model_defaults])
    strength = models.PositiveSmallIntegerField(default=2, validators=[MinValueValidator(1), MaxValueValidator(3)])
    intents = models.JSONField(default=list, blank=True, validators=[check_names])
    languages = models.JSONField(default=list, blank=True, validators=[check_names])
    purposes = models.JSONField(default=list, blank=True, validators=[check_names])
    rank = models.PositiveSmallIntegerField(default=100, validators=[MaxValueValidator(1000)])
    enabled = models.BooleanField(default=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["provider", "name"], name="model_name_per_provider")
        ]

    def __str__(self) -> str:
        return self.name


class ModelBudget(TenantModel):
    """What a tenant's questions to models cost on a day (UTC): the sum that its limits are held against. ``spent_micros``
    are millionths of a US dollar, with what is set aside for questions that are being asked; ``soft_told``, ``hard_told``:
    staff were told that the limit is reached."""

    day = models.DateField()
    spent_micros = models.BigIntegerField(default=0)
    soft_told = models.BooleanField(default=False)
    hard_told = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "day"], name="model_budget_once_per_day")
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.spent_micros}"


class CachedAnswer(TenantModel):
    """What a model answered to a person's question, until ``expires_at``. ``digest`` is of all that it was asked with;
    ``answer`` {"text"}. It goes with the contact, whether that is erased or becomes another one's."""

    contact = models.ForeignKey("conversations.Contact", on_delete=models.CASCADE, related_name="+")
    digest = models.CharField(max_length=64)
    answer: Any = EncryptedJSONField(default=dict)
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "contact", "digest"], name="cached_answer_once")
        ]

    def __str__(self) -> str:
        return self.digest


class ModelUse(TenantModel):
    """How often a model (``provider/name``) was asked on a day (UTC), and what that took."""

    day = models.DateField()
    model = models.CharField(max_length=181)
    questions = models.PositiveBigIntegerField(default=0)  # that were answered
    failures = models.PositiveBigIntegerField(default=0)
    input_tokens = models.PositiveBigIntegerField(default=0)
    output_tokens = models.PositiveBigIntegerField(default=0)
    cost_micros = models.PositiveBigIntegerField(default=0)
    latency_ms = models.PositiveBigIntegerField(default=0)  # of all answers together

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "day", "model"], name="model_use_once_per_day")
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.model}"
