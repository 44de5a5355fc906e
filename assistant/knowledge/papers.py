"""PDF, DOCX and large pages as text: unpacked by packages of others in a child with limits (paper.py), put together here.

Owns the limits, and how the lines of printed pages become paragraphs again. Must not touch the database or the network.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, Literal

import regex

from assistant.knowledge.page import page_of
from tenants.errors import PayloadTooLarge, ServiceError, TooMany, Unprocessable
from tenants.work.child import NotConverted, run

SCRIPT = Path(__file__).with_name("paper.py")
SECONDS = 10  # of processor time, and of waiting
MOST_PAGES = 500
MOST_UNPACKED = 50 * 1024 * 1024  # bytes of a DOCX
MOST_TOLD = 8 * 1024 * 1024  # bytes of what the child writes
FEW_TAGS, FEW_SIGNS = 5_000, 200_000  # of a page that costs half a second at most
PRINTED = 20  # signs of a page that has words
FULL = 0.7  # a line that reaches so far to the right goes on in the next
#: as mammoth writes the note that "[1]" leads to, and its way back
FOOTNOTE, BACK = regex.compile(r'<li id="footnote-[^"]*">\s*<p>'), regex.compile(r'<a href="#footnote-ref-[^"]*">↑</a>')
NUMBERS = regex.compile(r"\d+")
ENDED = regex.compile(r"[.!?:…。！？][\"'”»)]*$")
ITEM = regex.compile(r"(?:[-•–*▪]|\(?\d{1,3}[.)])\s")
#: a title that a program has written, and no person
NO_TITLE = regex.compile(r"(?i)^(?:untitled|microsoft word - .*|.*+(?<=\.(?:docx?|pdf|indd|tex|odt|rtf)))$")


@dataclass(frozen=True)
class Printed:
    """A PDF. ``title``: "" where it has none."""

    title: str
    text: str


def printed(data: bytes) -> Printed:
    """Raises Unprocessable ``document_broken``, ``document_locked``, ``document_scanned``, PayloadTooLarge
    ``document_too_large``, TooMany ``busy``."""
    told = _told("pdf", data)
    pages: list[str] = told["pages"]
    if sum(len("".join(page.split())) < PRINTED for page in pages) * 2 > len(pages):
        raise Unprocessable(
            "Most pages of the document are pictures: it has to be read by OCR first.", code="document_scanned"
        )
    title = " ".join(told["title"].replace("\x00", "").split())
    return Printed("" if NO_TITLE.match(title) else title, flowing(pages))


def written(data: bytes) -> str:
    """A DOCX as HTML. Raises as `printed`, but for ``document_scanned``."""
    numbers = count(1)
    html: str = _told("docx", data)["html"]
    return FOOTNOTE.sub(lambda _: f"<p>[{next(numbers)}] ", BACK.sub("", html))


def page_read(text: str) -> dict[str, str]:
    """The words of an HTML page, as page.py tells them; in a child where they could cost more than a moment. Raises as
    `printed`, but for what is of a PDF alone."""
    if len(text) <= FEW_SIGNS and text.count("<") <= FEW_TAGS:
        return page_of(text)
    return _told("html", text.encode())


def flowing(pages: Sequence[str]) -> str:
    """Paragraphs, parted by empty lines, without what stands at the head or foot of most pages and without hyphens at the ends
    of lines."""
    lined = [[line.strip() for line in page.replace("\x00", "").splitlines() if line.strip()] for page in pages]
    around = Counter(NUMBERS.sub("#", line) for lines in lined for line in {*lines[:1], *lines[-1:]})
    lines = [
        line
        for own in lined
        for place, line in enumerate(own)
        if place not in (0, len(own) - 1) or around[NUMBERS.sub("#", line)] < max(3, len(pages) / 2)
    ]
    width = sorted(map(len, lines))[len(lines) * 9 // 10] if lines else 0
    text, before = "", ""
    for line in lines:
        goes_on = before and not ITEM.match(line) and len(before) >= FULL * width and not ENDED.search(before)
        fills = before and not ITEM.match(line) and len(before) >= 0.9 * width
        if goes_on and before.endswith(("-", "\xad")) and line[0].islower():
            text = text[:-1] + line
        elif goes_on or fills:
            text += f" {line}"
        else:
            text += f"\n\n{line}" if text else line
        before = line
    return text


def _told(kind: Literal["pdf", "docx", "html"], data: bytes) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="paper-") as folder:
        Path(folder, "in").write_bytes(data)
        command = [sys.executable, "-I", str(SCRIPT), kind, "in", "out", str(MOST_PAGES), str(MOST_UNPACKED)]
        try:
            run(command, folder=folder, seconds=SECONDS, most_bytes=MOST_TOLD)
            told: dict[str, Any] = json.loads(Path(folder, "out").read_bytes())
        except NotConverted as error:
            if error.code == "conversion_busy":
                raise TooMany(
                    "Another document is being read; try again soon.", code="busy", retry_after=SECONDS
                ) from error
            if error.code == "conversion_too_long":
                raise _too_large() from error
            raise _broken() from error
        except ValueError as error:
            raise _broken() from error
    match told.get("refused"):
        case None:
            return told
        case "document_locked":
            raise Unprocessable("The document is locked with a password.", code="document_locked")
        case "document_too_large":
            raise _too_large()
    raise _broken()


def _too_large() -> ServiceError:
    return PayloadTooLarge(
        f"A PDF or DOCX has at most {MOST_PAGES} pages and {MOST_UNPACKED // 1024 // 1024} MB unpacked, and a document is read "
        f"within {SECONDS} seconds.",
        code="document_too_large",
    )  # fmt: skip


def _broken() -> ServiceError:
    return Unprocessable("The document is no such file, or is damaged.", code="document_broken")
