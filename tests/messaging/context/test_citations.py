"""Sources under an answer (AI-10)."""

from __future__ import annotations

import pytest

from assistant.port import Source
from channels_app.content.fit import fit
from channels_app.content.types import Button, Capabilities, QuickReply, text
from messaging.context.citations import cited

PAGE = Source("article", "1", "How to send something back", "https://shop.example/returns")


def test_the_last_text_links_to_the_source() -> None:
    first, last = cited((text("Hello"), text("Within 30 days.")), (PAGE,))
    assert (first.buttons, [(b.title, str(b.url)) for b in last.buttons or ()]) == (
        None,
        [("How to send somethi…", PAGE.url)],
    )


def test_a_channel_without_buttons_has_the_address_in_its_words() -> None:
    (said,) = cited((text("Within 30 days."),), (PAGE,))
    assert PAGE.url in (fit(said, Capabilities(max_text=400)).parts[0].text or "")


@pytest.mark.parametrize(
    "url", ["", "javascript:alert(1)", "ftp://shop.example", "https://shop.example/" + "x" * 2048, "https://a b"]
)
def test_what_is_no_address_of_the_web_is_not_shown(url: str) -> None:
    said = (text("Within 30 days."),)
    assert cited(said, (Source("article", "1", "Returns", url),)) == said


def test_what_is_linked_already_is_not_linked_again() -> None:
    said = (text("Yes", buttons=(Button(type="url", title="Read more", url=PAGE.url),)),)
    assert cited(said, (PAGE, PAGE)) == said


def test_choices_stay_alone() -> None:
    said = (text("Which?", quick_replies=(QuickReply(title="One", payload="1"),)),)
    assert cited(said, (PAGE,)) == said


def test_three_links_are_the_most() -> None:
    many = [Source("article", str(n), f"Page {n}", f"https://shop.example/{n}") for n in range(5)]
    (said,) = cited((text("See"),), many)
    assert [str(b.url) for b in said.buttons or ()] == [one.url for one in many[:3]]
