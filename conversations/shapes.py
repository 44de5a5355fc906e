"""How conversations and messages look in the API: pydantic models for answers and for query parameters."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from channels_app.content.ids import PersonId
from channels_app.content.surroundings import Origin
from channels_app.content.types import Content
from channels_app.words.moments import Moment
from tenants.api.pages import ListQuery, Page


class ChannelBrief(BaseModel):
    id: uuid.UUID
    kind: str
    name: str


class ContactBrief(BaseModel):
    id: uuid.UUID
    name: str


class AssigneeBrief(BaseModel):
    id: uuid.UUID
    name: str = Field(description="Their user name")


class TeamBrief(BaseModel):
    id: uuid.UUID
    name: str


class ConversationShape(BaseModel):
    id: uuid.UUID
    status: Literal["active", "completed", "abandoned", "escalated", "error"]
    control_owner: Literal["bot", "human"]
    held_by: Literal["bot", "queue", "staff", "outside"] = Field(
        description="queue: a human was asked for, none has come; outside: staff answer in the platform's own app"
    )
    control_epoch: int = Field(description="Grows with each change of control: `expected_epoch` of an act on it")
    assignee: AssigneeBrief | None = Field(description="The member of staff who answers, where one is named")
    channel: ChannelBrief
    contact: ContactBrief
    team: TeamBrief | None = Field(description="Whose members it waits for, or whose it is")
    subject: str
    priority: str
    message_count: int
    last_seq: int
    last_message: str | None = Field(description="Its beginning; null without `messages:read`")
    last_message_at: Moment | None
    waiting_since: Moment | None
    snoozed_until: Moment | None = Field(description="Put off until then, or until the person writes")
    created_at: Moment
    ended_at: Moment | None


class ConversationDetail(ConversationShape):
    user_id: str
    context: dict[str, Any]
    came_from: Origin | None = Field(description="The ad, link or product that brought the person here last")
    first_reply_at: Moment | None
    reply_window_expires_at: Moment | None
    satisfaction: int | None


class ConversationPage(Page):
    items: list[ConversationShape]


class AttachmentShape(BaseModel):
    """A file of a message. ``remote``: still with the platform; ``refused``: not kept, ``reason`` says why."""

    id: uuid.UUID
    kind: str
    state: str = Field(description="remote, stored or refused")
    reason: str
    name: str
    type: str = Field(description="MIME type, told from the bytes once it is stored")
    size_bytes: int | None
    width: int | None
    height: int | None
    transcript: str
    url: str | None = Field(description="A signed link that runs out; read the message again for a new one")
    thumbnail_url: str | None


class ReactionShape(BaseModel):
    emoji: str
    identity_id: uuid.UUID
    at: Moment


class ChangeShape(BaseModel):
    """What a system entry tells: the message ``of`` was edited or deleted. Fetch it for what it says now."""

    kind: Literal["edited", "deleted"]
    of: uuid.UUID


class MessageShape(BaseModel):
    id: uuid.UUID
    seq: int
    conversation_id: uuid.UUID
    direction: Literal["inbound", "outbound"]
    role: Literal["visitor", "bot", "agent", "system"]
    content: Content | None = Field(description="null once the message is deleted")
    attachments: list[AttachmentShape]
    status: str | None = Field(description="Of the delivery: queued, sending, sent, delivered, read, failed")
    message_id: str | None
    reply_to: uuid.UUID | None = Field(
        description="The message that this one answers or quotes; what is quoted stands in `content.quote`"
    )
    language: str
    analysis: dict[str, Any]
    created_at: Moment
    edited_at: Moment | None
    deleted_at: Moment | None
    reactions: list[ReactionShape]
    change: ChangeShape | None


class HistoryWanted(BaseModel):
    model_config = ConfigDict(extra="forbid")

    messages: int = Field(0, ge=0, le=100, description="How many of its last entries to show along")


class ConversationWithHistory(ConversationDetail):
    messages: list[MessageShape] | None = Field(
        description="The last entries, ascending by `seq`, as many as were asked for; null without `messages:read`"
    )


class SentMessage(MessageShape):
    """A message that was just written."""

    waiting_since: Moment | None = Field(
        description="Set: the person has written more than the agent had seen, and waits for an answer to that"
    )


class MessagePage(Page):
    items: list[MessageShape]
    last_seq: int
    has_more: bool = Field(
        description="By seq: whether more stand behind `after`, or before `before`; else as `has_next`"
    )


class SnippetPart(BaseModel):
    text: str
    mark: bool = Field(description="Whether this is what was looked for")


class FoundMessage(MessageShape):
    snippet: list[SnippetPart] = Field(description="The part of its text around the first place, in pieces")


class FoundPage(BaseModel):
    items: list[FoundMessage]
    next_cursor: str | None
    has_next: bool


class ConversationQuery(ListQuery):
    status: Literal["active", "completed", "abandoned", "escalated", "error"] | None = None
    priority: Literal["low", "normal", "high", "urgent"] | None = None
    channel: str | None = Field(None, max_length=20, description="Kind of channel")
    user_id: PersonId | None = None
    contact_id: uuid.UUID | None = None
    search_query: str = Field(
        "", max_length=200, description="In the subject and the name, with `messages:read` in the last message, too"
    )
    search: str | None = Field(None, max_length=200, description="As `search_query`")


class MessageQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")

    after: int = Field(0, ge=0, le=2**31 - 1, description="`seq` of the last entry that you have: those behind it")
    before: int | None = Field(
        None, ge=1, le=2**31 - 1, description="`seq`: the entries before it, the last ones first asked for"
    )
    limit: int = Field(50, ge=1, le=100, description="As `page_size`")


class TranscriptQuery(ListQuery, MessageQuery):
    """By seq, or as every list."""

    page_size: int = Field(50, ge=1, le=100)
    search_query: str = Field("", max_length=200, description="In the words, any part of one")

    @property
    def by_seq(self) -> MessageQuery | None:
        """None: it is asked for as a list."""
        if self.model_fields_set - {"after", "before", "limit", "page_size"}:
            return None
        size = self.page_size if "page_size" in self.model_fields_set else self.limit
        return MessageQuery(after=self.after, before=self.before, limit=size)


class HistoryQuery(ListQuery):
    role: Literal["visitor", "bot", "agent", "system"] | None = None


class SearchQuery(BaseModel):
    model_config = ConfigDict(extra="forbid")
    RANGES: ClassVar = (("start_date", "end_date"),)

    search_query: str = Field(
        min_length=1, max_length=200,
        description='Words that must all be there, in any order; case and accents do not count. `"in quotes"`: side by '
        "side. The last word may be the beginning of one, from two letters on",
    )  # fmt: skip
    conversation_id: uuid.UUID | None = None
    channel: str | None = Field(None, max_length=20, description="Kind of channel")
    user_id: PersonId | None = None
    role: Literal["visitor", "bot", "agent", "system"] | None = None
    start_date: Moment | None = None
    end_date: Moment | None = None
    page_size: int = Field(20, ge=1, le=100)
    cursor: str | None = Field(None, max_length=500)
