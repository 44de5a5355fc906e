"""Channel: a tenant's connected account of one kind, and its templates. Rows only."""

from __future__ import annotations

import secrets
from copy import deepcopy
from typing import Any, ClassVar

from django.db import models
from pydantic import ValidationError

from channels_app.adapters.base import Adapter
from channels_app.adapters.config import narrowed
from channels_app.content.types import Capabilities
from channels_app.registry import adapter_for
from tenants.errors import Unavailable
from tenants.storage.crypto import EncryptedJSONField
from tenants.storage.db import Model, TenantModel, now
from tenants.tenant_settings import settings_for


def new_key() -> str:
    """The public part of a channel's addresses: unguessable, but not a credential."""
    return secrets.token_urlsafe(15).replace("-", "x").replace("_", "y")


class IncompleteChannel(Unavailable):
    """503: what is stored of a channel no longer holds, or was changed past its form. Its owner saves it again."""

    code = "invalid_channel"


class Channel(TenantModel):
    """A connected account. ``config`` is open, ``secrets`` encrypted; both make up the adapter's
    config_class and are validated when saved (channels_app/services.py)."""

    kind = models.CharField(max_length=20)
    name = models.CharField(max_length=100)
    key = models.CharField(max_length=40, unique=True, default=new_key)
    enabled = models.BooleanField(default=True)
    config = models.JSONField(default=dict, blank=True)
    secrets: Any = EncryptedJSONField(default=dict, blank=True)
    rate_per_second = models.FloatField(null=True, blank=True, help_text="Empty: the platform's own limit")
    ip_allow_list = models.JSONField(
        default=list, blank=True, help_text="Networks that may call the webhook; empty: all"
    )
    disconnected_at = models.DateTimeField(null=True, blank=True, editable=False)  # for good; its transcripts stay
    cleared_at = models.DateTimeField(null=True, blank=True, editable=False)  # and nothing of it is left to do
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        indexes: ClassVar[list[Any]] = [models.Index(fields=["tenant", "kind"], name="channel_by_kind")]

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})"

    @property
    def adapter(self) -> Adapter:
        return adapter_for(self.kind)

    @property
    def capabilities(self) -> Capabilities:
        """What this channel can show: what its kind can, as far as its tenant and its own settings want it."""
        caps, wanted = narrowed(self.adapter.capabilities, self.config), settings_for(self.tenant_id).features
        if wanted.typing and wanted.read_marks:
            return caps
        return caps.model_copy(
            update={"typing": caps.typing and wanted.typing, "read_marks": caps.read_marks and wanted.read_marks}
        )

    def adapter_config(self) -> Any:
        """The adapter's frozen config object. Raises IncompleteChannel when what is stored does not hold (any more)."""
        given = {**self.config, **self.secrets}
        known, read = vars(self).get("_config_read", (None, None))
        if known == (self.kind, given):
            return read
        try:
            read = self.adapter.config_class.model_validate(given)
        except ValidationError as error:
            fields = sorted({str(problem["loc"][0]) for problem in error.errors() if problem["loc"]})
            raise IncompleteChannel(f"The channel's configuration is not complete: {', '.join(fields)}.") from error
        self._config_read = (
            (self.kind, deepcopy(given)),
            read,
        )  # the instance that is remembered is asked by every message
        return read


class ChannelHealth(Model):
    """How a channel fares: the circuit breaker and the hold, shared by all workers.

    While ``held_until`` lies ahead nothing is sent and no attempt is used up.
    """

    class State(models.TextChoices):
        UNCHECKED = "unchecked"  # nothing has proved yet, or lately, that it works
        HEALTHY = "healthy"
        DEGRADED = "degraded"
        CREDENTIAL_REFUSED = "credential_refused"
        SILENT = "silent"

    channel = models.OneToOneField(Channel, on_delete=models.CASCADE, related_name="health")
    state = models.CharField(max_length=20, choices=State, default=State.UNCHECKED)
    failures = models.PositiveIntegerField(default=0)  # in a row
    held_until = models.DateTimeField(null=True, blank=True)
    noticed_until = models.DateTimeField(null=True, blank=True)  # the platform told what no check sees
    reason = models.CharField(max_length=300, blank=True)
    checked_at = models.DateTimeField(null=True, blank=True)
    last_inbound_at = models.DateTimeField(null=True, blank=True)  # to the minute
    state_since = models.DateTimeField(default=now)

    class Meta:
        verbose_name_plural = "channel health"

    def __str__(self) -> str:
        return self.state


class ChannelIncident(TenantModel):
    """A stretch of time in which a channel was not healthy; at most one is open per channel."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="incidents")
    state = models.CharField(max_length=20, choices=ChannelHealth.State)
    reason = models.CharField(max_length=300, blank=True)
    is_open = models.BooleanField(default=True)  # a column because constraints need one
    closed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["channel"], condition=models.Q(is_open=True), name="one_open_incident")
        ]

    def __str__(self) -> str:
        return f"{self.state.replace('_', ' ')} since {self.created_at:%Y-%m-%d %H:%M}"


class MessageTemplate(TenantModel):
    """A reusable message (MSG-6), the tenant's own (no channel) or one approved by a channel's platform.

    ``variants``: language → {"content": Content, "defaults": {variable: text}, "external": {…}}, the
    texts with ``{{variable}}``; ``external`` holds what the platform says: id, status, parameters.
    """

    name = models.CharField(max_length=512)
    channel = models.ForeignKey(Channel, null=True, blank=True, on_delete=models.CASCADE, related_name="templates")
    category = models.CharField(max_length=20, blank=True)  # the platform's: utility, marketing, authentication
    variants = models.JSONField(default=dict)
    synced_at = models.DateTimeField(null=True, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "channel", "name"], name="template_name_per_channel")
        ]

    def __str__(self) -> str:
        return self.name
