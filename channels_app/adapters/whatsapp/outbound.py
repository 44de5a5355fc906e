"""From canonical content to message bodies of the Cloud API.

Owns the bodies and the platform's limits on them. Must not send, and must not decide what the channel
can show: the content was fitted before.
https://developers.facebook.com/documentation/business-messaging/whatsapp/messages/send-messages
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from channels_app.adapters.whatsapp.inbound import PART_MARK, WINDOW_S
from channels_app.content.types import PLATFORM_FILE, Button, Capabilities, Content, ListSection, Media
from channels_app.contract import OutboundMessage, Recipient, Rejected

MB = 1024 * 1024
_DOCUMENTS = [
    "application/pdf",
    "text/plain",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
]
CAPABILITIES = Capabilities(
    types=frozenset({"text", "image", "file", "audio", "video", "location", "quick_reply", "list", "template"}),
    max_text=4096,  # characters, here and below (open: code points, as we count, or UTF-16 units; Meta does not say)
    max_caption=1024,
    max_buttons=3,
    max_button_title=20,
    button_types=frozenset({"postback", "url"}),
    max_quick_replies=10,
    max_quick_reply_title=20,
    max_list_rows=10,
    max_row_title=24,
    max_row_description=72,
    max_payload=256,
    max_row_payload=200,
    distinct_payloads=True,
    markdown="whatsapp",
    media_types={
        **dict.fromkeys(("image/jpeg", "image/png"), 5 * MB),
        "image/webp": 500 * 1024,  # as a sticker
        **dict.fromkeys(("audio/aac", "audio/amr", "audio/mpeg", "audio/mp4", "audio/ogg"), 16 * MB),
        **dict.fromkeys(("video/mp4", "video/3gpp"), 16 * MB),
        **dict.fromkeys(_DOCUMENTS, 100 * MB),
    },
    media_codecs={
        "audio/ogg": ["opus"],  # mono
        **{key: ["h264", "aac", "stereo"] for key in ("video/mp4", "video/3gpp")},
    },
    voice_type="audio/ogg",
    typing=True,
    typing_interval_s=20,  # it vanishes after 25 s
    read_marks=True,
    edits=True,
    reactions=True,
    templates=True,
    quotes=True,
    receipts=frozenset({"sent", "delivered", "read", "failed"}),
    window_s=WINDOW_S,
    window_free=frozenset({"template"}),
)
MAX_CHOICE_BODY = 1024  # of buttons and links; a list takes MAX_TEXT
MAX_BUTTONS, MAX_ROWS = 3, 10
MAX_BUTTON_ID, MAX_ROW_ID = CAPABILITIES.max_payload, CAPABILITIES.max_row_payload
MAX_SECTION_TITLE = 24
MAX_CLIENT_REF = 512

Body = dict[str, Any]


def bodies(message: OutboundMessage, list_label: str) -> Iterator[Body]:
    """The requests that carry ``message``, in order; ``list_label`` opens a list (at most 20 characters).
    Raises Rejected for what the platform would refuse and no fitting can repair."""
    for number, part in enumerate(RENDERERS[message.content.type](message.content, list_label), start=1):
        mark = "" if number == 1 else f"{PART_MARK}{number}"
        quote = {"context": {"message_id": message.reply_to}} if message.reply_to and number == 1 else {}
        yield {
            "messaging_product": "whatsapp",
            **_to(message.recipient),
            **quote,
            "biz_opaque_callback_data": message.client_ref[: MAX_CLIENT_REF - len(mark)] + mark,
            **part,
        }


def _to(recipient: Recipient) -> Body:
    """A group by its id, a phone number as ``to``, a business-scoped user id as ``recipient``."""
    if recipient.thread:
        return {"recipient_type": "group", "to": recipient.thread}
    by_phone = recipient.address.removeprefix("+").isdigit()
    return {"recipient_type": "individual", "to" if by_phone else "recipient": recipient.address}


# ------------------------------------------------------------------ one per content type


def _speech(content: Content, list_label: str) -> list[Body]:
    return _say(content.text or "", content, list_label)


def _media(content: Content, list_label: str) -> list[Body]:
    assert content.media is not None
    media = content.media
    mime = media.type.split(";")[0].strip().lower()
    kind = "sticker" if mime == "image/webp" else {"file": "document"}.get(content.type, content.type)
    item = file_of(media)
    if kind == "audio" and mime == "audio/ogg" and "id" in item:  # of a file elsewhere nothing is certain
        item["voice"] = True  # as one that was spoken into a phone: with its waveform, and heard in the chat
    if kind == "document":
        item |= _set(filename=media.file_name)  # without one the person reads "Untitled"
    body: Body = {"type": kind, kind: item}
    if content.quick_replies or content.buttons:
        return [body, *_say(content.text or media.alt_text or media.name or "…", content, list_label)]
    if not content.text:
        return [body]
    if kind not in ("image", "video", "document"):
        return [body, _text(content.text)]
    item["caption"] = content.text
    return [body]


def file_of(media: Media) -> Body:
    """Exactly one of the platform's own id and a link that it can fetch."""
    if media.url.startswith(PLATFORM_FILE):
        return {"id": media.url.removeprefix(PLATFORM_FILE)}
    if not media.url.startswith(("https://", "http://")):
        raise Rejected("media_not_public", "media must have a public link when it is sent")
    return {"link": media.url}


def names_file(body: Mapping[str, Any] | None) -> bool:
    """Whether a rendered body shows a file by the platform's id."""
    kind = str((body or {}).get("type", ""))
    return "id" in ((body or {}).get(kind) or {})


def _location(content: Content, list_label: str) -> list[Body]:
    assert content.location is not None
    where = content.location
    item: Body = {"latitude": _degrees(where.latitude), "longitude": _degrees(where.longitude)}
    item |= {name: value for name in ("name", "address") if (value := getattr(where, name))}
    spoken = content.text or content.quick_replies or content.buttons
    return [{"type": "location", "location": item}, *(_say(content.text or "…", content, list_label) if spoken else [])]


def _degrees(value: float) -> str:
    """Never in powers of ten, which no platform reads; to the centimetre."""
    return f"{value:.7f}".rstrip("0").rstrip(".")


def _list(content: Content, list_label: str) -> list[Body]:
    several = len(content.sections or ()) > 1  # then each needs a title
    sections = [
        _section(section, str(place) if several else "")
        for place, section in enumerate(content.sections or (), start=1)
    ]
    body = _interactive("list", content.text or list_label, {"button": list_label, "sections": sections})
    return [body, *(_say("…", content, list_label) if content.buttons or content.quick_replies else [])]


def _section(section: ListSection, untitled: str) -> Body:
    rows = [
        {"id": _id(row.payload, MAX_ROW_ID), "title": row.title, **_set(description=row.description)}
        for row in section.rows
    ]
    return {**_set(title=(section.title or untitled)[:MAX_SECTION_TITLE]), "rows": rows}


def _template(content: Content, list_label: str) -> list[Body]:
    """A file fills a header that shows one. Variables ``header.x`` and ``button.<index>`` fill the header and a link button, all others the
    body: by position when their names are numbers, else by name."""
    assert content.template is not None
    use = content.template
    groups: dict[str, dict[str, str]] = {"header": {}, "body": {}}
    components: list[Body] = []
    for name, value in use.variables.items():
        place, _, rest = name.partition(".")
        if place == "button" and _is_number(rest):
            parameters = [{"type": "text", "text": value}]
            components.append({"type": "button", "sub_type": "url", "index": rest, "parameters": parameters})
        elif place == "header" and rest:
            groups["header"][rest] = value
        else:
            groups["body"][name] = value
    if content.media:
        components.append({"type": "header", "parameters": [_header_file(content.media)]})
    filled = [{"type": place, "parameters": _parameters(values)} for place, values in groups.items() if values]
    template: Body = {"name": use.name, "language": {"code": use.language}, **_set(components=filled + components)}
    return [{"type": "template", "template": template}]


def _header_file(media: Media) -> Body:
    kind = media.type.partition("/")[0]
    kind = kind if kind in ("image", "video") else "document"
    named = _set(filename=media.file_name) if kind == "document" else {}
    return {"type": kind, kind: {**file_of(media), **named}}


def _is_number(name: str) -> bool:
    """Of a place; "²" is a digit to Python and no number."""
    return name.isascii() and name.isdigit() and len(name) < 5


def _parameters(values: Mapping[str, str]) -> list[Body]:
    if all(_is_number(name) for name in values):
        return [{"type": "text", "text": values[name]} for name in sorted(values, key=int)]
    return [{"type": "text", "parameter_name": name, "text": value} for name, value in values.items()]


# ------------------------------------------------------------------------------ pieces


def _say(words: str, content: Content, list_label: str) -> list[Body]:
    """``words`` with the content's choices: buttons while they fit, else a list, links one by one. The person is asked
    for their place last, since its button stays until they answer."""
    links = [button for button in content.buttons or () if button.type == "url"]
    asked = [reply.title for reply in content.quick_replies or () if reply.content_type == "location"][:1]
    choices = _replies(content)
    if choices:
        head = _choices(words, choices, list_label)
    elif len(words) <= MAX_CHOICE_BODY and len(links) + len(asked) == 1:
        return [_link(words, link) for link in links] + [_where(words) for _title in asked]
    else:
        head = [_text(words)]
    return [*head, *(_link(link.title, link) for link in links), *map(_where, asked)]


def _where(words: str) -> Body:
    return _interactive("location_request_message", words, {"name": "send_location"})


def _replies(content: Content) -> list[tuple[str, str]]:
    """(payload, title) of everything that sends an answer back as it is."""
    buttons = [(b.payload or b.title, b.title) for b in content.buttons or () if b.type == "postback"]
    replies = [reply for reply in content.quick_replies or () if reply.content_type != "location"]
    return buttons + [(reply.payload or reply.title, reply.title) for reply in replies]


def _choices(words: str, choices: list[tuple[str, str]], list_label: str) -> list[Body]:
    as_buttons = len(choices) <= MAX_BUTTONS and len(words) <= MAX_CHOICE_BODY
    if as_buttons or any(len(payload) > MAX_ROW_ID for payload, _title in choices):
        return _buttons(words, choices)
    rows = [{"id": _id(payload, MAX_ROW_ID), "title": title} for payload, title in choices]
    return [
        _interactive(
            "list", "…" if start else words, {"button": list_label, "sections": [{"rows": rows[start:][:MAX_ROWS]}]}
        )
        for start in range(0, len(rows), MAX_ROWS)
    ]


def _buttons(words: str, choices: list[tuple[str, str]]) -> list[Body]:
    """As many messages as it takes: a button carries more than a row does."""
    buttons = [
        {"type": "reply", "reply": {"id": _id(payload, MAX_BUTTON_ID), "title": title}} for payload, title in choices
    ]
    before, first = ([], words) if len(words) <= MAX_CHOICE_BODY else ([_text(words)], "…")
    return before + [
        _interactive("button", "…" if start else first, {"buttons": buttons[start:][:MAX_BUTTONS]})
        for start in range(0, len(buttons), MAX_BUTTONS)
    ]


def _link(words: str, button: Button) -> Body:
    parameters = {"display_text": button.title, "url": button.url}
    return _interactive("cta_url", words, {"name": "cta_url", "parameters": parameters})


def _interactive(kind: str, words: str, action: Body) -> Body:
    return {"type": "interactive", "interactive": {"type": kind, "body": {"text": words}, "action": action}}


def _text(words: str) -> Body:
    return {"type": "text", "text": {"body": words, "preview_url": "http://" in words or "https://" in words}}


def _id(payload: str, limit: int) -> str:
    """A cut payload would come back as another choice, so a long one is refused."""
    if len(payload) > limit:
        raise Rejected("payload_too_long", f"a choice may carry {limit} characters here, not {len(payload)}")
    return payload


def _set(**members: Any) -> Body:
    return {name: value for name, value in members.items() if value}


RENDERERS: dict[str, Callable[[Content, str], list[Body]]] = {
    "text": _speech,
    "quick_reply": _speech,
    "image": _media,
    "video": _media,
    "audio": _media,
    "file": _media,
    "location": _location,
    "list": _list,
    "template": _template,
}
