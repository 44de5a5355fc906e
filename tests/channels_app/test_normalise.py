from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from channels_app.content.normalise import EmptyMessage, clean_text, normalise
from channels_app.content.types import MAX_TEXT, Button, Content, Media, TemplateUse, text

ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        pytest.param("  a   b \t c  ", "a b c", id="blanks"),
        pytest.param("a \r\n b\rc\n\n\n\nd", "a\nb\nc\n\nd", id="line breaks"),
        pytest.param("a\u2028b\u00a0c", "a\nb c", id="other blanks"),
        pytest.param("a\x00b\x07c\x1b[0m\x9b", "abc[0m", id="control characters"),
        pytest.param("a\ud800b", "ab", id="lone surrogate"),
        pytest.param("e\u0301", "é", id="NFC"),
        pytest.param("e\u200b\u0301", "é", id="NFC after cleaning"),
        pytest.param("pass\u200bword\ufeff\u00ad", "password", id="zero width"),
        pytest.param("a\u202ecod.exe\u2066x", "acod.exex", id="bidi overrides"),
        pytest.param("שלום\u200f!", "שלום\u200f!", id="bidi marks stay"),
        pytest.param("می\u200cخواهم", "می\u200cخواهم", id="Persian joiner stays"),
        pytest.param("क्\u200dष", "क्\u200dष", id="Devanagari joiner stays"),
        pytest.param("a\u200db\u200cc", "abc", id="joiners between Latin letters"),
        pytest.param("👩‍👩‍👧‍👦 👍🏽 ❤️‍🔥", "👩‍👩‍👧‍👦 👍🏽 ❤️‍🔥", id="emoji stay"),
        pytest.param(f"{ENGLAND}!", f"{ENGLAND}!", id="flag of England stays"),
        pytest.param("hi\U000e0069\U000e0067\U000e006e", "hi", id="words hidden in tags"),
        pytest.param("a\U000e0100\U000e0101", "a", id="words hidden in variation selectors"),
        pytest.param("葛\U000e0100", "葛\U000e0100", id="rare ideograph stays"),
        pytest.param("a\ufffeb\U0001ffff", "ab", id="noncharacters"),
    ],
)
def test_characters(raw, clean):
    assert clean_text(raw) == clean


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        pytest.param("a < b and c > d", "a < b and c > d", id="less and greater"),
        pytest.param("if x<y then z>y", "if x<y then z>y", id="without blanks"),
        pytest.param("use <div> or <T> & co &amp;", "use <div> or <T> & co &amp;", id="a tag as a word"),
        pytest.param("I <3 you", "I <3 you", id="heart"),
        pytest.param("<p>Hi&nbsp;<b>you</b></p><p>a &lt; b</p>", "Hi you\n\na < b", id="paragraphs"),
        pytest.param("one<br>two<br/>three", "one\ntwo\nthree", id="breaks"),
        pytest.param("<ul><li>a</li><li>b</li></ul>", "a\n\nb", id="list"),
        pytest.param("<script>alert(1)</script>ok", "ok", id="script"),
        pytest.param("<b>x</b><img src=x onerror=alert(1)>", "x", id="image"),
        pytest.param("<b>1 <2</b> & 3", "1 <2 & 3", id="less within HTML"),
        pytest.param('<a href="https://a.de/?a=1&amp;b=2">Shop</a>', "Shop (https://a.de/?a=1&b=2)", id="link"),
        pytest.param("<a href='https://a.de'>https://a.de</a>", "https://a.de", id="link that names itself"),
        pytest.param("<p>a&#0;&#x202e;b</p>", "a\ufffdb", id="characters hidden in entities"),
    ],
)
def test_html(raw, clean):
    assert clean_text(raw, markup=True) == clean


@pytest.mark.parametrize(
    "raw",
    ["Use <div class='x'>hi</div> in HTML", "<script>alert(1)</script>", "<p>&nbsp;</p>", "one<br>two", "&lt;b&gt;"],
)
def test_a_tag_that_a_person_wrote_is_a_word(raw):
    assert normalise(text(raw)).text == raw


CODE = "Look:\n```python\ndef f(x):\n    if x   ==  1:\n\treturn {\n   }\n```\nand so  on"


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        pytest.param("def f():\n    return  1\n", "def f():\n    return 1", id="indented"),
        pytest.param("  - a\n      - b", "  - a\n      - b", id="first line too"),
        pytest.param("a:\n\tb", "a:\n    b", id="tab"),
        pytest.param("a\n b", "a\nb", id="one blank is none"),
        pytest.param("  a\n \n", "a", id="one line"),
        pytest.param(CODE, CODE.replace("so  on", "so on"), id="fenced"),
    ],
)
def test_code_keeps_its_indentation(raw, clean):
    assert clean_text(raw) == clean


def test_rich_text_keeps_indentation_and_tags():
    raw = "- a\n    code  <b>x</b> \n\n\n\n- b\n"
    assert clean_text(raw, rich=True) == "- a\n    code  <b>x</b>\n\n- b"


def test_text_that_is_too_long_is_shortened_visibly():
    assert clean_text("x" * 5000) == "x" * (MAX_TEXT - 1) + "…"


def test_every_string_of_a_content_is_cleaned_after_its_kind():
    content = Content(
        type="image",
        text=" a  b ",
        media=Media(url="https://a.de/x\x00y", type="image/png", alt_text="alt\u200b\n text", name="a\x00.png"),
        buttons=(Button(type="postback", title="Go\u202e", payload="p\x00 q  r"),),
    )
    clean = normalise(content)
    assert clean.text == "a b"
    assert (clean.media.url, clean.media.alt_text, clean.media.name) == ("https://a.de/xy", "alt text", "a.png")
    assert (clean.buttons[0].title, clean.buttons[0].payload) == ("Go", "p q  r")


@pytest.mark.parametrize(
    "content",
    [
        text("clean"),
        text("**a**\n\n    b", format="markdown"),
        Content(type="template", template=TemplateUse(name="t", variables={"1": "a  b"})),
    ],
    ids=["plain", "markdown", "template"],
)
def test_what_is_clean_comes_back_as_it_is(content):
    assert normalise(content) is content


@pytest.mark.parametrize(
    "content",
    [
        text("\u200b\u2060"),
        text("\x00"),
        text("hi", buttons=(Button(type="postback", title="\u200b", payload="p"),)),
    ],
    ids=["invisible", "NUL", "invisible title"],
)
def test_an_empty_message_is_refused_with_a_code(content):
    with pytest.raises(EmptyMessage) as caught:
        normalise(content)
    assert caught.value.code == "empty_message"
    assert isinstance(caught.value, ValueError)


def test_a_picture_needs_no_words():
    content = Content(type="image", text="\u200b", media=Media(url="media:1", type="image/png"))
    assert normalise(content).text is None


hostile = st.text(
    alphabet=st.one_of(
        st.characters(),
        st.sampled_from("ab \n\t\r\x00\u200b\u200c\u200d\u202e\ufe0f\u0301👩🏴é<>&" + "\U000e0067\U000e007f\ud800"),
    ),
    max_size=60,
)


@given(raw=hostile, rich=st.booleans())
@example(raw="🏴" + "\U000e0067" * 20, rich=False)
@example(raw="a\u200d\u200d\u200db", rich=False)
@example(raw="  a\n \n", rich=False)
@example(raw="  \u200ba\n\t```\n  b\n", rich=False)
def test_cleaning_twice_is_cleaning_once(raw, rich):
    clean = clean_text(raw, rich=rich)
    assert clean_text(clean, rich=rich) == clean
    assert unicodedata.is_normalized("NFC", clean)
    assert clean == clean.strip("\n").rstrip()
    clean.encode()  # storable: no surrogates
    assert not set(clean) & set("\x00\r\u200b\u202e\ud800")


@given(words=st.lists(st.sampled_from(["a", "<", ">", "<b", "&amp;", "x<y", "</", "<3", "b>", "&"]), max_size=20))
def test_words_with_angle_brackets_survive(words):
    raw = " ".join(words)
    assert clean_text(raw) == raw


def test_more_tags_than_any_message_has_stay_as_they_are_written():
    """Inside each other they cost the square of their number: 64 KB held a worker for a second."""
    nested = "<ul><li>" * 3000 + "x</li></ul>"
    assert clean_text(nested, markup=True) == nested[: len(clean_text(nested, markup=True)) - 1] + "…"
    assert clean_text("<ul><li>" * 100 + "x</li></ul>", markup=True) == "x"
