"""What a window of staff says: the client frames of ``desk-agent.v1``, validated (docs/agent-socket.md).

Must not act on anything: pure data.
"""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from messaging.agents.inbox.lists import Filter, View
from messaging.sockets.reader import PingFrame, PlainFrame

Seq = Annotated[int, Field(ge=0, le=2_147_483_647)]
Mark = Annotated[str, Field(max_length=20)]


class HelloFrame(BaseModel):
    """``token``: an access token or API key, where no session of the console says who looks. ``agent``: the user name of
    the member of staff who holds a key's window."""

    token: str | None = Field(None, min_length=1, max_length=4096)
    agent: str = Field("", max_length=150)


class ViewFrame(BaseModel):
    """``tenant``: may be left out by who has one only. ``after``: the mark of the last frame that the client got."""

    tenant: uuid.UUID | None = None
    view: View | Literal["all"] | None = None
    filter: Filter = Filter()
    after: Mark | None = None


class WatchFrame(BaseModel):
    conversation: uuid.UUID
    after: Seq = 0


class UnwatchFrame(BaseModel):
    conversation: uuid.UUID


class ReadFrame(BaseModel):
    conversation: uuid.UUID
    seq: Seq


class TypingFrame(BaseModel):
    conversation: uuid.UUID
    on: bool = True


class PresenceFrame(BaseModel):
    state: Literal["online", "away"]


CLIENT_FRAMES: dict[str, type[Any]] = {
    "hello": HelloFrame,
    "view": ViewFrame,
    "watch": WatchFrame,
    "unwatch": UnwatchFrame,
    "read": ReadFrame,
    "typing": TypingFrame,
    "presence": PresenceFrame,
    "ping": PingFrame,
    "pong": PlainFrame,
    "bye": PlainFrame,
}
