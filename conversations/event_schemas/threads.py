"""What events on threads between people and on privacy say, in the form of the learners' service."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import Field

from conversations.event_schemas.base import Data, OfConversation


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
