"""What integrators may post: one event per request, version 1, as models that are schema and parser in one.

Owns the words of the envelope; docs/channels/webhook.schema.json is made from it. Must not know
signatures, nor send anything.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter
from pydantic import ValidationError as Invalid

from channels_app.adapters.wire import identifier, string
from channels_app.content.ids import LONGEST, PersonId, clean_id
from channels_app.content.types import MAX_MEDIA_BYTES, Content, HttpUrl
from channels_app.contract import (
    EVERYBODY,
    BadPayload,
    Ignored,
    InboundItem,
    InboundMessage,
    MediaRef,
    Reaction,
    Revision,
    Sender,
    Signal,
    StatusUpdate,
)
from channels_app.words.moments import Moment

VERSION = 1
SCHEME = "user"
STATUSES = frozenset({"sent", "delivered", "read", "failed"})


def _of_a_person(content: Content) -> Content:
    """``native`` and ``media:`` addresses are words of our own house: a stranger's would reach other
    people's files, or pass a dialect's marks unread."""
    if content.format == "native" or content.type == "template":
        raise ValueError("format native and type template cannot come in")
    if content.quote or content.full_text is not None:
        raise ValueError("a message is quoted by reply_to, and a text has at most 4096 characters")
    if content.media and content.media.url.startswith("media:"):
        raise ValueError("media needs an http or https url")
    return content


Id = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
OptionalId = Annotated[str, StringConstraints(strip_whitespace=True, max_length=255)]
Name = Annotated[str, StringConstraints(max_length=255)]
Said = Annotated[Content, AfterValidator(_of_a_person)]
FactName = Annotated[str, StringConstraints(max_length=64)]
FactValue = Annotated[str, StringConstraints(max_length=1000)]
Facts = Annotated[dict[FactName, FactValue], Field(max_length=32)]


class Wire(BaseModel):
    """Members that we do not know are left aside: a newer sender may say more."""

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)


class Person(Wire):
    """``id`` is the person's id in the integrator's system and the address of every reply."""

    id: PersonId
    name: Name = ""
    profile: Facts = Field(default_factory=dict)


class File(Wire):
    """A file beside the content, by an address that can be fetched without credentials (a signed one, say)."""

    kind: Literal["image", "audio", "video", "file", "sticker"] = "file"
    url: HttpUrl
    type: Annotated[str, StringConstraints(max_length=127)] = ""
    size_bytes: int | None = Field(default=None, ge=0, le=MAX_MEDIA_BYTES)
    sha256: Annotated[str, StringConstraints(max_length=100)] = ""
    name: Name = ""

    def ref(self) -> MediaRef:
        return MediaRef(
            self.kind, url=self.url, mime=self.type, sha256=self.sha256, size=self.size_bytes, name=self.name
        )


class Event(Wire):
    """What all events have. ``id`` is unique within the channel: a repeat changes nothing."""

    version: Literal[1] = 1
    id: Id
    at: Moment | None = Field(None, description="ISO 8601 with an offset, or Unix seconds; years 1970 to 2100")


class PersonalEvent(Event):
    person: Person = Field(alias="from")
    thread: OptionalId = Field(default="", description='Conversation in the sender\'s system; "": one per person')

    @property
    def sender(self) -> Sender:
        return Sender(SCHEME, self.person.id, name=self.person.name, profile=self.person.profile)


class Message(PersonalEvent):
    """Something a person said. ``reference`` comes back with every reply of the conversation."""

    type: Literal["message"]
    content: Said
    media: tuple[File, ...] = Field(default=(), max_length=10)
    reply_to: OptionalId = ""
    reply_window_s: int | None = Field(default=None, ge=1, le=366 * 24 * 3600)
    reference: Facts = Field(default_factory=dict)
    metadata: Facts = Field(default_factory=dict)

    def item(self) -> InboundItem:
        return InboundMessage(
            platform_id=self.id,
            sender=self.sender,
            content=self.content,
            sent_at=self.at,
            thread=self.thread,
            reply_to=self.reply_to,
            media=(*_media_of(self.content), *[file.ref() for file in self.media]),
            opens_window_s=self.reply_window_s,
            reference=self.reference,
            metadata=self.metadata,
        )


class Edit(PersonalEvent):
    """The message ``target`` now says ``content``."""

    type: Literal["edit"]
    target: Id
    content: Said

    def item(self) -> InboundItem:
        return Revision(self.id, self.target, self.sender, self.content, self.at)


class Delete(PersonalEvent):
    """The person took the message ``target`` back."""

    type: Literal["delete"]
    target: Id

    def item(self) -> InboundItem:
        return Revision(self.id, self.target, self.sender, None, self.at)


class React(PersonalEvent):
    """An emoji on the message ``target``; "" takes it back."""

    type: Literal["reaction"]
    target: Id
    emoji: Annotated[str, StringConstraints(max_length=64)] = ""

    def item(self) -> InboundItem:
        return Reaction(self.id, self.target, self.sender, self.emoji, self.at)


class Notice(PersonalEvent):
    """Something short-lived or structural. ``human_took_over``: staff answered in the sender's system, so
    the bot steps back; ``handed_back``: they are done, so it answers again. ``ended`` speaks of the conversation,
    ``stopped`` of a person who wants no more messages, ``reopened`` of one who takes them again."""

    type: Literal["typing", "read", "joined", "left", "human_took_over", "handed_back", "ended", "reopened", "stopped"]
    data: Facts = Field(default_factory=dict)

    def item(self) -> InboundItem:
        return Signal(self.type, self.sender, self.id, self.thread, self.at, self.data)


class IdentityChanged(PersonalEvent):
    """``from`` is the person's present id, ``former`` are the ids it replaces."""

    type: Literal["identity_changed"]
    former: tuple[PersonId, ...] = Field(min_length=1, max_length=10)

    def item(self) -> InboundItem:
        aliases = tuple((SCHEME, "", one) for one in dict.fromkeys(self.former) if one != self.person.id)
        person = Sender(SCHEME, self.person.id, name=self.person.name, profile=self.person.profile, aliases=aliases)
        return Signal("identity_changed", person, self.id, self.thread, self.at)


class Status(Event):
    """What became of a message of ours: ``target`` is the id the integrator answered it with, ``ref`` the
    id we had sent along. One of them is needed. ``status``: sent, delivered, read or failed."""

    type: Literal["status"]
    status: Annotated[str, StringConstraints(max_length=60)]
    target: OptionalId = ""
    ref: OptionalId = ""
    code: Annotated[str, StringConstraints(max_length=60)] = ""
    detail: Annotated[str, StringConstraints(max_length=500)] = ""
    person: Person | None = Field(default=None, alias="from")

    def item(self) -> InboundItem:
        if self.status not in STATUSES or not (self.target or self.ref):
            return Ignored(f"status:{self.status}" if self.target or self.ref else "no_target", self.id)
        sender = Sender(SCHEME, self.person.id, name=self.person.name) if self.person else None
        return StatusUpdate(self.target, self.status, self.at, self.ref, self.code, self.detail, sender)


EVENTS = (Message, Edit, Delete, React, Notice, IdentityChanged, Status)
AnyEvent = Message | Edit | Delete | React | Notice | IdentityChanged | Status
_READER: TypeAdapter[AnyEvent] = TypeAdapter(Annotated[AnyEvent, Field(discriminator="type")])
TYPES = frozenset(word for event in EVENTS for word in event.model_fields["type"].annotation.__args__)  # type: ignore[union-attr]


def item_of(body: Any) -> InboundItem:
    """The item of one event. Raises BadPayload, which names the place and never quotes what stands there."""
    if not isinstance(body, dict):
        raise BadPayload("body: an object is expected")
    if "to" in body and "from" not in body:  # our own message came back: we write to people, never from one
        return Ignored("own_echo", identifier(body, "id"))
    version, word = body.get("version", VERSION), string(body, "type", limit=60)
    if version != VERSION:
        return Ignored(f"version:{string(version, limit=20)}", identifier(body, "id"))
    if word not in TYPES:
        return Ignored(f"type:{word}", identifier(body, "id"))
    try:
        return _READER.validate_python(body).item()
    except Invalid as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        place = ".".join(str(step) for step in first["loc"][1:])[:100]  # the first step repeats the type
        raise BadPayload(f"{place or 'body'}: {first['type']}") from None


def author_of(body: Any) -> str:
    """Whom one event comes from: "" for reports, EVERYBODY for a change of identity, which has two of them."""
    word = string(body, "type", limit=60)
    known_as = clean_id(string(body, "from", "id"))[:LONGEST]  # a person keeps their lane however the id was typed
    return {"status": "", "identity_changed": EVERYBODY}.get(word, known_as)


def schema() -> dict[str, Any]:
    """The JSON schema of one event."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_READER.json_schema()}


def _media_of(content: Content) -> tuple[MediaRef, ...]:
    media = content.media
    if media is None:
        return ()
    return (
        MediaRef(content.type, url=media.url, mime=media.type, size=media.size_bytes or None, name=media.name or ""),
    )
