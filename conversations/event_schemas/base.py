"""What events of a kind have in common: of a channel, a conversation, a person."""

from __future__ import annotations

from uuid import UUID

from pydantic import BaseModel, ConfigDict

PERSON = (
    "The person's id as their platform, or the caller of the API, says it; of one that is a phone number or an e-mail address "
    "`identity_id`, unless the tenant has switched `event_words` on"
)


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
