"""The words of a message that stand in its blocks only, as mrkdwn.

Owns the reading of Block Kit as it comes in. Must not read more than words: pictures say their description, buttons
and menus are no person's words. Never raises.
https://docs.slack.dev/reference/block-kit/blocks
"""

from __future__ import annotations

from typing import Any

from channels_app.adapters.wire import array, obj, string

MOST = 50  # blocks of a message, cells of a row
MOST_ROWS = 100  # of a table


def words_of(message: Any) -> str:
    """The message's mrkdwn: its ``text``, or what its blocks say where that is empty. No ``text`` says its tables."""
    written, blocks = string(message, "text"), array(message, "blocks")[:MOST]
    if not written.strip():
        return "\n".join(filter(None, map(_block, blocks)))
    tables = [words for block in blocks if string(block, "type") == "table" and (words := _table(block))]
    return "\n".join([written, *tables])


def _block(block: Any) -> str:
    kind = string(block, "type")
    if kind == "rich_text":
        return "\n".join(filter(None, map(_part, array(block, "elements"))))
    if kind == "table":
        return _table(block)
    if kind == "markdown":
        return escaped(string(block, "text"))
    if kind == "context":
        return " ".join(filter(None, (_object(one) or _picture(one) for one in array(block, "elements"))))
    if kind in ("image", "video"):
        return _object(obj(block, "title")) or _picture(block)
    return (
        "\n".join(filter(None, (_object(one) for one in (block.get("text"), *array(block, "fields"))))) if kind else ""
    )


def _table(block: Any) -> str:
    """A row a line; a cell is bare text or rich text."""
    rows = array(block, "rows")[:MOST_ROWS]
    lines = [" | ".join(_cell(cell) for cell in (row if isinstance(row, list) else [])[:MOST]) for row in rows]
    return "\n".join(line for line in lines if line.strip(" |"))


def _cell(cell: Any) -> str:
    words = escaped(string(cell, "text")) if string(cell, "type") == "raw_text" else _block(obj(cell))
    return " ".join(words.split())


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
