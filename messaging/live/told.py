"""What sockets are told of a transcript, as published schemas: the frames that both protocols have.

Must not make a frame (frames.py, push.py): pure data, held to what is sent by tests.
"""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from channels_app.words.moments import Moment


class Entry(BaseModel):
    """Stands in the transcript of ``conversation``, where ``seq`` counts 1, 2, 3 … without a gap."""

    conversation: UUID
    seq: int
    id: UUID
    ts: Moment


class Speaker(BaseModel):
    role: Literal["visitor", "bot", "agent", "system"]
    name: str = ""
    picture: str | None = None


class Msg(Entry):
    """A message. ``cid``: the visitor's own name for it."""

    by: Speaker = Field(alias="from")
    kind: str
    text: str
    format: Literal["plain", "md"]
    quick_replies: list[Any]
    content: dict[str, Any]
    cid: str | None
    lang: str | None


class Edit(Entry):
    """What the message ``of`` says by now."""

    of: UUID
    kind: str
    text: str
    format: Literal["plain", "md"]
    content: dict[str, Any]
    lang: str | None


class Del(Entry):
    """The message ``of`` was deleted."""

    of: UUID


class Named(BaseModel):
    name: str


class State(Entry):
    """The conversation changed hands, or ended."""

    state: Literal["bot", "queued", "assigned", "closed"]
    text: str
    agent: Named | None = None
    hours: dict[str, Any] | None = None
    csat: Any = None


class Media(BaseModel):
    """What a message says by now: its file has come, was refused, or was put into words."""

    of: UUID
    of_seq: int
    state: str
    content: dict[str, Any]


class Side(BaseModel):
    role: Literal["visitor", "agent"]


class Reaction(BaseModel):
    """``emoji`` empty: it was taken back."""

    of: UUID
    of_seq: int
    by: Side
    emoji: str


class Read(BaseModel):
    """How far the visitor or the staff have read."""

    by: Side
    seq: int


class Pong(BaseModel):
    """The answer to a `ping`, with its ``n``."""

    n: int | float | None


class Error(BaseModel):
    """Answers a frame that could not be followed; ``fatal``: the close comes next."""

    code: str
    message: str
    fatal: bool
    retry_after_s: float | None = None
    cid: str | None = None
    conversation: str | None = None


class Bye(BaseModel):
    """The process stops: come back after ``after_s`` and some jitter."""

    reason: str
    reconnect: bool
    after_s: float


class Heartbeat(BaseModel):
    """The client pings so often, and takes a connection for dead whose pong does not come within ``timeout_s``."""

    interval_s: int
    timeout_s: int


TRANSCRIPT: dict[str, type[BaseModel]] = {
    "msg": Msg, "edit": Edit, "del": Del, "state": State, "media": Media,
}  # fmt: skip
PLAIN: dict[str, type[BaseModel]] = {"error": Error, "pong": Pong, "bye": Bye}
