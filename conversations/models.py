"""What is remembered: people, their identities, conversations, messages and the timeline.

Owns rows and the constraints that keep them true: what people said goes with nothing it hangs on (PROTECT), and
files go before their rows. Rules of change stand in people, messages, attachments
and timeline beside it, those of control and delivery in messaging.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import structlog
from django.db import models
from django.db.models import Q

from channels_app.models import Channel
from channels_app.words.folding import folded
from tenants.scope import ScopedManager
from tenants.storage.db import TenantModel, now
from tenants.storage.folded import Folded, FollowedRows, Following, followed
from tenants.work.leases import Work


class Contact(TenantModel):
    """A person as the tenant knows them. Who they *are* on a channel is an Identity."""

    name = models.CharField(max_length=200, blank=True)
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=20, blank=True)  # E.164
    language = models.CharField(max_length=15, blank=True)
    profile = models.JSONField(default=dict, blank=True)
    preferences = models.JSONField(default=dict, blank=True)
    #: fields that staff have decided, comma-separated; None: none. No platform or visitor changes those (CONV-11)
    decided = models.CharField(max_length=200, null=True, blank=True, editable=False)
    last_active_at = models.DateTimeField(default=now)
    #: by which a person is looked for; their index: conversations/search/people.py
    name_words = Following(of="name", by=folded)
    email_words = Following(of="email", by=folded)

    objects: ClassVar[ScopedManager[Any]] = ScopedManager.from_queryset(FollowedRows)()

    class Meta:
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["tenant", "last_active_at"], name="contact_by_activity"),
            models.Index(fields=["tenant", "phone"], name="contact_by_phone"),
        ]

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **options: Any) -> None:
        """As ever, and the words of what is named."""
        named = update_fields if update_fields is None else followed(Contact, update_fields)
        super().save(*args, update_fields=named, **options)

    def __str__(self) -> str:
        return self.name or f"Visitor {str(self.id)[-6:]}"

    @property
    def decisions(self) -> set[str]:
        """The fields that staff have decided."""
        return set((self.decided or "").split(",")) - {""}

    def decide(self, fields: Iterable[str]) -> None:
        """From now on these fields are what staff have made them; the caller saves."""
        self.decided = ",".join(sorted(self.decisions | set(fields))) or None


class ContactMerge(TenantModel):
    """A contact that went into another (CONV-4), and what it takes to part the two again.

    ``contact`` was kept, ``former_id`` is the key of the one that went. ``former``: its facts as they were; ``changed``: the kept
    one's facts that it changed, each before and after; ``moved``: keys of the rows that came over.
    """

    # no constraint: the release before knows no ledger when it deletes a contact that it joins to another
    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, db_constraint=False, related_name="merges")
    former_id = models.UUIDField()
    former = models.JSONField(default=dict)
    changed = models.JSONField(default=dict)
    moved = models.JSONField(default=dict)
    by = models.CharField(max_length=200)  # as in the audit trail; "platform": it vouched that they are one person
    undone_at = models.DateTimeField(null=True, blank=True, db_index=True)
    undone_by = models.CharField(max_length=200, blank=True)

    class Meta:
        indexes: ClassVar[list[Any]] = [models.Index(fields=["tenant", "former_id"], name="merge_by_former")]

    def __str__(self) -> str:
        return str(self.former.get("name") or f"Visitor {str(self.former_id)[-6:]}")  # as the contact was called


class Identity(TenantModel):
    """One id of a contact on one channel: unique by (channel, scheme, scope, value).

    ``address`` is where replies go when it differs from ``value``. ``verified``: proved by the platform
    or a signature, not merely claimed. ``stopped_at``: the person took back their consent by a stop word;
    nothing is sent until they write again; where staff have decided so (``stopped_by``), until staff allow it.
    """

    STAFF = "staff"

    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="identities")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="+")
    scheme = models.CharField(max_length=20)
    scope = models.CharField(max_length=100, blank=True)
    value = models.CharField(max_length=255)
    address = models.CharField(max_length=255, blank=True)
    verified = models.BooleanField(default=False)
    stopped_at = models.DateTimeField(null=True, blank=True)
    stopped_by = models.CharField(max_length=5, null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["channel", "scheme", "scope", "value"], name="identity_per_channel")
        ]
        #: with operators that PostgreSQL finds beginnings by, whatever its language; others take no notice
        indexes: ClassVar[list[Any]] = [
            models.Index(
                fields=["tenant", "value"], name="identity_begun", opclasses=["uuid_ops", "varchar_pattern_ops"]
            )
        ]
        verbose_name_plural = "identities"

    def __str__(self) -> str:
        return f"{self.scheme}:{self.value}"


class Session(TenantModel):
    """One device's visit (CONV-5); several may join one conversation. TTL slides."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="sessions")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="+")
    key = models.CharField(max_length=64)  # the client's own name for the session
    device = models.JSONField(default=dict, blank=True)
    last_seen_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["channel", "contact", "key"], name="session_key_per_contact")
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["ended_at", "expires_at"], name="session_due"),
            models.Index(fields=["tenant", "created_at", "id"], name="session_walk"),
        ]

    def __str__(self) -> str:
        return self.key


class Conversation(TenantModel):
    """A stretch of talk with one contact through one identity.

    ``last_seq`` numbers the transcript and ``event_seq`` the timeline, both without gaps; a
    transaction that writes either has updated this row first and holds its lock until the commit.
    ``control_owner`` says who answers, ``held_by`` which human; ``control_epoch`` grows whenever that changes, so that
    a caller can say what they have seen. An answer begun under another owner is void by ``last_seq``.
    """

    class Status(models.TextChoices):
        ACTIVE = "active"
        ESCALATED = "escalated"
        COMPLETED = "completed"
        ABANDONED = "abandoned"
        ERROR = "error"  # the bot could not answer: open until an answer comes or a human takes over, or ended so

    class Owner(models.TextChoices):
        BOT = "bot"
        HUMAN = "human"

    class Holder(models.TextChoices):
        BOT = "bot"
        QUEUE = "queue"  # a human is asked for, none has come yet
        STAFF = "staff"  # in the console or by the API; by name where there is an assignee
        OUTSIDE = "outside"  # in the platform's own app

    class Rank(models.IntegerChoices):
        """The order in which people who wait are listed, before the time that they have waited."""

        URGENT = 1
        HIGH = 2
        FLAGGED = 3  # what they said broke a safety rule
        EXPECTS = 4  # they said which form of answer they take
        NORMAL = 5
        LOW = 9

    OPEN = (Status.ACTIVE, Status.ESCALATED, Status.ERROR)  # in which one may be open

    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="+")
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="conversations")
    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="conversations")
    kind = models.CharField(max_length=10, default="chat")  # chat or thread
    thread = models.CharField(max_length=255, blank=True)  # the platform's own conversation id
    status = models.CharField(max_length=10, choices=Status, default=Status.ACTIVE)
    is_open = models.BooleanField(default=True)  # a column because constraints need one
    control_owner = models.CharField(max_length=5, choices=Owner, default=Owner.BOT)
    control_epoch = models.PositiveIntegerField(default=0)
    held_by = models.CharField(max_length=7, choices=Holder, default=Holder.BOT)
    assignee = models.ForeignKey("tenants.User", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    team = models.ForeignKey("tenants.Team", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    priority = models.CharField(max_length=6, default="normal")
    rank = models.PositiveSmallIntegerField(null=True, blank=True, choices=Rank, editable=False)  # None: NORMAL
    snoozed_until = models.DateTimeField(
        null=True, blank=True
    )  # until then no inbox shows it, unless the person writes
    subject = models.CharField(max_length=200, blank=True)
    last_seq = models.PositiveIntegerField(default=0)
    answered_seq = models.PositiveIntegerField(default=0)  # everything up to here has its reply
    event_seq = models.PositiveIntegerField(default=0)
    message_count = models.PositiveIntegerField(default=0)
    context = models.JSONField(default=dict, blank=True)
    last_message_at = models.DateTimeField(null=True, blank=True)
    last_message_preview = models.CharField(max_length=120, blank=True)
    waiting_since = models.DateTimeField(null=True, blank=True)
    first_reply_at = models.DateTimeField(null=True, blank=True)
    closed_told_at = models.DateTimeField(null=True, blank=True, editable=False)  # the out-of-hours reply was said
    late_told_at = models.DateTimeField(null=True, blank=True, editable=False)  # staff were told of who waits too long
    reply_window_expires_at = models.DateTimeField(null=True, blank=True)
    last_inbound_id = models.CharField(max_length=255, blank=True)  # platform id, for typing and read marks
    reference = models.JSONField(default=dict, blank=True)  # of the last inbound message: Recipient.reference
    #: when control changed last outside, by the platform's clock: what comes late from before that changes nothing
    outside_at = models.DateTimeField(null=True, blank=True, editable=False)
    visitor_read_seq = models.PositiveIntegerField(default=0)
    agent_read_seq = models.PositiveIntegerField(default=0)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_reason = models.CharField(max_length=40, blank=True)
    satisfaction = models.PositiveSmallIntegerField(null=True, blank=True)  # 1..5

    repeated = False  # no column: the act that returned this row had been done before

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(
                fields=["identity", "thread"], condition=Q(is_open=True), name="one_open_conversation_per_identity"
            )
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["tenant", "last_message_at", "id"], name="conversation_inbox"),
            models.Index(fields=["tenant", "created_at", "id"], name="conversation_walk"),
            models.Index(fields=["contact", "created_at"], name="conversation_by_contact"),
            models.Index(fields=["is_open", "last_message_at"], name="conversation_idle"),
            # the views of the inbox (messaging/agents/inbox/lists.py); conditional: a message pays for none of an ended one
            models.Index(
                fields=["tenant", "held_by", "rank", "waiting_since", "id"],
                condition=Q(is_open=True),
                name="conversation_queue",
            ),
            models.Index(fields=["tenant", "assignee", "id"], condition=Q(is_open=True), name="conversation_mine"),
            models.Index(fields=["team", "id"], name="conversation_by_team"),
            models.Index(
                fields=["tenant", "control_owner", "last_message_at", "id"],
                condition=Q(is_open=True),
                name="conversation_talking",
            ),
            models.Index(fields=["tenant", "ended_at", "id"], condition=Q(is_open=False), name="conversation_ended"),
        ]

    def __str__(self) -> str:
        return self.subject or str(self.id)  # never what was said: names of rows are shown to all who see the row


class Message(TenantModel):
    """One entry of a transcript. ``seq`` is dense per conversation.

    ``client_message_id`` is the sender's own id (REST ``message_id``, WebSocket ``cid``): a person's is unique per
    identity, an agent's per conversation and agent. ``platform_message_id`` is the platform's: unique per channel.
    Both remove repeats.
    """

    class Direction(models.TextChoices):
        INBOUND = "inbound"
        OUTBOUND = "outbound"

    class Role(models.TextChoices):
        VISITOR = "visitor"
        BOT = "bot"
        AGENT = "agent"
        SYSTEM = "system"

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="messages")
    identity = models.ForeignKey(Identity, on_delete=models.PROTECT, related_name="+")
    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="+")
    seq = models.PositiveIntegerField()
    direction = models.CharField(max_length=8, choices=Direction)
    role = models.CharField(max_length=7, choices=Role)
    author = models.ForeignKey("tenants.User", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")
    client_message_id = models.CharField(max_length=255, blank=True, default="")
    platform_message_id = models.CharField(max_length=255, blank=True, default="")
    reply_to = models.UUIDField(null=True, blank=True)  # the message this one answers or quotes
    content_type = models.CharField(max_length=12)
    content = models.JSONField()  # channels_app.content.types.Content, version 1
    text = models.TextField(blank=True)  # the searchable text of content, the whole of a long one
    #: what it is found by: the folded words of the text; None: not known yet (conversations/search)
    words = Folded(null=True, blank=True, editable=False)
    language = models.CharField(max_length=5, blank=True)
    analysis = models.JSONField(default=dict, blank=True)  # entities, flags, intent, confidence, cost
    hints = models.JSONField(default=dict, blank=True)  # MSG-7
    metadata = models.JSONField(default=dict, blank=True)  # of the platform; state of system entries
    sent_at = models.DateTimeField(default=now)  # the sender's clock
    edited_at = models.DateTimeField(null=True, blank=True)
    deleted_at = models.DateTimeField(null=True, blank=True)

    repeated = False  # no column: the act that returned this row had been done before

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="message_seq"),
            models.UniqueConstraint(
                fields=["channel", "platform_message_id"],
                condition=Q(platform_message_id__gt=""),
                name="message_once_per_platform_id",
            ),
            models.UniqueConstraint(
                fields=["identity", "client_message_id"],
                condition=Q(client_message_id__gt="", role="visitor"),
                name="message_once_per_client_id",
            ),
            models.UniqueConstraint(
                fields=["conversation", "author", "client_message_id"],
                condition=Q(client_message_id__gt="", role="agent"),
                name="message_once_per_agents_id",
            ),
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["tenant", "created_at", "id"], name="message_feed")]

    def __str__(self) -> str:
        return f"{self.role} #{self.seq}"

    @property
    def change(self) -> str:
        """``edited`` or ``deleted`` where this entry tells that the message ``reply_to`` was, else ""."""
        return change_of(self.role, self.metadata)


def change_of(role: str, metadata: Mapping[str, Any]) -> str:
    """`Message.change` of an entry of this role."""
    return str(metadata.get("change", "")) if role == Message.Role.SYSTEM else ""


class Attachment(Work, TenantModel):
    """A file of a message, with us or still with the platform; without a message, an upload on its way.

    remote (to be fetched from ``due_at`` on) → stored | refused (``reason``: too_large, type_refused …) | failed
    (``reason``: why the last try did not work; it can be started again).
    ``identity`` is who uploaded it: only they may put it into a message.
    """

    class State(models.TextChoices):
        REMOTE = "remote"
        STORED = "stored"
        REFUSED = "refused"
        FAILED = "failed"

    LOST: ClassVar[frozenset[str]] = frozenset({State.REFUSED, State.FAILED})
    #: due_at: next try to fetch or transcribe, or removal of an unused upload; NEVER when nothing is left to do
    STATE = "state"
    OPEN = (State.REMOTE, State.STORED)

    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="+")
    identity = models.ForeignKey(Identity, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    message = models.ForeignKey(Message, null=True, blank=True, on_delete=models.PROTECT, related_name="attachments")
    position = models.PositiveSmallIntegerField(default=0)  # among the message's files
    kind = models.CharField(max_length=10)  # image, audio, video, file, sticker
    state = models.CharField(max_length=8, choices=State, default=State.REMOTE)
    reason = models.CharField(max_length=60, blank=True)
    platform_media_id = models.CharField(max_length=255, blank=True)
    url = models.URLField(max_length=2048, blank=True)  # where the platform keeps it
    file = models.FileField(upload_to="attachments/%Y/%m/", max_length=255, blank=True)
    thumbnail = models.FileField(upload_to="thumbnails/%Y/%m/", max_length=255, blank=True)
    mime = models.CharField(max_length=127, blank=True)
    size = models.PositiveBigIntegerField(null=True, blank=True)  # bytes
    width = models.PositiveIntegerField(null=True, blank=True)  # pixels
    height = models.PositiveIntegerField(null=True, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    name = models.CharField(max_length=255, blank=True)
    transcript = models.TextField(blank=True)  # what was said, when a transcriber heard it

    class Meta:
        indexes: ClassVar[list[Any]] = [models.Index(fields=["state", "due_at"], name="attachment_due")]

    def __str__(self) -> str:
        return self.name or f"{self.kind} {self.mime}".strip()


class Revision(TenantModel):
    """An edit (``content`` set) or a deletion (``deleted``) of a message, by its author.

    It may come before its message: ``target`` is the platform's id, ``message`` is set and ``previous``
    filled in when it is applied.
    """

    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="+")
    identity = models.ForeignKey(Identity, null=True, blank=True, on_delete=models.CASCADE, related_name="+")
    message = models.ForeignKey(Message, null=True, blank=True, on_delete=models.CASCADE, related_name="revisions")
    platform_id = models.CharField(max_length=255)  # of the event that told; removes repeats
    target = models.CharField(max_length=255)
    deleted = models.BooleanField(default=False)
    content = models.JSONField(default=dict, blank=True)
    previous = models.JSONField(default=dict, blank=True)
    at = models.DateTimeField(default=now)  # the platform's clock: the later one counts

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["channel", "platform_id"], name="revision_once")
        ]
        indexes: ClassVar[list[Any]] = [models.Index(fields=["channel", "target"], name="revision_by_target")]

    def __str__(self) -> str:
        return f"{'deletion' if self.deleted else 'edit'} of {self.target}"


class Reaction(TenantModel):
    """A person's emoji on a message, theirs or ours; "" when it was taken back. The later one counts."""

    channel = models.ForeignKey(Channel, on_delete=models.PROTECT, related_name="+")
    identity = models.ForeignKey(Identity, on_delete=models.CASCADE, related_name="+")
    message = models.ForeignKey(Message, null=True, blank=True, on_delete=models.CASCADE, related_name="reactions")
    target = models.CharField(max_length=255)  # platform id of the message
    emoji = models.CharField(max_length=64, blank=True)
    at = models.DateTimeField(default=now)  # the platform's clock

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["channel", "target", "identity"], name="reaction_once_per_person")
        ]

    def __str__(self) -> str:
        return self.emoji or "taken back"


class Note(TenantModel):
    """An internal remark of staff; never leaves the house."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="notes")
    author = models.ForeignKey("tenants.User", null=True, on_delete=models.SET_NULL, related_name="+")
    text = models.TextField()

    mentioned: Any = ()  # no column: users whom a note that was just written names
    shown = ""  # no column: the text with colleagues by their names

    def __str__(self) -> str:
        return self.text[:60]


class Review(TenantModel):
    """A message that the tenant's safety rules want a member of staff to look at (MSG-3)."""

    conversation = models.ForeignKey(Conversation, on_delete=models.CASCADE, related_name="reviews")
    message = models.ForeignKey(Message, on_delete=models.CASCADE, related_name="reviews")
    flags = models.JSONField(default=list)  # why: names of SafetyRules' flags
    reviewed_at = models.DateTimeField(null=True, blank=True)
    reviewed_by = models.ForeignKey("tenants.User", null=True, blank=True, on_delete=models.SET_NULL, related_name="+")

    class Meta:
        indexes: ClassVar[list[Any]] = [models.Index(fields=["tenant", "reviewed_at", "id"], name="review_list")]

    def __str__(self) -> str:
        return ", ".join(self.flags)


def correlation_id() -> str:
    """The id that the logs of this request or task carry."""
    return str(structlog.contextvars.get_contextvars().get("correlation_id", ""))[:64]


class Event(TenantModel):
    """The timeline, and the outbox: what happened, written in the transaction that made it happen.

    ``seq`` is dense per conversation; 0 for events that belong to no conversation.
    """

    conversation = models.ForeignKey(Conversation, null=True, on_delete=models.CASCADE, related_name="events")
    seq = models.PositiveIntegerField(default=0)
    type = models.CharField(max_length=60)
    version = models.PositiveSmallIntegerField(default=1)
    payload = models.JSONField(default=dict)
    correlation_id = models.CharField(max_length=64, blank=True, default=correlation_id)  # what began it all
    published_at = models.DateTimeField(null=True, blank=True)  # handlers and integrators' webhooks have it
    streamed_at = models.DateTimeField(null=True, blank=True)  # Kafka has acknowledged it

    class Meta:
        constraints: ClassVar[list[Any]] = [
            models.UniqueConstraint(fields=["conversation", "seq"], name="event_seq")  # holds no event without one
        ]
        indexes: ClassVar[list[Any]] = [
            models.Index(fields=["published_at", "id"], name="event_outbox"),
            models.Index(fields=["streamed_at", "id"], name="event_stream"),
            models.Index(fields=["tenant", "created_at", "id"], name="event_feed"),
        ]

    def __str__(self) -> str:
        return f"{self.type} #{self.seq}"
