"""What a widget says: the client frames of ``desk-chat.v1`` and the session request, validated.

Must not act on anything: pure data.
"""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, RootModel, StringConstraints, model_validator

from channels_app.content.normalise import clean_text
from channels_app.content.types import Choice, Content
from channels_app.words.text import language_of, tells_clearly
from messaging.sockets.reader import PingFrame, PlainFrame
from tenants.errors import Invalid

MAX_TEXT = 4000  # characters, once cleaned
MAX_ANSWER = 1000

Cid = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_\-]{1,64}$")]
Seq = Annotated[int, Field(ge=0, le=2_147_483_647)]
Answer = bool | Annotated[str, StringConstraints(max_length=MAX_ANSWER)]
Language = Annotated[str, StringConstraints(pattern=r"^[A-Za-z]{2,3}([_-][A-Za-z0-9]{1,8})*$", max_length=35)]


class Identity(BaseModel):
    """The site's own user, with the proof that only its server can make."""

    user_id: str = Field(min_length=1, max_length=255)
    ts: int = Field(ge=0, le=1 << 40, description="Unix time of the proof; at most 24 hours old")
    sig: str = Field(
        default="", max_length=128, description="Hex HMAC-SHA256 of `v1`, channel, user id and time, one a line"
    )
    name: str = Field(default="", max_length=200)


class SignedIdentity(BaseModel):
    """The same as a JSON Web Token: HS256, ``aud`` the channel's key, ``sub`` the user's id, ``exp`` within an
    hour; ``name``, ``email`` and ``phone_number`` where the site wants to tell them."""

    jwt: str = Field(min_length=1, max_length=4096)


class SessionRequest(BaseModel):
    """``identity`` null ends the present identity; left out, the token decides who the visitor is.
    ``profile``: the answers to the channel's form, by the fields' names."""

    visitor_token: str | None = Field(default=None, max_length=4096)
    identity: Identity | SignedIdentity | None = None
    profile: dict[str, Answer] | None = Field(default=None, max_length=10)


class Action(BaseModel):
    """The option that was picked: ``value`` is the payload the option came with."""

    id: str = Field(default="", max_length=1000)
    value: str = Field(min_length=1, max_length=1000)


class SendFrame(BaseModel):
    """A message. The same ``cid`` may be sent any number of times."""

    t: Literal["send"]
    cid: Cid
    kind: Literal["text", "action", "file"] = "text"
    text: str = Field(default="", max_length=2 * MAX_TEXT)
    action: Action | None = None
    files: tuple[uuid.UUID, ...] = Field(default=(), max_length=1, description="The upload that is sent, by its id")
    reply_to: Seq | None = Field(default=None, description="seq of the message that is answered")
    quote: uuid.UUID | None = Field(
        default=None, description="Id of the message that is quoted; counts before reply_to"
    )
    lang: Language | None = None

    @model_validator(mode="after")
    def complete(self) -> SendFrame:
        if (self.kind == "file") != bool(self.files):
            raise ValueError("a file frame, and no other, needs its file")
        return self

    def words(self) -> str:
        """The text, cleaned. Raises Invalid ``too_long``."""
        words = clean_text(self.text, limit=8 * MAX_TEXT)  # more than can come: a text is refused, never cut
        if len(words) > MAX_TEXT:
            raise Invalid(f"A message has at most {MAX_TEXT} characters.", code="too_long")
        return words

    def to_content(self, languages: Collection[str] = ()) -> Content:
        """What a text or action says; ``languages``: the tenant's. Raises Invalid: ``empty_message``, ``too_long``, or an
        action without its value."""
        words = self.words()
        language = self._language(words, frozenset(languages))
        if self.kind == "action":
            if not self.action:
                raise Invalid("An action frame needs its action.")
            choice = Choice(value=self.action.value, title=words[:1000])
            return Content(
                type="quick_reply", text=words or _visible(self.action.value), choice=choice, language=language
            )
        return Content(type="text", text=_visible(words), language=language)

    def _language(self, words: str, languages: frozenset[str]) -> str | None:
        """The one that is named, which may be the browser's: "hola" is Spanish all the same."""
        named = self.lang[:2].lower() if self.lang else None
        told = language_of(words, languages=languages) if named and len(languages) > 1 else None
        return named if told is None or told == named or not tells_clearly(words, told, languages) else None


class TicketRequest(BaseModel):
    """A file that the visitor wants to upload, as their browser describes it."""

    name: str = Field(default="", max_length=255)
    type: str = Field(default="", max_length=127)
    size: int = Field(ge=0, le=1 << 40, description="Bytes")


class TicketFrame(TicketRequest):
    cid: Cid


class RateFrame(BaseModel):
    """How it was. ``conversation``: the one of the `state` frame that asked; another may have begun since."""

    t: Literal["rate"]
    cid: Cid
    conversation: uuid.UUID
    score: int = Field(ge=1, le=5)
    comment: str = Field(default="", max_length=1000)


class ReadFrame(BaseModel):
    """The visitor has seen everything of the conversation up to ``seq``."""

    t: Literal["read"]
    conversation: uuid.UUID
    seq: Seq


class PageFrame(BaseModel):
    """The page that this window shows, where `config.pages` asks for it: at every `ready`, and when it is another."""

    t: Literal["page"]
    url: str = Field(min_length=1, max_length=8000)


class PostedFrame(RootModel[Annotated[SendFrame | RateFrame | ReadFrame | PageFrame, Field(discriminator="t")]]):
    """A frame by HTTP, for when no socket can be had."""


class HelloFrame(BaseModel):
    token: str = Field(min_length=1, max_length=4096)
    conversation: str | None = Field(default=None, max_length=64)
    after: Seq = 0


class SyncFrame(BaseModel):
    after: Seq = 0


class TypingFrame(BaseModel):
    on: bool


def _visible(words: str) -> str:
    if not words.strip():
        raise Invalid("There is nothing in the message.", code="empty_message")
    return words


CLIENT_FRAMES: dict[str, type[Any]] = {
    "hello": HelloFrame,
    "send": SendFrame,
    "rate": RateFrame,
    "ticket": TicketFrame,
    "typing": TypingFrame,
    "read": ReadFrame,
    "page": PageFrame,
    "sync": SyncFrame,
    "refresh": PlainFrame,
    "ping": PingFrame,
    "pong": PlainFrame,
    "bye": PlainFrame,
}
