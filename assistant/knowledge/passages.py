"""What an article is found by, and what of it is told: its text in passages of some 600 characters.

Owns where a text is cut: at headings and paragraphs first, then at sentences. The same text is always cut alike, so that a
number names a passage. Must not touch the database.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import regex

from channels_app.words.markdown import convert

MOST = 700  # characters of a passage
SHORTEST = 20  # characters of a sentence that is looked for by itself
GOOD = 150  # from here on the next heading begins a new one
PER_PASSAGE = 64  # part = passage * PER_PASSAGE + which of the texts that lead to it
PARAGRAPH = regex.compile(r"\n\s*\n")
SENTENCE = regex.compile(r"(?<=[.!?…。！？])\s+|(?<=[。！？])|\n")
HEADING = regex.compile(r"#{1,6} ")
#: of a table the line below its head, and a row between the bars at both its ends
RULED = regex.compile(r"(?m)^[ \t]*\|(?=[ \t:|]*-)[ \t:|-]*+(?:\n|\Z)")
ROW = regex.compile(r"(?m)^[ \t]*\|[ \t]*+(\S.*)\|[ \t]*$")


def passages(text: str) -> list[str]:
    """All of it, in order; none is longer than MOST."""
    found: list[str] = []
    held = ""
    for piece, joint in _pieces(text):
        begins = HEADING.match(piece) and len(held) >= GOOD
        if held and (begins or len(held) + len(joint) + len(piece) > MOST):
            found.append(held)
            held = ""
        held = held + joint + piece if held else piece
    return [*found, held] if held else found


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """Pieces with what joins them to the one before: paragraphs, of a long one its sentences, of a long one its words."""
    for paragraph in PARAGRAPH.split(text):
        joint = "\n\n"
        for sentence in [paragraph] if len(paragraph) <= MOST else SENTENCE.split(paragraph):
            sentence = sentence.strip()
            while len(sentence) > MOST:
                end = sentence.rfind(" ", 1, MOST + 1)
                end = end if end > 0 else MOST
                yield sentence[:end], joint
                sentence, joint = sentence[end:].lstrip(), " "
            if sentence:
                yield sentence, joint
                joint = " "


def texts_of(title: str, questions: Sequence[str], answer: str) -> dict[int, str]:
    """Part → text by which the article is found: each passage below the title, and each of its sentences, for the encoder
    is one of sentences; for the first also the title, and the ways to ask for it."""
    found: dict[int, str] = {}
    for number, passage in enumerate(passages(answer) or [""]):
        asked = [title, *questions] if number == 0 else []
        leading = [f"{title}. {passage}", *asked, *_sentences(passage)]
        of_one = dict.fromkeys(text for text in leading if text.strip())
        found |= {number * PER_PASSAGE + place: text for place, text in enumerate(list(of_one)[:PER_PASSAGE])}
    return found


def _sentences(passage: str) -> list[str]:
    found = [text.strip() for text in SENTENCE.split(HEADING.sub("", passage))]
    return [text for text in found if len(text) >= SHORTEST] if len(found) > 1 else []


def as_said(passage: str) -> str:
    """In plain words: without the marks that Markdown is written with, for articles have no format."""
    return convert(ROW.sub(lambda row: row[1].rstrip(), RULED.sub("", passage)), "none")


def passage_of(part: int) -> int:
    """The number of the passage that this part leads to."""
    return part // PER_PASSAGE
