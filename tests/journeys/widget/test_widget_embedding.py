"""The widget on a page of its own: how it is loaded, what it speaks and how it looks (WEB-1)."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from conversations.models import Contact
from tests.journeys.line import Line
from tests.journeys.rich import echo
from tests.journeys.service import Service
from tests.journeys.widget.widget_page import WidgetPage

pytestmark = pytest.mark.browser
Visit = Callable[..., WidgetPage]


def test_one_script_tag_under_a_strict_policy_leaves_one_global(visit: Visit) -> None:
    widget = visit(script="window.before = Object.keys(window)")
    widget.open()
    new = widget.page.evaluate("Object.getOwnPropertyNames(window).filter((key) => !before.includes(key))")
    assert "DeskChat" in new
    assert not {"start", "Chat", "h", "Panel", "icon"} & set(new)
    assert widget.page.locator("desk-chat").evaluate("(host) => host.shadowRoot.querySelectorAll('style').length") == 0
    assert widget.troubles == []


def test_the_page_tells_nothing_of_itself(line: Line, visit: Visit) -> None:
    visit().launcher.wait_for()
    assert line.sessions[0] == {"visitor_token": None}


def test_calls_before_and_after_loading_reach_the_chat(visit: Visit) -> None:
    widget = visit(script="window.DeskChat = [['open'], ['send', 'From the page']]")
    expect(widget.panel).to_be_visible()
    expect(widget.texts).to_have_text(["From the page"])
    widget.page.evaluate("DeskChat.close()")
    expect(widget.panel).to_be_hidden()


def test_page_hears_of_messages(service: Service, visit: Visit) -> None:
    widget = visit(script="window.heard = []")
    widget.open()
    widget.page.evaluate("DeskChat.on('message', (message) => heard.push(message.text))")
    service.answer = echo
    widget.write("Hi")
    expect(widget.texts).to_have_count(2)
    assert widget.page.evaluate("heard") == ["You said **Hi**"]


LANGUAGES = [
    ("en", "ltr", "Write a message…"),
    ("de-AT", "ltr", "Nachricht schreiben …"),
    ("es", "ltr", "Escribe un mensaje…"),
    ("fr", "ltr", "Écrivez un message…"),
    ("pt-BR", "ltr", "Escreva uma mensagem…"),
    ("ar", "rtl", "اكتب رسالة…"),
    ("it", "ltr", "Scrivi un messaggio…"),
    ("ja", "ltr", "メッセージを入力…"),
    ("nl-BE", "ltr", "Schrijf een bericht…"),
    ("pl", "ltr", "Napisz wiadomość…"),
    ("tr", "ltr", "Bir mesaj yazın…"),
    ("zh-Hans", "ltr", "输入消息…"),
    ("xx", "ltr", "Write a message…"),
]


def test_it_speaks_the_language_of_the_page(line: Line, visit: Visit) -> None:
    widget = visit()
    for locale, direction, words in LANGUAGES:
        line.lay(widget.page.context, locale=locale)
        widget.page.reload()
        widget.open()
        expect(widget.input).to_have_attribute("placeholder", words)
        expect(widget.page.locator(".root")).to_have_attribute("dir", direction)


def test_it_speaks_english_when_the_words_cannot_be_had(line: Line, visit: Visit) -> None:
    line.fail["/static/widget/dist/de.json"] = [(503, "unavailable")] * 3
    widget = visit(locale="de")
    widget.open()
    expect(widget.input).to_have_attribute("placeholder", "Write a message…")


def test_it_looks_as_the_channel_is_configured(service: Service, visit: Visit) -> None:
    privacy = "https://shop.example.com/privacy"
    service.configure(
        title="Ask us", subtitle="We like questions", launcher_text="Help", privacy_url=privacy, greeting="Hello!",
        position="left", color="#112233",
    )  # fmt: skip
    widget = visit()
    expect(widget.launcher.locator(".launcher-text")).to_have_text("Help")
    expect(widget.launcher).to_have_accessible_name("Help – Open chat")
    widget.open()
    expect(widget.panel.get_by_role("heading")).to_have_text("Ask us")
    expect(widget.panel.get_by_text("We like questions")).to_be_visible()
    expect(widget.texts.or_(widget.page.locator(".intro .bubble"))).to_have_text(["Hello!"])
    expect(widget.page.locator(".disclosure a")).to_have_attribute("href", privacy)
    expect(widget.page.locator(".root")).to_have_attribute("data-side", "left")
    expect(widget.panel.locator(".header")).to_have_css("background-image", re.compile(r"rgb\(17, 34, 51\)"))


def test_the_page_has_the_last_word_on_side_and_theme(visit: Visit) -> None:
    widget = visit(attributes='data-position="left" data-theme="dark" data-locale="fr"', locale="en")
    expect(widget.page.locator(".root")).to_have_attribute("data-side", "left")
    expect(widget.page.locator(".root")).to_have_attribute("lang", "fr")
    expect(widget.page.locator("desk-chat")).to_have_attribute("data-dark", "")


def test_the_channels_words_are_read_in_the_language_that_is_shown(service: Service, visit: Visit) -> None:
    """The page's wish is stronger than the channel's, that than the page's own language (WEB-2)."""
    german = {"greeting": "Hallo!", "starters": [{"title": "Wo ist sie?"}]}
    service.configure(greeting="Hello!", subtitle="Lamps", starters=[{"title": "Where?"}], translations={"de": german})
    for attributes, locale, told in (
        ("", "de-AT", ["de-AT", "Hallo!", "Wo ist sie?"]),
        ("", "fr", ["fr", "Hello!", "Where?"]),
        ('data-locale="de"', "en", ["de", "Hallo!", "Wo ist sie?"]),
    ):
        widget = visit(attributes=attributes, locale=locale)
        widget.open()
        expect(widget.page.locator(".root")).to_have_attribute("lang", told[0])
        expect(widget.page.locator(".intro .bubble")).to_have_text(told[1])
        expect(widget.panel.get_by_role("button", name=told[2])).to_be_visible()
        expect(widget.panel.get_by_text("Lamps")).to_be_visible()
    service.configure(locale="de")
    expect(visit(locale="en").page.locator(".root")).to_have_attribute("lang", "de")


def test_form_and_invitations_are_read_in_the_language_that_is_shown(service: Service, visit: Visit) -> None:
    """Both were the channel's own words, and after the form so were the suggestions (WEB-2)."""
    topic = {"name": "topic", "label": "About", "type": "select", "options": ["Order", "Return"]}
    german = {
        "title": "Fragen", "greeting": "Hallo!", "starters": [{"title": "Wo ist sie?"}], "triggers": ["Noch Fragen?"],
        "pre_chat": [{"name": "topic", "label": "Worum geht es?", "options": ["Bestellung", "Rückgabe"]}],
    }  # fmt: skip
    service.configure(
        starters=[{"title": "Where?"}], triggers=[{"text": "Questions?", "after_s": 3}], pre_chat=[topic],
        translations={"de": german},
    )  # fmt: skip
    widget = visit(locale="de")
    widget.launcher.wait_for()
    widget.page.clock.run_for(5000)
    expect(widget.nudge).to_have_text("Noch Fragen?")
    widget.nudge.click()
    expect(widget.panel.get_by_role("heading", name="Fragen")).to_be_visible()
    choice = widget.page.get_by_label("Worum geht es?")
    expect(choice.locator("option")).to_have_text(["", "Bestellung", "Rückgabe"])
    choice.select_option("Rückgabe")
    widget.prechat_start.click()
    expect(widget.panel.get_by_role("button", name="Wo ist sie?")).to_be_visible()
    widget.write("Hallo")
    expect(widget.texts.last).to_be_visible()
    assert Contact.objects.get().profile == {"topic": "Return"}
