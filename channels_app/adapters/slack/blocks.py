"""The words of a message that stand in its blocks only, as mrkdwn.

Owns the reading of Block Kit as it comes in. Must not read more than words: pictures say their description, buttons
and menus are no person's words. Never raises.
https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

from typing import Any

from channels_app.adapters.wire import array, obj, string

MOST = 50  # blocks of a message


def words_of(message: Any) -> str:
    """The message's mrkdwn: its ``text``, or what its blocks say where that is empty."""
    written = string(message, "text")
    if written.strip():
        return written
    return "\n".join(filter(None, map(_block, array(message, "blocks")[:MOST])))


def _block(block: Any) -> str:
    kind = string(block, "type")
    if kind == "rich_text":
        return "\n".join(filter(None, map(_part, array(block, "elements"))))
    if kind == "markdown":
        return escaped(string(block, "text"))
    if kind == "context":
        return " ".join(filter(None, (_object(one) or _picture(one) for one in array(block, "elements"))))
    if kind in ("image", "video"):
        return _object(obj(block, "title")) or _picture(block)
    return (
        "\n".join(filter(None, (_object(one) for one in (block.get("text"), *array(block, "fields"))))) if kind else ""
    )


def _object(source: Any) -> str:
    """A text object: ``mrkdwn`` has the marks and escapes already."""
    words = string(source, "text")
    return (
        words
        if string(source, "type") == "mrkdwn"
        else escaped(words)
        if string(source, "type") == "plain_text"
        else ""
    )


def _picture(source: Any) -> str:
    return escaped(string(source, "alt_text"))


def _part(part: Any) -> str:
    """A section, quote, preformatted text or list of rich text."""
    kind, elements = string(part, "type"), array(part, "elements")
    if kind == "rich_text_list":
        return "\n".join(f"• {_line(array(item, 'elements'))}" for item in elements)
    words = _line(elements)
    return "\n".join(f"> {line}" for line in words.splitlines()) if kind == "rich_text_quote" else words


def _line(elements: list[Any]) -> str:
    return "".join(map(_element, elements))


def _element(element: Any) -> str:
    kind = string(element, "type")
    if kind == "link":
        label = escaped(string(element, "text")).replace("|", "¦")
        return f"<{escaped(string(element, 'url'))}{f'|{label}' if label else ''}>"
    if kind in MENTIONS:
        mark, member = MENTIONS[kind]
        return f"<{mark}{string(element, member)}>"
    if kind == "emoji":
        return f":{string(element, 'name', limit=100)}:"
    return escaped(string(element, "text") or string(element, "fallback"))


def escaped(words: str) -> str:
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


MENTIONS = {"user": ("@", "user_id"), "channel": ("#", "channel_id"), "usergroup": ("!subteam^", "usergroup_id"),
            "broadcast": ("!", "range")}  # fmt: skip
