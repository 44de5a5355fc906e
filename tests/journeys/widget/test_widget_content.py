"""What a message can show (WEB-1)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from channels_app.content.surroundings import Quote
from messaging.rules.agent_replies import agent_reply
from tests.journeys.line import Line
from tests.journeys.rich import RICH, content, fill
from tests.journeys.service import Service, address, said
from tests.journeys.widget.widget_page import WidgetPage

pytestmark = pytest.mark.browser
Visit = Callable[..., WidgetPage]


#: HERE is where the service listens, once a test has started it
SHOWN = {
    "image": 'a[href="HERE/files/a.svg"][rel~=noopener] img[alt="Lino lamp"]',
    "file": 'a:has-text("Care.pdf"):has-text("482 kB")',
    "audio": 'audio[controls][src="HERE/files/a.svg"]',
    "video": "video[controls]",
    "location": 'a[href*="openstreetmap.org/?mlat=48.1&mlon=11.5"]:has-text("Munich")',
    "carousel": 'ul li:nth-child(2) h3:text("Lino")',
    "list": '.list button:has-text("Track")',
    "buttons": 'a.button[href="https://shop.test/t"][target=_blank]:text("Terms")',
}


def test_every_content_type_is_shown(service: Service, visit: Visit) -> None:
    widget = visit(token=fill(service))
    widget.open()
    assert SHOWN.keys() == RICH.keys()
    for place, kind in enumerate(RICH, 1):  # behind the visitor's own message
        widget.message.nth(place).scroll_into_view_if_needed()  # pictures are loaded once they come into sight
        expect(widget.message.nth(place).locator(SHOWN[kind].replace("HERE", address()))).to_be_visible()


def test_picks_in_rich_content_are_actions(service: Service, line: Line, visit: Visit) -> None:
    token = service.visitor()
    service.bot(content(RICH["carousel"]), content(RICH["list"]))
    widget = visit(token=token)
    widget.open()
    for picked, name in enumerate(("Choose Birk", "Track"), 1):
        widget.button(name).press("Enter")
        expect(widget.message).to_have_count(3 + picked)
        expect(widget.marks).to_have_text(["Sent"])
    assert [frame["action"]["value"] for frame in line.of("send")] == ["birk", "track"]


#: what the bot says, what is shown of it, and where its links lead
MARKDOWN: list[tuple[str, str, list[str]]] = [
    ("<img src=x onerror=alert(1)>", "<img src=x onerror=alert(1)>", []),
    ("[click](javascript:alert(1))", "click", []),
    ("[click](data:text/html,x)", "click", []),
    ('[a" onclick="x](https://a.test/)', 'a" onclick="x', ["https://a.test/"]),
    ("see https://a.test/b_c_d, ok", "see https://a.test/b_c_d, ok", ["https://a.test/b_c_d"]),
    ("[mail](mailto:a@b.test) [call](tel:+491)", "mail call", ["mailto:a@b.test", "tel:+491"]),
    ("[wiki](https://a.test/b_(c))", "wiki", ["https://a.test/b_(c)"]),
    ("**b** *i* `c` a_b_c", "b i c a_b_c", []),
    ("1. one\n2. two", "one\ntwo", []),
    ("\u202eevil", "\u202eevil", []),
]


def test_markdown_is_text_and_harmless_links(service: Service, visit: Visit) -> None:
    token = service.visitor()
    service.bot(*(said(text, format="markdown") for text, _, _ in MARKDOWN))
    widget = visit(token=token)
    widget.open()
    expect(widget.texts).to_have_text(["Hello", *(shown for _, shown, _ in MARKDOWN)], use_inner_text=True)
    links = "(all) => all.map((one) => [...one.querySelectorAll('a')].map((a) => a.href))"
    assert widget.texts.evaluate_all(links) == [[], *(there for _, _, there in MARKDOWN)]
    assert widget.troubles == []


def test_a_visitor_sees_what_an_answer_quotes(service: Service, visit: Visit) -> None:
    token = service.visitor("red or blue?")
    asked = service.log[0]
    agent_reply(
        service.conversation.id, service.agent(), said("blue").model_copy(update={"quote": Quote(message_id=asked.id)})
    )
    widget = visit(token=token)
    widget.open()
    quoted = widget.page.locator("blockquote.quoted")
    expect(quoted).to_have_text("You red or blue?")
