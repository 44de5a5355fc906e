"""What people have decided about a tenant's versions, and the training they asked for. Must not train."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

from django.db import models

from assistant.models import TrainedModel
from tenants.storage.db import TenantModel
from tenants.work.leases import Leased


class TrainingLane(Leased, TenantModel):
    """One for a tenant. ``held`` answers instead of the newest version: ``pinned`` until it is released, else until examples
    and articles teach something else than ``instead_of`` (SHA-256, hex), which they taught when it was chosen.

    The rest tells of the training that was asked for last: ``percent`` of all of it, ``code`` why it failed, ``trained`` what
    came of it, ``against`` the version that it is compared with. ``tries`` are workers that began it.
    """

    class State(models.TextChoices):
        NONE = "none"
        QUEUED = "queued"
        RUNNING = "running"
        DONE = "done"
        FAILED = "failed"

    class Stage(models.TextChoices):
        LETTERS = "letters"
        MEANING = "meaning"
        MEASURING = "measuring"

    STATE: ClassVar[str] = "state"
    OPEN: ClassVar[Collection[Any]] = (State.QUEUED, State.RUNNING)
    RUNNING: ClassVar[Any] = State.RUNNING

    held = models.ForeignKey(TrainedModel, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    held_since = models.DateTimeField(null=True, blank=True)
    pinned = models.BooleanField(default=False)
    instead_of = models.CharField(max_length=64, blank=True)

    state = models.CharField(max_length=8, choices=State.choices, default=State.NONE)
    stage = models.CharField(max_length=10, choices=Stage.choices, blank=True)
    percent = models.PositiveSmallIntegerField(default=0)
    code = models.CharField(max_length=64, blank=True)
    tries = models.PositiveSmallIntegerField(default=0)
    asked_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)
    trained = models.ForeignKey(TrainedModel, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    against = models.ForeignKey(TrainedModel, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")

    class Meta:
        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["tenant"], name="training_lane_per_tenant")]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["state", "due_at"], name="training_lane_due")]

    def __str__(self) -> str:
        return str(self.held or "the newest")
