"""A visitor answers one message of many (MSG-8): by mouse, finger and keyboard, with a screen reader, from right to left."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from conversations.models import Message
from messaging.rules.control import conversation_end
from tenants.storage.db import new_id
from tests.journeys.line import Line
from tests.journeys.service import Service, said
from tests.journeys.widget.test_widget_files import photo
from tests.journeys.widget.widget_page import WidgetPage

pytestmark = pytest.mark.browser
Visit = Callable[..., WidgetPage]

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.fixture
def token(service: Service) -> str:
    """Of a visitor who was asked two things."""
    token = service.visitor("Hello")
    service.bot("Red or blue?", "Small or large?")
    return token


def last(service: Service) -> Message:
    return service.log[-1]


def quote_of(message: Message, words: str, author: str = "bot") -> dict[str, str]:
    return {"message_id": str(message.id), "author": author, "text": words}


def answer(widget: WidgetPage, words: str) -> None:
    widget.write(words)
    expect(widget.texts.last).to_contain_text(words)
    expect(widget.marks.last).to_have_attribute("data-state", "sent")


def test_with_the_mouse(service: Service, visit: Visit, token: str) -> None:
    asked = service.log[1]
    widget = visit(token=token)
    widget.open()
    shown = widget.message.nth(1)
    expect(shown.locator("button.quote")).to_have_css("opacity", "0")
    shown.hover()
    expect(shown.locator("button.quote")).to_have_css("opacity", "1")
    shown.locator("button.quote").click()
    expect(widget.quoting.locator("blockquote")).to_have_text("Luma Red or blue?")
    expect(widget.input).to_be_focused()
    answer(widget, "The blue one")
    expect(widget.message.last.locator("blockquote")).to_have_text("Luma Red or blue?")
    expect(widget.quoting).to_be_hidden()
    assert (last(service).reply_to, last(service).content["quote"]) == (asked.id, quote_of(asked, "Red or blue?"))
    answer(widget, "And thanks")
    assert "quote" not in last(service).content
    assert widget.troubles == []


def test_with_the_keyboard_and_escape_takes_it_back(service: Service, visit: Visit, token: str) -> None:
    widget = visit(token=token)
    widget.open()
    expect(widget.message).to_have_count(3)
    keys = widget.page.keyboard
    widget.log.focus()
    for key in ("End", "ArrowUp", "Enter"):
        keys.press(key)
    expect(widget.quoting).to_contain_text("Red or blue?")
    expect(widget.live).to_contain_text("Reply to this message: Luma: Red or blue?")
    expect(widget.input).to_be_focused()
    expect(widget.input).to_have_value("")
    keys.type("The blue one")
    keys.press("Escape")
    expect(widget.quoting).to_be_hidden()
    expect(widget.panel).to_be_visible()
    expect(widget.input).to_have_value("The blue one")
    keys.press("Enter")
    expect(widget.marks).to_have_text(["Sent"])
    assert "quote" not in last(service).content
    keys.press("Escape")
    expect(widget.panel).to_be_hidden()


def test_tab_goes_from_a_message_to_its_button_and_no_other(visit: Visit, token: str) -> None:
    widget = visit(token=token)
    widget.open()
    expect(widget.message).to_have_count(3)
    widget.log.focus()
    for key in ("Home", "ArrowDown", "Tab"):
        widget.page.keyboard.press(key)
    expect(widget.message.nth(1).get_by_role("button", name="Reply to this message")).to_be_focused()
    assert widget.log.locator(".quote[tabindex='0']").count() == 1
    widget.page.keyboard.press("Enter")
    expect(widget.quoting).to_contain_text("Red or blue?")
    widget.page.keyboard.press("Shift+Tab")
    widget.button("Cancel reply").press("Enter")
    expect(widget.quoting).to_be_hidden()
    expect(widget.input).to_be_focused()


@pytest.mark.parametrize(
    ("locale", "name"), [("en", "Reply to this message"), ("ar", "الرد على هذه الرسالة")], ids=["en", "ar"]
)
def test_with_a_finger_in_both_directions(service: Service, visit: Visit, token: str, locale: str, name: str) -> None:
    widget = visit(token=token, locale=locale, **PHONE)
    widget.open()
    button = widget.message.nth(2).get_by_role("button", name=name)
    expect(button).to_have_css("opacity", "1")
    box, bubble = button.bounding_box(), widget.texts.nth(2).bounding_box()
    assert min(box["width"], box["height"]) >= 24
    assert (box["x"] > bubble["x"]) is (locale == "en")  # on the side where the line of the message ends
    button.tap()
    expect(widget.quoting).to_contain_text("Small or large?")
    results = Axe().run(widget.page, context="desk-chat")
    assert results.violations_count == 0, results.generate_report()
    assert widget.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    answer(widget, "Large")
    assert last(service).content["quote"]["text"] == "Small or large?"


def test_a_file_answers_too(
    service: Service, line: Line, visit: Visit, token: str, settings: Any, tmp_path: Path
) -> None:
    settings.MEDIA_ROOT, settings.PUBLIC_URL = tmp_path, line.service
    asked = service.log[2]
    widget = visit(token=token, **PHONE)
    widget.open()
    widget.message.nth(2).locator("button.quote").tap()
    with widget.page.expect_file_chooser() as chooser:
        widget.button("Attach a file").click()
    chooser.value.set_files([photo("one.png"), photo("two.png")])
    expect(widget.message.locator("img.picture")).to_have_count(2)
    expect(widget.marks).to_have_text(["Sent"])
    quotes = sorted(str(message.content.get("quote", {}).get("message_id")) for message in service.log[3:])
    assert quotes == sorted([str(asked.id), "None"])


def test_what_is_deleted_meanwhile_is_quoted_no_longer(service: Service, line: Line, visit: Visit, token: str) -> None:
    widget = visit(token=token, **PHONE)
    widget.open()
    widget.message.nth(1).locator("button.quote").tap()
    expect(widget.quoting).to_be_visible()
    gone = str(service.log[1].id)
    line.put({"t": "del", "seq": 4, "id": str(new_id()), "of": gone, "ts": "2026-11-28T09:00:00.000Z"})
    expect(widget.quoting).to_be_hidden()
    expect(widget.message.nth(1).locator("button.quote")).to_have_count(0)


def test_a_message_of_the_conversation_before(service: Service, visit: Visit, token: str) -> None:
    """Numbers begin anew there: the one of the same number in the new conversation is another."""
    asked = service.log[1]
    widget = visit(token=token, **PHONE)
    widget.open()
    expect(widget.message).to_have_count(3)
    conversation_end(service.conversation.id)
    expect(widget.message).to_have_count(4)
    answer(widget, "Are you there?")
    service.bot("Yes")
    widget.message.nth(1).locator("button.quote").tap()
    answer(widget, "The blue one")
    assert last(service).content["quote"] == quote_of(asked, "Red or blue?")


def test_the_next_person_at_the_browser_quotes_nothing(visit: Visit, token: str) -> None:
    widget = visit(token=token, **PHONE)
    widget.open()
    widget.message.nth(1).locator("button.quote").tap()
    expect(widget.quoting).to_be_visible()
    widget.page.evaluate("DeskChat.logout()")
    expect(widget.quoting).to_be_hidden()
    expect(widget.quoting).not_to_contain_text("blue")


def test_a_quote_is_words_without_marks(service: Service, visit: Visit) -> None:
    token = service.visitor("Hello")
    service.bot(said("Either **red** or [blue](https://shop.test/blue):\n- `R1`\n- `B2`", format="markdown"))
    widget = visit(token=token)
    widget.open()
    widget.message.last.hover()
    widget.message.last.locator("button.quote").click()
    expect(widget.quoting.locator("blockquote")).to_have_text("Luma Either red or blue: R1 B2")
    answer(widget, "*red* it is")
    expect(widget.texts.last.locator("p")).to_have_text("*red* it is")
    widget.page.reload()
    widget.open()
    expect(widget.page.locator("blockquote.quoted")).to_have_text("Luma Either red or blue: • R1 • B2")
    expect(widget.texts.last.locator("p")).to_have_text("*red* it is")
