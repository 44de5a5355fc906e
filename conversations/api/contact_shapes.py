"""How contacts look in the API: pydantic models for bodies, queries and answers."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from channels_app.content.ids import PersonId
from channels_app.templates.resolve import LANGUAGE
from channels_app.words.moments import Moment
from conversations.shapes import ChannelBrief, ConversationShape, MessageShape
from tenants.api.pages import ListQuery, Page
from tenants.api.parse import Changes
from tenants.names import Seen

MOST_FACTS = 50


def _email(given: str) -> str:
    try:
        if given:
            validate_email(given)
    except ValidationError:
        raise PydanticCustomError("email_invalid", "This is no e-mail address") from None
    return given


Name = Annotated[str, Field(max_length=200), Seen]
Email = Annotated[str, Field(max_length=254, description="Empty: none"), AfterValidator(_email)]
Phone = Annotated[str, Field(max_length=16, pattern=r"^(\+[1-9][0-9]{1,14})?$", description="E.164; empty: none")]
Language = Annotated[str, Field(max_length=15, pattern=f"{LANGUAGE}|^$", description="BCP 47; empty: not known")]
#: any JSON value; said in words, since generators of typed languages fail on a choice of seven
Fact = Annotated[
    Annotated[str, Field(max_length=500)] | bool | int | float | dict[str, Any] | list[Any] | None,
    WithJsonSchema({"description": "Any JSON value; a text of at most 500 characters"}),
]
Facts = Annotated[
    dict[Annotated[str, Field(min_length=1, max_length=60)], Fact],
    Field(max_length=MOST_FACTS, description="Each by its name; null takes one away, and what is not named stays"),
]


class ContactBody(BaseModel):
    """A person who has not written yet."""

    model_config = ConfigDict(extra="forbid")

    name: Name = ""
    email: Email = ""
    phone: Phone = ""
    language: Language = ""
    profile: Facts = {}
    preferences: Facts = {}


class ContactChange(Changes):
    """What is named is decided: no platform and no visitor changes it any more."""

    name: Name = ""
    email: Email = ""
    phone: Phone = ""
    language: Language = ""
    profile: Facts = {}
    preferences: Facts = {}


class PreferencesChange(Changes):
    preferences: Facts = {}


class IdentityShape(BaseModel):
    id: uuid.UUID
    channel: ChannelBrief
    scheme: str = Field(description="What the id is: phone, psid, visitor, user …")
    user_id: str = Field(description="As messages name the person")
    address: str = Field(description="Where replies go, when it differs")
    verified: bool = Field(description="Proved by the platform or by a signature, not only claimed")
    stopped_at: Moment | None = Field(description="Nothing is sent there since")
    stopped_by: str | None = Field(description="staff, or null: the person")
    created_at: Moment


class IdentityBody(BaseModel):
    """An id of the person that is known before they write."""

    model_config = ConfigDict(extra="forbid")

    channel_id: uuid.UUID
    user_id: PersonId = Field(description="As messages name the person on this channel")


class IdentityDetail(IdentityShape):
    """One id of a person."""


class IdentityAttached(IdentityShape):
    """What is attached."""


class IdentityList(Page):
    items: list[IdentityShape]


class ContactShape(BaseModel):
    id: uuid.UUID
    name: str
    email: str
    phone: str
    language: str
    profile: dict[str, Any]
    preferences: dict[str, Any]
    decided: list[str] = Field(
        description="What staff or this API have entered: platforms and visitors change it no more"
    )
    last_active_at: Moment
    created_at: Moment


class ContactWithIdentities(ContactShape):
    identities: list[IdentityShape]


class ContactDetail(ContactWithIdentities):
    """One contact."""


class ContactPage(Page):
    items: list[ContactShape]


class ContactQuery(ListQuery):
    user_id: PersonId | None = Field(None, description="One of their ids on a channel")
    email: str | None = Field(
        None, max_length=254, description="Or a part of it from the beginning of a word; case does not count"
    )
    phone: str | None = Field(None, max_length=20, description="As it is: E.164")
    search_query: str = Field(
        "", max_length=200, description="Words of name and e-mail address, or the end of a number"
    )


class Preferences(BaseModel):
    preferences: dict[str, Any]


class MergeBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    contact_id: uuid.UUID = Field(description="The contact that goes into this one")


class MergeShape(BaseModel):
    """An entry of the ledger: who went into this contact."""

    id: uuid.UUID
    contact_id: uuid.UUID = Field(description="The one that was kept")
    former_id: uuid.UUID = Field(description="The one that went")
    identities: list[uuid.UUID] = Field(description="What came over, with all conversations of theirs")
    fields: list[str] = Field(description="What it changed of the kept one")
    by: str = Field(description="As in the audit trail; platform: it vouched that they are one person")
    created_at: Moment
    undone_at: Moment | None
    undone_by: str | None


class MergedContact(BaseModel):
    contact: ContactWithIdentities
    merge: MergeShape


class MergeDetail(MergeShape):
    """One entry of the ledger."""


class MergeDone(MergeShape):
    """One entry."""


class MergePage(Page):
    items: list[MergeShape]


class MergeQuery(ListQuery):
    undone: bool | None = Field(None, description="Those that were undone, or the others")


class HistoryMessage(MessageShape):
    channel: ChannelBrief


class HistoryPage(Page):
    items: list[HistoryMessage]


class ContactConversationPage(Page):
    items: list[ConversationShape]


class Statistics(BaseModel):
    """What there was with a person, on all channels."""

    conversations: int
    open_conversations: int
    by_status: dict[str, int]
    by_channel: dict[str, int] = Field(description="Conversations by kind of channel")
    messages: int = Field(description="Entries of all transcripts")
    sessions: int
    first_conversation_at: Moment | None
    last_conversation_at: Moment | None
    last_active_at: Moment
    average_satisfaction: float | None = Field(description="Of the conversations that were rated, 1 to 5")
    rated: int
