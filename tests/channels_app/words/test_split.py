from __future__ import annotations

import pytest
import regex
from hypothesis import example, given
from hypothesis import strategies as st

from channels_app.content.types import text as content_text
from channels_app.words.split import shorten, split_text

FAMILY = "👩‍👩‍👧‍👦"


@pytest.mark.parametrize(
    ("text", "limit", "parts"),
    [
        pytest.param("short", 10, ["short"], id="fits"),
        pytest.param(" a ", 10, [" a "], id="fits with its blanks"),
        pytest.param("One two.\n\nThree four five.", 16, ["One two.", "Three four five."], id="paragraph"),
        pytest.param("One two three\nfour five", 16, ["One two three", "four five"], id="line"),
        pytest.param("One two. Three four five", 14, ["One two.", "Three four", "five"], id="sentence, then words"),
        pytest.param("Hi. Abcdefgh ijklmnop", 15, ["Hi. Abcdefgh", "ijklmnop"], id="no tiny first part"),
        pytest.param("你好。再见。谢谢你", 7, ["你好。再见。", "谢谢你"], id="sentences without blanks"),
        pytest.param("abcdefghij", 4, ["abcd", "efgh", "ij"], id="one long word"),
        pytest.param(f"ab{FAMILY}cd", 8, ["ab", f"{FAMILY}c", "d"], id="emoji stays whole"),
        pytest.param("see https://a.de/bcd ok", 18, ["see", "https://a.de/bcd", "ok"], id="address stays whole"),
        pytest.param("https://a.de/bcd", 12, ["https://a.de", "/bcd"], id="address longer than a part"),
        pytest.param(
            "a [two words](https://a.de) b", 26, ["a", "[two words](https://a.de)", "b"], id="link stays whole"
        ),
        pytest.param("a <https://a.de|two words> b", 25, ["a", "<https://a.de|two words>", "b"], id="slack link"),
    ],
)
def test_split(text, limit, parts):
    assert split_text(text, limit) == parts


def squashed(text: str) -> str:
    return "".join(text.split())


PIECES = ["a", "b", "é", "e\u0301", " ", "\n", ". ", "。", FAMILY, "🇩🇪", "\u0301", "\r\n", "\u200d", "！"]
texts = st.lists(st.sampled_from(PIECES), max_size=120).map("".join)


@given(text=texts, limit=st.integers(1, 60))
@example(text=" " * 50, limit=3)
@example(text="a" + "\u0301" * 50, limit=10)
def test_parts_are_short_and_lose_nothing(text, limit):
    parts = split_text(text, limit)
    assert all(len(part) <= limit for part in parts)
    assert squashed("".join(parts)) == squashed(text)


@given(text=texts, limit=st.integers(15, 60))
def test_no_cut_inside_a_grapheme(text, limit):
    whole = [grapheme for grapheme in regex.findall(r"\X", text) if not grapheme.isspace()]
    found = [g for part in split_text(text, limit) for g in regex.findall(r"\X", part) if not g.isspace()]
    longest = max(map(len, whole), default=0)
    assert longest > limit or found == whole


@given(
    words=st.lists(st.sampled_from(["hello", "https://example.com/a_b?c=d", "you.", "\n\n"]), max_size=40),
    limit=st.integers(30, 90),
)
def test_no_cut_inside_an_address(words, limit):
    text = " ".join(words)
    assert "".join(split_text(text, limit)).count("https://example.com/a_b?c=d") == text.count("https://")


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        pytest.param("Hello", 5, "Hello", id="fits"),
        pytest.param("Hello you", 7, "Hello…", id="no blank before the dots"),
        pytest.param(f"ab{FAMILY}", 8, "ab…", id="emoji"),
        pytest.param("abc", 1, "…", id="one"),
        pytest.param("abc", 0, "", id="none"),
    ],
)
def test_shorten(text, limit, short):
    assert shorten(text, limit) == short


@pytest.mark.parametrize("sign", ["👨‍👩‍👧‍👦", "🇩🇪", "👍🏽", "กำ", "é́"])
def test_a_preview_ends_with_a_whole_character_and_says_that_it_is_cut(sign: str) -> None:
    preview = content_text(sign * 100).summary
    assert len(preview) <= 120
    assert preview == sign * ((len(preview) - 1) // len(sign)) + "…"
