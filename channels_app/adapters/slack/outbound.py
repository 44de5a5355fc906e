"""From canonical content to calls of the Web API with Block Kit.

Owns the bodies and the platform's limits on them. Must not send, and must not decide what the channel
can show: the content was fitted before.
https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from channels_app.adapters.slack.inbound import METADATA, PART_MARK
from channels_app.content.types import PLATFORM_FILE, Capabilities, Card, Content, ListRow, ListSection, Media
from channels_app.contract import OutboundMessage, Payload, Recipient, Rejected
from channels_app.words.markdown import DIALECTS
from channels_app.words.split import split_text

CAPABILITIES = Capabilities(
    types=frozenset({"text", "image", "file", "audio", "video", "quick_reply", "carousel", "list"}),
    max_text=4000,  # the platform's advice; it cuts at 40,000
    max_caption=4000,
    max_buttons=25,
    max_button_title=75,
    button_types=frozenset({"postback", "url"}),
    max_quick_replies=25,
    max_quick_reply_title=75,
    max_list_rows=100,
    max_row_title=75,
    max_row_description=75,
    max_cards=10,
    markdown="slack",
    typing=True,  # a status, in threads only
    typing_interval_s=100,  # it vanishes after two minutes
    edits=True,
    can_edit=True,
    can_delete=True,
    reactions=True,
    threads=True,
    receipts=frozenset({"sent"}),
)
POST, POST_EPHEMERAL = "/api/chat.postMessage", "/api/chat.postEphemeral"
UPDATE, DELETE = "/api/chat.update", "/api/chat.delete"
SHARE_FILE = "/api/files.completeUploadExternal"
SET_STATUS = "/api/assistant.threads.setStatus"
MAX_BLOCKS = 50
MAX_MESSAGE = 12_000  # characters over all blocks; msg_blocks_too_long comes at about 13,200
MAX_SECTION = 3000
MAX_OPTION_VALUE = 150
MAX_GROUP_LABEL = 75
MAX_ALT_TEXT = 1000  # of files; images take more
SHOWN_IMAGES = frozenset({"image/jpeg", "image/png", "image/gif"})  # others are files to Slack
LINK = re.compile(r"https?://[^\s<>]*[^\s<>.,;:!?*_~)'\"]")

Block = dict[str, Any]
Group = tuple[str, list[Block]]  # blocks that stay in one message, and their words for notifications


def payloads(message: OutboundMessage, list_label: str) -> Iterator[Payload]:
    """The calls that carry ``message``, in order; ``list_label`` stands in a closed menu. Raises Rejected for
    what the platform would refuse and no fitting can repair (media_not_public)."""
    channel, root = target(message.recipient)
    alone = str(message.recipient.reference.get("ephemeral_for", ""))
    aside = {"response_url": url} if (url := message.recipient.reference.get("response_url")) else {}
    thread = {"thread_ts": root} if root else {}
    for number, part in enumerate(RENDERERS[message.content.type](message.content, list_label), start=1):
        if "source" in part:
            yield Payload(SHARE_FILE, json={"channel_id": channel, **thread, **part})
            continue
        body = {"channel": channel, **thread, "unfurl_links": False, **part}
        if alone:
            yield Payload(POST_EPHEMERAL, json={**body, "user": alone}, facts=aside)
            continue
        reference = message.client_ref + ("" if number == 1 else f"{PART_MARK}{number}")
        metadata = {"event_type": METADATA, "event_payload": {"client_ref": reference}}
        yield Payload(POST, json={**body, "metadata": metadata}, facts=aside)


def target(recipient: Recipient) -> tuple[str, str]:
    """(channel, thread ts) of a conversation; see inbound.place. A person outside of any thread is reached
    by their direct channel or, before one is known, by their user id."""
    channel, _, root = recipient.thread.partition(":")
    return channel or recipient.address, root


def edit_of(platform_id: str, posted: Payload) -> Payload:
    """What ``posted`` would say, in place of an earlier message. Blocks that are not named would stay; words without marks
    are a block, for the call knows no other way to say so.

    https://docs.slack.dev/reference/methods/chat.update"""
    body = posted.json or {}
    text = str(body.get("text", ""))
    plain = [_plain(unescape(text))] if body.get("mrkdwn") is False else []
    return Payload(UPDATE, json={**_named(platform_id), "text": text, "blocks": body.get("blocks") or plain})


def delete_of(platform_id: str) -> Payload:
    """https://docs.slack.dev/reference/methods/chat.delete"""
    return Payload(DELETE, json=_named(platform_id))


def _named(platform_id: str) -> dict[str, str]:
    channel, _, ts = platform_id.partition(":")
    return {"channel": channel, "ts": ts}


# ------------------------------------------------------------------ one per content type


def _speech(content: Content, list_label: str) -> Iterator[Block]:
    choices = _choices(content)
    if choices:
        yield from _packed([(_escaped(content), [*_words(content), *choices])])
    elif content.text:
        yield {"text": _escaped(content), "mrkdwn": content.format != "plain"}


def _image(content: Content, list_label: str) -> Iterator[Block]:
    assert content.media is not None
    media = content.media
    if not is_shown(media):
        yield from _file(content, list_label)
        return
    alt = media.alt_text or media.name or "image"
    image = {"type": "image", **_source(media), "alt_text": alt}
    yield from _packed([(_escaped(content) or escape(alt), [*_words(content), image, *_choices(content)])])


def _file(content: Content, list_label: str) -> Iterator[Block]:
    """A file with its words; a file takes no buttons, so they follow with the words."""
    assert content.media is not None
    media = content.media
    name = media.file_name or content.type
    source = {"url": _public(media.url), "name": name, "alt_text": (media.alt_text or "")[:MAX_ALT_TEXT]}
    choices = _choices(content)
    words = {"initial_comment": _escaped(content)} if content.text and not choices else {}
    yield {"source": source, **words}
    if choices:
        yield from _speech(content, list_label)


def _list(content: Content, list_label: str) -> Iterator[Block]:
    sections = content.sections or ()
    if any(len(row.payload) > MAX_OPTION_VALUE for section in sections for row in section.rows):
        yield from _long_list(content)
        return
    menu: Block = {"type": "static_select", "action_id": "pick:list", "placeholder": _label(list_label)}
    if len(sections) == 1 and not sections[0].title:
        menu["options"] = [_option(row) for row in sections[0].rows]
    else:
        menu["option_groups"] = [_group(section, place) for place, section in enumerate(sections, start=1)]
    blocks = [*_words(content), {"type": "actions", "elements": [menu]}, *_choices(content)]
    yield from _packed([(_escaped(content) or escape(list_label), blocks)])


def _group(section: ListSection, place: int) -> Block:
    title = (section.title or str(place))[:MAX_GROUP_LABEL]  # a group needs one
    return {"label": _label(title), "options": [_option(row) for row in section.rows]}


def _option(row: ListRow) -> Block:
    described = {"description": _label(row.description)} if row.description else {}
    return {"text": _label(row.title), "value": row.payload, **described}


def _long_list(content: Content) -> Iterator[Block]:
    """Rows with buttons of their own, which carry longer payloads than a menu does."""
    groups: list[Group] = [(_escaped(content), _words(content))] if content.text else []
    number = 0
    for section in content.sections or ():
        groups += [("", [_marked(f"*{escape(section.title)}*")])] if section.title else []
        for row in section.rows:
            block = _marked(escape(row.description or row.title))
            groups.append((escape(row.title), [{**block, "accessory": _button(row, number)}]))
            number += 1
    if choices := _choices(content, number):
        groups.append(("", choices))
    yield from _packed(groups)


def _carousel(content: Content, list_label: str) -> Iterator[Block]:
    """Cards one below the other: they can be read on every client, unlike the newer block."""
    groups: list[Group] = [(_escaped(content), _words(content))] if content.text else []
    first = 0
    for card in content.cards or ():
        divider = [{"type": "divider"}] if first else []
        groups.append((escape(card.title), [*divider, *_card(card, first)]))
        first += 1 + len(card.buttons)
    if choices := _choices(content, first):
        groups.append(("", choices))
    yield from _packed(groups)


def _card(card: Card, first: int) -> list[Block]:
    title = escape(card.title)
    lines = [f"*<{escape(card.url)}|{title}>*" if card.url else f"*{title}*"]
    lines += [escape(card.subtitle)] if card.subtitle else []
    section = _marked("\n".join(lines))
    if card.image_url:
        section["accessory"] = {"type": "image", "image_url": card.image_url, "alt_text": card.title}
    elements = [_button(button, number) for number, button in enumerate(card.buttons, start=first)]
    return [section, *([{"type": "actions", "elements": elements}] if elements else [])]


# -------------------------------------------------------------------------------- pieces


def _words(content: Content) -> list[Block]:
    """The content's text as blocks. Plain text as rich text, the one block that reads no marks into it."""
    words = content.text or ""
    if not words.strip():
        return []
    if content.format == "plain":
        return [_plain(words)]
    pieces = split_text(words, MAX_SECTION)
    return [_marked(piece) for piece in pieces]


def _plain(words: str) -> Block:
    return {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": _linked(words)}]}


def _marked(mrkdwn: str) -> Block:
    return {"type": "section", "text": {"type": "mrkdwn", "text": mrkdwn}}


def _linked(words: str) -> list[Block]:
    elements: list[Block] = []
    end = 0
    for match in LINK.finditer(words):
        elements += [{"type": "text", "text": words[end : match.start()]}] if match.start() > end else []
        elements.append({"type": "link", "url": match[0]})
        end = match.end()
    return elements + ([{"type": "text", "text": words[end:]}] if words[end:] else [])


def _choices(content: Content, first: int = 0) -> list[Block]:
    """Buttons and quick replies as one row of buttons; ``first`` keeps their ids apart from other rows'."""
    picks = [*(content.buttons or ()), *(content.quick_replies or ())]
    elements = [_button(pick, number) for number, pick in enumerate(picks, start=first)]
    return [{"type": "actions", "elements": elements}] if elements else []


def _button(pick: Any, number: int) -> Block:
    """A link carries no value: its press comes back, too, and must say nothing."""
    if getattr(pick, "type", "postback") == "url":
        return {"type": "button", "action_id": f"open:{number}", "text": _label(pick.title), "url": pick.url}
    value = pick.payload or pick.title
    return {"type": "button", "action_id": f"pick:{number}", "text": _label(pick.title), "value": value}


def _label(words: str) -> Block:
    return {"type": "plain_text", "text": words, "emoji": True}


def _escaped(content: Content) -> str:
    """The text with the three escapes; native text has them already."""
    words = content.text or ""
    return words if content.format == "native" else escape(words)


def escape(words: str) -> str:
    """So that a person cannot call <!channel> through the bot."""
    return DIALECTS["slack"].words(words)


def unescape(words: str) -> str:
    return words.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def is_shown(media: Media | None) -> bool:
    """Whether it is a picture to Slack; others are files."""
    return media is not None and media.type.split(";")[0].strip().lower() in SHOWN_IMAGES


def public(media: Media | None) -> bool:
    """Whether Slack can fetch it."""
    return media is not None and media.url.startswith("https://")


def _source(media: Media) -> Block:
    """Where a picture lies: with Slack already, or where Slack fetches it."""
    if media.url.startswith(PLATFORM_FILE):
        return {"slack_file": {"id": media.url.removeprefix(PLATFORM_FILE)}}
    return {"image_url": _public(media.url)}


def _public(url: str) -> str:
    if not url.startswith(("https://", "http://")):
        raise Rejected("media_not_public", "media must have a public link when it is sent")
    return url


def _packed(groups: Sequence[Group]) -> Iterator[Block]:
    """As few messages as the limits allow; a group is never torn."""
    words: list[str] = []
    blocks: list[Block] = []
    for said, group in groups:
        too_many = len(blocks) + len(group) > MAX_BLOCKS or _size(blocks) + _size(group) > MAX_MESSAGE
        if blocks and too_many:
            yield {"text": "\n".join(words) or "…", "blocks": blocks}
            words, blocks = [], []
        words += [said] if said else []
        blocks = [*blocks, *group]
    yield {"text": "\n".join(words) or "…", "blocks": blocks}


def _size(value: Any) -> int:
    """The characters of all strings inside ``value``."""
    if isinstance(value, str):
        return len(value)
    members = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return sum(_size(member) for member in members)


RENDERERS: dict[str, Callable[[Content, str], Iterator[Block]]] = {
    "text": _speech,
    "quick_reply": _speech,
    "image": _image,
    "video": _file,
    "audio": _file,
    "file": _file,
    "list": _list,
    "carousel": _carousel,
}
