"""What people have decided about a tenant's versions. Must not train."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from assistant.models import TrainedModel
from tenants.storage.db import TenantModel


class TrainingLane(TenantModel):
    """One for a tenant. ``held`` answers instead of the newest version: ``pinned`` until it is released, else until examples
    and articles teach something else than ``instead_of`` (SHA-256, hex), which they taught when it was chosen."""

    held = models.ForeignKey(TrainedModel, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    held_since = models.DateTimeField(null=True, blank=True)
    pinned = models.BooleanField(default=False)
    instead_of = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["tenant"], name="training_lane_per_tenant")]

    def __str__(self) -> str:
        return str(self.held or "the newest")
