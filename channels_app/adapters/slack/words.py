"""From Slack's text and files to canonical content.

Owns mrkdwn as it comes in: tokens, escapes, mentions; and what becomes of files. Must not know who
wrote or where.
https://docs.slack.dev/messaging/formatting-message-text
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from channels_app.adapters.slack.blocks import words_of
from channels_app.adapters.wire import array, at, identifier, obj, string
from channels_app.content.normalise import clean_text
from channels_app.content.types import Content, Media, kept_type, text, worded
from channels_app.contract import MediaRef

TOKEN = re.compile(r"<([@#!]|(?:https?|mailto|tel):)([^<>|]*)(?:\|([^<>]*))?>")
LEADING_MENTION = re.compile(r"^\s*<@[^<>]*>")
GONE = frozenset({"tombstone", "hidden_by_limit"})


@dataclass(frozen=True)
class Said:
    """The readable part of one message; ``facts`` go to the message's metadata."""

    content: Content
    media: Sequence[MediaRef] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)


def mentions(mrkdwn: str, user: str) -> bool:
    """Whether ``mrkdwn`` mentions ``user``; never, when the id is not known."""
    return bool(user) and re.search(rf"<@{re.escape(user)}[|>]", mrkdwn) is not None


def without_mention(mrkdwn: str, user: str) -> str:
    """``mrkdwn`` without its first mention of ``user``, or without a leading one when the id is not known."""
    pattern = re.compile(rf"<@{re.escape(user)}(?:\|[^<>]*)?>") if user else LEADING_MENTION
    return pattern.sub("", mrkdwn, count=1)


def plain(mrkdwn: str) -> str:
    """Readable text: links, people and places resolved, then the three escapes undone."""
    resolved = TOKEN.sub(_token, mrkdwn)
    return resolved.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _token(match: re.Match[str]) -> str:
    mark, target, label = match[1], match[2], match[3] or ""
    if mark in "@#":
        return f"{mark}{label or target}"
    if mark == "!":
        return label or (target if target.startswith("date^") else f"@{target}")
    address = target if mark in ("mailto:", "tel:") else f"{mark}{target}"
    return address if label in ("", address) or label in address else f"{label} ({address})"


def read_body(message: Any, mrkdwn: str) -> list[Said]:
    """What ``message`` says, whose own words are ``mrkdwn``, with the messages that are shared in it (previews of links
    are no person's words): one entry for the words and the first file,
    one for each further file. Never empty, never raises."""
    others = [one for one in array(message, "attachments") if obj(one).get("is_share") is True]
    shared = [f"> {words}" for one in others if (words := _shared(one))]
    words = clean_text(plain("\n".join([mrkdwn, *shared])), limit=1_000_000)
    files = [read_file(one) for source in (message, *others) for one in array(source, "files")]
    if not files:
        return [Said(Content(type="text", **worded(words or "[empty message]")))]
    first = files[0]
    return [Said(_captioned(first.content, words), first.media, first.facts), *files[1:]]


def _shared(attachment: Any) -> str:
    """The words of a message that was shared into this one."""
    inner: Any = next(iter(array(attachment, "message_blocks")), {})
    return words_of(attachment) or words_of(obj(inner, "message")) or string(attachment, "fallback")


def _captioned(content: Content, words: str) -> Content:
    """The words ahead of what the file itself says: a recording has its transcript from Slack."""
    if content.type == "text":
        return Content(type="text", **worded("\n".join(filter(None, [content.text, words]))))
    return content.model_copy(update=worded("\n".join(filter(None, [words, content.full_text or content.text]))))


def read_file(file: Any) -> Said:
    """A file by its id; one that cannot be kept is told in words."""
    name = clean_text(string(file, "name") or string(file, "title"), limit=255)
    mime = string(file, "mimetype", limit=127)
    ref = MediaRef(kind_of(mime), id=identifier(file, "id"), mime=mime, size=_size(file), name=name)
    facts = {"media": {"id": ref.id, "mime": mime, "name": name}}
    if string(file, "mode") in GONE or not ref.id:
        return Said(text("[file no longer available]"), facts=facts)
    if obj(file).get("is_external") is True:
        return Said(text(f"[file: {name or ref.id}] {string(file, 'url_private', limit=2000)}".rstrip()), facts=facts)
    try:
        if not mime:
            raise ValueError
        media = Media(url=f"media:{ref.id}", type=kept_type(mime), name=name or None, size_bytes=ref.size or 0)
    except ValueError:  # a size that we do not keep, or a file of another workspace that only has an id
        what = ", ".join(part for part in (name, mime) if part) or ref.id
        if string(file, "file_access") == "check_file_info":  # shared from a connected workspace: it is there for us
            return Said(text(f"[file: {what}]"), (ref,), facts)
        return Said(text(f"[unsupported file: {what}]"), facts={"unsupported": "file", **facts})
    heard = worded(_transcript(file))
    return Said(Content(type=ref.kind, media=media, **heard), (ref,))  # type: ignore[arg-type]


def _transcript(file: Any) -> str:
    """The beginning of what Slack heard in a recording."""
    words = clean_text(string(file, "transcription", "preview", "content"))
    return f"{words} …" if words and at(file, "transcription", "preview", "has_more") is True else words


def _size(file: Any) -> int | None:
    size = obj(file).get("size")
    return size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None


def kind_of(mime: str) -> Literal["image", "audio", "video", "file"]:
    """The content type that shows a MIME type."""
    families: dict[str, Literal["image", "audio", "video"]] = {"image": "image", "audio": "audio", "video": "video"}
    return families.get(mime.split("/")[0], "file")
