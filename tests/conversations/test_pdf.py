"""Conversations as PDF: no sign is lost, nothing that people wrote is program, and no text ends what sets the page (CONV-6)."""

from __future__ import annotations

import re
import zlib

import pytest

from conversations.export.pdf import MOST_MARKS, pdf, shown_as


def streams(made: bytes) -> list[bytes]:
    found = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", made, re.DOTALL)
    return [zlib.decompress(part) for part in found if part[:1] == b"\x78"]


def signs(made: bytes) -> str:
    """What the document says that its glyphs are: the text that a reader can copy."""
    tables = b"".join(part for part in streams(made) if b"beginbfchar" in part or b"beginbfrange" in part)
    codes = re.findall(rb"<[0-9A-Fa-f]+>\s*<([0-9A-Fa-f]+)>", tables)
    return "".join(bytes.fromhex(code.decode()).decode("utf-16-be", "replace") for code in codes)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Grüße, жд λ ★ 😀", "Grüße, жд λ ★ 😀"),
        ("مرحبا שלום 中文 日本", "مرحبا שלום 中文 日本"),
        ("fine 👍🏽", "fine [thumbs up sign][emoji modifier fitzpatrick type-4]"),
        ("\x00\x07a\u0ba4", "[U+0000][U+0007]a[tamil letter ta]"),
        ("\ud83d", "[U+D83D]"),
        ("\ue000", "[U+E000]"),
    ],
    ids=[
        "Europe",
        "right to left and CJK",
        "no sign for it",
        "controls and another script",
        "half a character",
        "private",
    ],
)
def test_a_sign_that_no_font_has_stands_by_its_name(text, shown):
    assert shown_as(text) == shown


def test_a_program_in_a_message_is_text():
    made = pdf('#panic("x")', ["$ #import"], [('#let a = "', ['#read("/etc/passwd") ] } \\ <b> // ` *'])])
    assert set('#read("/etc/passwd")') <= set(signs(made))


@pytest.mark.parametrize(
    "text",
    ["\u0301" * 70_000, "\u200d\u0301" * 40_000, "\u202e" * 70_000, "x" * 70_000, "\ud83d" * 1000, "ع" + "a ع" * 20_000, "e\u20dd" * 9000],
    ids=["marks", "joined marks", "overrides", "no space", "halves", "both ways", "enclosed"],
)  # fmt: skip
def test_hostile_text_makes_a_document(text):
    assert pdf("Conversation", [], [("Ana", [text])]).startswith(b"%PDF-")


def test_a_letter_has_so_many_marks_in_a_row():
    assert max(map(len, re.findall("\u0301+", shown_as("e" + "\u0301" * 500)))) == MOST_MARKS
