"""What events on conversations, visits and the engine's work say."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from channels_app.words.moments import Moment
from conversations.event_schemas.base import PERSON, Data, OfChannel, OfConversation, OfPerson


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
    reason: str | None = Field(None, description="Why a human was asked for: a code; noted: a note has the words")
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
