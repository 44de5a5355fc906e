"""What moves: receipts of webhooks, turns, deliveries with their attempts. Each row is a place
from which any worker can go on after a crash. Rows only; the verbs stand in accept, respond, deliver."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from channels_app.models import Channel, ChannelIncident
from conversations.models import Conversation, Message
from tenants.storage.crypto import EncryptedJSONField
from tenants.storage.db import Model, TenantModel, now
from tenants.storage.quick_json import QuickJSONField
from tenants.work.leases import Leased, Work

LEASE_MARGIN = timedelta(seconds=20)  # of a turn, beyond the engine's deadline


class InboundEvent(Work, TenantModel):
    """A receipt: one webhook request, whole, stored before anything is understood.

    ``created_at`` is when it came, by the clock of the process that stored it. The lane of a person is their unfinished
    receipts of a channel by ``place``, which the database counts: clocks disagree, and are set.
    """

    class Status(models.TextChoices):
        RECEIVED = "received"
        PROCESSED = "processed"
        IGNORED = "ignored"
        MALFORMED = "malformed"
        FAILED = "failed"

    OPEN = (Status.RECEIVED,)

    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="+")
    lane = models.CharField(max_length=255, blank=True)  # Adapter.lane of the request
    place = models.PositiveBigIntegerField(default=0, editable=False)  # behind all that the channel had then
    digest = models.CharField(max_length=64)  # SHA-256 of method, path, query and body, or of the event's id
    request = models.JSONField()  # contract.RawRequest.to_stored()
    status = models.CharField(max_length=9, choices=Status, default=Status.RECEIVED)
    reason = models.CharField(max_length=300, blank=True)
    processed_at = models.DateTimeField(null=True, blank=True)
    done = models.JSONField(null=True, editable=False)  # marks of items that are not to be done again

    items: Any = None  # no column: what the request says, once it was read

    class Meta:
        verbose_name = "receipt"
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["channel", "digest"], name="receipt_once_per_digest")
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["status", "due_at"], name="receipt_due"),
            models.Index(fields=["channel", "place"], name="receipt_by_channel"),
            models.Index(fields=["channel", "lane", "status", "place"], name="receipt_lane"),
        ]

    def __str__(self) -> str:
        return f"Request of {self.created_at:%Y-%m-%d %H:%M:%S}, {self.status}"


class Turn(Work, TenantModel):
    """The inbound messages that one reply answers.

    waiting (for more fragments, until ``due_at``) → running (leased until ``due_at``) →
    answered | void (a human or a newer message came first) | silent (nothing to say) | failed.
    """

    class Status(models.TextChoices):
        WAITING = "waiting"
        RUNNING = "running"
        ANSWERED = "answered"
        VOID = "void"
        SILENT = "silent"
        FAILED = "failed"

    OPEN = (Status.WAITING, Status.RUNNING)
    RUNNING = Status.RUNNING

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="turns")
    first_seq = models.PositiveIntegerField()
    last_seq = models.PositiveIntegerField()
    status = models.CharField(max_length=8, choices=Status, default=Status.WAITING)
    latest_at = models.DateTimeField(default=now)  # more fragments do not put it off beyond this
    reply = models.ForeignKey(Message, null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    outcome = models.CharField(max_length=40, blank=True)
    engine = models.CharField(max_length=40, blank=True)
    latency_ms = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["conversation"], condition=Q(status="waiting"), name="one_waiting_turn_per_conversation"
            )
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["status", "due_at"], name="turn_due")]

    def __str__(self) -> str:
        return f"#{self.first_seq} to #{self.last_seq}, {self.status}"

    @staticmethod
    def lease() -> timedelta:
        """How long a running turn belongs to the worker that runs it; then another may take it over."""
        return timedelta(milliseconds=settings.ENV["ENGINE_TIMEOUT_MS"]) + LEASE_MARGIN


class Delivery(Work, TenantModel):
    """One message on its way out, or with an ``action`` a change of one that went out (messaging/rules/changes.py):
    ``message`` is the entry that tells of it. The lane of a conversation is its unfinished deliveries by ``seq``."""

    class Action(models.TextChoices):
        EDIT = "edit"
        DELETE = "delete"

    class Status(models.TextChoices):
        QUEUED = "queued"
        SENDING = "sending"
        SENT = "sent"
        DELIVERED = "delivered"
        READ = "read"
        FAILED = "failed"

    #: delivery statuses move it forward by rank only
    RANK: ClassVar[dict[str, int]] = {"queued": 0, "sending": 0, "sent": 1, "delivered": 2, "read": 3, "failed": 4}
    UNFINISHED = OPEN = (Status.QUEUED, Status.SENDING)
    RUNNING = Status.SENDING

    message = models.OneToOneField(Message, on_delete=models.CASCADE, related_name="delivery")
    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="deliveries")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="+")
    seq = models.PositiveIntegerField()  # of the message
    action = models.CharField(max_length=6, null=True)  # one of Action
    status = models.CharField(max_length=9, choices=Status, default=Status.QUEUED)
    parts_sent = models.PositiveSmallIntegerField(default=0)  # payloads the platform has taken, or calls of a change
    parts_again = models.JSONField(default=list, editable=False)  # of these, by index, what is to be sent once more
    expires_at = models.DateTimeField(null=True, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    error_detail = models.CharField(max_length=500, blank=True)
    dead_at = models.DateTimeField(null=True, blank=True)  # set: a dead letter
    sent_at = models.DateTimeField(null=True, blank=True)
    delivered_at = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["status", "due_at"], name="delivery_due"),
            models.Index(fields=["conversation", "status", "seq"], name="delivery_lane"),
            models.Index(fields=["tenant", "dead_at"], name="delivery_dead"),
            # docs/decisions/0051-deliveries-are-walked-by-three-indexes.md
            models.Index(fields=["tenant", "created_at", "id"], name="delivery_listed"),
            models.Index(fields=["tenant", "status", "created_at", "id"], name="delivery_of_status"),
            models.Index(fields=["channel", "created_at", "id"], name="delivery_of_channel"),
        ]
        verbose_name_plural = "deliveries"

    def __str__(self) -> str:
        return f"Message #{self.seq}, {'dead letter' if self.dead_at else self.status}"


class DeliveryPart(TenantModel):
    """A payload that the platform took, the last time it did: by its id a delivery status finds its delivery."""

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="parts")
    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+")
    index = models.PositiveSmallIntegerField()
    platform_id = models.CharField(max_length=255, blank=True, default="")
    status = models.CharField(max_length=9, default=Delivery.Status.SENT)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["delivery", "index"], name="part_once"),
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["channel", "platform_id"], name="part_by_platform_id")]

    def __str__(self) -> str:
        return f"Part {self.index} {self.platform_id}, {self.status}"


class EarlyStatus(TenantModel):
    """A status that came before we knew the platform's id of its message; applied when it does."""

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="+")
    platform_id = models.CharField(max_length=255)
    status = models.CharField(max_length=9)
    code = models.CharField(max_length=60, blank=True)
    detail = models.CharField(max_length=500, blank=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["channel", "platform_id", "status"], name="early_status_once")
        ]

    def __str__(self) -> str:
        return f"{self.platform_id} {self.status}"


class DeliveryAttempt(TenantModel):
    """One try to send, with what was said (redacted)."""

    class Outcome(models.TextChoices):
        ACCEPTED = "accepted"
        RETRYABLE = "retryable"
        THROTTLED = "throttled"
        PERMANENT = "permanent"
        UNKNOWN = "unknown"
        CONFIG = "config"

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="tries")
    number = models.PositiveSmallIntegerField()
    outcome = models.CharField(max_length=9, choices=Outcome)
    code = models.CharField(max_length=60, blank=True)
    latency_ms = models.PositiveIntegerField(default=0)
    exchange = models.JSONField(default=list, blank=True)

    class Meta:
        indexes: ClassVar[list[Any]] = [models.Index(fields=["delivery", "number"], name="attempt_by_delivery")]

    def __str__(self) -> str:
        return f"Attempt {self.number}, {self.outcome}"


class WebhookEndpoint(TenantModel):
    """Where an integrator wants to be told of events (DEL-4). ``secrets``: the newest first, each
    {"secret", "expires_at" or null}: two are live while one is being replaced."""

    url = models.URLField(max_length=2048)
    description = models.CharField(max_length=200, blank=True)
    event_types = models.JSONField(default=list)  # names, "chat.message.*" or "*"
    secrets: Any = EncryptedJSONField(default=list)
    enabled = models.BooleanField(default=True)
    paused_at = models.DateTimeField(null=True, blank=True)  # by us, after repeated failure
    failures = models.PositiveIntegerField(default=0)  # in a row
    held_until = models.DateTimeField(null=True, blank=True)  # after failures: nothing is tried before
    updated_at = models.DateTimeField(auto_now=True)

    def __str__(self) -> str:
        return self.description or self.url


class WebhookDelivery(Work, TenantModel):
    """One event on its way to one endpoint; its id is the ``webhook-id`` of every try."""

    class Status(models.TextChoices):
        QUEUED = "queued"
        SENDING = "sending"
        DELIVERED = "delivered"
        FAILED = "failed"

    UNFINISHED = OPEN = (Status.QUEUED, Status.SENDING)
    RUNNING = Status.SENDING

    endpoint = models.ForeignKey(WebhookEndpoint, on_delete=models.CASCADE, related_name="deliveries")
    event = models.ForeignKey("conversations.Event", null=True, on_delete=models.CASCADE, related_name="+")
    type = models.CharField(max_length=60)  # of the event; "chat.system.ping" for a test
    status = models.CharField(max_length=9, choices=Status, default=Status.QUEUED)
    finished_at = models.DateTimeField(null=True, blank=True)
    response_status = models.PositiveSmallIntegerField(null=True, blank=True)
    error_code = models.CharField(max_length=60, blank=True)
    exchanges = models.JSONField(default=list, blank=True)  # of the last tries, redacted

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["endpoint", "event"], name="webhook_once_per_event")
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["status", "due_at"], name="webhook_due"),
            models.Index(fields=["endpoint", "created_at"], name="webhook_log"),
            models.Index(fields=["endpoint", "status", "due_at"], name="webhook_lane"),
        ]
        verbose_name_plural = "webhook deliveries"

    def __str__(self) -> str:
        return f"{self.type} {self.status}"


class OutboxLane(Leased, Model):
    """The lease of a fixed share of all conversations in one outbox: its holder alone hands their events on."""

    outbox = models.CharField(max_length=20)
    number = models.PositiveSmallIntegerField()

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["outbox", "number"], name="outbox_lane_once")
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["claim"], name="outbox_lane_claim")]

    def __str__(self) -> str:
        return f"{self.outbox} {self.number}"


class HandledEvent(TenantModel):
    """The mark that an internal handler has dealt with an event; written in the transaction of what it did.

    ``error``: it gave up on this event, for that reason, until it is tried again (messaging/outbox/failures.py).
    """

    handler = models.CharField(max_length=20)
    event = models.UUIDField()  # of a timeline's event, which may be gone
    error = models.CharField(max_length=120, blank=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["handler", "event"], name="handled_once_per_handler")
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["error", "created_at"], name="handled_by_error")  # the few that have one, and by age
        ]
        verbose_name = "event that was not handled"  # those with an error are all that the console shows
        verbose_name_plural = "events that were not handled"

    def __str__(self) -> str:
        return f"{self.handler} {self.event}"


class DailyFigure(TenantModel):
    """How often something happened at a tenant on a day (UTC): the real-time figures of the analytics handler."""

    day = models.DateField()
    name = models.CharField(max_length=80)  # an event type, or a finer name of the handler's
    value = models.PositiveBigIntegerField(default=0)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "day", "name"], name="figure_once_per_day")
        ]

    def __str__(self) -> str:
        return f"{self.day} {self.name} {self.value}"


class DaySheet(TenantModel):
    """Figures of a tenant's channel on a day (UTC), and beside them those of a team or a member of staff there or on all
    channels (also by week), which are also part of the channel's. Places: messaging/figures/facts.py; ``figures``: counts and spreads of
    durations (messaging/figures/sheet.py).

    No foreign keys: figures outlive the channels and people they tell of. The zero id stands for none: a unique key
    holds no NULL.
    """

    day = models.DateField()
    channel = models.UUIDField()
    team = models.UUIDField()
    agent = models.UUIDField()
    figures = QuickJSONField(default=dict)
    revision = models.PositiveBigIntegerField(
        default=0
    )  # grows with each change: the statement that does it has the lock

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["tenant", "agent", "team", "day", "channel"], name="sheet_once_per_day")
        ]
        # of all colleagues or of a team: read as many as the period has, however long the past is
        indexes: ClassVar[list[Any]] = [models.Index(fields=["tenant", "day", "channel"], name="sheet_by_day")]

    def __str__(self) -> str:
        return f"{self.day} {self.channel}"


class StaffAlert(Work, TenantModel):
    """One alert to a tenant's staff by one way; tried again until it worked."""

    class Status(models.TextChoices):
        WAITING = "waiting"
        SENT = "sent"
        FAILED = "failed"
        DROPPED = "dropped"  # its reason had gone, or no one of those it was for wanted it: ``error`` says which

    OPEN = (Status.WAITING,)

    event = models.UUIDField()  # of the timeline: what it is about; of a call its own id
    way = models.CharField(max_length=10)  # email, slack, webhook; personal: an e-mail to one member
    about = models.CharField(max_length=80, null=True)  # its kind and subject: what is told together, or not again
    incident = models.ForeignKey(  # of a channel, when it is about one
        ChannelIncident, null=True, blank=True, on_delete=models.CASCADE, related_name="alerts"
    )
    subject = models.CharField(max_length=200)
    text = models.TextField(blank=True)  # what follows the subject: what was found, what to do, where
    facts = models.JSONField(default=dict)  # the event's envelope; of a call: kind, user and conversation
    status = models.CharField(max_length=8, choices=Status, default=Status.WAITING)
    error = models.CharField(max_length=60, blank=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [models.UniqueConstraint(fields=["event", "way"], name="alert_once_per_way")]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["status", "due_at"], name="alert_due"),
            models.Index(fields=["tenant", "about", "created_at"], name="alert_about"),
        ]

    def __str__(self) -> str:
        return f"{self.way} {self.subject}"
