"""What the addresses of intents take and answer. Owns the shapes, and how rows become them."""

from __future__ import annotations

import uuid
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from assistant.checks import MAX_EXAMPLE, MAX_ITEMS, MAX_PARTS, MAX_PATTERN, channels_of, language_of, parts_of
from assistant.models import Intent
from channels_app.content.given import PublicContent
from channels_app.content.types import MAX_TEXT, Content
from tenants.api.moments import Moment
from tenants.api.pages import ListQuery, Page
from tenants.api.parse import Changes
from tenants.errors import Invalid
from tenants.names import Said

MOST_AT_ONCE = 100
Name = Annotated[str, Field(pattern=r"^[a-zA-Z0-9_-]{1,60}$", description="As `intent:<name>` in payloads")]
Example = Annotated[str, Field(min_length=1, max_length=MAX_EXAMPLE, pattern=r"[^\s\x85\ufeff]"), Said]
Language = Annotated[str, Field(pattern=r"^[a-z]{2}$")]
Title = Annotated[str, Field(max_length=20, description="What people read in “Did you mean …?”"), Said]


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SlotChoice(Strict):
    title: Annotated[str, Said] = Field(min_length=1, max_length=20)
    value: Annotated[str, Said] = Field("", max_length=200, description="What it stands for; empty: the title")
    also: list[Annotated[str, Field(min_length=1, max_length=100), Said]] = Field(
        default_factory=list, max_length=MAX_ITEMS, description="Further words for it"
    )


class Slot(Strict):
    """What must be known before the reply."""

    name: str = Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,59}$", description="As replies name it: `{order_number}`")
    prompt: Annotated[str, Said] = Field(min_length=1, max_length=MAX_TEXT)
    retry: Annotated[str, Said] = Field("", max_length=MAX_TEXT, description="Asked where the answer did not fit")
    required: bool = Field(True, description="It is asked for; else only taken where it is said")
    entity: Literal["", "email", "url", "date", "phone", "money", "order", "number"] = ""
    pattern: str = Field("", max_length=MAX_PATTERN, description="A regular expression; its first group is the value")
    choices: list[SlotChoice] = Field(default_factory=list, max_length=10)


class ReplyBody(Strict):
    """One alternative: its messages are said one after the other."""

    messages: list[PublicContent] = Field(min_length=1, max_length=MAX_PARTS)
    language: str = Field("", pattern=r"^([a-z]{2})?$", description="Empty: the tenant's own, and where no other is")
    channels: list[Annotated[str, Field(max_length=40)]] = Field(
        default_factory=list, max_length=20, description="Kinds of channel it is for; none: all"
    )


class SlotWords(Strict):
    prompt: Annotated[str, Said] = Field("", max_length=MAX_TEXT)
    retry: Annotated[str, Said] = Field("", max_length=MAX_TEXT)
    choices: list[Annotated[str, Field(min_length=1, max_length=20), Said]] = Field(
        default_factory=list, max_length=10, description="Titles, in the order of the slot's choices"
    )


class Translation(Strict):
    title: Annotated[str, Said] = Field("", max_length=20)
    slots: dict[str, SlotWords] = Field(default_factory=dict, max_length=20)


class IntentBody(Strict):
    name: Name
    title: Title = ""
    description: str = Field("", max_length=500)
    examples: list[Example] = Field(default_factory=list, max_length=MAX_ITEMS)
    replies: list[ReplyBody] = Field(default_factory=list, max_length=MAX_ITEMS)
    slots: list[Slot] = Field(default_factory=list, max_length=20)
    translations: dict[Language, Translation] = Field(default_factory=dict, max_length=30)
    enabled: bool = True
    handover: bool = Field(False, description="After the reply a human takes over")
    confirm: bool = Field(False, description="The person is asked before it is done")


class IntentChange(Changes):
    name: Name = ""
    title: Title = ""
    description: str = Field("", max_length=500)
    examples: list[Example] = Field([], max_length=MAX_ITEMS)
    replies: list[ReplyBody] = Field([], max_length=MAX_ITEMS)
    slots: list[Slot] = Field([], max_length=20)
    translations: dict[Language, Translation] = Field({}, max_length=30)
    enabled: bool = True
    handover: bool = False
    confirm: bool = False


class IntentQuery(ListQuery):
    page_size: int = Field(50, ge=1, le=100)
    search: str = Field("", max_length=100, description="`search_query` by its former name")
    limit: int | None = Field(None, ge=1, le=500, description="`page_size` by its former name")

    def paged(self) -> ListQuery:
        """What was asked under the former names, under the present ones."""
        former = {"page_size": self.limit or self.page_size, "search_query": self.search_query or self.search}
        return self.model_copy(update=former)


class ReplyShape(BaseModel):
    messages: list[Content]
    language: str
    channels: list[str]


class IntentItem(BaseModel):
    id: uuid.UUID
    name: str
    title: str
    description: str
    examples: list[str]
    replies: list[ReplyShape]
    slots: list[Slot]
    translations: dict[str, Translation]
    enabled: bool
    handover: bool
    confirm: bool
    updated_at: Moment


class IntentShape(IntentItem):
    """An intent."""


class IntentList(Page):
    items: list[IntentItem]


class ClassifyBody(Strict):
    """Exactly one of ``text`` and ``texts``."""

    model_config = ConfigDict(json_schema_extra={"x-demanded": True})

    text: str = Field("", min_length=1, max_length=MAX_TEXT, description="As `texts` with this one")
    texts: list[Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]] = Field(
        default_factory=list, min_length=1, max_length=MOST_AT_ONCE
    )

    def asked(self) -> list[str]:
        """Raises Invalid ``text_or_texts``."""
        if bool(self.text) == bool(self.texts):
            raise Invalid("Give either `text` or `texts`.", code="text_or_texts")
        return self.texts or [self.text]


class Score(BaseModel):
    intent: str
    confidence: float = Field(description="The probability that it is meant, 0 to 1")


class Found(BaseModel):
    type: str
    value: str
    start: int
    end: int


class Classified(BaseModel):
    intent: str = Field(description="The likeliest, whatever its confidence; empty where there is none")
    confidence: float
    outcome: Literal["answer", "ask", "unknown"] = Field(
        description="What the assistant would do: answer, ask back, neither"
    )
    scores: list[Score]
    settled_by: Literal["letters", "spelling", "meaning"] = Field(description="The look at the text that told")
    entities: list[Found]


class ClassifiedList(BaseModel):
    items: list[Classified] = Field(description="In the order of the texts")
    thresholds: dict[str, float] = Field(description="`answer` and `ask`: the least confidence of each")
    model: str = Field(description="The sentence encoder of the second look; empty until that is learnt")
    version: str = Field(description="The training that was asked; empty where it is kept in no row")


def stored_of(given: dict[str, Any], replies: list[ReplyBody]) -> dict[str, Any]:
    """The columns for what a caller gave; what it left out stays out."""
    columns = {name: value for name, value in given.items() if name != "replies"}
    if "replies" in given:
        columns["responses"] = [_reply_stored(reply) for reply in replies]
    if "slots" in columns:
        columns["slots"] = [_slot_stored(slot) for slot in columns["slots"]]
    if "translations" in columns:
        columns["translations"] = {
            language: {
                **({"title": words["title"]} if words["title"] else {}),
                "slots": {name: _told(slot) for name, slot in words["slots"].items()},
            }
            for language, words in columns["translations"].items()
        }
    return columns


SLOT_WORDS = {"prompt": "", "retry": "", "choices": []}


def intent_shape(row: Intent) -> dict[str, Any]:
    names = ("id", "name", "title", "description", "examples", "enabled", "handover", "confirm", "updated_at")
    return {
        **{name: getattr(row, name) for name in names},
        "replies": [_reply_shape(reply) for reply in row.responses],
        "slots": [_slot_shape(slot) for slot in row.slots],
        "translations": {
            language: {
                "title": words.get("title", ""),
                "slots": {name: {**SLOT_WORDS, **slot} for name, slot in words.get("slots", {}).items()},
            }
            for language, words in row.translations.items()
        },
    }


def _told(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value not in ("", [], None)}


def _slot_stored(slot: dict[str, Any]) -> dict[str, Any]:
    kept = _told({**slot, "choices": [_told(choice) for choice in slot["choices"]]})
    return {name: value for name, value in kept.items() if (name, value) != ("required", True)}


def _slot_shape(stored: dict[str, Any]) -> dict[str, Any]:
    choices = [{"title": one} if isinstance(one, str) else one for one in stored.get("choices", ())]
    told = [{"value": "", "also": [], **choice} for choice in choices]
    return {"retry": "", "required": True, "entity": "", "pattern": "", **_told(stored), "choices": told}


def _reply_stored(reply: ReplyBody) -> Any:
    parts = [content.to_json() for content in reply.messages]
    limits = _told({"language": reply.language, "channels": reply.channels})
    return {"messages": parts, **limits} if limits else parts


def _reply_shape(stored: Any) -> dict[str, Any]:
    contents = (
        Content(type="text", text=part) if isinstance(part, str) else Content.model_validate(part)
        for part in parts_of(stored)
    )
    return {
        "messages": [content.to_json() for content in contents],
        "language": language_of(stored),
        "channels": list(channels_of(stored)),
    }
