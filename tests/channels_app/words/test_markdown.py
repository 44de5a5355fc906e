from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels_app.words.markdown import convert

CASES = {
    # Markdown: (none, whatsapp, slack)
    "**bold** text": ("bold text", "*bold* text", "*bold* text"),
    "__bold__ and *it* and _it_": ("bold and it and it", "*bold* and _it_ and _it_", "*bold* and _it_ and _it_"),
    "***both***": ("both", "*_both_*", "*_both_*"),
    "**bold *it* b**": ("bold it b", "*bold _it_ b*", "*bold _it_ b*"),
    "~~old~~": ("old", "~old~", "~old~"),
    "`a*b*`": ("a*b*", "`a*b*`", "`a*b*`"),
    "# Head **x**": ("Head x", "*Head x*", "*Head x*"),
    "- one\n* two": ("• one\n• two", "• one\n• two", "• one\n• two"),
    "1. one": ("1. one", "1. one", "1. one"),
    "> said": ("said", "> said", "> said"),
    "[Shop](https://a.de/x_y_z)": (
        "Shop (https://a.de/x_y_z)",
        "Shop (https://a.de/x_y_z)",
        "<https://a.de/x_y_z|Shop>",
    ),
    "[p](https://a.de/x_(y)?a=1&b=2)": (
        "p (https://a.de/x_(y)?a=1&b=2)",
        "p (https://a.de/x_(y)?a=1&b=2)",
        "<https://a.de/x_(y)?a=1&amp;b=2|p>",
    ),
    "see https://a.de/Foo_(Bar), (or https://b.de/x_(y)_z)": (
        "see https://a.de/Foo_(Bar), (or https://b.de/x_(y)_z)",
        "see https://a.de/Foo_(Bar), (or https://b.de/x_(y)_z)",
        "see <https://a.de/Foo_(Bar)>, (or <https://b.de/x_(y)_z>)",
    ),
    "[https://a.de](https://a.de)": ("https://a.de", "https://a.de", "<https://a.de>"),
    "<https://a.de>, https://b.de.": (
        "https://a.de, https://b.de.",
        "https://a.de, https://b.de.",
        "<https://a.de>, <https://b.de>.",
    ),
    "<mailto:a@b.de>": ("a@b.de", "a@b.de", "<mailto:a@b.de>"),
    "![alt](https://a.de/i.png)": ("alt (https://a.de/i.png)", "alt (https://a.de/i.png)", "<https://a.de/i.png|alt>"),
    "a < b & c": ("a < b & c", "a < b & c", "a &lt; b &amp; c"),
    "<!channel>": ("<!channel>", "<!channel>", "&lt;!channel&gt;"),
    "snake_case_name 2 * 3 * 4": ("snake_case_name 2 * 3 * 4",) * 3,
    "5**2 is not **bold": ("5**2 is not **bold",) * 3,
    r"\*not it\* \_x": ("*not it* _x",) * 3,
    "```py\nx **y**\n```": ("x **y**", "```\nx **y**\n```", "```\nx **y**\n```"),
    "a\n\n---\n\nb": ("a\n\n———\n\nb",) * 3,
}


@pytest.mark.parametrize(
    ("dialect", "text", "expected"),
    [
        pytest.param(dialect, text, expected[index], id=f"{dialect}: {text}")
        for text, expected in CASES.items()
        for index, dialect in enumerate(("none", "whatsapp", "slack"))
    ],
)
def test_convert(dialect, text, expected):
    assert convert(text, dialect) == expected


@pytest.mark.parametrize("dialect", ["markdown", "teams"])
def test_channels_that_read_markdown_get_it_unchanged(dialect):
    assert convert("**a** [b](https://c.de)", dialect) == "**a** [b](https://c.de)"


marks = st.lists(
    st.sampled_from(
        ["one", "two", " ", "*", "**", "_", "`", "~~", "[", "](", ")", "\\", "#", "\n", "{}", "{0}", "```", "> "]
    ),
    max_size=40,
)


@given(pieces=marks, dialect=st.sampled_from(["none", "whatsapp", "slack"]))
def test_no_word_is_lost_whatever_the_marks(pieces, dialect):
    text = "".join(pieces)
    words = re.sub(r"(?m)^[^\S\n]*(```+|~~~+)[^\S\n]*\w*[^\S\n]*$", "", text)  # the language of a code block is no word
    converted = convert(text, dialect)
    assert [converted.count(word) for word in ("one", "two")] == [words.count(word) for word in ("one", "two")]


@given(text=st.text(alphabet="ab <>&*_|[]()!@\n", max_size=80))
def test_slack_gets_no_tag_from_words(text):
    assert "<" not in convert(text, "slack")


@pytest.mark.parametrize("mark", ["*", "**", "_", "`", "~~", "[", "[](", "***", "\\", "> ", "# "])
def test_hostile_text_is_converted_in_time(mark):
    started = time.perf_counter()
    convert((mark + "a") * (4096 // (len(mark) + 1)), "slack")
    assert time.perf_counter() - started < 2  # seconds; it takes hundredths, backtracking would take for ever
