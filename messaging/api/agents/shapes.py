"""How the inbox looks in the API: pydantic models of requests and answers."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from channels_app.content.given import PublicContent
from channels_app.content.types import Content, text
from channels_app.words.moments import Moment
from conversations.shapes import AssigneeBrief, ConversationDetail, ConversationShape, TeamBrief
from messaging.agents.inbox.lists import Filter, View
from messaging.agents.models import SHORTCUT, Label
from messaging.agents.presence import State
from messaging.api.named import Agent
from tenants.api.pages import Page, WholeQuery
from tenants.api.parse import Changes
from tenants.members.desk import Language, Skill
from tenants.names import Said, Seen
from tenants.repeated import once

Color = Literal["gray", "red", "orange", "yellow", "green", "teal", "blue", "purple", "pink"]
assert get_args(Color) == Label.COLORS
Name = Annotated[str, StringConstraints(min_length=1, max_length=60), Seen]
LabelName = Annotated[str, StringConstraints(min_length=1, max_length=40), Seen]
Title = Annotated[str, StringConstraints(min_length=1, max_length=100), Seen]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


# ---------------------------------------------------------------------------------- inbox


class InboxQuery(Filter):
    view: View = Field(
        "waiting", description="waiting: a human is asked for, none has come. mine, mentions: of `agent`"
    )
    agent: Agent = ""
    page_size: int = Field(30, ge=1, le=100)
    cursor: str | None = Field(None, max_length=600)


class CountsQuery(Filter):
    agent: Agent = ""


class LabelItem(BaseModel):
    id: uuid.UUID
    name: str
    color: str


class InboxRow(ConversationShape):
    labels: list[LabelItem]
    unread: int = Field(description="Messages of the person that no member of staff has read")
    flags: list[str] = Field(description="What safety rules found in what is unread or unanswered")
    expected_response_type: str | None
    failed: bool = Field(description="A message could not be delivered")
    late: bool = Field(description="The person waits longer than the tenant wants")
    agent_read_seq: int


class InboxPage(BaseModel):
    items: list[InboxRow]
    next_cursor: str | None
    has_next: bool


class InboxCounts(BaseModel):
    """None is more than 1000: that many or more."""

    waiting: int
    mine: int
    colleagues: int
    bot: int
    snoozed: int
    mentions: int


class LabelledConversation(ConversationDetail):
    labels: list[LabelItem]


# ------------------------------------------------------------------------- one conversation


class AssignChange(Strict):
    """Exactly one of ``agent`` and ``team``."""

    model_config = ConfigDict(json_schema_extra={"minProperties": 1})

    agent: str = Field("", max_length=150, description="User name of who answers from here on")
    team: uuid.UUID | None = Field(None, description="The team whose members it waits for")
    expected_epoch: int | None = Field(
        None, ge=0, le=2**31 - 1,
        description="The `control_epoch` you have read; without it, it is taken from no agent (409 `control_changed`)",
    )  # fmt: skip


class UnassignChange(Strict):
    expected_epoch: int | None = Field(None, ge=0, le=2**31 - 1)


class SnoozeChange(Strict):
    until: Moment = Field(description="Within a year; it is back before that when the person writes")


class NoteBody(Strict):
    text: Annotated[str, Said] = Field(min_length=1, max_length=4096, description="`@user-name` tells that colleague")
    agent: Agent = ""


class NoteItem(BaseModel):
    id: uuid.UUID
    text: str
    author: AssigneeBrief | None
    created_at: Moment
    mentioned: list[AssigneeBrief] = []


class NoteShape(NoteItem):
    """A note."""


class NoteList(Page):
    items: list[NoteItem]


class Looking(Strict):
    agent: Agent = ""
    typing: bool = False
    gone: bool = Field(False, description="They have closed the conversation")


class LookShape(BaseModel):
    id: uuid.UUID
    name: str
    typing: bool


class LookList(BaseModel):
    items: list[LookShape]


# ------------------------------------------------------------------ labels, teams, members


class LabelBody(Strict):
    name: LabelName
    color: Color = "gray"


class LabelChange(Changes):
    name: LabelName = ""
    color: Color = "gray"


class LabelShape(LabelItem):
    """A label."""


class LabelList(Page):
    items: list[LabelItem]


class TeamBody(Strict):
    name: Name
    members: list[Annotated[str, Field(max_length=150)]] = Field([], max_length=500, description="User names")
    languages: Annotated[list[Language], AfterValidator(once)] = Field([], max_length=20)
    skills: Annotated[list[Skill], AfterValidator(once)] = Field([], max_length=50)


class TeamChange(Changes):
    name: Name = ""
    members: list[Annotated[str, Field(max_length=150)]] = Field([], max_length=500)
    languages: Annotated[list[Language], AfterValidator(once)] = Field([], max_length=20)
    skills: Annotated[list[Skill], AfterValidator(once)] = Field([], max_length=50)


class TeamItem(BaseModel):
    id: uuid.UUID
    name: str
    languages: list[str]
    skills: list[str]
    members: list[AssigneeBrief]


class TeamShape(TeamItem):
    """A team."""


class TeamList(Page):
    items: list[TeamItem]


class MemberItem(BaseModel):
    id: uuid.UUID
    name: str = Field(description="Their user name")
    full_name: str
    picture: str | None
    role: str = Field(description="The name of their role")
    presence: State
    open_conversations: int
    capacity: int = Field(description="Conversations that a rule gives them at a time")
    languages: list[str]
    skills: list[str]
    answers: bool = Field(description="They may answer conversations")
    teams: list[TeamBrief]


class MemberShape(MemberItem):
    """A colleague."""


class MemberList(Page):
    items: list[MemberItem]


class DeskChange(Changes):
    capacity: int = Field(0, ge=0, le=500)
    languages: Annotated[list[Language], AfterValidator(once)] = Field([], max_length=20)
    skills: Annotated[list[Skill], AfterValidator(once)] = Field([], max_length=50)


class PresenceChange(Strict):
    agent: Agent = ""
    state: State = Field(description="Holds for 90 seconds; say it every thirty")


# ---------------------------------------------------------------- canned replies, filters


class CannedBody(Strict):
    shortcut: str = Field(pattern=SHORTCUT, description="What staff type after `/`")
    title: Title
    content: PublicContent = Field(description="`{{variables}}` may stand in its texts")
    language: str = Field("", max_length=15)


class CannedChange(Changes):
    shortcut: str = Field("", pattern=SHORTCUT)
    title: Title = ""
    content: PublicContent = text("-")
    language: str = Field("", max_length=15)


class CannedQuery(WholeQuery):
    search: str = Field("", max_length=100, description="The beginning of a shortcut, or a part of a title")
    limit: int = Field(50, ge=1, le=200, description="The size of a page where `page_size` names none")


class CannedItem(BaseModel):
    id: uuid.UUID
    shortcut: str
    title: str
    content: Content
    language: str
    variables: list[str]
    updated_at: Moment


class CannedShape(CannedItem):
    """A canned reply."""


class CannedList(Page):
    items: list[CannedItem]


class CannedUse(Strict):
    conversation_id: uuid.UUID
    agent: Agent = ""
    variables: dict[Annotated[str, Field(max_length=60)], Annotated[str, Field(max_length=1000)]] = Field(
        default_factory=dict, max_length=50
    )


class CannedFilled(BaseModel):
    content: Content | None = Field(description="null as long as values are missing")
    missing: list[str]
    values: dict[str, str]


class FilterBody(Strict):
    name: Name
    view: View = "waiting"
    filter: Filter = Filter()
    shared: bool = Field(False, description="All members of the tenant see it")
    agent: Agent = ""


class FilterQuery(Strict):
    agent: Agent = ""


class FiltersQuery(WholeQuery):
    agent: Agent = ""


class FilterItem(BaseModel):
    id: uuid.UUID
    name: str
    view: View
    filter: dict[str, Any]
    shared: bool
    owner: AssigneeBrief | None


class FilterShape(FilterItem):
    """A kept filter."""


class FilterList(Page):
    items: list[FilterItem]
