"""Counting and cutting of text messages, by the vectors of Twilio's own calculator."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels_app.adapters.sms import Sms
from channels_app.content.fit import fit
from channels_app.content.types import text
from channels_app.words.segments import BASIC, EXTENSION, Segments, segments, split_segments
from tests.examples import examples

VECTORS = [
    *[("a" * n, "GSM-7", count) for n, count in ((0, 0), (160, 1), (161, 2), (306, 2), (307, 3), (459, 3), (460, 4))],
    ("a" * 158 + "€", "GSM-7", 1),
    ("a" * 159 + "€", "GSM-7", 2),
    ("{" * 80, "GSM-7", 1),
    ("{" * 81, "GSM-7", 2),
    ("a" * 152 + "€" + "a" * 152, "GSM-7", 3),
    *[("ж" * n, "UCS-2", count) for n, count in ((70, 1), (71, 2), (134, 2), (135, 3))],
    *[("👋" * n, "UCS-2", count) for n, count in ((35, 1), (36, 2), (66, 2), (67, 3))],
    ("a" * 68 + "👋", "UCS-2", 1),
    ("a" * 69 + "👋", "UCS-2", 2),
    ("a" * 66 + "👋" + "a" * 66, "UCS-2", 3),
    *[(sign, "UCS-2", 1) for sign in ("ç", "`", "\u00a0", "e\u0301", "“hi”", "á", "–", "…")],
    *[(sign, "GSM-7", 1) for sign in ("é", "Ç", "à", "\n", "¿", "Ω")],
    ("a" * 1600, "GSM-7", 11),
    ("ж" * 1600, "UCS-2", 24),
]


@pytest.mark.parametrize(("words", "encoding", "count"), VECTORS, ids=lambda value: str(value)[:12])
def test_vectors(words, encoding, count):
    found = segments(words)
    assert (found.encoding, found.count) == (encoding, count)


def test_the_tables_are_whole():
    assert len(BASIC) == len(set(BASIC)) == 128
    assert [BASIC.index(sign) for sign in "@£\n\r_ΞÉ 0?¡A§¿aà"] == [
        0x00, 0x01, 0x0A, 0x0D, 0x11, 0x1A, 0x1F, 0x20, 0x30, 0x3F, 0x40, 0x41, 0x5F, 0x60, 0x61, 0x7F,
    ]  # fmt: skip
    assert not set(EXTENSION) & set(BASIC)


def test_units_count_what_the_network_counts():
    assert segments("a€") == Segments("GSM-7", 3, 1)
    assert segments("a€👋") == Segments("UCS-2", 4, 1)


@settings(max_examples=examples(100))
@given(words=st.text(alphabet="ab €{ж👋\n.", min_size=1, max_size=900), most=st.integers(1, 4))
def test_parts_stay_within_and_lose_nothing(words, most):
    parts = list(split_segments(words, most, 300))
    assert all(segments(part).count <= most and len(part) <= 300 for part in parts)
    assert "".join("".join(parts).split()) == "".join(words.split())


@pytest.mark.parametrize(("word", "parts"), [("word ", 2), ("слово ", 4)], ids=["GSM-7", "UCS-2"])
def test_a_long_reply_is_cut_by_segments(word, parts):
    fitted = fit(text((word * 500)[:2400].strip()), Sms().capabilities)
    assert len(fitted.parts) == parts
    assert all(segments(part.text).count <= 10 for part in fitted.parts)


def test_one_odd_sign_makes_only_its_own_part_dear():
    fitted = fit(text("👋 " + "word " * 480), Sms().capabilities)
    assert [segments(part.text).encoding for part in fitted.parts].count("UCS-2") == 1
