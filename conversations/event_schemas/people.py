"""What events on contacts and their files say."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from pydantic import Field

from conversations.event_schemas.base import Data, OfChannel, OfConversation


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
