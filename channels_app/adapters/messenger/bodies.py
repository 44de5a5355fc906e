"""From the body of one inbound message to canonical content, by attachment type.

Owns the table type → reader. Must not drop anything a person said: what has no reader, or cannot be
read, becomes a visible placeholder.
https://developers.facebook.com/documentation/business-messaging/messenger-platform/webhooks/webhook-events/messages
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Literal
from urllib.parse import unquote, urlsplit

from channels_app.adapters.wire import array, identifier, obj, string
from channels_app.content.types import MAX_TEXT, Choice, Content, Location, Media, kept_type, text, worded
from channels_app.contract import MediaRef

SITE = "https://www.facebook.com"  # what a relative address is relative to
LIKES = frozenset({"369239263222822", "369239343222814", "369239383222810"})  # the thumb in its three sizes
MIMES = {
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "png": "image/png",
    "gif": "image/gif",
    "webp": "image/webp",
    "heic": "image/heic",
    "mp4": "video/mp4",
    "mov": "video/quicktime",
    "webm": "video/webm",
    "3gp": "video/3gpp",
    "mp3": "audio/mpeg",
    "ogg": "audio/ogg",
    "m4a": "audio/mp4",
    "aac": "audio/aac",
    "amr": "audio/amr",
    "wav": "audio/wav",
    "txt": "text/plain",
    "csv": "text/csv",
    "pdf": "application/pdf",
    "zip": "application/zip",
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
}


@dataclass(frozen=True)
class Said:
    """The readable part of one message; ``facts`` go to the message's metadata."""

    content: Content
    media: Sequence[MediaRef] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """What one attachment adds: something to show, or a ``line`` of text; ``note`` is kept as it is."""

    line: str = ""
    shown: Mapping[str, Any] = field(default_factory=dict)  # type, and media or location
    ref: MediaRef | None = None
    note: Mapping[str, str] = field(default_factory=dict)


def read_body(message: dict[str, Any]) -> Said:
    """What ``message`` says: a pick, or its text with the first file in the content and all of them in
    ``media``. Never raises."""
    words = string(message, "text")
    parts = [_part(attachment) for attachment in array(message, "attachments")]
    lines = [part.line for part in parts if part.line and not (part.note.get("url") and part.note["url"] in words)]
    shown = [part.shown for part in parts if part.shown]
    places = [part["location"] for part in shown[1:] if "location" in part]  # a message shows one
    lines += [" ".join(filter(None, (place.name, place.map_url))) for place in places]
    whole = "\n".join([words, *lines] if words.strip() else lines)
    notes = [dict(part.note) for part in parts if part.note]
    facts: dict[str, Any] = {"attachments": notes} if notes else {}
    head = shown[0] if shown else {"type": "text"}
    refs = tuple(part.ref for part in parts if part.ref)
    payload = string(message, "quick_reply", "payload", limit=1000)
    if payload.strip():
        pick = picked(payload, string(message, "text", limit=MAX_TEXT))
        beside = {name: member for name, member in head.items() if name != "type"}
        return Said(pick.content.model_copy(update={**(worded(whole) if lines else {}), **beside}), refs, facts)
    try:
        content = Content(**worded(whole), **head)
    except ValueError:  # nothing in it that can be shown
        return Said(text("[unsupported message]"), facts={**facts, "unsupported": "message"})
    return Said(content, refs, facts)


def picked(payload: str, title: str) -> Said:
    """The answer of a quick reply or button. Raises ValueError when both are blank."""
    value = payload or title
    choice = Choice(value=value, title=title[:1000])
    return Said(Content(type="quick_reply", text=title if title.strip() else value, choice=choice))


def _part(attachment: Any) -> Part:
    kind = string(attachment, "type", limit=40)
    try:
        return READERS[kind](attachment)
    except (KeyError, ValueError):  # an unknown type, or one without what makes it
        return _unreadable(attachment)


def _unreadable(attachment: Any) -> Part:
    kind, address = string(attachment, "type", limit=40), _address(attachment)
    what = ", ".join(filter(None, [kind or "unknown", _file_name(address)]))
    return Part(f"[unsupported attachment: {what}]", note=_note(type=kind or "unknown", url=address))


_SHOWN: dict[str, tuple[Literal["image", "audio", "video", "file"], str]] = {
    "image": ("image", "image/jpeg"),
    "sticker": ("image", "image/png"),
    "audio": ("audio", "audio/mp4"),  # voice clips are MP4, too
    "video": ("video", "video/mp4"),
    "file": ("file", ""),
}


def _file(attachment: dict[str, Any]) -> Part:
    """The webhook names no MIME type: the address's extension does, else the attachment's type."""
    kind, sticker = string(attachment, "type"), identifier(attachment, "payload", "sticker_id")
    if sticker in LIKES:
        return Part("👍", note=_note(type="sticker", sticker_id=sticker))
    address = _address(attachment)
    name = _file_name(address)
    shown, usual = _SHOWN[kind]
    by_name = MIMES.get(PurePosixPath(name).suffix[1:].lower(), "")
    mime = by_name if kind == "file" or by_name.startswith(shown) else usual
    media = Media(url=address, type=kept_type(mime), name=name or None)
    ref = MediaRef("sticker" if sticker or kind == "sticker" else shown, url=address, mime=mime, name=name)
    note = _note(type="sticker", sticker_id=sticker) if sticker else {}
    return Part(shown={"type": shown, "media": media}, ref=ref, note=note)


def _location(attachment: dict[str, Any]) -> Part:
    where = obj(attachment, "payload", "coordinates")
    location = Location(
        latitude=where.get("lat"),  # type: ignore[arg-type]  # the model checks them
        longitude=where.get("long"),  # type: ignore[arg-type]
        name=_title(attachment)[:200] or None,
    )
    return Part(shown={"type": "location", "location": location})


def _link(attachment: dict[str, Any]) -> Part:
    title, address = _title(attachment), _address(attachment)
    if not title and not address:
        raise ValueError("a link to nowhere")
    note = _note(type=string(attachment, "type", limit=40), title=title, url=address)
    return Part(" ".join(filter(None, [title, address])), note=note)


def _template(attachment: dict[str, Any]) -> Part:
    """A shared card: its words are all that can be shown of it."""
    payload = obj(attachment, "payload")
    elements = array(payload, "elements") or array(payload, "product", "elements")
    titles = [string(payload, "text", limit=MAX_TEXT), *map(_element, elements)]
    words = " / ".join(filter(None, [_title(attachment), *titles]))
    note = _note(type="template", title=words, template_type=string(payload, "template_type", limit=40))
    return Part(f"[template] {words}".strip(), note=note)


def _element(element: Any) -> str:
    parts = (string(element, name, limit=300) for name in ("title", "subtitle"))
    address = string(element, "item_url", limit=2000) or string(element, "default_action", "url", limit=2000)
    return " – ".join(filter(None, (*parts, address)))


def _title(attachment: dict[str, Any]) -> str:
    return (string(attachment, "title") or string(attachment, "payload", "title")).strip()[:300]


def _address(attachment: Any) -> str:
    address = string(attachment, "payload", "url") or string(attachment, "url")
    return f"{SITE}{address}" if address.startswith("/") else address


def _file_name(address: str) -> str:
    try:
        return unquote(PurePosixPath(urlsplit(address).path).name, errors="replace").replace("\0", "")[:255]
    except ValueError:
        return ""


def _note(**facts: str) -> dict[str, str]:
    return {name: value for name, value in facts.items() if value}


READERS: dict[str, Callable[[dict[str, Any]], Part]] = {
    **dict.fromkeys(_SHOWN, _file),
    **dict.fromkeys(("fallback", "share", "reel", "ig_reel", "post", "ig_post"), _link),
    "location": _location,
    "template": _template,
}
