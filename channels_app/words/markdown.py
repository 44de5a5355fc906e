"""Markdown in a channel's own dialect.

Owns what bold, links, lists … look like in each dialect. Must not cut text nor know content types.
Dialects: none (plain words, readable links), label (as none, without the links' addresses), whatsapp (WhatsApp formatting), slack (mrkdwn, with
``& < >`` escaped); every other dialect reads Markdown as it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Dialect:
    """One template per mark; ``{}`` is the inner text."""

    bold: str = "{}"
    italic: str = "{}"
    strike: str = "{}"
    code: str = "{}"
    fence: str = ""
    heading: str = "{}"
    quote: str = ""
    link: str = "{label} ({url})"
    escaped: bool = False

    def words(self, text: str) -> str:
        """Plain text so that the channel does not read marks of its own into it."""
        if not self.escaped:
            return text
        return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


DIALECTS = {
    "none": Dialect(),
    "label": Dialect(link="{label}"),
    "whatsapp": Dialect("*{}*", "_{}_", "~{}~", "`{}`", "```", "*{}*", "> "),
    "slack": Dialect("*{}*", "_{}_", "~{}~", "`{}`", "```", "*{}*", "> ", "<{url}|{label}>", escaped=True),
}

FENCE = re.compile(r"^\s{0,3}(```+|~~~+)\s*\w*\s*$")
HEADING = re.compile(r"^\s{0,3}#{1,6}\s+(\S.*)$")
RULE = re.compile(r"^\s{0,3}(?:-\s*){3,}$|^\s{0,3}(?:\*\s*){3,}$|^\s{0,3}(?:_\s*){3,}$")
BULLET = re.compile(r"^(\s*)[-*+]\s+(.*)$")
QUOTE = re.compile(r"^\s{0,3}>\s?(.*)$")
INLINE = re.compile(
    r"""
    \\(?P<escape>[\\`*_{}\[\]()\#+\-.!~>|<])
    | (?<!`)(?P<ticks>`+)(?!`)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)
    | !?\[(?P<label>(?:[^\[\]\\]|\\.)*)\]\(\s*+<?(?P<url>[^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*)>?(?:\s++"[^"]*")?\s*+\)
    | <(?P<auto>(?:https?://|mailto:)[^\s<>]+)>
    | (?P<bare>https?://(?:[^\s<>()]|\([^\s<>()]*\))*(?:[^\s<>().,;:!?*_~'"]|\([^\s<>()]*\)))
    | \*\*\*(?=\S)(?P<both>[^*]*[^*\s])\*\*\*
    | \*\*(?=\S)(?P<bold>(?:[^*]|\*(?!\*))*?\S)\*\*(?!\*)
    | (?<!\w)__(?=\S)(?P<bold2>.+?)(?<=\S)__(?!\w)
    | ~~(?=\S)(?P<strike>.+?)(?<=\S)~~
    | \*(?=[^\s*])(?P<italic>[^*]*[^\s*])\*(?!\*)
    | (?<!\w)_(?=\S)(?P<italic2>[^_]*[^\s_])_(?!\w)
    """,
    re.VERBOSE,
)


def convert(text: str, dialect: str) -> str:
    """Markdown ``text`` in ``dialect``; a dialect without an entry in DIALECTS reads it unchanged.
    Marks that do not pair up stay as they are written; the language of a code block is not shown."""
    marks = DIALECTS.get(dialect)
    if marks is None:
        return text
    lines = []
    fence = ""
    for line in text.split("\n"):
        opened = FENCE.match(line)
        if opened and (not fence or opened[1].startswith(fence)):
            fence = "" if fence else opened[1]
            lines += [marks.fence] if marks.fence else []
        else:
            lines.append(marks.words(line) if fence else _line(line, marks))
    return "\n".join(lines)


def _line(line: str, marks: Dialect) -> str:
    quoted = ""
    while quote := QUOTE.match(line):  # within each other as often as the author likes
        quoted, line = quoted + marks.quote, quote[1]
    if RULE.match(line):
        return f"{quoted}———"
    if heading := HEADING.match(line):
        words = heading[1].rstrip().rstrip("#").rstrip() or "#"
        # a heading is bold as a whole: bold within would end it
        return quoted + marks.heading.format(_inline(words, replace(marks, bold="{}")))
    if bullet := BULLET.match(line):
        return f"{quoted}{bullet[1]}• {_inline(bullet[2], marks)}"
    return quoted + _inline(line, marks)


def _inline(text: str, marks: Dialect) -> str:
    done = []
    end = 0
    for match in INLINE.finditer(text):
        done += [marks.words(text[end : match.start()]), _mark(match, marks)]
        end = match.end()
    return "".join(done) + marks.words(text[end:])


def _mark(match: re.Match[str], marks: Dialect) -> str:
    found = {name: value for name, value in match.groupdict().items() if value is not None}
    if "escape" in found:
        return marks.words(found["escape"])
    if "code" in found:
        return marks.code.format(marks.words(found["code"]))
    if "url" in found:
        return _link(found["label"], found["url"], marks)
    if "auto" in found or "bare" in found:
        return _link("", found.get("auto") or found["bare"], marks)
    if "both" in found:
        return marks.bold.format(marks.italic.format(_inline(found["both"], marks)))
    if "bold" in found or "bold2" in found:
        return marks.bold.format(_inline(found.get("bold") or found["bold2"], marks))
    if "strike" in found:
        return marks.strike.format(_inline(found["strike"], marks))
    return marks.italic.format(_inline(found.get("italic") or found["italic2"], marks))


def _link(label: str, url: str, marks: Dialect) -> str:
    if label.strip() in ("", url) or not url:
        address = url.removeprefix("mailto:")
        linked = marks.escaped and "{url}" in marks.link
        return f"<{marks.words(url)}>" if linked and url else marks.words(address or label)
    # no link within a link's label
    return marks.link.format(label=_inline(label, replace(marks, link="{label}")), url=marks.words(url))
