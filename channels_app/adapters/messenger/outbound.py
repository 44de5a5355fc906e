"""From canonical content to message bodies of the Send API.

Owns the bodies and the platform's limits on them. Must not send, and must not decide what the channel
can show: the content was fitted before.
https://developers.facebook.com/documentation/business-messaging/messenger-platform/send-messages
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from channels_app.adapters.messenger.inbound import PART_MARK, WINDOW_S
from channels_app.content.types import PLATFORM_FILE, Button, Capabilities, Card, Content, QuickReply
from channels_app.contract import OutboundMessage, Rejected

MB = 1024 * 1024
CAPABILITIES = Capabilities(
    types=frozenset({"text", "image", "file", "audio", "video", "quick_reply", "carousel", "template"}),
    max_text=2000,  # characters, here and below (open: code points, as we count, or UTF-16 units; Meta does not say)
    max_buttons=3,
    max_button_title=20,
    button_types=frozenset({"postback", "url", "phone"}),
    max_quick_replies=13,
    max_quick_reply_title=20,
    max_cards=10,
    max_card_subtitle=80,
    markdown="none",
    media_types={
        "image/*": 8 * MB,
        **dict.fromkeys(("audio/*", "video/*", "application/*", "text/*"), 25 * MB),
    },
    # open: the platform names no list; what its apps have always played is taken as it is
    media_codecs={
        key: list[str]() for key in ("image/heic", "image/avif", "audio/ogg", "audio/amr", "audio/webm", "video/webm")
    },
    typing=True,
    typing_interval_s=15,  # the bubble vanishes after 20 s
    read_marks=True,
    edits=True,
    reactions=True,
    templates=True,
    quotes=True,
    receipts=frozenset({"sent", "delivered", "read"}),
    window_s=WINDOW_S,
    window_free=frozenset({"template"}),
)
MAX_BUTTON_TEXT = 640  # of a button template; a bare text takes MAX_TEXT
MAX_METADATA = 1000
RESPONSE: Mapping[str, str] = {"messaging_type": "RESPONSE"}
#: colleagues may answer for seven days; bots and apps without the permission may not
HUMAN_AGENT: Mapping[str, str] = {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
UTILITY: Mapping[str, str] = {"messaging_type": "UTILITY"}

Body = dict[str, Any]


def bodies(message: OutboundMessage, *, human_agent: bool, persona_id: str) -> Iterator[Body]:
    """The requests that carry ``message``, in order. ``human_agent``: the app has that permission, which
    counts for replies of colleagues only, as does ``persona_id``. Raises Rejected for what the platform
    would refuse and no fitting can repair."""
    content, by_human = message.content, message.by_human
    kind = UTILITY if content.type == "template" else HUMAN_AGENT if human_agent and by_human else RESPONSE
    persona = {"persona_id": persona_id} if persona_id and by_human else {}
    for number, part in enumerate(RENDERERS[content.type](content), start=1):
        mark = "" if number == 1 else f"{PART_MARK}{number}"
        quote = {"reply_to": {"mid": message.reply_to}} if message.reply_to and number == 1 else {}
        reference = message.client_ref[: MAX_METADATA - len(mark)] + mark
        yield {
            "recipient": {"id": message.recipient.address},
            **kind,
            **persona,
            **quote,
            "message": {**part, "metadata": reference},
        }


# ------------------------------------------------------------------ one per content type


def _speech(content: Content) -> list[Body]:
    return _with_replies(_say(content.text or "", content.buttons or ()), content)


def _media(content: Content) -> list[Body]:
    assert content.media is not None
    file = _attachment(content.type, _file_of(content.media.url))
    words = content.text or (content.buttons and (content.media.alt_text or content.media.name or "…")) or ""
    return _with_replies([file, *(_say(words, content.buttons or ()) if words else [])], content)


def _file_of(address: str) -> Body:
    """By the platform's own id, or by a link that it can fetch."""
    if address.startswith(PLATFORM_FILE):
        return {"attachment_id": address.removeprefix(PLATFORM_FILE)}
    if not address.startswith(("https://", "http://")):
        raise Rejected("media_not_public", "media must have a public link when it is sent")
    return {"url": address}


def _carousel(content: Content) -> list[Body]:
    shelf = _template("generic", elements=[_element(card) for card in content.cards or ()])
    words = content.text or ("…" if content.buttons else "")
    return _with_replies([*(_say(words, content.buttons or ()) if words else []), shelf], content)


def _utility(content: Content) -> list[Body]:
    """An approved utility template, the one kind of message that may go out at any time. Variables fill
    the body in the order of their numbers."""
    assert content.template is not None
    use = content.template
    names = sorted(use.variables, key=lambda name: (int(name) if name.isdecimal() and len(name) < 5 else 0, name))
    parameters = [{"type": "text", "text": use.variables[name]} for name in names]
    components = [{"type": "body", "parameters": parameters}] if parameters else []
    return [{"template": _set(name=use.name, language={"code": use.language}, components=components)}]


# ------------------------------------------------------------------------------ pieces


def _say(words: str, buttons: Sequence[Button]) -> list[Body]:
    """``words`` with buttons below them; long words go ahead of their buttons."""
    if not buttons:
        return [{"text": words}]
    if len(words) > MAX_BUTTON_TEXT:
        return [{"text": words}, *_say("…", buttons)]
    return [_template("button", text=words, buttons=[_button(button) for button in buttons])]


def _with_replies(parts: list[Body], content: Content) -> list[Body]:
    """Quick replies stand under the last part, where they stay in sight."""
    replies = [_quick_reply(reply) for reply in content.quick_replies or ()]
    return [*parts[:-1], {**parts[-1], **_set(quick_replies=replies)}]


_ASKS = {"phone": "user_phone_number", "email": "user_email"}  # filled in from the person's profile


def _quick_reply(reply: QuickReply) -> Body:
    asks = _ASKS.get(reply.content_type)
    if asks:
        return {"content_type": asks}
    return {"content_type": "text", "title": reply.title, "payload": reply.payload or reply.title}


def _button(button: Button) -> Body:
    if button.type == "url":
        return {"type": "web_url", "title": button.title, "url": button.url}
    kind = {"phone": "phone_number"}.get(button.type, button.type)
    return {"type": kind, "title": button.title, "payload": button.payload}


def _element(card: Card) -> Body:
    """The platform wants something beside the title."""
    facts = _set(
        subtitle=card.subtitle,
        image_url=card.image_url,
        default_action={"type": "web_url", "url": card.url} if card.url else None,
        buttons=[_button(button) for button in card.buttons],
    )
    return {"title": card.title, **(facts or {"subtitle": "…"})}


def _attachment(kind: str, payload: Body) -> Body:
    return {"attachment": {"type": kind, "payload": payload}}


def _template(kind: str, **parts: Any) -> Body:
    return _attachment("template", {"template_type": kind, **parts})


def _set(**members: Any) -> Body:
    return {name: value for name, value in members.items() if value}


RENDERERS: dict[str, Callable[[Content], list[Body]]] = {
    "text": _speech,
    "quick_reply": _speech,
    "image": _media,
    "video": _media,
    "audio": _media,
    "file": _media,
    "carousel": _carousel,
    "template": _utility,
}
