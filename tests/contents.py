"""Hypothesis strategies for canonical contents of every type."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from channels_app.content.types import Button, Card, Content, ListRow, ListSection, Location, Media, QuickReply

LINKS = ("https://shop.example/a?b=1&c=2", "https://example.org/wiki/Rust_(language)", "http://a.de")
WORDS = (
    "hello",
    "Straße",
    "👩‍👩‍👧‍👦",
    "🇩🇪",
    "e\u0301te\u0301",
    "नमस्ते",
    "价格",
    "a_b*c",
    "<b>",
    "5 < 6",
    "€",
    "\n\n",
    "\n",
)
short = st.text(st.sampled_from("abc äöü€😀12"), min_size=1, max_size=20).filter(str.strip)
words = st.lists(st.sampled_from(WORDS + LINKS), min_size=1, max_size=900).map(" ".join).map(lambda t: t[:4096])
written = words.filter(lambda text: bool(text.strip()))


def distinct(titles: st.SearchStrategy[str], most: int) -> st.SearchStrategy[list[str]]:
    return st.lists(titles, min_size=1, max_size=most, unique_by=str.casefold)


def payload(title: str) -> str:
    return f"P:{title}"


buttons = distinct(short, 3).flatmap(
    lambda titles: st.tuples(
        *[
            st.sampled_from(
                [
                    Button(type="postback", title=title, payload=payload(title)),
                    Button(type="url", title=title, url=LINKS[0]),
                    Button(type="phone", title=title, payload="+4930123456"),
                ]
            )
            for title in titles
        ]
    )
)
replies = distinct(short, 10).map(lambda titles: tuple(QuickReply(title=t, payload=payload(t)) for t in titles))
media = st.builds(
    Media,
    url=st.sampled_from(["https://files.example/a.jpg", "https://files.example/b"]),
    type=st.sampled_from(["image/jpeg", "image/webp", "video/mp4", "audio/ogg", "application/pdf"]),
    size_bytes=st.sampled_from([0, 1000, 4_000_000, 40_000_000]),
    alt_text=st.none() | short,
    name=st.none() | short,
)
cards = st.lists(
    st.builds(Card, title=short, subtitle=st.none() | short, image_url=st.none() | st.just(LINKS[0]), buttons=buttons),
    min_size=1,
    max_size=4,
).map(tuple)
sections = distinct(short, 24).map(
    lambda titles: tuple(
        ListSection(title="More", rows=tuple(ListRow(title=t, payload=payload(t)) for t in titles[start : start + 10]))
        for start in range(0, len(titles), 10)
    )
)
places = st.builds(
    Location,
    latitude=st.floats(-90, 90),
    longitude=st.floats(-180, 180),
    name=st.none() | short,
    address=st.none() | short,
)
_picks: dict[str, Any] = {"buttons": st.none() | buttons, "quick_replies": st.none() | replies}
_shared: dict[str, Any] = {"format": st.sampled_from(["plain", "markdown"]), "text": st.none() | written}
contents = st.one_of(
    st.builds(Content, type=st.just("text"), **_picks, **{**_shared, "text": written}),
    st.builds(Content, type=st.just("quick_reply"), **{**_shared, "text": written}, quick_replies=replies),
    st.builds(Content, type=st.sampled_from(["image", "video", "audio", "file"]), media=media, **_picks, **_shared),
    st.builds(Content, type=st.just("location"), location=places, **_shared),
    st.builds(Content, type=st.just("carousel"), cards=cards, **_shared),
    st.builds(Content, type=st.just("list"), sections=sections, **_shared),
)
