"""Sites whose pages are brought in as articles. Must not read them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, ClassVar

from django.db import models

from tenants.storage.db import TenantModel
from tenants.work.leases import Leased


class Site(Leased, TenantModel):
    """A sitemap; ``url`` is its address. ``code``: why it could not be read. ``left_out``: pages beyond the bound."""

    class State(models.TextChoices):
        WAITING = "waiting"
        READING = "reading"
        DONE = "done"
        FAILED = "failed"

    STATE: ClassVar[str] = "state"
    OPEN: ClassVar[Collection[Any]] = (State.WAITING, State.READING)

    url = models.CharField(max_length=2048, verbose_name="address of the sitemap")
    language = models.CharField(max_length=2, blank=True)  # of pages that do not say it
    state = models.CharField(max_length=10, choices=State.choices, default=State.WAITING)
    code = models.CharField(max_length=64, blank=True)
    left_out = models.PositiveIntegerField(default=0)
    read_at = models.DateTimeField(null=True, blank=True)  # to the end, last

    class Meta:
        indexes: ClassVar[list[Any]] = [models.Index(fields=["state", "due_at"], name="site_due")]

    def __str__(self) -> str:
        return self.url


class SitePage(TenantModel):
    """One page, and what became of it when the site was read last.

    ``modified``: the date that the sitemap told of what was read; ``digest``: of the article that the page gave; ``code``: why
    it was refused, and of one that waits "gone" or "noindex" where its article was switched off.
    """

    class Status(models.TextChoices):
        WAITING = "waiting"
        READING = "reading"
        CREATED = "created"
        UPDATED = "updated"
        UNCHANGED = "unchanged"
        REFUSED = "refused"
        GONE = "gone"

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="pages")
    url = models.CharField(max_length=2048)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    code = models.CharField(max_length=64, blank=True)
    modified = models.CharField(max_length=40, blank=True)
    digest = models.CharField(max_length=64, blank=True)
    article_id = models.UUIDField(null=True, blank=True)

    class Meta:
        indexes: ClassVar[list[Any]] = [models.Index(fields=["tenant", "site", "id"], name="site_pages")]

    def __str__(self) -> str:
        return self.url
