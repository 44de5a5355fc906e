"""The canonical content model, version 1: one shape for REST, WebSocket, adapters and engine.

Owns types and limits (MSG-1, source document 000). Must not know any channel or Django.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, get_args
from urllib.parse import unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator, model_validator
from pydantic_core import PydanticCustomError

from channels_app.content.surroundings import MAX_CONTACTS, Form, Origin, Quote, SharedContact
from channels_app.words.split import shorten

VERSION = 1
MAX_TEXT = 4096  # characters
MAX_FULL_TEXT = 65_536  # of what came in longer than that; the request as it came is kept whole
MAX_MEDIA_BYTES = 50 * 1024 * 1024
UNKNOWN_FILE = "application/octet-stream"  # a file of a type that is not named here: kept for people
MIME_TYPES = frozenset(
    "image/jpeg image/png image/gif image/webp image/heic image/avif video/mp4 video/3gpp video/webm video/quicktime "
    "audio/mpeg audio/ogg audio/mp4 audio/aac audio/amr audio/wav audio/webm application/octet-stream "
    "application/pdf text/plain text/csv application/zip application/msword "
    "application/vnd.ms-excel application/vnd.ms-powerpoint "
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document "
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet "
    "application/vnd.openxmlformats-officedocument.presentationml.presentation".split()
)
SAME_TYPE = {
    "image/heif": "image/heic",
    "audio/x-m4a": "audio/mp4",
    "audio/mp3": "audio/mpeg",
    "image/jpg": "image/jpeg",
}
PLATFORM_FILE = "media:platform:"  # begins the address of a file that lies with the platform already
ContentType = Literal[
    "text", "image", "file", "audio", "video", "location", "quick_reply", "carousel", "list", "template"
]
HttpUrl = Annotated[str, StringConstraints(pattern=r"^https?://[^\s\x85\ufeff]+$", max_length=2048)]


def kept_type(mime: str) -> str:
    """The type under which a file that a platform calls ``mime`` is kept: as it says where we know the type."""
    plain = mime.split(";")[0].strip().lower()
    if plain in SAME_TYPE:
        return SAME_TYPE[plain]
    return mime if plain in MIME_TYPES else UNKNOWN_FILE


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=False)


class Media(Frozen):
    """A file by URL. ``url`` may also be ``media:<attachment id>`` for one that lies with us."""

    url: Annotated[
        str, StringConstraints(pattern=r"^(https?://[^\s\x85\ufeff]+|media:[0-9A-Za-z:_.\-]+)$", max_length=2048)
    ]
    type: str = Field(description="MIME type", max_length=127)
    size_bytes: int = Field(default=0, ge=0, le=MAX_MEDIA_BYTES)
    alt_text: str | None = Field(default=None, max_length=500)
    thumbnail_url: HttpUrl | None = None
    name: str | None = Field(default=None, max_length=255)

    @field_validator("type")
    @classmethod
    def known_mime(cls, value: str) -> str:
        if value.split(";")[0].strip().lower() not in MIME_TYPES:
            raise ValueError(f"Unsupported media type: {value}")
        return value

    @property
    def file_name(self) -> str:
        """What the file is called: by its name, else by its address; "" where neither tells."""
        if self.name or self.url.startswith("media:"):
            return self.name or ""
        try:
            path = urlsplit(self.url).path
        except ValueError:  # half an IPv6 address
            return ""
        return unquote(path.rpartition("/")[2]).replace("/", "_")[:255]


class Location(Frozen):
    latitude: float = Field(ge=-90, le=90)
    longitude: float = Field(ge=-180, le=180)
    accuracy_meters: int | None = Field(default=None, ge=0)
    name: str | None = Field(default=None, max_length=200)
    address: str | None = Field(default=None, max_length=500)

    @property
    def map_url(self) -> str:
        return f"https://www.openstreetmap.org/?mlat={self.latitude}&mlon={self.longitude}#map=16/{self.latitude}/{self.longitude}"


class QuickReply(Frozen):
    title: str = Field(min_length=1, max_length=20)
    payload: str = Field(max_length=1000)
    content_type: Literal["text", "location", "phone", "email"] = "text"


class Button(Frozen):
    """``postback`` needs payload, ``url`` needs url, ``phone`` has the number in payload."""

    type: Literal["postback", "url", "phone", "share"]
    title: str = Field(min_length=1, max_length=20)
    payload: str | None = Field(default=None, max_length=1000)
    url: HttpUrl | None = None

    @model_validator(mode="after")
    def complete(self) -> Button:
        if self.type == "url" and not self.url:
            raise PydanticCustomError("url_missing", "a url button needs url")
        if self.type in ("postback", "phone") and not self.payload:
            raise PydanticCustomError("payload_missing", f"a {self.type} button needs payload")  # type: ignore[arg-type]
        return self


class Card(Frozen):
    """One card of a carousel."""

    title: str = Field(min_length=1, max_length=80)
    subtitle: str | None = Field(default=None, max_length=200)
    image_url: HttpUrl | None = None
    url: HttpUrl | None = None
    buttons: tuple[Button, ...] = Field(default=(), max_length=3)


class ListRow(Frozen):
    title: str = Field(min_length=1, max_length=80)
    payload: str = Field(min_length=1, max_length=1000)
    description: str | None = Field(default=None, max_length=200)


class ListSection(Frozen):
    title: str | None = Field(default=None, max_length=80)
    rows: tuple[ListRow, ...] = Field(min_length=1, max_length=10)


class TemplateUse(Frozen):
    """A message template by name; ``variables`` fill its placeholders."""

    name: str = Field(min_length=1, max_length=512)
    language: str = Field(default="en", max_length=15)
    variables: Mapping[str, str] = Field(default_factory=dict)


class Choice(Frozen):
    """The option a person picked (MSG-5): ``value`` is the payload we had given the option."""

    value: str = Field(max_length=1000)
    title: str = Field(default="", max_length=1000)


NEEDS: dict[str, str] = {
    "text": "text",
    "image": "media",
    "file": "media",
    "audio": "media",
    "video": "media",
    "location": "location",
    "quick_reply": "text",
    "carousel": "cards",
    "list": "sections",
    "template": "template",
}


class Content(Frozen):
    """What a message says. ``type`` decides which part has to be there: ``text`` for text and quick_reply, ``media`` for
    image, file, audio and video, ``location``, ``cards`` for carousel, ``sections`` for list, ``template``.

    A person's pick of a button, quick reply or row comes back as type ``quick_reply`` with ``choice`` set and the
    visible title in ``text``. ``format``: ``plain``, ``markdown``, or ``native`` for the channel's own dialect.

    What surrounds the words stands in ``quote``, ``form``, ``origin``, ``contacts`` and ``forwarded``. ``full_text`` is set where
    more was written than a text may have: ``text`` is its beginning then, and ends in "…".
    """

    type: ContentType
    text: str | None = Field(default=None, max_length=MAX_TEXT)
    format: Literal["plain", "markdown", "native"] = "plain"
    language: str | None = Field(default=None, pattern=r"^[a-z]{2}$")
    media: Media | None = None
    location: Location | None = None
    quick_replies: tuple[QuickReply, ...] | None = Field(default=None, max_length=10)
    buttons: tuple[Button, ...] | None = Field(default=None, max_length=3)
    cards: tuple[Card, ...] | None = Field(default=None, max_length=10)
    sections: tuple[ListSection, ...] | None = Field(default=None, max_length=10)
    template: TemplateUse | None = None
    choice: Choice | None = None
    quote: Quote | None = None
    form: Form | None = None
    origin: Origin | None = None
    contacts: tuple[SharedContact, ...] | None = Field(default=None, max_length=MAX_CONTACTS)
    forwarded: Literal["yes", "often"] | None = Field(
        None, description="The person passed on what another one wrote; often: it went through many hands"
    )
    full_text: str | None = Field(default=None, max_length=MAX_FULL_TEXT)

    @model_validator(mode="after")
    def complete(self) -> Content:
        needed = NEEDS[self.type]
        value = getattr(self, needed)
        if not value or (needed == "text" and not value.strip()):
            raise PydanticCustomError(f"{needed}_missing", f"{needed} is required for type {self.type}")  # type: ignore[arg-type]
        return self

    def to_json(self) -> dict[str, Any]:
        """A JSON-safe dict without empty members: what is stored, sent and compared."""
        return self.model_dump(mode="json", exclude_none=True, exclude_defaults=False, by_alias=True)

    @property
    def words(self) -> str:
        """Its text, the whole of a long one; "" for none."""
        return self.full_text or self.text or ""

    @property
    def summary(self) -> str:
        """One line for lists and previews; never longer than 120 characters."""
        line = self.text or (self.location and (self.location.address or "Location")) or f"[{self.type}]"
        return shorten(" ".join(str(line).split()), 120)


def text(value: str, **parts: Any) -> Content:
    """A text content; ``parts`` are further members (quick_replies, buttons, language …)."""
    return Content(type="text", text=value, **parts)


def worded(words: str) -> dict[str, Any]:
    """The members of a Content that say ``words`` whole, however long they are; {} for none."""
    if len(words) <= MAX_TEXT:
        return {"text": words} if words else {}
    return {"text": shorten(words, MAX_TEXT), "full_text": shorten(words, MAX_FULL_TEXT)}


class Capabilities(Frozen):
    """What a channel can show, as data: used by fit(), the validator and the API.

    Numbers are characters or counts; 0 means the channel cannot do it at all.
    """

    types: frozenset[str] = frozenset({"text"})
    max_text: int = MAX_TEXT
    max_segments: int = Field(default=0, description="Segments of one SMS; 0: the channel has none")
    max_caption: int = 0
    max_buttons: int = 0
    max_button_title: int = 20
    button_types: frozenset[str] = frozenset()
    max_quick_replies: int = 0
    max_quick_reply_title: int = 20
    max_list_rows: int = 0
    max_row_title: int = 24
    max_row_description: int = 72
    max_payload: int = Field(default=1000, description="Of what a button or quick reply sends back")
    max_row_payload: int = Field(default=1000, description="Of what a row of a list sends back")
    distinct_payloads: bool = Field(default=False, description="Two choices of one message may not send back the same")
    max_cards: int = 0
    max_card_subtitle: int = 200
    markdown: Literal["none", "markdown", "whatsapp", "slack", "teams"] = "none"
    media_types: Mapping[str, int] = Field(default_factory=dict, description="MIME type or 'image/*' → max bytes")
    media_codecs: Mapping[str, list[str]] = Field(
        default_factory=dict,
        description="MIME type → the codecs that people can play in it, `stereo` among them; a type left out: any, an "
        "empty list: none, though the platform takes the file",
    )
    max_image_px: int = Field(default=0, description="Of a picture's longer side; 0: any")
    voice_type: str = Field(default="", description="The type that is shown as a voice message; sounds become it")
    typing: bool = False
    typing_interval_s: int = 0
    read_marks: bool = False
    edits: bool = Field(default=False, description="People's edits and deletions come in")
    can_edit: bool = Field(default=False, description="A text of ours is changed where the person reads it")
    can_delete: bool = Field(default=False, description="A message of ours is taken back where the person reads it")
    reactions: bool = Field(default=False, description="People's reactions come in")
    threads: bool = False
    quotes: bool = Field(default=False, description="A message may quote another; elsewhere the quote stands above it")
    templates: bool = False
    receipts: frozenset[str] = frozenset()  # of sent, delivered, read, failed
    window_s: int = Field(default=0, description="Free replies for so long after a person's message; 0: always")
    window_free: frozenset[str] = Field(default=frozenset(), description="Content types that go out at any time")


#: all that a content can hold: what the widget and systems of one's own show
EVERYTHING = Capabilities(
    types=frozenset(get_args(ContentType)),
    max_caption=MAX_TEXT,
    max_buttons=3,
    button_types=frozenset({"postback", "url", "phone", "share"}),
    max_quick_replies=10,
    max_list_rows=100,
    max_row_title=80,
    max_row_description=200,
    max_cards=10,
    markdown="markdown",
)
