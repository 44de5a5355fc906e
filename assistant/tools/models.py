"""What a tenant lets its assistant call."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.validators import RegexValidator
from django.db import models

from tenants.storage.crypto import EncryptedJSONField
from tenants.storage.db import TenantModel, now

NAME = r"^[a-z][a-z0-9_]{0,59}$"
MOST = 32  # tools of a tenant; a model is shown all of them, beside ours


class Tool(TenantModel):
    """One tool of the tenant's list; nothing that is not in it can be called.

    ``schema`` is the JSON Schema of its arguments as it was when the tool was allowed: what a server says of itself later
    changes nothing. ``changes``: it changes something, and so needs the person's yes. ``secret`` is ``whsec_…``, which signs
    calls by HTTP, or the token that an MCP server asks for. ``remote``: its name at the MCP server.
    """

    class Kind(models.TextChoices):
        HTTP = "http", "HTTP call"
        MCP = "mcp", "MCP server"

    name = models.CharField(max_length=60, validators=[RegexValidator(NAME)])
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.HTTP)
    title = models.CharField(max_length=80)  # what people read before they say yes
    description = models.CharField(max_length=1000)  # what the model reads
    schema = models.JSONField(default=dict)
    url = models.CharField(max_length=2048)
    remote = models.CharField(max_length=128, blank=True)
    secret = EncryptedJSONField(default=str)
    changes = models.BooleanField(default=True)
    enabled = models.BooleanField(default=True)
    timeout_s = models.PositiveSmallIntegerField(default=5)
    created_at = models.DateTimeField(default=now)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "name"], name="tool_name_per_tenant")
        ]

    def __str__(self) -> str:
        return self.name


class AgreedCall(TenantModel):
    """One call that changes something, which a person said yes to: there before it is made, so that it is made once.

    ``mark`` names the question that they answered. ``outcome`` is the code of what came of it, "" until that is known;
    ``answer`` what the tool said; ``unsure``: the request went out, and it is unknown whether it was obeyed.
    """

    conversation_id = models.UUIDField()
    mark = models.CharField(max_length=32)
    tool = models.CharField(max_length=60)
    outcome = models.CharField(max_length=64, blank=True)
    answer = EncryptedJSONField(default=str, blank=True)
    unsure = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "conversation_id", "mark"], name="agreed_call_once")
        ]

    def __str__(self) -> str:
        return f"{self.tool}: {self.outcome or 'claimed'}"
