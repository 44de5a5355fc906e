"""A conversation as PDF. The page is set by Typst from data alone: nothing that people wrote is part of its program.

Owns that a PDF loses no character without a sign, and what one may cost: it is made as a whole, before the answer begins.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import regex
import typst
from django.conf import settings
from fontTools.ttLib import TTCollection, TTFont, TTLibError
from pydantic_core import to_json

from tenants.errors import Unprocessable

MOST_CHARACTERS = 400_000  # both ways of writing mixed take eight seconds, plain words one
MOST_MARKS = 20  # on one letter; more than 64 kB of them end the program that sets the page
FONTS = Path(__file__).parent / "fonts"
FAMILIES = ("DejaVu Sans", "Droid Sans Fallback")
PAGE = b"""
#let talk = json(bytes(sys.inputs.talk))
#set document(title: talk.title, date: none)
#set page(paper: "a4", margin: 2cm, numbering: "1 / 1")
#set text(font: talk.fonts, size: 9.5pt)
#let said(part) = text(dir: if part.rtl { rtl } else { ltr }, part.text)
#heading(said(talk.title_part))
#for fact in talk.facts [#text(fill: luma(90), said(fact)) #linebreak()]
#for line in talk.lines {
  block(fill: luma(242), radius: 3pt, inset: 6pt, width: 100%, breakable: true, {
    text(size: 8pt, fill: luma(90), said(line.head))
    for part in line.parts { parbreak(); align(if part.rtl { right } else { left }, said(part)) }
  })
}
"""
MARKS = regex.compile(rf"([\p{{M}}\u200c\u200d]{{{MOST_MARKS}}})(?=[\p{{M}}\u200c\u200d])")
_setting = threading.BoundedSemaphore(1)  # one at a time in a process


def pdf(title: str, facts: Iterable[str], lines: Iterable[tuple[str, Iterable[str]]]) -> bytes:
    """``lines``: what stands above each entry, and its lines. Raises Unprocessable ``pdf_too_long``."""
    left = MOST_CHARACTERS
    set_lines = []
    for head, parts in lines:
        shown = [shown_as(part) for part in parts]
        left -= len(head) + sum(len(part) + 10 for part in shown)  # an empty line costs, too
        if left < 0:
            raise Unprocessable(
                f"A PDF holds {MOST_CHARACTERS} characters at most: take `html` or `text`.", code="pdf_too_long"
            )
        set_lines.append({"head": _part(shown_as(head)), "parts": [_part(part) for part in shown]})
    named = shown_as(title)
    talk = {
        "title": named, "title_part": _part(named), "facts": [_part(shown_as(fact)) for fact in facts], "lines": set_lines,
        "fonts": _families(),
    }  # fmt: skip
    with _setting:
        made: bytes = typst.compile(
            PAGE, font_paths=_fonts(), sys_inputs={"talk": to_json(talk).decode()}, format="pdf"
        )
    return made


def shown_as(text: str) -> str:
    """``text`` in characters that there are fonts for: others by their names, so that none is lost."""
    known = _covered()
    fitted = "".join(char if ord(char) in known or char.isspace() else _named(char) for char in text)
    return MARKS.sub("\\1\u25cc", fitted)  # a sign with a width, so that lines end


def _named(char: str) -> str:
    """Signs that only join or choose a form have no look of their own."""
    if char in "\u200c\u200d" or "\ufe00" <= char <= "\ufe0f":
        return ""
    name = unicodedata.name(char, "").lower() or f"U+{ord(char):04X}"
    return f"[{name}]"


def _part(text: str) -> dict[str, object]:
    strong = next((way for char in text if (way := unicodedata.bidirectional(char)) in ("L", "R", "AL")), "L")
    return {"text": text, "rtl": strong != "L"}


def _folders() -> list[Path]:
    return [FONTS, *([Path(settings.PDF_FONTS)] if settings.PDF_FONTS else [])]


@cache
def _fonts() -> typst.Fonts:
    return typst.Fonts(
        include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(f) for f in _folders()]
    )


@cache
def _families() -> list[str]:
    there = {font.family for font in _fonts().fonts()}
    return [*FAMILIES, *sorted(there.difference(FAMILIES))]


@cache
def _covered() -> frozenset[int]:
    """The code points that one of the fonts has a sign for."""
    found: set[int] = set()
    for file in (file for folder in _folders() for file in sorted(folder.rglob("*"))):
        if file.suffix.lower() not in (".ttf", ".otf", ".ttc", ".otc"):
            continue
        try:
            many = file.suffix.lower() in (".ttc", ".otc")
            for font in TTCollection(file).fonts if many else [TTFont(file)]:
                found |= set(font.getBestCmap() or ())
        except TTLibError:
            continue  # no font: Typst leaves it out, too
    return frozenset(code for code in found if code > 0x1F and code != 0x7F)
