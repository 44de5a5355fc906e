"""What threads and their messages look like, in and out."""

from __future__ import annotations

import json
import uuid
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, Tag, WithJsonSchema
from pydantic_core import PydanticCustomError

from channels_app.content.given import PublicContent
from channels_app.content.ids import PersonId
from channels_app.content.types import MAX_TEXT, Content, text
from channels_app.words.moments import Moment
from conversations.files.media_links import content_with_links
from conversations.models import Conversation, Message
from messaging.threads.people import Role, participants_of, sender_of
from messaging.threads.rows import Wanted, learner_of
from tenants.api.pages import ListQuery, Page
from tenants.names import Seen

LONGEST_METADATA = 8_000  # characters of JSON


def _bounded(given: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(given)) > LONGEST_METADATA:
        raise PydanticCustomError("metadata_too_long", "Metadata have at most 8000 characters as JSON")
    return given


Metadata = Annotated[dict[str, Any], AfterValidator(_bounded)]
Subject = Annotated[str, Field(max_length=200), Seen]


class ThreadParticipant(BaseModel):
    model_config = ConfigDict(extra="forbid")

    user_id: PersonId = Field(description="In your system: the subject of their tokens")
    role: Role | None = None


Participants = Annotated[
    list[PersonId | ThreadParticipant], Field(max_length=100, description="Bare ids are participants without a role")
]


class ThreadBody(BaseModel):
    """A new thread about a learner."""

    model_config = ConfigDict(extra="forbid")

    learner_id: PersonId = Field(description="The learner in your system")
    subject: Subject = ""
    participants: Participants = []
    metadata: Metadata = {}

    def wanted(self) -> Wanted:
        return Wanted(self.subject, _stored(self.participants), self.metadata)


class ThreadChange(BaseModel):
    """What is left out stays."""

    model_config = ConfigDict(extra="forbid")

    subject: Subject | None = None
    participants: Participants | None = Field(None, description="All of them, instead of those before")
    metadata: Metadata | None = Field(None, description="All of them, instead of those before")

    def wanted(self) -> Wanted:
        parts = None if self.participants is None else _stored(self.participants)
        return Wanted(self.subject, parts, self.metadata)


class ThreadQuery(ListQuery):
    learner_id: PersonId | None = Field(None, description="Threads of this learner")
    search_query: str = Field("", max_length=200, description="In the subject")


class ThreadPart(BaseModel):
    user_id: str
    role: str | None


class ThreadShape(BaseModel):
    id: uuid.UUID
    learner_id: str
    subject: str
    participants: list[ThreadPart]
    metadata: dict[str, Any]
    message_count: int = Field(description="Deleted ones do not count")
    created_at: Moment
    updated_at: Moment = Field(description="The last change, or the last message")


class ThreadDetail(ThreadShape):
    """One thread."""


class ThreadPage(Page):
    items: list[ThreadShape]


Words = Annotated[
    Annotated[str, Field(min_length=1, max_length=MAX_TEXT), Tag("text")] | Annotated[PublicContent, Tag("content")],
    Discriminator(lambda given: "text" if isinstance(given, str) else "content"),
]


class ThreadMessageBody(BaseModel):
    """A text as a bare string, or a content of any type with its members."""

    model_config = ConfigDict(extra="forbid")

    content: Words
    message_type: str | None = Field(None, max_length=20, description="Of the content; left out, its own")
    metadata: Metadata = {}
    sender_id: PersonId | None = Field(
        None, description="Who says it. A limited token speaks for its subject only; others for whom they name"
    )
    sender_role: Role | None = None


class ThreadMessageChange(BaseModel):
    """What is left out stays."""

    model_config = ConfigDict(extra="forbid")

    content: Words | None = None
    message_type: str | None = Field(None, max_length=20)
    metadata: Metadata | None = Field(None, description="All of them, instead of those before")


class ThreadMessagesQuery(ListQuery):
    search_query: str = Field("", max_length=200, description="In the words, any part of one")


class ThreadMessageShape(BaseModel):
    id: uuid.UUID
    thread_id: uuid.UUID
    learner_id: str
    seq: int = Field(description="Place in the thread; deleted messages leave theirs empty")
    sender_id: str
    sender_role: str
    message_type: str
    #: said in words, since generators of typed languages fail on a choice of a text and an object
    content: Annotated[
        str | dict[str, Any],
        WithJsonSchema({"description": "A text as a string; of other types the content with its members"}),
    ]
    metadata: dict[str, Any]
    created_at: Moment
    updated_at: Moment


class ThreadMessageDetail(ThreadMessageShape):
    """One message of a thread."""


class ThreadMessagePage(Page):
    items: list[ThreadMessageShape]


class ThreadDeleted(BaseModel):
    messages: int = Field(description="That went with it")


class ThreadMessageDeleted(BaseModel):
    deleted: bool


def _stored(given: Sequence[str | ThreadParticipant]) -> list[dict[str, Any]]:
    """Each once, the last one counts."""
    parts = [ThreadParticipant(user_id=one) if isinstance(one, str) else one for one in given]
    return list({one.user_id: one.model_dump() for one in parts}.values())


def content_of(given: str | Content) -> Content:
    return text(given) if isinstance(given, str) else given


def thread_shape(row: Conversation, learner_id: str = "") -> dict[str, Any]:
    return {
        "id": row.id,
        "learner_id": learner_id or learner_of(row),
        "subject": row.subject,
        "participants": participants_of(row),
        "metadata": row.context.get("metadata", {}),
        "message_count": row.message_count,
        "created_at": row.created_at,
        "updated_at": row.last_message_at,
    }


def thread_message_shape(row: Message, learner_id: str) -> dict[str, Any]:
    shown = content_with_links(row.content)
    return {
        "id": row.id,
        "thread_id": row.conversation_id,
        "learner_id": learner_id,
        "seq": row.seq,
        **sender_of(row),
        "message_type": row.content_type,
        "content": shown.get("text", "") if row.content_type == "text" else shown,
        "metadata": row.metadata.get("metadata", {}),
        "created_at": row.created_at,
        "updated_at": row.edited_at or row.created_at,
    }
