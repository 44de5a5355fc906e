"""From canonical content to activities of the connector.

Owns the activities and their cards. Must not send, and must not decide what the channel can show: the
content was fitted before.
https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-reference
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from channels_app.adapters.teams.bodies import CHOICE, TITLE
from channels_app.adapters.teams.config import TeamsConfig
from channels_app.adapters.wire import identifier, string
from channels_app.content.types import Button, Capabilities, Card, Content, ListRow
from channels_app.contract import Http, OutboundMessage, Recipient, Rejected, Unreachable

MB = 1024 * 1024
CAPABILITIES = Capabilities(
    types=frozenset({"text", "image", "quick_reply", "carousel", "list"}),
    max_text=4096,
    max_caption=4096,
    max_buttons=3,
    max_button_title=20,
    button_types=frozenset({"postback", "url"}),
    max_quick_replies=10,
    max_quick_reply_title=20,
    max_list_rows=20,
    max_row_title=80,
    max_row_description=200,
    max_cards=10,
    markdown="teams",
    media_types=dict.fromkeys(("image/png", "image/jpeg", "image/gif"), MB),
    max_image_px=1024,
    typing=True,
    typing_interval_s=3,
    edits=True,
    can_edit=True,
    can_delete=True,
    reactions=True,
    threads=True,
    quotes=True,
    receipts=frozenset({"read"}),  # where the app was granted ChatMessageReadReceipt.Read.Chat
)
ADAPTIVE = "application/vnd.microsoft.card.adaptive"
HERO = "application/vnd.microsoft.card.hero"
MAX_SUGGESTED = 3  # the client shows no more
MAX_ACTIONS = 6  # of one row of buttons
#: a mark of Markdown, wherever it may start one
MARKS = re.compile(r"[\\`*_~\[\]]|^(?=[^\S\n]*(?:[#>+-]|\d+[.)])\s)", re.MULTILINE)
SINGLE_BREAK = re.compile(r"(?<!\n)\n(?!\n)")
CONVERSATION_ID = re.compile(r"(19:|a:)")  # an address that is a chat or channel itself

Body = dict[str, Any]


def activities_for(message: OutboundMessage, config: TeamsConfig) -> list[Body]:
    """The activities that carry ``message``, in order: a picture that goes along with the activity itself is one of its
    own (open: whether a card may hold it). Raises Rejected for what no fitting can repair."""
    content = message.content
    if not (content.type == "image" and content.media and goes_along(content.media.url)):
        return [activity_for(message, config)]
    bare = content.model_copy(update={"text": None, "buttons": None, "quick_replies": None, "quote": None})
    bare = bare.model_copy(update={"media": content.media.model_copy(update={"alt_text": None})})
    parts = [bare]
    if content.text or content.buttons or content.quick_replies:
        words = content.text or content.media.alt_text or content.media.name or "…"
        parts.append(content.model_copy(update={"type": "text", "text": words, "media": None}))
    return [activity_for(replace(message, content=part), config) for part in parts]


def goes_along(url: str) -> bool:
    """Whether the platform cannot fetch what lies there, but we can: it is sent inside the activity."""
    return url.startswith("http://")


def with_pictures(activity: Body, http: Http) -> Body:
    """``activity`` with its pictures inside. Raises a SendError."""
    attachments = activity.get("attachments") or ()
    if not any(goes_along(str(one.get("contentUrl", ""))) for one in attachments):
        return activity
    return {**activity, "attachments": [_inside(one, http) for one in attachments]}


def _inside(attachment: Body, http: Http) -> Body:
    address = str(attachment.get("contentUrl", ""))
    if not goes_along(address):
        return attachment
    file = http.fetch(address, max_bytes=MB)
    if file.status >= 500 or file.status == 429:
        raise Unreachable("media_unavailable", status=file.status)
    if not 200 <= file.status < 300 or not file.body:
        raise Rejected("media_unavailable", "the picture cannot be fetched", status=file.status)
    encoded = base64.b64encode(file.body).decode("ascii")
    return {**attachment, "contentUrl": f"data:{attachment['contentType']};base64,{encoded}"}


def activity_for(message: OutboundMessage, config: TeamsConfig) -> Body:
    """The activity that carries ``message``. Raises Rejected for what no fitting can repair."""
    recipient, conversation = message.recipient, conversation_of(message.recipient)
    user = identifier(recipient.reference, "user")
    frame: Body = {"type": "message", "from": {"id": identifier(recipient.reference, "bot", "id") or config.bot_id}}
    if conversation:
        frame["conversation"] = {"id": conversation}
    if user and _is_personal(recipient):
        frame["recipient"] = {"id": user}
    return {**frame, **RENDERERS[message.content.type](message.content, recipient, config)}


def conversation_of(recipient: Recipient) -> str:
    """The conversation to post to, or "" when there is none with this person yet."""
    known = recipient.thread or identifier(recipient.reference, "conversation")
    return known or (recipient.address if CONVERSATION_ID.match(recipient.address) else "")


def service_url_of(recipient: Recipient, config: TeamsConfig) -> str:
    """Where the person last wrote from, or the configured base; without a slash at its end."""
    return (string(recipient.reference, "service_url") or config.api_base).rstrip("/")


def _is_personal(recipient: Recipient) -> bool:
    return string(recipient.reference, "conversation_type") in ("", "personal")


# ------------------------------------------------------------------ one per content type


def _speech(content: Content, recipient: Recipient, config: TeamsConfig) -> Body:
    words = content.text or "…"
    plain: Body = {"text": words, "textFormat": "plain" if content.format == "plain" else "markdown"}
    if not content.buttons and not content.quick_replies:
        return plain
    if _suggestable(content, recipient, config):
        actions = [{"type": "imBack", "title": one.title, "value": one.title} for one in content.quick_replies or ()]
        return {**plain, "suggestedActions": {"to": _to(recipient), "actions": actions}}
    return _card(content, [_text(content)])


def _suggestable(content: Content, recipient: Recipient, config: TeamsConfig) -> bool:
    """A suggested action sends nothing but its title, and only three are shown."""
    replies = content.quick_replies or ()
    telling = all(reply.payload in ("", reply.title) for reply in replies)
    allowed = {"always": True, "never": False}.get(config.suggested_actions, _is_personal(recipient))
    return allowed and telling and not content.buttons and len(replies) <= MAX_SUGGESTED


def _to(recipient: Recipient) -> list[str]:
    user = identifier(recipient.reference, "user")
    return [user] if user else []


def _image(content: Content, recipient: Recipient, config: TeamsConfig) -> Body:
    assert content.media is not None
    media = content.media
    if not media.url.startswith(("https://", "http://")):
        raise Rejected("media_not_public", "a picture must have a link when it is sent")
    if not (content.text or content.buttons or content.quick_replies or media.alt_text):
        mime = media.type.split(";")[0].strip().lower()
        return {"attachments": [{"contentType": mime, "contentUrl": media.url, **_set(name=media.name)}]}
    picture = {"type": "Image", "url": media.url, **_set(altText=media.alt_text or media.name)}
    return _card(content, [picture, *([_text(content)] if content.text else [])])


def _list(content: Content, recipient: Recipient, config: TeamsConfig) -> Body:
    body = [_text(content)] if content.text else []
    for section in content.sections or ():
        if section.title:
            body.append(_block(_escaped(section.title), weight="Bolder", spacing="Medium"))
        body += [_row(row) for row in section.rows]
    return _card(content, body)


def _row(row: ListRow) -> Body:
    lines = [_block(_escaped(row.title), color="Accent")]
    if row.description:
        lines.append(_block(_escaped(row.description), isSubtle=True, spacing="None"))
    return {"type": "Container", "items": lines, "selectAction": _submit(row.title, row.payload)}


def _carousel(content: Content, recipient: Recipient, config: TeamsConfig) -> Body:
    """Hero cards side by side. Words and quick replies that belong to them stand on cards around them."""
    cards = [{"contentType": HERO, "content": _hero(card)} for card in content.cards or ()]
    before = _adaptive(content, [_text(content)], ()) if content.text else None
    after = _adaptive(content, [], _actions(content)) if content.buttons or content.quick_replies else None
    attachments = [*filter(None, (before,)), *cards, *filter(None, (after,))]
    return {"attachmentLayout": "carousel", "attachments": attachments, "summary": content.summary}


def _hero(card: Card) -> Body:
    buttons: list[Body] = [_hero_button(button) for button in card.buttons]
    return {
        "title": card.title,
        "buttons": buttons,
        **_set(
            text=card.subtitle,
            images=[{"url": card.image_url, "alt": card.title}] if card.image_url else None,
            tap={"type": "openUrl", "title": card.title, "value": card.url} if card.url else None,
        ),
    }


def _hero_button(button: Button) -> Body:
    if button.type == "url":
        return {"type": "openUrl", "title": button.title, "value": button.url}
    told = {CHOICE: button.payload, TITLE: button.title}
    title = button.title
    return {"type": "messageBack", "title": title, "displayText": title, "text": title, "value": told}


# ------------------------------------------------------------------------------ pieces


def _card(content: Content, body: Sequence[Body]) -> Body:
    """One activity with one adaptive card; the summary is what a notification shows."""
    return {"attachments": [_adaptive(content, body, _actions(content))], "summary": content.summary}


def _adaptive(content: Content, body: Sequence[Body], actions: Sequence[Body]) -> Body:
    rows = [
        {"type": "ActionSet", "actions": actions[start : start + MAX_ACTIONS]}
        for start in range(0, len(actions), MAX_ACTIONS)
    ]
    card = {
        "type": "AdaptiveCard",
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "version": "1.5",
        "body": [*body, *rows],
        "msteams": {"width": "Full"},
        **_set(fallbackText=content.text),
    }
    return {"contentType": ADAPTIVE, "content": card}


def _actions(content: Content) -> list[Body]:
    buttons = [
        {"type": "Action.OpenUrl", "title": button.title, "url": button.url}
        if button.type == "url"
        else _submit(button.title, button.payload or button.title)
        for button in content.buttons or ()
    ]
    return buttons + [_submit(reply.title, reply.payload or reply.title) for reply in content.quick_replies or ()]


def _submit(title: str, payload: str) -> Body:
    """A button whose press shows its title as the person's own message and brings back the payload."""
    shown = {"type": "messageBack", "displayText": title, "text": title, "value": {CHOICE: payload, TITLE: title}}
    return {"type": "Action.Submit", "title": title, "data": {"msteams": shown}}


def _text(content: Content) -> Body:
    words = content.text or "…"
    return _block(_escaped(words) if content.format == "plain" else words)


def _block(words: str, **look: Any) -> Body:
    return {"type": "TextBlock", "text": words, "wrap": True, **look}


def _escaped(words: str) -> str:
    """Plain words on a card, which reads Markdown: marks lose their meaning, line breaks keep theirs."""
    return SINGLE_BREAK.sub("\n\n", MARKS.sub(lambda match: f"\\{match[0]}", words))


def _set(**members: Any) -> Body:
    return {name: value for name, value in members.items() if value}


RENDERERS: dict[str, Callable[[Content, Recipient, TeamsConfig], Body]] = {
    "text": _speech,
    "quick_reply": _speech,
    "image": _image,
    "list": _list,
    "carousel": _carousel,
}
