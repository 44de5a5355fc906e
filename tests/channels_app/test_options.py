from __future__ import annotations

import pytest

from channels_app.content.options import choice_for, options
from channels_app.content.types import Button, Card, Content, ListRow, ListSection, QuickReply, text


def pick(title: str, payload: str) -> Button:
    return Button(type="postback", title=title, payload=payload)


def test_the_order_is_cards_rows_buttons_replies():
    content = Content(
        type="carousel",
        cards=(Card(title="C", buttons=(Button(type="url", title="U", url="https://a.de"), pick("card", "1"))),),
        sections=(ListSection(rows=(ListRow(title="row", payload="2"),)),),
        buttons=(pick("button", "3"),),
        quick_replies=(QuickReply(title="reply", payload=""),),
    )
    assert [(one.number, one.payload, one.title) for one in options(content)] == [
        (1, "1", "card"),
        (2, "2", "row"),
        (3, "3", "button"),
        (4, "reply", "reply"),
    ]


@pytest.mark.parametrize(
    ("typed", "payload"),
    [
        ("2", "B"),
        ("2.", "B"),
        (" 2) ", "B"),
        ("２", "B"),
        ("red", "R"),
        ("RED.", "R"),
        ("5", "five"),
    ],
)
def test_what_is_typed_names_an_option(typed, payload):
    replies = [("Red", "R"), ("Blue", "B"), ("5", "five")]
    content = text("?", quick_replies=tuple(QuickReply(title=title, payload=value) for title, value in replies))
    assert choice_for(content, typed).value == payload


@pytest.mark.parametrize("typed", ["", "0", "4", "purple", "2 of them"])
def test_other_words_are_no_choice(typed):
    content = text("?", quick_replies=(QuickReply(title="Red", payload="R"),))
    assert choice_for(content, typed) is None
