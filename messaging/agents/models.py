"""What staff keep about their work: labels, mentions, canned replies, saved filters. Rows only.

Loaded by messaging/apps.py.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.validators import RegexValidator
from django.db import models

from conversations.models import Conversation, Message, Note
from tenants.models import User
from tenants.storage.db import TenantModel, now
from tenants.work.leases import Work

SHORTCUT = r"^[a-z0-9][a-z0-9_-]{0,39}$"


class Label(TenantModel):
    """A mark that staff put on conversations. ``color``: of COLORS, which the console knows how to show."""

    COLORS = ("gray", "red", "orange", "yellow", "green", "teal", "blue", "purple", "pink")

    name = models.CharField(max_length=40)
    color = models.CharField(max_length=10, default="gray", choices=[(name, name.title()) for name in COLORS])

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "name"], name="label_name_per_tenant")
        ]

    def __str__(self) -> str:
        return self.name


class Labelled(TenantModel):
    """A conversation has a label."""

    label = models.ForeignKey(Label, on_delete=models.CASCADE, related_name="uses")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="labelled")

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["conversation", "label"], name="label_once_per_conversation")
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["label", "conversation"], name="labelled_by_label")]

    def __str__(self) -> str:
        return str(self.label)


class Mention(TenantModel):
    """A colleague named a member of staff in notes on a conversation; the last ``note`` that did."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="mentions")
    note = models.ForeignKey(Note, on_delete=models.CASCADE, related_name="+")
    at = models.DateTimeField(default=now)
    seen_at = models.DateTimeField(null=True, blank=True)  # None: unread

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["conversation", "user"], name="mention_once_per_conversation")
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["user", "seen_at", "id"], name="mention_unread")]

    def __str__(self) -> str:
        return f"@{self.user}"


class CannedReply(TenantModel):
    """Words that staff say often: ``/shortcut`` in the reply box. ``{{variables}}`` stand in its texts."""

    shortcut = models.CharField(
        max_length=40, validators=[RegexValidator(SHORTCUT, "Lower-case letters, digits, - and _.")]
    )
    title = models.CharField(max_length=100)
    content = models.JSONField()  # channels_app.content.types.Content
    language = models.CharField(max_length=15, blank=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "canned replies"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "shortcut"], name="canned_shortcut_per_tenant")
        ]

    def __str__(self) -> str:
        return f"/{self.shortcut}"


class ScheduledReply(Work, TenantModel):
    """What a member of staff says in a conversation ``at`` a time (messaging/agents/scheduled.py)."""

    class Status(models.TextChoices):
        WAITING = "waiting"
        SENT = "sent"
        CANCELLED = "cancelled"  # by staff, or because the person wrote before
        REFUSED = "refused"  # it may not be said any more: ``reason`` is the error's code
        FAILED = "failed"  # given up; may be started again

    OPEN = (Status.WAITING,)

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="scheduled")
    author = models.ForeignKey(User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    by_member = models.BooleanField(null=True)  # it had an author, whose account may be gone by now; None: not known
    content = models.JSONField()  # channels_app.content.types.Content
    at = models.DateTimeField()
    unless_after = models.PositiveIntegerField(null=True, blank=True)  # not if the person wrote after this entry
    status = models.CharField(max_length=9, choices=Status, default=Status.WAITING)
    reason = models.CharField(max_length=60, blank=True)
    message = models.ForeignKey(Message, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    repeated = False  # no column: the act that returned this row had been done before

    class Meta:
        verbose_name_plural = "scheduled replies"
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["status", "due_at"], name="scheduled_due"),
            models.Index(fields=["conversation", "at"], name="scheduled_by_conversation"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M}"


class SavedFilter(TenantModel):
    """A view of the inbox with its filters, under a name. ``owner`` None: of the whole tenant."""

    owner = models.ForeignKey(User, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    name = models.CharField(max_length=60)
    query = models.JSONField(default=dict)  # messaging.agents.inbox.lists.Filter, what it leaves out left out

    class Meta:
        indexes: ClassVar[list[Any]] = [models.Index(fields=["tenant", "owner", "name"], name="filter_by_owner")]

    def __str__(self) -> str:
        return self.name
