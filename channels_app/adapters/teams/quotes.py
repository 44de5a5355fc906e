"""What a message of a chat quotes: as it comes in, in both of its forms, and as it goes out.

Owns these forms: a placeholder in the text with an entity beside it, or (older clients) a block of HTML in an
attachment. In channels an answer names its thread's root instead (``replyToId``). Never raises.
https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/channel-and-group-conversations
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from channels_app.adapters.wire import array, identifier, string
from channels_app.content.normalise import clean_text
from channels_app.content.surroundings import MAX_FURTHER, MAX_QUOTE, Quote, Quoted

PLACEHOLDER = re.compile(
    r"<quoted\b[^<>]{0,100}?\bmessageId=[\"']([^\"'<>]{1,180})[\"'][^<>]{0,100}>(?:\s*</quoted>)?", re.I
)
#: no quote stands in another one, so that each is looked through once
BLOCK = re.compile(
    r"<blockquote\b([^<>]{0,500}schema\.skype\.com/Reply[^<>]{0,500})>((?:[^<]|<(?!/?blockquote\b))*)</blockquote>",
    re.I,
)
HEAD = 4000  # characters of a block in which author and preview are looked for
ITEM = re.compile(r"\bitemid=[\"']?([^\"'\s<>]{1,180})", re.I)
AUTHOR = re.compile(r"<strong\b[^<>]{0,300}>((?:[^<]|<(?!/?strong\b))*)</strong>", re.I)
PREVIEW = re.compile(r"<p\b[^<>]{0,300}?itemprop=[\"']?(?:preview|copy)[^<>]{0,300}>((?:[^<]|<(?!/?p\b))*)</p>", re.I)


def quotes_in(activity: Any) -> list[tuple[str, Quote]]:
    """(activity id, what the platform shows of it) of each quoted message, in the order of the text."""
    found: dict[str, Quote] = {}
    for entity in array(activity, "entities"):
        if string(entity, "type") == "quotedReply" and (quoted := identifier(entity, "quotedReply", "messageId")):
            author, preview = (string(entity, "quotedReply", name) for name in ("senderName", "preview"))
            found[quoted] = _quote(author, preview)
    for one in array(activity, "attachments"):
        for attributes, inner in BLOCK.findall(string(one, "content")) if _is_html(one) else ():
            if item := ITEM.search(attributes):
                shown = (pattern.search(inner[:HEAD]) for pattern in (AUTHOR, PREVIEW))
                found.setdefault(item[1], _quote(*(match[1] if match else "" for match in shown)))
    for placeholder in PLACEHOLDER.findall(string(activity, "text")):
        found.setdefault(placeholder, Quote())
    return list(found.items())


def further_in(quotes: Sequence[tuple[str, Quote]]) -> tuple[Quoted, ...] | None:
    """Those behind the first."""
    return tuple(Quoted(author=one.author, text=one.text) for _, one in quotes[1 : 1 + MAX_FURTHER]) or None


def without_quotes(words: str) -> str:
    """The person's own words: without the marks and blocks of what they quote."""
    return BLOCK.sub(" ", PLACEHOLDER.sub(" ", words))


def quoting(activity: Mapping[str, Any], quoted: str) -> dict[str, Any]:
    """``activity`` with the message of the id ``quoted`` above its text."""
    mark = f'<quoted messageId="{quoted}"/>'
    entity = {"type": "quotedReply", "quotedReply": {"messageId": quoted}}
    words = activity.get("text")
    return {
        **activity,
        "text": f"{mark} {words}" if words else mark,
        "entities": [*activity.get("entities", ()), entity],
    }


def _quote(author: str, preview: str) -> Quote:
    """``preview`` may be HTML, as old clients write it."""
    words = clean_text(preview, markup=True, limit=MAX_QUOTE)
    return Quote(author=clean_text(author, markup=True, limit=MAX_QUOTE), text=" ".join(words.split()))


def _is_html(attachment: Any) -> bool:
    return string(attachment, "contentType") == "text/html"
