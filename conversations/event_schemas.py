"""What every event says: one model per type and version, and the envelope round it.

Owns the JSON schemas that integrators read (EVT-3). Must not know how events travel. Within a version
fields are only ever added; what breaks a reader is a new version.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Any, Literal
from uuid import UUID

import structlog
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from channels_app.content.surroundings import Origin
from channels_app.words.moments import Moment
from conversations.models import Event

log = structlog.get_logger(__name__)

DIALECT = "https://json-schema.org/draft/2020-12/schema"


PERSON = (
    "The person's id as their platform, or the caller of the API, says it; of one that is a phone number or an e-mail address "
    "`identity_id`, unless the tenant has switched `event_words` on"
)


class UnknownEvent(ValueError):
    """No such type or version."""


class Data(BaseModel):
    """Readers ignore fields they do not know."""

    model_config = ConfigDict(extra="allow")


class OfChannel(Data):
    channel_id: UUID


class OfConversation(OfChannel):
    conversation_id: UUID


class OfPerson(OfConversation):
    """Something of a person's began or changed, as the type says."""

    contact_id: UUID
    identity_id: UUID


# ---------------------------------------------------------------------------- messages


class MessageFacts(OfConversation):
    """Everything but the words, which are fetched with a permission."""

    message_id: UUID
    client_message_id: str = ""
    seq: int = Field(description="Place in the transcript")
    role: Literal["visitor", "bot", "agent", "system"]
    content_type: str
    language: str = ""
    reply_to: UUID | None = Field(None, description="The message that this one answers or quotes")
    carries: list[str] = Field(
        [], description="quote, form, origin, contacts, forwarded, full_text: in the message's content"
    )
    origin: Origin | None = Field(None, description="The ad, link or product that the person came from")
    content: dict[str, Any] | None = Field(
        None, description="What was said; only where the tenant has switched `event_words` on"
    )


class ProcessingResult(Data):
    """What was found in a message before an engine saw it."""

    language: str = ""
    entities: list[str] = Field([], description="Kinds of what was found: email, phone, order_number …")
    flags: list[str] = Field([], description="What the tenant's safety rules say of it")


class MessageReceived(MessageFacts):
    """A person wrote to us, and it is stored."""

    contact_id: UUID
    identity_id: UUID
    user_id: str = Field("", description=PERSON)
    channel: str = Field("", description="Kind of channel")
    processing_result: ProcessingResult | None = None


class ChannelResponse(Data):
    """What the platform said last of a message, redacted."""

    code: str = ""
    detail: str = ""
    attempts: int = Field(0, description="How often it was tried")


class MessageSent(MessageFacts):
    """A reply is stored and queued for its channel; what becomes of it is told by delivered, read and failed."""

    recipient: str = Field("", description=PERSON)
    delivery_status: str = Field(
        "", description="queued; sent on the web chat; empty for entries of the system, which stay here"
    )
    channel_response: ChannelResponse | None = Field(None, description="The channel has not been asked yet: 0 attempts")
    author_id: UUID | None = Field(None, description="The member of staff who wrote it")
    assignee_id: UUID | None = Field(None, description="The member of staff who has the conversation")
    team_id: UUID | None = Field(None, description="The team that has the conversation")
    answer_latency_ms: int | None = Field(
        None, ge=0, description="Of the first answer of a conversation: since the person asked"
    )
    response_latency_ms: int | None = Field(
        None, ge=0, description="Of a colleague's answer: how long the person had waited, in opening hours"
    )
    first_response: bool | None = Field(None, description="Whether it is the first of a colleague in the conversation")


class MessageChanged(MessageFacts):
    """A message was edited or deleted; ``change_seq`` is the transcript entry that tells it."""

    change_seq: int
    by: Literal["person", "staff"] | None = Field(
        None, description="staff: members of staff, or integrators by the API"
    )


class ChangeReported(Data):
    """What was changed of a message of ours: the person still reads the former words."""

    kind: Literal["edited", "deleted"]
    of: UUID = Field(description="The message")


class MessageReported(OfConversation):
    """How far a sent message got, as its platform reports."""

    message_id: UUID
    seq: int
    code: str = Field("", description="Why it failed")
    delivery_status: str = Field("", description="delivered, read or failed")
    delivery_timestamp: Moment | None = Field(None, description="When the platform says it was so; else when we heard")
    platform_message_id: str | None = Field(None, description="The platform's id of the part that completed the report")
    channel_response: ChannelResponse | None = None
    change: ChangeReported | None = Field(
        None, description="Not a message failed, but the change of one: `message_id` is the entry that tells of it"
    )


class MessageProcessed(OfConversation):
    """The engine answered a turn of messages."""

    turn_id: UUID
    message_ids: list[UUID]
    engine: str
    degraded: bool = Field(description="The engine failed and the fallback reply went out")
    latency_ms: int | None = None
    intent: str | None = None
    confidence: float | None = None


class MessageReacted(OfConversation):
    """A person put an emoji on a message, or took it back (empty)."""

    message_id: UUID
    seq: int
    contact_id: UUID
    identity_id: UUID
    emoji: str


class MessageFlagged(OfConversation):
    """The tenant's safety rules say something of a message that was stored, edited or put into words."""

    message_id: UUID
    seq: int
    role: Literal["visitor", "bot", "agent", "system"]
    flags: list[str] = Field(
        description="card_number, iban, national_id, email, phone, profanity, too_long, too_many_links, prompt_injection"
    )
    masked: list[str] = Field([], description="Which of them were hidden before it was stored")


# ------------------------------------------------------------------- people and files


class ContactConsent(OfChannel):
    """A person took back their consent, or gave it again."""

    conversation_id: UUID | None = None
    contact_id: UUID
    identity_id: UUID


class ContactPresence(OfChannel):
    """A person joined or left a conversation on their platform, or came by a link or an ad (``data.origin``)."""

    conversation_id: UUID | None = Field(None, description="None for a person who has not written yet")
    contact_id: UUID
    signal_id: str = ""
    data: dict[str, Any] = Field(
        {},
        description="`origin` and codes; what else a platform tells is null unless the tenant has switched `event_words` on",
    )


class ContactsMerged(Data):
    """A contact went into another one, with its identities and their conversations."""

    merge_id: UUID = Field(description="Of the ledger, by which it is undone")
    contact_id: UUID = Field(description="The contact that is kept")
    former_id: UUID = Field(description="The contact that went")
    identity_ids: list[UUID] = Field(description="That moved, and with each all its conversations")


class ContactsParted(ContactsMerged):
    """A merge was undone: the former contact is there again, with these identities and all their conversations."""


class AttachmentSettled(OfConversation):
    """A message's file is stored, or will not be."""

    attachment_id: UUID
    message_id: UUID
    seq: int
    kind: str = ""
    mime: str = ""
    size: int | None = Field(None, description="Bytes")
    reason: str = ""


# ------------------------------------------------------- conversations, sessions, engine


class ConversationUpdated(OfConversation):
    """Who is in control, the status, the context or the rating changed; ``trigger`` says by what."""

    trigger: str = Field(
        "",
        description="message (an answer changed the context), handover, agent, outside, hand_back, rated, failed (no "
        "answer came about), recovered (one did), late (the person waits longer than the tenant wants), assign (to a "
        "team), rule (a rule gave it to a member of staff), unassign, snooze, wake (a snooze is over), label, changed (the priority or the subject)",
    )
    context_changes: dict[str, Any] | None = Field(
        None,
        description="Parts of the context that changed, as they are now. Slots, entities and user_profile by name, each "
        "null unless the tenant has switched `event_words` on",
    )
    previous_context: dict[str, Any] | None = Field(None, description="The context before, told in the same way")
    new_context: dict[str, Any] | None = None
    satisfaction: int | None = Field(None, ge=1, le=5, description="How the person has rated the conversation")
    previous_satisfaction: int | None = Field(None, ge=1, le=5, description="Of `rated`: the rating that it replaces")
    first_escalation: bool | None = Field(
        None, description="Whether a human has the conversation, or is asked for, for the first time"
    )
    status: str | None = None
    control_owner: Literal["bot", "human"] | None = None
    assignee_id: UUID | None = Field(None, description="The member of staff who answers, where one is named")
    priority: str | None = Field(None, description="Of `changed`: the new one")
    team_id: UUID | None = Field(None, description="The team that has it; of `assign`, that it was given to")
    snoozed_until: Moment | None = Field(None, description="Of `snooze`: when it comes back to the inbox")
    labels: list[str] | None = Field(None, description="Of `label`: names of those that it has by now")
    reason: str | None = Field(None, description="Why a human was asked for")
    waiting_since: Moment | None = Field(None, description="Of `late`: since when the person waits")


class ConversationEnded(OfConversation):
    """It takes no more messages; the person's next message begins another one."""

    handled_by: Literal["bot", "human", "none"] | None = Field(
        None, description="bot: it answered alone; human: one was asked for or took over; none: there was no answer"
    )
    assignee_id: UUID | None = Field(None, description="The member of staff who had it")
    team_id: UUID | None = Field(None, description="The team that had it")
    open_duration_seconds: int | None = Field(
        None, ge=0, description="Where the person was answered: from its begin to its end, or to the last message of one "
        "that fell silent; opening hours only",
    )  # fmt: skip

    status: str
    reason: str
    duration_seconds: int = Field(0, ge=0, description="From its begin to its end")
    message_count: int = Field(0, ge=0, description="Entries of its transcript")
    satisfaction: int | None = Field(
        None, ge=1, le=5, description="The rating, where it was given before; a later one comes as `updated`"
    )


class ConversationDeleted(OfPerson):
    """It was deleted, by request or by retention, with all that was said in it; delete what you keep of it. It stands on the
    tenant's timeline, behind all events of the conversation: its own went with it."""

    message_count: int = Field(ge=0, description="Entries that its transcript had")


class ConversationStarted(OfPerson):
    """A conversation began, with the tenant's flow for it."""

    user_id: str = Field("", description=PERSON)
    channel: str = Field("", description="Kind of channel")
    flow_id: str | None = None
    initial_context: dict[str, Any] = Field({}, description="Values of slots are null without `event_words`")


class SessionStarted(OfPerson):
    """A device's visit began."""

    session_id: UUID | None = None
    user_id: str = Field("", description=PERSON)
    channel: str = Field("", description="Kind of channel")
    device_info: dict[str, Any] = {}


class SessionSummary(Data):
    """What happened during a visit."""

    conversations: int = Field(0, description="That went on during it")
    message_count: int = Field(0, description="Entries of their transcripts")


class SessionEnded(OfChannel):
    """A device's visit is over. It stands on the tenant's timeline: a visit may outlive its conversation."""

    conversation_id: UUID | None = Field(None, description="The last one that the person had during the visit")
    contact_id: UUID
    session_id: UUID
    duration_seconds: int = Field(ge=0, description="From the first to the last sign of the person")
    end_reason: Literal["expired", "requested"]
    session_summary: SessionSummary | None = None


class IntentClassified(OfConversation):
    """What a message seems to want."""

    message_id: UUID
    intent: str | None = None
    confidence: float | None = None
    alternatives: dict[str, float] = Field({}, description="The runners-up with their confidence")


class ResponseGenerated(OfConversation):
    """An engine made an answer; the tenant's fallback reply is none."""

    turn_id: UUID | None = None
    engine: str = ""
    model: str = ""
    latency_ms: int | None = None
    parts: int = Field(0, description="Messages that it consists of")
    usage: dict[str, Any] = Field({}, description="Tokens and cost, where the model tells them")


# ------------------------------------------------------------------------------ system


class ChannelState(OfChannel):
    """A channel stopped working as it should, or recovered."""

    incident_id: UUID | None = None
    state: str
    previous: str = ""
    reason: str = ""
    code: str = ""


class WebhookMalformed(Data):
    """A platform's request was signed well but could not be understood; it is kept for replay."""

    receipt_id: UUID


class WebhookPaused(Data):
    """An integrator's endpoint failed again and again; nothing is sent there until staff resume it."""

    endpoint_id: UUID
    description: str = ""
    reason: str = ""


class WorkGivenUp(Data):
    """Something that came in or was to go out was tried for as long as it may be; staff can start it again."""

    work: str = Field(
        description="receipts (requests of platforms), turns (answers of the assistant) or files (of people)"
    )
    row_id: UUID
    reason: str = ""


class BudgetReached(Data):
    """Language models have cost a tenant what its limits of a day (UTC) say; told once a day for each of the two."""

    stop: Literal["soft", "hard"] = Field(
        description="soft: the cheapest model is asked first; hard: none that costs something"
    )
    day: date
    limit_usd: float


class ModelChanged(Data):
    """Which version of what a tenant's assistant has learnt answers was decided anew."""

    training_id: UUID
    version: int = Field(description="The version that was chosen, or that answers no longer")
    pinned: bool = Field(description="It stays until it is released, whatever is taught")
    why: Literal["activated", "released", "replaced"] = Field(
        description="activated: it was chosen to answer; released: the newest answers again; replaced: something else was "
        "taught, and it was not pinned"
    )


class TrainingEnded(Data):
    """A training of the assistant that was asked for came to its end."""

    state: Literal["done", "failed"]
    code: str = Field("", description="Why it failed")
    training_id: UUID | None = Field(None, description="What was learnt")
    version: int | None = None


# ----------------------------------------------------------------------------- threads


class OfLearner(Data):
    """Told in the envelope of the learners' service: ``event_type`` and ``learner_id`` stand in it beside ours."""

    learner_id: str = Field(
        description="As your system calls the learner; of an id that is a phone number or an e-mail address `identity_id` "
        "instead, unless the tenant has switched `event_words` on"
    )


class ThreadChanged(OfLearner, OfConversation):
    """A thread between people was opened."""

    thread_id: UUID


class ThreadDeleted(ThreadChanged):
    """A thread between people was deleted, by request or by retention; then it stands on the tenant's timeline."""

    contact_id: UUID | None = Field(None, description="The learner's; where retention removed it")
    identity_id: UUID | None = Field(None, description="The learner's; where retention removed it")


class ThreadMessageCreated(ThreadChanged):
    """A message was written in a thread."""

    message_id: UUID
    seq: int = Field(description="Place in the thread")
    sender_id: str = Field(description="As your system calls who wrote it; empty where that is an address, as above")
    sender_role: Literal["learner", "guardian", "teacher", "staff"]
    message_type: str
    content: str | dict[str, Any] | None = Field(
        None, description="What was written; only where the tenant has switched `event_words` on"
    )


class PrivacyRequested(OfLearner):
    """The export or the erasure of everything about a person was asked for. ``learner_id`` is the contact's id here: what
    outlives an erasure names no person."""

    contact_id: UUID
    request_id: UUID


class Ping(Data):
    """A test call, made on request; nothing has happened, and ``data`` is empty."""


#: what is called, and never stands in the timeline nor in Kafka
CALLS: dict[tuple[str, int], type[Data]] = {("chat.system.ping", 1): Ping}

#: (type, version) → what its ``data`` says. A version stays here for as long as a consumer may read it.
SCHEMAS: dict[tuple[str, int], type[Data]] = {
    ("chat.message.received", 1): MessageReceived,
    ("chat.message.sent", 1): MessageSent,
    ("chat.message.delivered", 1): MessageReported,
    ("chat.message.read", 1): MessageReported,
    ("chat.message.processed", 1): MessageProcessed,
    ("chat.message.failed", 1): MessageReported,
    ("chat.message.updated", 1): MessageChanged,
    ("chat.message.deleted", 1): MessageChanged,
    ("chat.message.reacted", 1): MessageReacted,
    ("chat.message.flagged", 1): MessageFlagged,
    ("chat.contact.stopped", 1): ContactConsent,
    ("chat.contact.resumed", 1): ContactConsent,
    ("chat.contact.joined", 1): ContactPresence,
    ("chat.contact.left", 1): ContactPresence,
    ("chat.contact.identity_changed", 1): OfPerson,
    ("chat.contact.merged", 1): ContactsMerged,
    ("chat.contact.parted", 1): ContactsParted,
    ("chat.attachment.stored", 1): AttachmentSettled,
    ("chat.attachment.refused", 1): AttachmentSettled,
    ("chat.attachment.transcribed", 1): AttachmentSettled,
    ("chat.conversation.started", 1): ConversationStarted,
    ("chat.conversation.updated", 1): ConversationUpdated,
    ("chat.conversation.ended", 1): ConversationEnded,
    ("chat.conversation.deleted", 1): ConversationDeleted,
    ("chat.session.started", 1): SessionStarted,
    ("chat.session.ended", 1): SessionEnded,
    ("chat.intent.classified", 1): IntentClassified,
    ("chat.response.generated", 1): ResponseGenerated,
    ("chat.system.channel_degraded", 1): ChannelState,
    ("chat.system.channel_recovered", 1): ChannelState,
    ("chat.system.webhook_malformed", 1): WebhookMalformed,
    ("chat.system.webhook_paused", 1): WebhookPaused,
    ("chat.system.work_given_up", 1): WorkGivenUp,
    ("chat.system.budget_reached", 1): BudgetReached,
    ("chat.system.model_changed", 1): ModelChanged,
    ("chat.system.training_ended", 1): TrainingEnded,
    ("CHAT_THREAD_CREATED", 1): ThreadChanged,
    ("CHAT_THREAD_DELETED", 1): ThreadDeleted,
    ("CHAT_MESSAGE_CREATED", 1): ThreadMessageCreated,
    ("CHAT_PRIVACY_EXPORT_REQUESTED", 1): PrivacyRequested,
    ("CHAT_PRIVACY_DELETION_REQUESTED", 1): PrivacyRequested,
}
CHECKED = SCHEMAS | CALLS


# ---------------------------------------------------------------------------- envelope


_new, _set = object.__new__, object.__setattr__


class Envelope(BaseModel):
    """An event as it travels: to Kafka, and in the same words to integrators' webhooks."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    id: UUID = Field(description="Stays the same however often the event comes: remove repeats by it")
    type: str
    version: int
    timestamp: Moment
    tenant_id: UUID
    conversation_id: UUID | None = Field(None, description="None for events that belong to no conversation")
    seq: int = Field(0, description="Dense per conversation, from 1; 0 without one")
    data: dict[str, Any]

    def to_bytes(self) -> bytes:
        """Of a learner also with the members by which the learners' service tells events."""
        if not self.type.startswith("CHAT_"):
            return self.model_dump_json().encode()
        whole = self.model_dump(mode="json")
        told = {"event_type": self.type, "learner_id": self.data.get("learner_id")}
        return json.dumps({**told, **whole}, ensure_ascii=False, separators=(",", ":")).encode()


FIELDS = frozenset(Envelope.model_fields)


def envelope_of(event: Event) -> Envelope:
    """The event of a row; nothing is checked, for that was done when it was written. As pydantic's `model_construct`, which
    looks up every field's aliases and default anew: a sixth of what publishing an event took."""
    made = _new(Envelope)
    _set(made, "__dict__", {
        "id": event.id, "type": event.type, "version": event.version, "timestamp": event.created_at,
        "tenant_id": event.tenant_id, "conversation_id": event.conversation_id, "seq": event.seq, "data": event.payload,
    })  # fmt: skip
    _set(made, "__pydantic_fields_set__", set(FIELDS))
    _set(made, "__pydantic_extra__", None)
    _set(made, "__pydantic_private__", None)
    return made


def envelope_read(value: bytes) -> Envelope:
    """The event in a Kafka record, checked against its schema. Raises ValueError (ValidationError, UnknownEvent)."""
    envelope = Envelope.model_validate_json(value)
    _model(envelope.type, envelope.version).model_validate(envelope.data)
    return envelope


# ------------------------------------------------------------------------------- check


class BadEvent(AssertionError):
    """An event does not say what its schema promises: a bug of the code that writes it."""


def event_check(type: str, version: int, payload: Mapping[str, Any], *, strict: bool) -> None:
    """See that ``payload`` is what its schema promises; ``strict``, that it says nothing else either.

    Costs microseconds. Raises BadEvent when ``strict`` (tests, development); elsewhere it is logged, for
    an event that is wrong in a detail is worth more than the message it would take down with it.
    """
    try:
        read = _model(type, version).model_validate(payload)
    except (ValidationError, UnknownEvent) as error:
        wrong = [".".join(map(str, e["loc"])) for e in error.errors()] if isinstance(error, ValidationError) else []
        if strict:
            raise BadEvent(f"{type}: {error}") from error
        log.error("event_schema_violated", type=type, version=version, fields=wrong)
    else:
        if strict and read.model_extra:
            raise BadEvent(f"{type}: {', '.join(read.model_extra)} not in conversations/event_schemas.py")


def _model(type: str, version: int) -> type[Data]:
    try:
        return CHECKED[type, version]
    except KeyError:
        raise UnknownEvent(f"{type} v{version}") from None


# ----------------------------------------------------------------------------- schemas


@cache  # models do not change; no caller changes what it is given
def schema_of(type: str, version: int) -> dict[str, Any]:
    """The JSON schema of the whole event: the envelope with its ``data``. Raises UnknownEvent."""
    whole = TypeAdapter(Envelope).json_schema(mode="serialization")
    data = _model(type, version).model_json_schema(mode="serialization")
    definitions = {**whole.pop("$defs", {}), **data.pop("$defs", {})}
    data.pop("title", None)
    if type.startswith("CHAT_"):
        whole["properties"] |= {"event_type": {"const": type}, "learner_id": {"type": "string"}}
        whole["required"] = [*whole["required"], "event_type", "learner_id"]
    whole["properties"] |= {"type": {"const": type}, "version": {"const": version}, "data": data}
    known = {"$schema": DIALECT, "$id": f"urn:chatsvc:event:{type}:v{version}", "title": f"{type}.v{version}"}
    about = {"description": data.get("description", "")}
    return {**whole, **known, **about, **({"$defs": definitions} if definitions else {})}


def schemas() -> dict[str, dict[str, Any]]:
    """``<type>.v<version>`` → its JSON schema."""
    return {f"{type}.v{version}": schema_of(type, version) for type, version in SCHEMAS}
