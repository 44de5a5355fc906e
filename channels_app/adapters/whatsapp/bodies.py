"""From the body of one inbound message to canonical content, by message type.

Owns the table type → reader. Must not drop anything a person said: what has no reader, or cannot be
read, becomes a visible placeholder.
https://developers.facebook.com/documentation/business-messaging/whatsapp/webhooks/reference/messages
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from channels_app.adapters.whatsapp.cards import contact_shared
from channels_app.adapters.wire import array, identifier, obj, string
from channels_app.content.surroundings import MAX_CONTACTS, form_of
from channels_app.content.types import MAX_TEXT, Choice, Content, Location, Media, kept_type, text, worded
from channels_app.contract import BadPayload, MediaRef, read_json


@dataclass(frozen=True)
class Said:
    """The readable part of one message; ``facts`` go to the message's metadata."""

    content: Content
    media: Sequence[MediaRef] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def read_body(message: dict[str, Any]) -> Said:
    """What ``message`` (any object with ``type`` and a member of that name) says. Never raises."""
    kind = string(message, "type")
    try:
        return READERS[kind](message)
    except (KeyError, ValueError):  # an unknown type, or a body that makes no valid content
        return _placeholder(message, kind)


def _placeholder(message: dict[str, Any], kind: str) -> Said:
    label = string(message, "unsupported", "type", limit=40) or kind[:40] or "unknown"
    codes = [string(error, "code", limit=40) for error in array(message, "errors")]
    return Said(text(f"[unsupported message: {label}]"), facts={"unsupported": label, "error_codes": codes})


def _text(message: dict[str, Any]) -> Said:
    return Said(Content(type="text", **worded(string(message, "text", "body"))))


_CONTENT_TYPES: dict[str, Literal["image", "audio", "video", "file"]] = {
    "image": "image",
    "sticker": "image",
    "audio": "audio",
    "voice": "audio",
    "video": "video",
    "document": "file",
}


def _media(message: dict[str, Any]) -> Said:
    kind = string(message, "type")
    body = obj(message, kind)
    media_id, mime = identifier(body, "id"), string(body, "mime_type", limit=127)
    name, caption = string(body, "filename", limit=255), string(body, "caption")
    if not media_id:
        raise ValueError("media without an id")
    shown = _CONTENT_TYPES[kind]
    ref = MediaRef(
        kind="sticker" if kind == "sticker" else shown,
        id=media_id,
        mime=mime,
        sha256=string(body, "sha256", limit=100),
        name=name,
    )
    facts = {"voice": True} if kind == "voice" or body.get("voice") is True else {}
    media = Media(url=f"media:{media_id}", type=kept_type(mime), name=name or None)
    return Said(Content(type=shown, media=media, **worded(caption)), (ref,), facts)


def _location(message: dict[str, Any]) -> Said:
    body = obj(message, "location")
    where = Location(
        latitude=body.get("latitude"),  # type: ignore[arg-type]  # the model checks them
        longitude=body.get("longitude"),  # type: ignore[arg-type]
        name=string(body, "name", limit=200) or None,
        address=string(body, "address", limit=500) or None,
    )
    return Said(Content(type="location", location=where, **worded(string(body, "url", limit=MAX_TEXT))))


def _contacts(message: dict[str, Any]) -> Said:
    cards = [contact_shared(contact) for contact in array(message, "contacts")]
    words = worded("\n".join(card.line for card in cards))
    return Said(Content(type="text", contacts=tuple(cards[:MAX_CONTACTS]), **words))


def _order(message: dict[str, Any]) -> Said:
    body = obj(message, "order")
    items = [
        {name: string(item, name, limit=200) for name in ("product_retailer_id", "quantity", "item_price", "currency")}
        for item in array(body, "product_items")
    ]
    note = string(body, "text")
    lines = ["Order:", *("{quantity} × {product_retailer_id} at {item_price} {currency}".format(**i) for i in items)]
    order = {"catalog_id": string(body, "catalog_id", limit=100), "text": note, "items": items}
    words = worded("\n".join([*lines, *filter(None, [note])]))
    return Said(Content(type="text", **words), facts={"order": order})


MOST_FILES = 30  # that a form may hold
TECHNICAL = frozenset({"flow_token", "values", "saved_address_id"})  # members of an answer that no person wrote


def _picked(value: str, title: str, **facts: Any) -> Said:
    choice = Choice(value=value or title, title=title[:1000])
    return Said(Content(type="quick_reply", text=title or value, choice=choice), facts=facts)


def _button(message: dict[str, Any]) -> Said:
    return _picked(string(message, "button", "payload"), string(message, "button", "text", limit=MAX_TEXT))


def _interactive(message: dict[str, Any]) -> Said:
    body = obj(message, "interactive")
    return _INTERACTIVE[string(body, "type")](body)


def _button_reply(body: dict[str, Any]) -> Said:
    return _picked(string(body, "button_reply", "id"), string(body, "button_reply", "title"))


def _list_reply(body: dict[str, Any]) -> Said:
    return _picked(string(body, "list_reply", "id"), string(body, "list_reply", "title"))


def _form_reply(body: dict[str, Any]) -> Said:
    """A filled flow or address form, whose ``body`` is but a word of the platform's ("Sent"). ``response_json`` may be
    absent, not JSON or not an object; an address form keeps its answers in ``values``."""
    reply = obj(body, "nfm_reply")
    raw = string(reply, "response_json")
    try:
        given = read_json(raw)
    except BadPayload:
        given = raw
    if isinstance(given, dict):
        given = {**given, **obj(given, "values")}
    files: list[MediaRef] = []
    if isinstance(given, dict):
        given = {name: _put_in(answer, files) for name, answer in given.items()}
    form = form_of(string(reply, "name"), given, apart=TECHNICAL)
    words = form.lines if form else string(reply, "body", limit=MAX_TEXT).strip()
    return Said(Content(type="text", form=form, **worded(words or "[form answered]")), tuple(files[:MOST_FILES]))


def _put_in(answer: Any, files: list[MediaRef]) -> Any:
    """An answer as it is; one of pictures or documents, which are added to ``files``, by their names."""
    found = [_file_in(one) for one in answer] if isinstance(answer, list) else []
    if not found or None in found:
        return answer
    files += [ref for ref in found if ref]
    return [ref.name or ref.id for ref in found if ref]


def _file_in(one: Any) -> MediaRef | None:
    media_id, mime = identifier(one, "id"), string(one, "mime_type", limit=127)
    if not (media_id and mime):
        return None
    family = mime.partition("/")[0]
    kind = family if family in ("image", "audio", "video") else "file"
    digest, name = string(one, "sha256", limit=100), string(one, "file_name", limit=255)
    return MediaRef(kind, id=media_id, mime=mime, sha256=digest, name=name)


def _call_permission(body: dict[str, Any]) -> Said:
    response = string(body, "call_permission_reply", "response", limit=40) or "unknown"
    return Said(text(f"[call permission: {response}]"), facts={"call_permission": response})


_INTERACTIVE: dict[str, Callable[[dict[str, Any]], Said]] = {
    "button_reply": _button_reply,
    "list_reply": _list_reply,
    "nfm_reply": _form_reply,
    "call_permission_reply": _call_permission,
}
READERS: dict[str, Callable[[dict[str, Any]], Said]] = {
    "text": _text,
    **dict.fromkeys(_CONTENT_TYPES, _media),
    "location": _location,
    "contacts": _contacts,
    "interactive": _interactive,
    "button": _button,
    "order": _order,
}
