"""What a channel cannot show becomes what it can: lists, buttons, numbers in the text."""

from __future__ import annotations

import pytest

from channels_app.content.fit import fit
from channels_app.content.options import options
from channels_app.content.types import (
    Button,
    Content,
    ListRow,
    ListSection,
    TemplateUse,
    text,
)
from tests.channels_app.fit.samples import (
    CALL,
    CARDS,
    HATS,
    IMAGE,
    PLACE,
    RICH,
    SHOES,
    SHOP,
    SMS,
    WHATSAPP,
    pick,
    reply,
    shown,
)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(text("hi"), id="text"),
        pytest.param(text("**hi**", format="markdown"), id="markdown"),
        pytest.param(
            text("hi", buttons=(SHOP, pick("A"), CALL), quick_replies=(reply("B"),)), id="buttons and replies"
        ),
        pytest.param(Content(type="image", media=IMAGE, text="caption"), id="image"),
        pytest.param(Content(type="location", location=PLACE), id="location"),
        pytest.param(Content(type="carousel", cards=CARDS, text="look"), id="carousel"),
        pytest.param(Content(type="list", sections=(SHOES, HATS), text="look"), id="list"),
        pytest.param(Content(type="template", template=TemplateUse(name="t"), text="preview"), id="template"),
        pytest.param(Content(type="quick_reply", text="pick", quick_replies=(reply("B"),)), id="quick reply"),
    ],
)
def test_what_fits_comes_back_as_it_is(content):
    fitted = fit(content, RICH)
    assert fitted.parts == (content,)
    assert (fitted.cuts, fitted.numbered) == ((), False)


@pytest.mark.parametrize(
    ("content", "caps", "texts", "cuts"),
    [
        pytest.param(
            text("Which?", quick_replies=(reply("Red"), reply("Blue"))),
            SMS,
            ["Which?\n\n1. Red\n2. Blue"],
            ("quick replies → numbered text",),
            id="quick replies → numbers",
        ),
        pytest.param(
            text("Which?", buttons=(pick("Red"), SHOP, CALL)),
            SMS,
            ["Which?\n\nShop: https://a.de/shop\nCall us: +4930123456\n\n1. Red"],
            ("url button → text", "phone button → text", "buttons → numbered text"),
            id="buttons → numbers and links",
        ),
        pytest.param(
            Content(type="list", text="Which?", sections=(SHOES, HATS)),
            SMS,
            ["Which?\n\nShoes\n1. Red — very\n2. Blue\nHats\n3. Green"],
            ("list → numbered text",),
            id="list → numbers",
        ),
        pytest.param(
            Content(type="carousel", text="Look", cards=CARDS),
            SMS.model_copy(update={"max_text": 1000}),
            [
                "Look\n\nRed\nA shoe\nhttps://a.de/r.jpg\n1. Buy red\nShop: https://a.de/shop\n\n"
                "Blue\nhttps://a.de/b\n2. Buy blue"
            ],
            ("carousel → text",),
            id="carousel → text",
        ),
        pytest.param(
            Content(type="image", text="Nice", media=IMAGE),
            SMS,
            ["Nice\n\nA red shoe\nhttps://a.de/i.jpg"],
            ("image → link",),
            id="image → link",
        ),
        pytest.param(
            Content(type="location", location=PLACE),
            SMS,
            [f"Shop\nAlexanderplatz 1\n{PLACE.map_url}"],
            ("location → map link",),
            id="location → map link",
        ),
        pytest.param(
            Content(type="template", template=TemplateUse(name="order_sent", variables={"1": "Ana", "2": "A-7"})),
            SMS,
            ["order_sent\nAna\nA-7"],
            ("template → text",),
            id="template → text",
        ),
        pytest.param(
            text("**Hi** [you](https://a.de)", format="markdown"),
            SMS,
            ["Hi you (https://a.de)"],
            ("markdown → plain text",),
            id="markdown → plain",
        ),
        pytest.param(
            text("**Hi**", format="markdown", buttons=(Button(type="url", title="A & B", url="https://a.de/?a&b"),)),
            SMS.model_copy(update={"markdown": "slack"}),
            ["*Hi*\n\nA &amp; B: https://a.de/?a&amp;b"],
            ("markdown → slack", "url button → text"),
            id="moved lines are escaped like the text",
        ),
        pytest.param(
            text("word " * 60),
            SMS,
            [("word " * 32).strip(), "word " * 28],
            ("text → 2 messages",),
            id="long text",
        ),
    ],
)
def test_degrades_to_text(content, caps, texts, cuts):
    fitted = fit(content, caps)
    assert [part.text for part in fitted.parts] == texts
    assert {part.type for part in fitted.parts} == {"text"}
    assert fitted.cuts == cuts


def test_typed_numbers_resolve_to_what_was_numbered():
    content = text("Which?", quick_replies=(reply("Red"), reply("Blue")))
    assert fit(content, SMS).numbered
    assert [(one.number, one.payload, one.title) for one in options(content)] == [
        (1, "RED", "Red"),
        (2, "BLUE", "Blue"),
    ]


def test_too_many_quick_replies_become_a_list():
    content = text("Which?", quick_replies=tuple(reply(f"No {n}") for n in range(5)))
    (part,) = fit(content, WHATSAPP).parts
    assert part.type == "list"
    assert part.text == "Which?"
    assert part.quick_replies is None
    assert [(row.title, row.payload) for row in part.sections[0].rows] == [(f"No {n}", f"NO {n}") for n in range(5)]
    assert fit(content, WHATSAPP).cuts == ("quick replies → list",)


def test_a_list_becomes_quick_replies_where_there_are_no_lists():
    caps = RICH.model_copy(update={"types": frozenset({"text"})})
    (part,) = fit(Content(type="list", text="Which?", sections=(SHOES, HATS)), caps).parts
    assert part.text == "Which?\n\nShoes\nRed — very\nBlue\nHats\nGreen"
    assert [reply.payload for reply in part.quick_replies] == ["R", "B", "G"]


def test_a_list_becomes_buttons_where_there_is_nothing_else():
    caps = SMS.model_copy(update={"max_buttons": 3, "button_types": frozenset({"postback"})})
    (part,) = fit(Content(type="list", text="Which?", sections=(HATS,)), caps).parts
    assert [(button.title, button.payload) for button in part.buttons] == [("Green", "G")]


def test_a_list_without_words_still_becomes_buttons():
    caps = SMS.model_copy(update={"max_buttons": 3, "button_types": frozenset({"postback"})})
    section = ListSection(rows=(ListRow(title="Green", payload="G"),))
    (part,) = fit(Content(type="list", sections=(section,)), caps).parts
    assert (part.text, part.buttons[0].payload) == ("…", "G")


def test_a_list_longer_than_the_channel_allows_is_numbered():
    rows = tuple(ListRow(title=f"Row {n}", payload=str(n)) for n in range(10))
    content = Content(type="list", sections=(ListSection(rows=rows), HATS))
    fitted = fit(content, WHATSAPP)
    assert fitted.parts[0].text.splitlines()[-2:] == ["Hats", "11. Green"]
    assert [(one.payload, one.title) for one in options(content) if one.number == 11] == [("G", "Green")]


def test_too_many_cards_become_several_carousels():
    caps = RICH.model_copy(update={"max_cards": 1})
    fitted = fit(Content(type="carousel", text="Look", cards=CARDS, quick_replies=(reply("A"),)), caps)
    assert [(part.type, part.text, [card.title for card in part.cards]) for part in fitted.parts] == [
        ("carousel", "Look", ["Red"]),
        ("carousel", None, ["Blue"]),
    ]
    assert [bool(part.quick_replies) for part in fitted.parts] == [False, True]
    assert fitted.cuts == ("carousel → 2 carousels",)


def test_a_card_button_the_channel_lacks_moves_to_the_text():
    caps = RICH.model_copy(update={"button_types": frozenset({"postback"})})
    (part,) = fit(Content(type="carousel", cards=CARDS), caps).parts
    assert part.text == "Red: Shop: https://a.de/shop"
    assert [[button.title for button in card.buttons] for card in part.cards] == [["Buy red"], ["Buy blue"]]


def test_equal_buttons_count_each():
    caps = RICH.model_copy(update={"max_buttons": 1})
    (part,) = fit(text("Look", buttons=(SHOP, SHOP)), caps).parts
    assert (part.text, part.buttons) == ("Look\n\nShop: https://a.de/shop", (SHOP,))


def test_lines_that_move_keep_apart_in_markdown():
    content = text("Which?", format="markdown", quick_replies=(reply("Red"), reply("Blue")))
    assert shown(content, SMS.model_copy(update={"markdown": "teams"})) == ["Which?\n\n1. Red\n\n2. Blue"]


def test_the_things_to_pick_stand_at_the_very_end():
    caps = RICH.model_copy(update={"max_text": 50})
    fitted = fit(text("word " * 30, buttons=(pick("A"),)), caps)
    assert [bool(part.buttons) for part in fitted.parts] == [False, False, True]
