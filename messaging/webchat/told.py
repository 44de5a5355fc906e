"""What a widget is told: the server frames of ``desk-chat.v1`` as published schemas, and its close codes.

Must not make a frame: pure data, held to what is sent by tests.
"""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field

from channels_app.words.moments import Moment
from messaging.live.told import PLAIN, TRANSCRIPT, Heartbeat, Read


class Answers(BaseModel):
    """Who answers what is written next; ``hours`` and the place in the ``queue`` while a human is waited for."""

    mode: Literal["bot", "queue", "human"]
    name: str
    hours: dict[str, Any] | None = None
    queue: int | None = None


class Ready(BaseModel):
    """What was missed has been sent; comes again when a conversation begins. ``reset``: forget what is shown, the
    conversation follows. ``complete`` false: more was missed than was sent, fetch the rest over HTTP or by `sync`."""

    session: str
    conversation: UUID | None
    last_seq: int
    replay: int
    complete: bool
    limits: dict[str, Any]
    heartbeat: Heartbeat
    resume_ttl_s: int
    agent: Answers
    read_seq: int
    reset: bool = False


class Ack(BaseModel):
    """The message ``cid`` is stored; of a `rate` frame ``cid`` alone."""

    cid: str
    conversation: UUID | None = None
    seq: int | None = None
    id: UUID | None = None
    ts: Moment | None = None
    duplicate: bool | None = None


class Writer(BaseModel):
    role: Literal["bot", "agent"]
    name: str


class Typing(BaseModel):
    """Over after ``ttl_s`` unless it comes again. ``content``: what the bot has written so far, all of it, of its answer to
    a transcript that ends at ``after``; forget it when an entry comes, or `on` false."""

    by: Writer = Field(alias="from")
    on: bool
    ttl_s: int
    content: dict[str, Any] | None = None
    after: int | None = None


class Queue(BaseModel):
    """The place among those who wait for a human, 1: the next one. Comes when it may have changed."""

    conversation: UUID
    position: int


class Token(BaseModel):
    """The answer to `refresh`."""

    token: str
    expires_in: int


class Ticket(BaseModel):
    """POST the file to ``url``; then a `send` of kind `file` names ``file``."""

    cid: str
    file: UUID
    url: str
    expires_in: int
    limit: int


SERVER_FRAMES: dict[str, type[BaseModel]] = {
    "ready": Ready, "ack": Ack, **TRANSCRIPT, "typing": Typing, "read": Read, "queue": Queue, "token": Token, "ticket": Ticket, **PLAIN,
}  # fmt: skip
CLOSES = {
    1000: "after `bye`",
    1003: "not text",
    1009: "a frame over 32 KiB",
    1011: "a fault of the service: come back, with growing pauses",
    1012: "the process stops: come back after `bye.after_s`",
    1013: "overload: come back after `retry_after_s`",
    4400: "not the protocol",
    4401: "the token is not valid: begin a new session",
    4403: "the channel is switched off",
    4404: "the conversation is gone, or the user's by now: begin a new session",
    4408: "no `hello` within 5 s",
    4429: "too fast three times, or too many windows: wait a minute",
    4503: "too slow a reader: resume",
}
