"""What events on messages say."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from channels_app.content.surroundings import Origin
from channels_app.words.moments import Moment
from conversations.event_schemas.base import PERSON, Data, OfConversation


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
    degraded: bool = Field(
        description="The engine failed and the fallback reply went out, or it was its own second best"
    )
    reason: str | None = Field(
        None, description="Why it was degraded, as the engine says: `llm_denied`, `budget_exceeded` …"
    )
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
