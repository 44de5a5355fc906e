"""A tenant's system prompts: every version that was written, and which one holds."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from tenants.storage.db import TenantModel, now

LONGEST = 8000  # characters


class SystemPrompt(TenantModel):
    """One version; its text never changes. The one that was activated last holds: to roll back is to activate an older one."""

    version = models.PositiveIntegerField()
    text = models.TextField(max_length=LONGEST)
    note = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(default=now)
    activated_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "version"], name="prompt_version_per_tenant")
        ]

    def __str__(self) -> str:
        return f"version {self.version}"
