"""What surrounds the words of a message (MSG-8): what it quotes, the answers of a form, what the person came from, the
people whom they share.

Owns these shapes, which are members of a Content. Nothing in them is required: what a platform leaves out is empty.
Must not know any channel.
"""

from __future__ import annotations

import json
from collections.abc import Container, Mapping
from types import MappingProxyType
from typing import Annotated, Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from channels_app.words.split import shorten

MAX_QUOTE = 200  # characters of what is quoted that are kept beside the quoting message
MAX_FURTHER = 4  # messages that one quotes beside the first
MAX_ANSWERS, MAX_ANSWER = 100, 4096
MAX_CONTACTS = 50
MAX_NAME, MAX_LINE, MAX_FACTS = (
    255,
    1024,
    20,
)  # of what platforms write; the models allow more, as cleaning may lengthen

Short = Annotated[str, StringConstraints(max_length=500)]
Line = Annotated[str, StringConstraints(max_length=2048)]


class Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Quoted(Part):
    """A quoted message, as in Quote."""

    message_id: UUID | None = None
    author: Short = ""
    text: Short = ""


class Quote(Quoted):
    """The message that this one quotes. A writer names ``message_id``; the service fills in the rest."""

    message_id: UUID | None = Field(
        None,
        description="Ours. Empty: a message of the platform that we do not have; from an engine, the one it answers",
    )
    author: Short = Field("", description="visitor, bot or agent; of a message that is not ours, the platform's name")
    text: Short = Field("", description="Its beginning, as it was when it was quoted; empty once it is deleted")
    further: tuple[Quoted, ...] | None = Field(
        None, max_length=MAX_FURTHER, description="Where a person quotes several messages: the others, in their order"
    )


class Answer(Part):
    name: Short = Field("", description="The field's label, or its name in the form")
    value: Annotated[str, StringConstraints(max_length=MAX_ANSWER)] = Field("", description="As the person reads it")
    choice: Short | None = Field(None, description="The form's own value of what was picked, where it differs")


class Form(Part):
    """A form or flow that the person has filled in; the text of the message says the same in lines."""

    name: Short = ""
    answers: tuple[Answer, ...] = Field((), max_length=MAX_ANSWERS)

    @property
    def lines(self) -> str:
        """The answers as a person reads them, one a line."""
        return "\n".join(f"{one.name}: {one.value}" if one.name else one.value for one in self.answers)


def form_of(
    name: str, given: Any, *, apart: Container[str] = (), choices: Mapping[str, str] = MappingProxyType({})
) -> Form | None:
    """The form whose answers are the members of ``given`` (any JSON), those named in ``apart`` left out; None without
    any. ``choices``: the form's own values of those that were picked. What does not fit ends in "…"."""
    members = given if isinstance(given, dict) else {"": given}
    said = [(str(key), words) for key, value in members.items() if key not in apart and (words := _spoken(value))]
    kept = (
        said if len(said) <= MAX_ANSWERS else [*said[: MAX_ANSWERS - 1], ("…", f"{len(said) - MAX_ANSWERS + 1} more")]
    )
    answers = tuple(
        Answer(
            name=shorten(key, MAX_NAME),
            value=shorten(words, MAX_ANSWER),
            choice=shorten(choices.get(key, ""), MAX_NAME) or None,
        )
        for key, words in kept
    )
    return Form(name=name[:MAX_NAME], answers=answers) if answers else None


def _spoken(value: Any) -> str:
    """An answer in words; several joined by commas, what is nested as JSON."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and not any(isinstance(one, dict | list) for one in value):
        return ", ".join(filter(None, map(_spoken, value)))
    return value.strip() if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


class Origin(Part):
    """What brought the person here: an advertisement, a post, a product page, a link."""

    kind: Annotated[str, StringConstraints(max_length=40)] = Field(
        "", description="ad, post, product, story, link, website, or the platform's own word"
    )
    id: Short = Field("", description="Of the ad, post or product at the platform")
    ref: Line = Field("", description="What the owner of the link wrote into it")
    title: Short = ""
    text: Line = ""
    url: Line = ""
    facts: Mapping[Short, Line] = Field(
        default_factory=dict, max_length=20, description="What else the platform tells (click id, catalogue)"
    )

    def to_json(self) -> dict[str, Any]:
        """What it says, without its empty members."""
        return self.model_dump(mode="json", exclude_defaults=True)


def origin_of(kind: str, source: Mapping[str, Any], **members: str) -> Origin | None:
    """What a platform tells in the object ``source``: ``members`` say which member of Origin stands under which name
    there, all other strings are facts. None when it tells nothing."""
    told = {
        key: str(value) for key, value in source.items() if key.isprintable() and type(value) in (str, int) and value
    }
    found = {member: shorten(told.pop(name), MAX_LINE) for member, name in members.items() if name in told}
    found |= {member: shorten(found[member], MAX_NAME) for member in ("id", "title") if member in found}
    facts = {key[:MAX_NAME]: shorten(told[key], MAX_LINE) for key in list(told)[:MAX_FACTS]}
    return Origin(kind=kind[:40], facts=facts, **found) if found or facts else None


class SharedContact(Part):
    """A person whose card was shared."""

    name: Short = ""
    phones: tuple[Short, ...] = Field((), max_length=20)
    emails: tuple[Short, ...] = Field((), max_length=20)
    org: Short = ""
    addresses: tuple[Short, ...] = Field((), max_length=20, description="Each in one line")
    urls: tuple[Line, ...] = Field((), max_length=20)
    birthday: Short = Field("", description="As the platform writes it")

    @property
    def line(self) -> str:
        """The card in one line of text."""
        name = f"{self.name or 'unnamed'} ({self.org})" if self.org else self.name or "unnamed"
        born = [f"born {self.birthday}"] if self.birthday else []
        return ", ".join([f"Contact: {name}", *self.phones, *self.emails, *self.addresses, *self.urls, *born])
