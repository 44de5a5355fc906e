"""What a window of staff is told: the server frames of ``desk-agent.v1`` as published schemas, and its close codes.

Must not make a frame: pure data, held to what is sent by tests. What each means is in docs/agent-socket.md.
"""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, create_model

from channels_app.words.moments import Moment
from messaging.live.told import PLAIN, TRANSCRIPT, Heartbeat, Reaction, Read


class Person(BaseModel):
    id: UUID
    name: str


class Colleague(Person):
    state: Literal["online", "away", "offline"]


class Assignee(Person):
    full_name: str


class Looker(Assignee):
    typing: bool


class Label(Person):
    color: str


class OfChannel(Person):
    kind: str


class Visible(Person):
    """A tenant."""

    permissions: list[str]


class Ready(BaseModel):
    session: str
    user: Person | None
    tenants: list[Visible]
    heartbeat: Heartbeat
    limits: dict[str, int | float]


class Numbers(BaseModel):
    """null: too many conversations are open to be counted."""

    waiting: int | None
    mine: int | None
    colleagues: int | None
    bot: int | None
    snoozed: int | None
    mentions: int | None


class Viewed(BaseModel):
    """The list is live. ``view`` null: none is shown; with ``code``: it is not to be seen any more."""

    view: str | None
    tenant: UUID | None = None
    filter: dict[str, Any] | None = None
    counts: Numbers | None = None
    unread: dict[str, int] | None = None
    failed: list[UUID] | None = None
    present: list[Colleague] | None = None
    mark: str | None = None
    reset: bool = False
    code: str | None = None


class Conv(BaseModel):
    """The whole row of a conversation that the list shows, or that is watched."""

    tenant: UUID
    conversation: UUID
    version: int
    name: str
    contact: UUID
    channel: OfChannel
    status: str
    is_open: bool
    control_epoch: int
    held_by: Literal["bot", "queue", "staff", "outside"]
    assignee: Assignee | None
    team: Person | None
    priority: str
    rank: int
    waiting_since: Moment | None
    late_at: Moment | None
    snoozed_until: Moment | None
    last_seq: int
    last_message_at: Moment | None
    preview: str | None
    unread: int
    flags: list[str]
    expected_response_type: str | None
    failed: bool
    labels: list[Label]
    ended_at: Moment | None
    mark: str


class Gone(BaseModel):
    """The list does not show it any more."""

    tenant: UUID
    conversation: UUID
    mark: str


class Counts(Numbers):
    tenant: UUID
    mark: str


class Watching(BaseModel):
    """What was missed has been sent. ``reset``: forget what is shown, the transcript follows. ``complete`` false: fetch
    the rest by HTTP."""

    conversation: UUID
    last_seq: int
    complete: bool
    looking: list[Looker]
    reset: bool = False


class Unwatched(BaseModel):
    """The conversation is not to be seen any more."""

    conversation: UUID
    code: str


class Alert(BaseModel):
    tenant: UUID
    kind: str
    title: str
    text: str
    url: str
    conversation: UUID | None


class Presence(BaseModel):
    tenant: UUID
    user: Person
    state: Literal["online", "away", "offline"]


class Looking(BaseModel):
    conversation: UUID
    members: list[Looker]


class Writer(BaseModel):
    role: Literal["visitor", "agent", "bot"]
    id: UUID | None = None
    name: str


class Typing(BaseModel):
    """``content``: what the bot has written so far of its answer to a transcript that ends at ``after``."""

    conversation: UUID
    by: Writer = Field(alias="from")
    on: bool
    ttl_s: int
    content: dict[str, Any] | None = None
    after: int | None = None


class Status(BaseModel):
    """Of our message ``of``."""

    conversation: UUID
    of: UUID
    of_seq: int
    status: Literal["queued", "sending", "sent", "delivered", "read", "failed"]


class Note(BaseModel):
    """A colleague has written a note: fetch it."""

    conversation: UUID
    id: UUID


class Known(BaseModel):
    """What is known of the person has changed: fetch it."""

    conversation: UUID


class Planned(BaseModel):
    """Other replies than before wait for their time: fetch them."""

    conversation: UUID


class Page(BaseModel):
    """The visitor is on another page, or has left it: fetch what is known of the person."""

    conversation: UUID


FOLLOWED: dict[str, type[BaseModel]] = {**TRANSCRIPT, "reaction": Reaction, "read": Read}
WATCHED: dict[str, type[BaseModel]] = {
    kind: create_model(f"Watched{model.__name__}", __base__=model, __doc__=model.__doc__, conversation=(UUID, ...))
    for kind, model in FOLLOWED.items()
}
SERVER_FRAMES: dict[str, type[BaseModel]] = {
    "ready": Ready, "viewed": Viewed, "conv": Conv, "gone": Gone, "counts": Counts, "watching": Watching,
    "unwatched": Unwatched, "alert": Alert, "presence": Presence, "looking": Looking, "typing": Typing, "status": Status,
    "note": Note, "person": Known, "planned": Planned, "page": Page, **WATCHED, **PLAIN,
}  # fmt: skip
CLOSES = {
    1000: "after `bye`",
    1003: "not text",
    1009: "a frame over 32 KiB",
    1011: "a fault of the service: come back, with growing pauses",
    1012: "the process stops: come back after `bye.after_s`",
    1013: "overload: come back after `retry_after_s`",
    4400: "not the protocol",
    4401: "no session, or the token is not valid any more",
    4403: "no tenant whose conversations may be read, or it is suspended",
    4408: "no `hello` within 5 s",
    4429: "too fast three times, or too many windows: wait a minute",
    4503: "too slow a reader: resume",
}
