"""Titles that are too long or look the same, and payloads that are too long or the same."""

from __future__ import annotations

import pytest

from channels_app.content.fit import fit
from channels_app.content.options import choice_for, payload_meant
from channels_app.content.types import (
    Button,
    Capabilities,
    Content,
    ListRow,
    ListSection,
    QuickReply,
    text,
)
from tests.channels_app.fit.samples import (
    RICH,
    WHATSAPP,
    pick,
    reply,
    shown,
)


def test_long_titles_are_shortened_and_told_in_full():
    caps = RICH.model_copy(update={"max_button_title": 10})
    (part,) = fit(text("Which?", buttons=(pick("Talk to an agent"), pick("No"))), caps).parts
    assert [button.title for button in part.buttons] == ["Talk to a…", "No"]
    assert part.text == "Which?\n\nTalk to an agent"


def test_titles_that_would_look_the_same_are_numbered():
    caps = RICH.model_copy(update={"max_quick_reply_title": 10})
    content = text("Which?", quick_replies=(reply("Delivery to home"), reply("Delivery to shop")))
    (part,) = fit(content, caps).parts
    assert [item.title for item in part.quick_replies] == ["1. Delive…", "2. Delive…"]
    assert part.text == "Which?\n\n1. Delivery to home\n2. Delivery to shop"


def titles_shown(content: Content, caps: Capabilities) -> list[str]:
    last = fit(content, caps).parts[-1]
    rows = [row for section in last.sections or () for row in section.rows]
    return [pick.title for pick in (*(last.buttons or ()), *(last.quick_replies or ()), *rows)]


BOOK = (QuickReply(title="Book", payload="a"), QuickReply(title="Book", payload="b"))
DAYS = Content(
    type="list",
    text="When?",
    sections=(
        ListSection(title="Mon", rows=(ListRow(title="10:00", payload="m"),)),
        ListSection(title="Tue", rows=(ListRow(title="10:00", payload="t"),)),
    ),
)
CHAT_ONLY = RICH.model_copy(update={"types": frozenset({"text"})})


@pytest.mark.parametrize(
    ("content", "caps", "expected"),
    [
        (text("Which?", quick_replies=BOOK), RICH, ["1. Book", "2. Book"]),
        (text("Which?", buttons=(pick("Book"), pick("book "))), RICH, ["1. Book", "2. book "]),
        (text("Which?", buttons=(pick("Book"),), quick_replies=BOOK[:1]), RICH, ["Book", "2. Book"]),
        (DAYS, CHAT_ONLY, ["1. 10:00", "2. 10:00"]),
        (DAYS, RICH, ["10:00", "10:00"]),
        (text("Which?", quick_replies=(reply("Red"), reply("Blue"))), RICH, ["Red", "Blue"]),
    ],
    ids=["replies", "buttons", "a reply and a button", "rows as replies", "rows under their titles", "different"],
)
def test_choices_that_look_the_same_are_told_apart(content, caps, expected):
    assert titles_shown(content, caps) == expected


def test_the_words_say_which_number_is_which():
    assert shown(DAYS, CHAT_ONLY) == ["When?\n\nMon\n1. 10:00\nTue\n2. 10:00"]
    assert choice_for(DAYS, "2", numbered=fit(DAYS, CHAT_ONLY).numbered).value == "t"
    assert choice_for(DAYS, "2. 10:00", numbered=fit(DAYS, CHAT_ONLY).numbered).value == "t"


def payloads(content: Content, caps: Capabilities) -> list[str]:
    last = fit(content, caps).parts[-1]
    rows = [row for section in last.sections or () for row in section.rows]
    return [pick.payload for pick in (*(last.buttons or ()), *(last.quick_replies or ()), *rows)]


SAME = text("?", quick_replies=(QuickReply(title="Red", payload="x"), QuickReply(title="Blue", payload="x")))
BLANK = text("?", buttons=(Button(type="postback", title="Red", payload=" x "),))
EMPTY = text("?", quick_replies=(QuickReply(title="Red", payload=""), QuickReply(title="Blue", payload="Red")))


@pytest.mark.parametrize(
    ("content", "meant"),
    [(SAME, ["x", "x"]), (BLANK, [" x "]), (EMPTY, ["Red", "Red"])],
    ids=["the same twice", "blanks at the ends", "one named by its title"],
)
def test_a_platform_that_wants_each_payload_once_gets_it_so(content, meant):
    sent = payloads(content, RICH.model_copy(update={"distinct_payloads": True}))
    assert len(set(sent)) == len(sent)
    assert [one.strip() for one in sent] == sent
    assert [payload_meant(one) for one in sent] == meant
    assert fit(content, RICH).parts == (content,)


LONG = "x" * 300
NARROW = RICH.model_copy(update={"max_payload": 256, "max_row_payload": 200})


@pytest.mark.parametrize(
    ("content", "cut"),
    [
        (text("?", quick_replies=(QuickReply(title="Red", payload=LONG),)), "quick replies → numbered text"),
        (text("?", buttons=(Button(type="postback", title="Red", payload=LONG),)), "buttons → numbered text"),
        (
            Content(type="list", sections=(ListSection(rows=(ListRow(title="Red", payload=LONG),)),)),
            "list → numbered text",
        ),
    ],
    ids=["reply", "button", "row"],
)
def test_what_a_choice_cannot_carry_is_numbered_and_still_means_all_of_it(content, cut):
    fitted = fit(content, NARROW)
    assert cut in fitted.cuts
    assert "1. Red" in fitted.parts[-1].text
    assert choice_for(content, "1", numbered=fitted.numbered).value == LONG


def test_rows_that_carry_too_much_become_buttons_that_can():
    content = Content(type="list", text="?", sections=(ListSection(rows=(ListRow(title="Red", payload="x" * 256),)),))
    assert fit(content, NARROW).parts[-1].quick_replies == (QuickReply(title="Red", payload="x" * 256),)


def test_rows_are_shortened_and_told_in_full():
    row = ListRow(title="A very long title of a row", payload="P", description="d" * 100)
    (part,) = fit(Content(type="list", text="Which?", sections=(ListSection(rows=(row,)),)), WHATSAPP).parts
    assert (part.sections[0].rows[0].title, part.sections[0].rows[0].payload) == ("A very long title of a…", "P")
    assert part.sections[0].rows[0].description == "d" * 71 + "…"
    assert part.text == f"Which?\n\n{row.title} — {row.description}"
