"""Cleaning what people and platforms write (MSG-2).

Owns the one canonical form of text that is stored, searched and sent. Must not judge or analyse it
(channels_app/words/text.py) nor change what a word means.
"""

from __future__ import annotations

import html
import re
import unicodedata
from typing import Any

import nh3
import regex

from channels_app.content.types import MAX_TEXT, Content, worded
from channels_app.words.split import shorten

#: joiners make letters of these scripts and emoji look and read differently; elsewhere they hide things
JOINING = r"\p{Arabic}\p{Syriac}\p{Mongolian}\p{Devanagari}\p{Bengali}\p{Gurmukhi}\p{Gujarati}\p{Oriya}\p{Tamil}" + (
    r"\p{Telugu}\p{Kannada}\p{Malayalam}\p{Sinhala}\p{Myanmar}\p{Khmer}\p{Tibetan}"
)
LINE_BREAKS = regex.compile("\r\n|[\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
#: what no storage and no JSON reader takes reliably
UNSTORABLE = regex.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\p{Cs}\p{Noncharacter_Code_Point}]")
INVISIBLE = regex.compile(
    # soft hyphen, zero-width space, word joiner and invisible operators, BOM, Hangul fillers, annotations
    r"[\u00ad\u180e\u200b\u2060-\u2064\ufeff\u115f\u1160\u3164\uffa0\ufff9-\ufffb]"
    # bidi overrides, embeddings and isolates reorder what is read; the plain marks U+200E/F stay
    r"|[\u202a-\u202e\u2066-\u206f]"
    # joiners between emoji, or after a letter of a joining script, stay
    rf"|\u200d(?!(?<=[\p{{Extended_Pictographic}}\p{{Emoji_Modifier}}\ufe0f]\u200d)\p{{Extended_Pictographic}}|(?<=[{JOINING}]\u200d))"
    rf"|\u200c(?<![{JOINING}]\u200c)"
    # tags and variation selectors can spell whole hidden messages; flags and rare ideographs need them
    r"|(?<!\U0001f3f4[\U000e0020-\U000e007e]{0,6})[\U000e0020-\U000e007f]|[\U000e0000-\U000e001f]"
    r"|(?<!\p{Han})[\U000e0100-\U000e01ef]"
)
BLANKS = regex.compile(r"[^\S\n]+")
TRAILING = regex.compile(r"(?<![^\S\n])[^\S\n]++(?=\n|$)")
INDENT, TAB = 2, 4  # blanks that indent a line, and those that a tab stands for
MANY_LINES = regex.compile(r"\n{3,}")

#: HTML is taken for HTML only when an element is closed or cannot be: "a < b" and "use <div>" are words
TAGS = (
    "a|abbr|b|blockquote|body|br|center|code|del|div|em|font|h[1-6]|head|hr|html|i|img|ins|li|ol|p|pre|q|s|script|small|"
    "span|strike|strong|style|sub|sup|table|tbody|td|tfoot|th|thead|title|tr|u|ul"
)
VOID = regex.compile(r"<(?:(?:br|hr)\s*+/?|img\b[^<>]*+)>", regex.I)
OPENED = regex.compile(rf"<({TAGS})(?:\s[^<>]*+)?>", regex.I)
CLOSED = regex.compile(rf"</({TAGS})\s*+>", regex.I)
NOT_A_TAG = regex.compile(rf"<(?!/?(?:{TAGS})(?:[\s/][^<>]*)?>|!--)", regex.I)
BREAKING = regex.compile(r"<br\s*/?>|</?(?:p|div|h[1-6]|li|ul|ol|tr|table|blockquote|pre|hr)(?:[\s/][^<>]*)?>", regex.I)
#: the label ends at the next link, so that each is looked through once; ``regex`` would look for "href" from
#: each "<a" to the end
LINKED = re.compile(
    r"<a\s(?>[^<>]*?href\s*+=\s*+[\"']?(https?://[^\s\"'<>]++))[^<>]*+>((?:[^<]|<(?!/?a\b))*+)</a\s*+>", re.I
)
#: characters of raw text that are looked at; the request as it came is kept whole
RAW_MOST = 65_536
MOST_TAGS = (
    4000  # of HTML that is read; more stays as it is written: tags inside each other cost the square of their number
)

#: members of Content that hold words; every other string is an address, a name or a payload
WORDS = frozenset({"text", "title", "subtitle", "description", "alt_text", "name", "address"})


class EmptyMessage(ValueError):
    """Nothing is left of a message once it is cleaned."""

    code = "empty_message"


def normalise(content: Content) -> Content:
    """``content`` with clean words and storable strings everywhere; the same object when it was
    clean already. Raises EmptyMessage when a required text is empty afterwards."""
    given = content.model_dump(exclude_none=True)
    clean = {key: _cleaned(value, key) for key, value in given.items() if key not in ("text", "full_text")}
    said = content.full_text or content.text
    if said is not None:
        said = clean_text(said, rich=content.format != "plain", limit=RAW_MOST)  # no markup: a tag is a word
        clean |= worded(said) or {"text": None}
    if clean == given:
        return content
    try:
        return Content.model_validate(clean)
    except ValueError as error:
        raise EmptyMessage("Nothing is left of the message once it is cleaned.") from error


def clean_text(text: str, *, rich: bool = False, markup: bool = False, limit: int = MAX_TEXT) -> str:
    """``text`` in NFC, without control and invisible characters, with calm white space, at most
    ``limit`` characters (a longer one ends in "…"). The lines of several keep their indentation, and code between
    fences all its blanks; ``rich`` text keeps all of them. ``markup``: the platform writes HTML, which becomes plain
    text; elsewhere a tag is a word that a person wrote.

    Adapters call it on raw platform text before they build a Content, whose limits are strict. Of text
    longer than RAW_MOST the beginning is taken, with the sign: what follows costs time by its length."""
    if len(text) > RAW_MOST:
        text = text[:RAW_MOST] + "…"
    if markup and 0 < text.count("<") <= MOST_TAGS and _looks_like_html(text):
        text = _html_to_text(text)
    text = unicodedata.normalize("NFC", INVISIBLE.sub("", UNSTORABLE.sub("", LINE_BREAKS.sub("\n", text))))
    text = TRAILING.sub("", text) if rich else _calm(text)
    text = MANY_LINES.sub("\n\n", text)
    text = text.strip("\n").rstrip() if rich or "\n" in text.strip() else text.strip()
    return shorten(text, limit)


def _calm(text: str) -> str:
    """Single blanks between words, none at the ends of lines; what looks like code keeps what it means."""
    lines, fenced = [], False
    for line in text.split("\n"):
        said = line.strip()
        fence = said.startswith("```")
        if fenced and not fence:
            lines.append(line.rstrip())
        else:
            indent = line[: len(line) - len(line.lstrip())].expandtabs(TAB)
            lines.append((" " * len(indent) if said and len(indent) >= INDENT else "") + BLANKS.sub(" ", said))
        fenced ^= fence
    return "\n".join(lines)


def _cleaned(value: Any, key: str) -> Any:
    if isinstance(value, dict):
        return {name: _cleaned(member, name) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return tuple(_cleaned(item, key) for item in value)
    if isinstance(value, str):
        return _clean_line(value) if key in WORDS else UNSTORABLE.sub("", value)
    return value


def _clean_line(text: str) -> str:
    """A title or name: one line, tags left as they are written."""
    return " ".join(clean_text(text, rich=True, limit=len(text)).split())


def _looks_like_html(text: str) -> bool:
    """Whether an element is closed behind its beginning, or cannot be closed. Each name's first beginning and
    last end are enough, and cost one look at the text."""
    if VOID.search(text):
        return True
    opened: dict[str, int] = {}
    for match in OPENED.finditer(text):
        opened.setdefault(match[1].lower(), match.end())
    closed = {match[1].lower(): match.start() for match in CLOSED.finditer(text)} if opened else {}
    return any(begins <= closed.get(name, -1) for name, begins in opened.items())


def _html_to_text(text: str) -> str:
    text = NOT_A_TAG.sub("&lt;", text)
    text = LINKED.sub(_readable_link, text)
    text = BREAKING.sub("\n", text)
    return html.unescape(nh3.clean(text, tags=set(), strip_comments=True)).replace("\xa0", " ")


def _readable_link(match: re.Match[str]) -> str:
    address, label = match[1], match[2]
    return label if html.unescape(address) in html.unescape(label) else f"{label} ({address})"
