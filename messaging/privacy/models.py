"""Exports and erasures, what keeps the erased from being brought in again, and legal holds. Rows only. Loaded by
messaging/apps.py."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models

from tenants.storage.db import TenantModel, now
from tenants.work.leases import Leased


class Erasure(Leased, TenantModel):
    """An erasure and, once it is done, its record: ids and counts, nothing of the person. ``due_at``: when it goes on."""

    class Status(models.TextChoices):
        RUNNING = "running"
        DONE = "done"

    STATE: ClassVar[str] = "status"
    OPEN = (Status.RUNNING,)

    contact_id = models.UUIDField()
    requested_by = models.CharField(max_length=200)  # as in the audit trail
    status = models.CharField(max_length=7, choices=Status, default=Status.RUNNING)
    table = models.CharField(max_length=60, blank=True)  # being emptied
    counts = models.JSONField(default=dict)  # table → rows removed so far; "files"
    detached_at = models.DateTimeField(null=True, blank=True)  # from then on the person's ids lead to nothing old
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "chat_deletion_logs"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "contact_id"], name="erasure_once_per_contact")
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["status", "due_at"], name="erasure_due"),
            models.Index(fields=["tenant", "created_at", "id"], name="erasure_walk"),
        ]

    def __str__(self) -> str:
        return f"Erasure of {self.contact_id}, {self.status}"


class Export(Leased, TenantModel):
    """An export and, once its file is gone, its record: ids and counts, nothing of the person. ``due_at``: when it goes
    on. ``place``: how far it is, and the parts that are written (messaging/privacy/export/job.py)."""

    class Status(models.TextChoices):
        RUNNING = "running"
        READY = "ready"
        FAILED = "failed"
        EXPIRED = "expired"  # its file is gone
        ERASED = "erased"  # with the person

    STATE: ClassVar[str] = "status"
    OPEN = (Status.RUNNING,)

    contact_id = models.UUIDField()
    requested_by = models.CharField(max_length=200)  # as in the audit trail
    status = models.CharField(max_length=7, choices=Status, default=Status.RUNNING)
    table = models.CharField(max_length=60, blank=True)  # being written
    total = models.PositiveBigIntegerField(
        null=True, blank=True
    )  # rows there were when it began; None: not counted yet
    counts = models.JSONField(default=dict)  # table → rows written so far; "files"
    place = models.JSONField(default=dict, editable=False)
    failures = models.PositiveSmallIntegerField(default=0)  # in a row
    reason = models.CharField(max_length=60, blank=True)  # of the last failure
    size = models.PositiveBigIntegerField(null=True, blank=True)  # bytes of the file
    sha256 = models.CharField(max_length=64, blank=True)
    downloads = models.PositiveIntegerField(default=0)
    downloaded_at = models.DateTimeField(null=True, blank=True)  # the last time
    expires_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        db_table = "chat_export_logs"
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["status", "due_at"], name="export_due"),
            models.Index(fields=["tenant", "contact_id", "id"], name="export_by_contact"),
            models.Index(fields=["tenant", "created_at", "id"], name="export_walk"),
        ]

    @property
    def progress(self) -> int:
        """Per cent; the whole only when the file is there."""
        if self.status in (self.Status.READY, self.Status.EXPIRED):
            return 100
        return min(99, 100 * sum(self.counts.values()) // self.total) if self.total else 0

    def __str__(self) -> str:
        return f"Export of {self.contact_id}, {self.status}"


class Tombstone(TenantModel):
    """That a person with this id was erased: a keyed hash, from which the id cannot be told."""

    digest = models.CharField(max_length=64)
    at = models.DateTimeField(default=now)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "digest"], name="tombstone_once_per_id")
        ]

    def __str__(self) -> str:
        return f"Tombstone of {self.at:%Y-%m-%d %H:%M}"


class LegalHold(TenantModel):
    """As long as it is not lifted nothing of the contact is erased. ``reason``: of the case, never of the person."""

    contact_id = models.UUIDField()
    reason = models.CharField(max_length=200)
    by = models.CharField(max_length=200)  # as in the audit trail
    lifted_at = models.DateTimeField(null=True, blank=True)
    lifted_by = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes: ClassVar[list[Any]] = [models.Index(fields=["tenant", "contact_id"], name="hold_by_contact")]

    def __str__(self) -> str:
        return f"Hold of {self.created_at:%Y-%m-%d}, {'lifted' if self.lifted_at else 'in force'}"
