"""From one message activity to canonical content: words, mentions, files, answers to cards.

Owns these readings. Must not drop anything a person said: what cannot be shown becomes a visible
placeholder.
https://learn.microsoft.com/microsoftteams/platform/bots/build-conversational-capability
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from channels_app.adapters.teams.quotes import further_in, quotes_in, without_quotes
from channels_app.adapters.wire import array, identifier, obj, string
from channels_app.content.normalise import RAW_MOST, clean_text
from channels_app.content.surroundings import form_of
from channels_app.content.types import Choice, Content, Media, kept_type, worded
from channels_app.contract import BadPayload, MediaRef, read_json

FILE_INFO = "application/vnd.microsoft.teams.file.download.info"
AT = re.compile(r"<at\b[^<>]*>((?:[^<]|<(?!/?at\b))*)</at>")
MOST_MENTIONS = 50  # of the bot in one message
#: members of a card's answer that are ours; all others are what the person filled in
CHOICE, TITLE = "choice", "title"
OURS = frozenset({CHOICE, TITLE, "msteams"})
OFFICE = "application/vnd.openxmlformats-officedocument"
MIMES = {
    **dict.fromkeys(("jpg", "jpeg"), "image/jpeg"),
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
    "pdf": "application/pdf",
    "zip": "application/zip",
    "txt": "text/plain",
    "csv": "text/csv",
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "docx": f"{OFFICE}.wordprocessingml.document",
    "xlsx": f"{OFFICE}.spreadsheetml.sheet",
    "pptx": f"{OFFICE}.presentationml.presentation",
}
PASTED = "image/png"  # what a pasted picture is taken for: the platform calls it image/*
Kind = Literal["image", "audio", "video", "file"]


@dataclass(frozen=True)
class Said:
    """The readable part of a message; ``facts`` go to its metadata. ``answers_us``: it came from a card."""

    content: Content
    media: Sequence[MediaRef] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    answers_us: bool = False


def read_body(activity: dict[str, Any]) -> Said:
    """What a message says. Several files at once are one message: the first is shown, all are kept."""
    words = words_of(activity)
    if answer := _filled_in(activity.get("value")):
        return answered(answer, words)
    files, strange = _files(array(activity, "attachments"))
    words = "\n".join([*filter(None, (words,)), *(f"[unsupported attachment: {label}]" for label in strange)])
    facts: dict[str, Any] = {"unsupported": strange} if strange else {}
    said: dict[str, Any] = worded(words)
    if quoted := quotes_in(activity):
        said["quote"] = quoted[0][1].model_copy(update={"further": further_in(quoted)})
    if not files:
        return Said(Content(type="text", **{"text": "[message without text]", **said}), facts=facts)
    captioned = files[0][0].model_copy(update=said)
    return Said(captioned, tuple(ref for _, ref in files), facts)


# ----------------------------------------------------------------------------- words


def words_of(activity: dict[str, Any]) -> str:
    """The words as a person reads them. The bot's own name is left out where it was only addressed; a
    message that says nothing but its name keeps it."""
    raw = string(activity, "text") or next(
        (string(one, "content") for one in array(activity, "attachments") if string(one, "contentType") == "text/html"),
        "",
    )
    raw = raw if len(raw) <= RAW_MOST else f"{raw[:RAW_MOST]}…"
    raw = bare = without_quotes(raw)
    for marked in _calls(activity)[:MOST_MENTIONS]:
        bare = bare.replace(marked, " ", 1)
    return _readable(bare) or _readable(raw)


def is_addressed(activity: dict[str, Any]) -> bool:
    """Whether the words are for the bot. Where several people talk it may be granted to hear all of them."""
    return string(activity, "conversation", "conversationType") in ("", "personal") or bool(_calls(activity))


def _calls(activity: dict[str, Any]) -> list[str]:
    """The mentions of the bot, each as it stands in the text; some clients leave that out of the mention."""
    bot = identifier(activity, "recipient", "id")
    return [
        string(entity, "text") or f"<at>{string(entity, 'mentioned', 'name')}</at>"
        for entity in array(activity, "entities")
        if string(entity, "type") == "mention" and bot and identifier(entity, "mentioned", "id") == bot
    ]


def _readable(words: str) -> str:
    named = AT.sub(lambda match: f"@{html.unescape(match[1])}", words)
    return clean_text(named, markup=True, limit=len(named) * 4 + 1)  # cutting is the caller's: it keeps the whole


# ----------------------------------------------------------------------------- files


def _files(attachments: list[Any]) -> tuple[list[tuple[Content, MediaRef]], list[str]]:
    """The files, and a name for each attachment that is none or of a type that we do not keep."""
    files, strange = [], []
    for attachment in attachments:
        if string(attachment, "contentType") == "text/html":
            continue  # the same words once more: words_of has read them where text is missing
        try:
            files.append(_file(attachment))
        except ValueError:
            label = string(attachment, "name", limit=100) or string(attachment, "contentType", limit=100)
            strange.append(label or "unknown")
    return files, strange


def _file(attachment: Any) -> tuple[Content, MediaRef]:
    """A file to show, and where it lies. Raises ValueError for what is none."""
    declared, name = string(attachment, "contentType", limit=127).lower(), string(attachment, "name", limit=255)
    url, mime = string(attachment, "contentUrl"), declared
    if declared == FILE_INFO:
        url = string(attachment, "content", "downloadUrl")
        mime = kept_type(_mime(f"x.{string(attachment, 'content', 'fileType', limit=10)}") or _mime(name))
    elif declared == "image/*":
        mime = _mime(name) or PASTED
    media = Media(url=url, type=mime, name=name or None)
    kind: Any = mime.partition("/")[0]
    shown: Kind = kind if kind in ("image", "audio", "video") else "file"
    ref = MediaRef(shown, url=url, mime="" if declared == "image/*" else mime, name=name)
    return Content(type=shown, media=media), ref


def _mime(name: str) -> str:
    return MIMES.get(name.rpartition(".")[2].lower(), "")


# -------------------------------------------------------------------- answers to cards


def comment_in(judged: dict[str, Any]) -> str:
    """What was written to a thumb, which stands in JSON within the JSON, by the label of its field; cleaned."""
    given = _filled_in(judged.get("feedback"))
    return clean_text("\n".join(filter(None, (string(given, name) for name in given))), limit=RAW_MOST)


def _filled_in(value: Any) -> dict[str, Any]:
    """The ``value`` that a card sends: an object, or one as a string."""
    if isinstance(value, str):
        try:
            value = read_json(value)
        except BadPayload:
            return {}
    return value if isinstance(value, dict) else {}


def answered(value: dict[str, Any], words: str, verb: str = "") -> Said:
    """A pick (our own cards carry its payload), or the fields that a person filled in. Clients which do
    not know ``msteams`` send it back as it is."""
    given = {**value, **_filled_in(obj(value, "msteams").get("value"))}
    fields = {name: member for name, member in given.items() if name not in OURS}
    form = form_of("", fields)
    picked = string(given, CHOICE) or verb
    title = words or clean_text(string(given, TITLE), limit=1000) or picked
    try:
        choice = Choice(value=picked, title=title[:1000])
        return Said(Content(type="quick_reply", choice=choice, form=form, **worded(title)), answers_us=True)
    except ValueError:  # no pick among it, or none of ours
        said = "\n".join(filter(None, [words, form.lines if form else ""]))
        return Said(Content(type="text", form=form, **worded(said or "[form answered]")), answers_us=True)
