"""How one message and what hangs on it look in the API: pydantic models for bodies, queries and answers."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from channels_app.content.given import PublicContent
from channels_app.content.surroundings import Form, Origin, Quote, SharedContact
from channels_app.content.types import Card
from channels_app.words.moments import Moment
from conversations.shapes import ChannelBrief, MessageShape
from tenants.api.parse import Changes


class MessageDetail(MessageShape):
    channel: ChannelBrief
    author: str | None = Field(description="User name of the member of staff who wrote it")
    sent_at: Moment = Field(description="By the sender's clock")


class ContextQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    context_size: int = Field(5, ge=0, le=50, description="Entries before it, and as many behind it")


class MessageContext(BaseModel):
    before: list[MessageShape]
    message: MessageShape
    after: list[MessageShape]


class MessageChange(Changes):
    content: PublicContent = Field(description="A text")


class Deleted(BaseModel):
    id: uuid.UUID
    gone: Literal["everywhere", "on_its_way", "not_sent", "here"] = Field(
        description="everywhere: the person sees it no more; on_its_way: with us, and the platform is about to be told, see "
        "`changes` of its delivery; not_sent: it was never sent; here: with us, and the person's app still shows it"
    )


class TurnBrief(BaseModel):
    id: uuid.UUID
    status: str
    outcome: str
    engine: str
    latency_ms: int | None


class MessageAnalysis(BaseModel):
    """What was understood of a message, and what came of it."""

    id: uuid.UUID
    language: str
    entities: list[dict[str, Any]]
    flags: list[str] = Field(description="Safety rules that it fits")
    intent: str | None = Field(description="Of an answer: what the assistant took the person's words for")
    confidence: float | None
    details: dict[str, Any] = Field(description="What else the analysis has")
    why: dict[str, Any] = Field(
        description="Of an answer, as far as the engine tells: `settled`, `intents` [[name, score], …], `chunks`, `sources`, "
        "`prompt`, `tools`, `models`; `cut` where something was left out"
    )
    turn: TurnBrief | None = Field(
        description="Of a person's words: how they were answered; of an answer: how it came about"
    )


class Surroundings(BaseModel):
    """What surrounds the words of a message."""

    quote: Quote | None = Field(description="The message that it quotes")
    form: Form | None = Field(description="The form or flow that the person has filled in")
    referral: Origin | None = Field(description="What brought the person here with it: an ad, a link, a product")
    products: list[Card] = Field(description="The cards that it shows")
    contacts: list[SharedContact] = Field(description="People whom the person has shared")
    forwarded: Literal["yes", "often"] | None = Field(description="Whether another one wrote it, as the platform tells")
    full_text: str | None = Field(description="All of a text that is longer than a message")


Action = Annotated[
    Literal["edit", "delete"] | None,
    Field(
        description="null: a message goes out; else a change of one does, and the message is the entry that tells of it"
    ),
]


class PartShape(BaseModel):
    index: int
    platform_id: str
    status: str


class AttemptShape(BaseModel):
    number: int
    outcome: str
    code: str
    latency_ms: int
    at: Moment
    exchange: list[dict[str, Any]] = Field(description="What was said with the platform; secrets and texts left out")


class ChangeDelivery(BaseModel):
    """How an edit or the deletion of a message went out; `/deliveries/{id}` has each try."""

    id: uuid.UUID
    kind: Literal["edited", "deleted"]
    seq: int = Field(description="Of the entry that tells of it")
    status: str = Field(description="sent: the person sees it; failed: they still see what was there before")
    error_code: str
    error_detail: str
    dead_at: Moment | None = Field(description="Set: a dead letter, see `/dead-letters`")
    sent_at: Moment | None


class MessageDelivery(BaseModel):
    """How a message went out: each try, and each part that the platform has taken."""

    id: uuid.UUID
    message_id: uuid.UUID
    conversation_id: uuid.UUID
    channel: ChannelBrief
    seq: int = Field(description="Of the message in its conversation")
    created_at: Moment
    action: Action
    status: str
    attempts: int
    error_code: str
    error_detail: str
    dead_at: Moment | None = Field(description="Set: a dead letter, see `/dead-letters`")
    due_at: Moment | None = Field(description="Next try")
    sent_at: Moment | None
    delivered_at: Moment | None
    read_at: Moment | None
    parts: list[PartShape]
    tries: list[AttemptShape]
    changes: list[ChangeDelivery] = Field(description="Its edits and its deletion, where the platform is told of them")


class Regenerated(BaseModel):
    turn: uuid.UUID
    status: str
