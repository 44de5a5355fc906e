"""Whatever is fitted to whatever channel: each part obeys it, and no word is lost."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from channels_app.content.fit import CAPTIONED, fit
from channels_app.content.types import (
    Button,
    Capabilities,
    Card,
    Content,
    ListRow,
    ListSection,
    Media,
    TemplateUse,
)
from tests.channels_app.fit.samples import (
    CALL,
    PLACE,
    RICH,
    SHOP,
    pick,
    reply,
)
from tests.examples import examples

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
