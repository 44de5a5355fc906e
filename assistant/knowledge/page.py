"""The words of an HTML page. Must not import anything of ours: a child with limits runs it as well (paper.py)."""

import html

import nh3
import regex

TITLES = tuple((regex.compile(rf"(?i)<{tag}\b[^<>]*>"), regex.compile(rf"(?i)</{tag}\s*>")) for tag in ("h1", "title"))
HEADING = regex.compile(r"(?i)<h([1-6])\b[^<>]*>")
ITEM = regex.compile(r"(?i)<li\b[^<>]*>(?:\s*<(?:p|div)\b[^<>]*>)*")
#: of a table, not of a page that is laid out as one: what is longer, or has lists and headings, stays as it is
CELL = regex.compile(r"(?is)<t[dh]\b[^<>]*>((?:(?!</?(?:t[dhr]|table|ul|ol|h[1-6])\b).){0,300}+)</t[dh]>")
BREAK = regex.compile(
    r"(?i)</?(?:p|div|section|article|main|header|footer|tr|ul|ol|table|caption|blockquote|pre|h[1-6]|dl|dt|dd|details|summary"
    r"|figure|figcaption|address)\b[^<>]*>|<[bh]r\b[^<>]*>"
)
MAIN = regex.compile(r"(?is)<main\b[^<>]*>(.*\S.*)</main>")
LANGUAGE = regex.compile(r"(?i)<html\b[^<>]*\blang=[\"']?([a-z]{2})\b")
META = regex.compile(r"(?i)<meta\b[^<>]*>")
NAMES_ROBOTS = regex.compile(r"(?i)\bname\s*=\s*[\"']?(?:robots|chatsvc)\b")
UNLISTED = regex.compile(r"(?i)\b(?:noindex|none)\b")
#: of a page what is no part of its text
APART = {"script", "style", "nav", "aside", "form", "noscript", "template", "svg", "title"}
AROUND = {"header", "footer"}  # of the page, unless they stand in what it calls its main part
BLANKS = regex.compile(r"\n[ \t]*(?:\n[ \t]*)+")


def page_of(text: str) -> dict[str, str]:
    """``title`` and ``language``, "" where it says none, and ``body``: paragraphs, headings and items as Markdown. Takes time by
    the square of its tags, if they stand inside each other, and of the attributes of one."""
    written = LANGUAGE.search(text)
    known = nh3.ALLOWED_TAGS - APART - AROUND | {"main", "section"}
    kept = nh3.clean(text, tags=known | AROUND, clean_content_tags=APART)
    main = MAIN.search(kept)
    kept = main[1] if main else nh3.clean(kept, tags=known, clean_content_tags=AROUND)
    rows = CELL.sub(lambda found: f" | {BREAK.sub(' ', found[1])}", kept)
    marked = ITEM.sub("\n- ", HEADING.sub(lambda found: f"\n\n{'#' * int(found[1])} ", rows))
    lines = _bare(BREAK.sub("\n\n", marked)).splitlines()
    body = BLANKS.sub("\n\n", "\n".join(" ".join(line.split()).removeprefix("| ") for line in lines)).strip()
    title = next(filter(None, (_between(text, *tags) for tags in TITLES)), "")
    return {"title": title, "body": body, "language": written[1].lower() if written else ""}


def is_unlisted(text: str) -> bool:
    """Whether a page asks of those who collect pages that they leave it out."""
    return any(NAMES_ROBOTS.search(tag) and UNLISTED.search(tag) for tag in META.findall(text))


def _between(text: str, opening: regex.Pattern[str], closing: regex.Pattern[str]) -> str:
    """What stands between the first opening tag and the next closing one, without tags; "" where there is none."""
    begun = opening.search(text)
    ended = closing.search(text, begun.end()) if begun else None
    return " ".join(_bare(text[begun.end() : ended.start()]).split()) if begun and ended else ""


def _bare(text: str) -> str:
    return html.unescape(nh3.clean(text, tags=set(), strip_comments=True)).replace("\xa0", " ")
