from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels_app.content.fit import CAPTIONED, fit
from channels_app.content.options import choice_for, options, payload_meant
from channels_app.content.types import (
    Button,
    Capabilities,
    Card,
    Content,
    ListRow,
    ListSection,
    Location,
    Media,
    QuickReply,
    TemplateUse,
    text,
)
from tests.examples import examples

SMS = Capabilities(max_text=160)
RICH = Capabilities(
    types=frozenset("text image file audio video location quick_reply carousel list template".split()),
    max_caption=1024,
    max_buttons=3,
    button_types=frozenset({"postback", "url", "phone", "share"}),
    max_quick_replies=10,
    max_list_rows=100,
    max_row_title=80,
    max_row_description=200,
    max_cards=10,
    markdown="markdown",
    templates=True,
)
WHATSAPP = RICH.model_copy(
    update={
        "types": frozenset("text image file audio video location list".split()),
        "max_list_rows": 10,
        "max_row_title": 24,
        "max_row_description": 72,
        "max_quick_replies": 3,
        "button_types": frozenset({"postback", "url"}),
        "max_cards": 0,
        "markdown": "whatsapp",
        "media_types": {"image/jpeg": 5_000_000, "video/*": 16_000_000},
    }
)


def pick(title: str) -> Button:
    return Button(type="postback", title=title, payload=title.upper())


def reply(title: str) -> QuickReply:
    return QuickReply(title=title, payload=title.upper())


IMAGE = Media(url="https://a.de/i.jpg", type="image/jpeg", size_bytes=1000, alt_text="A red shoe")
SHOP = Button(type="url", title="Shop", url="https://a.de/shop")
CALL = Button(type="phone", title="Call us", payload="+4930123456")
PLACE = Location(latitude=52.5, longitude=13.4, name="Shop", address="Alexanderplatz 1")
SHOES = ListSection(
    title="Shoes", rows=(ListRow(title="Red", payload="R", description="very"), ListRow(title="Blue", payload="B"))
)
HATS = ListSection(title="Hats", rows=(ListRow(title="Green", payload="G"),))
CARDS = (
    Card(title="Red", subtitle="A shoe", image_url="https://a.de/r.jpg", buttons=(pick("Buy red"), SHOP)),
    Card(title="Blue", url="https://a.de/b", buttons=(pick("Buy blue"),)),
)


def shown(content: Content, caps: Capabilities) -> list[str]:
    return [part.text or "" for part in fit(content, caps).parts]


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


@pytest.mark.parametrize(
    ("media", "types"),
    [
        pytest.param(IMAGE, ["image"], id="fits"),
        pytest.param(IMAGE.model_copy(update={"size_bytes": 6_000_000}), ["text"], id="too large"),
        pytest.param(IMAGE.model_copy(update={"type": "image/gif"}), ["text"], id="format unknown to the channel"),
        pytest.param(IMAGE.model_copy(update={"type": "video/mp4"}), ["image"], id="family"),
    ],
)
def test_media_limits(media, types):
    assert [part.type for part in fit(Content(type="image", media=media), WHATSAPP).parts] == types


def test_an_image_goes_as_a_file_where_only_files_go():
    caps = SMS.model_copy(update={"types": frozenset({"text", "file"})})
    fitted = fit(Content(type="image", media=IMAGE), caps)
    assert (fitted.parts[0].type, fitted.cuts) == ("file", ("image → file",))


def test_media_that_lies_with_us_gets_an_address_to_open():
    content = Content(type="image", media=IMAGE.model_copy(update={"url": "media:42", "alt_text": None}))
    fitted = fit(content, SMS, link=lambda url: f"https://chat.example/{url.removeprefix('media:')}")
    assert fitted.parts[0].text == "https://chat.example/42"


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(
            Content(type="image", media=IMAGE, text="x" * 1025),
            [("image", None), ("text", "x" * 1025)],
            id="long caption",
        ),
        pytest.param(
            Content(type="location", location=PLACE, text="Here"), [("location", None), ("text", "Here")], id="location"
        ),
        pytest.param(
            Content(type="location", location=PLACE, buttons=(pick("A"),)),
            [("location", None), ("text", "…")],
            id="buttons need words to hang on",
        ),
    ],
)
def test_captions_that_do_not_fit_go_in_a_message_of_their_own(content, expected):
    parts = fit(content, WHATSAPP).parts
    assert [(part.type, part.text) for part in parts] == expected
    assert parts[0].buttons is None


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


# ----------------------------------------------------------------------- properties

words = st.lists(
    st.sampled_from(["hello", "you.", "https://e.de/a_b", "one\n\ntwo", "👩‍👩‍👧‍👦"]), min_size=1, max_size=30
).map(" ".join)
titles = st.sampled_from(["Yes", "No", "A rather long title", "A rather long titel", "中文"])
buttons = st.one_of(titles.map(pick), st.just(SHOP), st.just(CALL), st.just(Button(type="share", title="Share")))
button_sets = st.lists(buttons, max_size=3).map(tuple)
rows = st.builds(ListRow, title=titles, payload=st.just("P"), description=st.sampled_from([None, "d" * 90]))
sections = st.builds(
    ListSection, title=st.sampled_from([None, "Group"]), rows=st.lists(rows, min_size=1, max_size=4).map(tuple)
)
cards = st.builds(Card, title=titles, subtitle=st.sampled_from([None, "sub"]), buttons=button_sets)
medias = st.builds(
    Media,
    url=st.just("https://e.de/file"),
    type=st.sampled_from(["image/jpeg", "video/mp4", "application/pdf"]),
    size_bytes=st.sampled_from([0, 10_000]),
    alt_text=st.sampled_from([None, "alt words"]),
)
BODIES = {
    "text": {"text": words},
    "quick_reply": {"text": words},
    "image": {"media": medias},
    "audio": {"media": medias},
    "location": {"location": st.just(PLACE)},
    "carousel": {"cards": st.lists(cards, min_size=1, max_size=5).map(tuple)},
    "list": {"sections": st.lists(sections, min_size=1, max_size=4).map(tuple)},
    "template": {"template": st.just(TemplateUse(name="hello_world", variables={"1": "Ana"}))},
}
contents = st.sampled_from(sorted(BODIES)).flatmap(
    lambda kind: st.builds(
        Content,
        **{
            "type": st.just(kind),
            "text": st.one_of(st.none(), words),
            "buttons": button_sets,
            "quick_replies": st.lists(titles.map(reply), max_size=6).map(tuple),
            **BODIES[kind],
        },
    )
)
capabilities = st.builds(
    Capabilities,
    types=st.frozensets(st.sampled_from(sorted(RICH.types))).map(lambda types: types | {"text"}),
    max_text=st.sampled_from([40, 160, 4096]),
    max_caption=st.sampled_from([0, 30, 1024]),
    max_buttons=st.integers(0, 5),
    max_button_title=st.sampled_from([10, 20]),
    button_types=st.frozensets(st.sampled_from(["postback", "url", "phone", "share"])),
    max_quick_replies=st.sampled_from([0, 2, 11]),
    max_quick_reply_title=st.sampled_from([10, 20]),
    max_list_rows=st.sampled_from([0, 5, 10]),
    max_row_title=st.sampled_from([10, 24]),
    max_row_description=st.sampled_from([0, 72, 200]),
    max_cards=st.sampled_from([0, 2, 12]),
    media_types=st.sampled_from([{}, {"image/*": 5000}, {"image/jpeg": 50_000, "video/*": 50_000}]),
    templates=st.booleans(),
)


def obeys(part: Content, caps: Capabilities) -> dict[str, bool]:
    """Each rule by name, so that a failure tells which one broke."""
    every_button = [button for owner in (part, *(part.cards or ())) for button in owner.buttons or ()]
    all_rows = [row for section in part.sections or () for row in section.rows]
    captioned = part.type in CAPTIONED - {"template"}
    return {
        "model": Content.model_validate(part.to_json()) == part,
        "type": part.type in caps.types or (part.type == "template" and caps.templates),
        "text": part.type == "template" or len(part.text or "") <= (caps.max_caption if captioned else caps.max_text),
        "buttons": len(part.buttons or ()) <= caps.max_buttons,
        "card buttons": all(len(card.buttons) <= caps.max_buttons for card in part.cards or ()),
        "button types": all(button.type in caps.button_types for button in every_button),
        "button titles": all(len(button.title) <= caps.max_button_title for button in every_button),
        "replies": len(part.quick_replies or ()) <= caps.max_quick_replies,
        "reply titles": all(len(item.title) <= caps.max_quick_reply_title for item in part.quick_replies or ()),
        "rows": len(all_rows) <= caps.max_list_rows,
        "row titles": all(len(row.title) <= caps.max_row_title for row in all_rows),
        "row descriptions": all(len(row.description or "") <= caps.max_row_description for row in all_rows),
        "cards": len(part.cards or ()) <= caps.max_cards,
    }


def squashed(value: str) -> str:
    return "".join(value.split())


def said(content: Content) -> list[str]:
    """Every word a person would read in ``content``."""
    owners = (content, *(content.cards or ()))
    found = [content.text or ""]
    found += [word for card in content.cards or () for word in (card.title, card.subtitle or "")]
    found += [word for s in content.sections or () for row in s.rows for word in (row.title, row.description or "")]
    found += [button.title for owner in owners for button in owner.buttons or ()]
    found += [button.url or "" for owner in owners for button in owner.buttons or ()]
    found += [item.title for item in content.quick_replies or ()]
    found += [content.media.url, content.media.alt_text or ""] * bool(content.media) if content.media else []
    return [word for word in found if word.strip()]


@settings(max_examples=examples(150))
@given(content=contents, caps=capabilities)
def test_every_part_obeys_and_no_word_is_lost_and_twice_is_once(content, caps):
    fitted = fit(content, caps)
    broken = [[rule for rule, kept in obeys(part, caps).items() if not kept] for part in fitted.parts]
    assert broken == [[] for _part in fitted.parts]
    everything = (
        squashed("".join(part.text or "" for part in fitted.parts))
        + "\0"
        + "\0".join(squashed(word) for part in fitted.parts for word in said(part))
    )
    assert [word for word in said(content) if squashed(word) not in everything] == []
    assert [fit(part, caps).parts for part in fitted.parts] == [(part,) for part in fitted.parts]
    assert fitted.cuts or fitted.parts == (content,)
