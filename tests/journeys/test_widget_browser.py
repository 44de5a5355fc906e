"""A visitor and the web chat widget, in a real browser under a strict content security policy."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Browser, expect

from channels_app.content.surroundings import Quote
from channels_app.content.types import Content
from conversations.models import Conversation, Message
from messaging.hours.places import places_tell
from messaging.live import typing as live_typing
from messaging.live.attending import staff_read, staff_typing
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import conversation_end, hand_over, locked, take_over
from tenants.storage.db import atomic, now
from tenants.tenant_settings import invalidate
from tests.journeys.line import Frame, Line
from tests.journeys.service import Service, address, said
from tests.journeys.test_widget_faults import wait_for
from tests.journeys.widget_page import WidgetPage

pytestmark = pytest.mark.browser
Visit = Callable[..., WidgetPage]

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
PRE_CHAT = [
    {"name": "name", "label": "Your name", "type": "text", "required": True},
    {"name": "email", "label": "E-mail", "type": "email", "required": True},
]
MEDIA = {"url": f"{address()}/files/a.svg", "type": "image/png", "alt_text": "Lino lamp"}
CARD = {
    "title": "Birk",
    "subtitle": "Oak",
    "buttons": [{"type": "postback", "title": "Choose Birk", "payload": "birk"}],
}
RICH: dict[str, Frame] = {
    "image": {"type": "image", "media": MEDIA, "text": "In oak."},
    "file": {"type": "file", "media": {**MEDIA, "type": "application/pdf", "name": "Care.pdf", "size_bytes": 482113}},
    "audio": {"type": "audio", "media": {**MEDIA, "type": "audio/mpeg"}},
    "video": {"type": "video", "media": {**MEDIA, "type": "video/mp4"}},
    "location": {"type": "location", "location": {"latitude": 48.1, "longitude": 11.5, "name": "Munich"}},
    "carousel": {"type": "carousel", "cards": [CARD, {**CARD, "title": "Lino", "buttons": []}]},
    "list": {"type": "list", "text": "Next?", "sections": [{"rows": [{"title": "Track", "payload": "track"}]}]},
    "buttons": {
        "type": "text",
        "text": "More?",
        "buttons": [{"type": "url", "title": "Terms", "url": "https://shop.test/t"}],
    },
}


def echo(text: str) -> Content:
    return said(f"You said **{text}**", format="markdown")


def content(fields: Frame) -> Content:
    return Content.model_validate(fields)


def fill(service: Service) -> str:
    """A conversation with one message of every kind; the visitor's token."""
    token = service.visitor("Hello?")
    asks = {"type": "text", "text": "Well?", "quick_replies": [{"title": "Yes", "payload": "y"}]}
    service.bot(*map(content, [*RICH.values(), asks]))
    return token


# --------------------------------------------------------------------------- embedding


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


@pytest.mark.parametrize(("locale", "direction", "words"), LANGUAGES, ids=[row[0] for row in LANGUAGES])
def test_it_speaks_the_language_of_the_page(visit: Visit, locale: str, direction: str, words: str) -> None:
    widget = visit(locale=locale)
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


# --------------------------------------------------------------------------- talking


def test_a_message_goes_out_and_the_answer_comes_back_once(service: Service, line: Line, visit: Visit) -> None:
    service.answer = echo
    widget = visit()
    widget.open()
    widget.write("Where is my parcel?")
    expect(widget.texts).to_have_text(["Where is my parcel?", "You said Where is my parcel?"])
    expect(widget.texts.locator("strong")).to_have_text("Where is my parcel?")
    expect(widget.marks).to_have_text(["Delivered"])
    expect(widget.live.locator("p")).to_have_text(["Luma: You said Where is my parcel?"])
    assert line.of("send")[0]["kind"] == "text"


def test_what_staff_read_is_marked_and_still_after_a_reload(service: Service, visit: Visit) -> None:
    widget = visit()
    widget.open()
    widget.write("one")
    expect(widget.marks).to_have_text(["Sent"])
    staff_read(service.conversation.id, 1)
    expect(widget.marks).to_have_text(["Read"])
    service.bot("An answer")
    expect(widget.texts).to_have_count(2)
    expect(widget.marks).to_have_text(["Read"])  # it never goes back to "Delivered"
    widget.page.reload()
    widget.open()
    expect(widget.marks).to_have_text(["Read"])


def test_enter_sends_and_shift_enter_makes_a_line(visit: Visit) -> None:
    widget = visit()
    widget.open()
    widget.input.press_sequentially("one")
    widget.input.press("Shift+Enter")
    widget.input.press_sequentially("two")
    widget.input.press("Enter")
    expect(widget.texts).to_have_text(["one\ntwo"], use_inner_text=True)
    expect(widget.input).to_be_focused()


def test_starters_then_quick_replies_are_sent_as_actions(service: Service, line: Line, visit: Visit) -> None:
    service.configure(starters=[{"title": "Track", "payload": "track"}])
    asks = said("Which?", quick_replies=[{"title": "The last", "payload": "last"}])
    service.answer = {"Track": asks, "The last": said("Done")}.__getitem__
    widget = visit()
    widget.open()
    widget.chip.click()
    expect(widget.chip).to_have_text(["The last"])
    widget.chip.press("Enter")
    expect(widget.chip).to_have_count(0)
    expect(widget.input).to_be_focused()
    expect(widget.texts).to_have_count(4)
    track, last = line.of("send")
    assert (track["kind"], track["action"], track["text"]) == ("action", {"id": "track", "value": "track"}, "Track")
    assert (last["action"]["value"], last["reply_to"]) == ("last", 2)


def test_a_starter_without_a_payload_says_its_title(service: Service, line: Line, visit: Visit) -> None:
    service.configure(starters=[{"title": "Opening hours"}])
    widget = visit()
    widget.open()
    widget.chip.click()
    expect(widget.texts).to_have_text(["Opening hours"])
    assert line.of("send")[0]["action"]["value"] == "Opening hours"


# --------------------------------------------------------------------------- who is there


def test_the_bot_is_seen_to_type_until_it_answers(
    service: Service, visit: Visit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_typing, "NOTICE_S", 0.0)
    monkeypatch.setattr(live_typing, "AGAIN_S", 0.1)  # the first may come before the socket follows the conversation
    service.answer = echo
    service.may_answer.clear()
    widget = visit()
    widget.open()
    widget.write("Tell me")
    expect(widget.typing).to_be_visible()
    service.may_answer.set()
    expect(widget.texts).to_have_text(["Tell me", "You said Tell me"])
    expect(widget.typing).to_be_hidden()
    expect(widget.live.locator("p")).to_have_text(["Luma is typing", "Luma: You said Tell me"])


def test_an_agent_is_seen_to_type_by_name_and_forgotten_by_itself(service: Service, visit: Visit) -> None:
    widget = visit(token=service.visitor())
    widget.open()
    expect(widget.status).to_have_text("Replies at once")
    staff_typing(service.conversation.id, service.agent("Mira"), on=True)
    expect(widget.typing).to_be_visible()
    expect(widget.live.locator("p")).to_have_text(["Mira is typing"])
    widget.page.clock.fast_forward(5100)
    expect(widget.typing).to_be_hidden()


def test_staff_in_the_console_are_seen_to_read_and_to_type(
    browser: Browser, service: Service, line: Line, visit: Visit
) -> None:
    widget = visit(token=service.visitor())
    widget.open()
    expect(widget.status).to_have_text("Replies at once")
    staff = Client()
    staff.force_login(service.agent("Mira"))
    context = browser.new_context()
    context.add_cookies([{"name": "sessionid", "value": staff.cookies["sessionid"].value, "url": line.service}])
    console = context.new_page()
    console.clock.install()
    console.goto(f"{line.service}/admin/conversations/conversation/{service.conversation.id}/change/")
    expect(widget.marks).to_have_text(["Read"])
    console.get_by_role("textbox", name="Reply").press_sequentially("Hi")
    expect(widget.typing).to_be_visible()
    console.get_by_role("button", name="Send", exact=True).click()
    console.clock.fast_forward(5100)  # in which it could have been taken back
    expect(widget.texts).to_have_text(["Hello", "Hi"])
    expect(widget.typing).to_be_hidden()
    expect(widget.status).to_have_text("You are talking to Mira")
    context.close()


def test_visitor_typing_is_told_at_most_every_three_seconds(line: Line, visit: Visit) -> None:
    widget = visit()
    widget.open()
    widget.write("first")
    expect(widget.marks).to_have_text(["Sent"])
    line.received.clear()
    widget.input.press_sequentially("many letters")
    widget.page.clock.fast_forward(3100)
    widget.input.press_sequentially("more")
    widget.input.fill("")
    expect(widget.send).to_have_attribute("aria-disabled", "true")
    widget.write("end")
    expect(widget.texts).to_have_count(2)
    assert [frame["on"] for frame in line.of("typing")] == [True, True, False, True, False]


def test_a_person_is_asked_for_comes_and_is_rated(service: Service, visit: Visit) -> None:
    service.answer, service.handover = (lambda text: said("A moment")), True
    widget = visit()
    widget.open()
    widget.menu.click()
    widget.human.click()
    expect(widget.texts.first).to_have_text("I would like to talk to a person, please.")
    expect(widget.status).to_contain_text("Waiting for a person")  # the place comes within seconds
    widget.page.reload()
    widget.open()
    expect(widget.status).to_have_text("1 in line · Waiting for a person")
    picture = f"{address().replace('http', 'https')}/nobody.png"  # cannot be had: the initial stays
    mira = service.agent("Mira", picture=picture)
    agent_reply(service.conversation.id, mira, said("Hi, Mira here."))
    expect(widget.status).to_have_text("You are talking to Mira")
    expect(widget.page.locator(".item.agent .face")).to_have_text("M")
    conversation_end(service.conversation.id)
    widget.star_4.click()
    widget.rating.get_by_role("textbox").fill("Fast")
    widget.rating_send.click()
    expect(widget.rating).to_have_text("Thank you for your feedback!")
    rated = service.conversation
    widget.write("One more thing")
    expect(widget.rating).to_have_count(0)
    rated.refresh_from_db()
    assert (rated.satisfaction, rated.notes.get().text) == (4, "Rated 4 of 5: Fast")


def test_the_place_in_the_queue_moves_while_a_visitor_waits(service: Service, visit: Visit) -> None:
    service.visitor(id="before")
    before = service.conversation
    with atomic():
        hand_over(locked(before.id), "asked")
    service.answer, service.handover = (lambda text: said("A moment")), True
    widget = visit()
    widget.open()
    widget.menu.click()
    widget.human.click()
    expect(widget.status).to_contain_text("Waiting for a person")
    places_tell()
    expect(widget.status).to_have_text("2 in line · Waiting for a person")
    take_over(before.id, service.agent("Mira"))
    places_tell()
    expect(widget.status).to_have_text("1 in line · Waiting for a person")


def test_how_it_was_is_asked_again_after_a_page_load_until_it_is_rated_or_dismissed(
    service: Service, visit: Visit, line: Line
) -> None:
    widget = visit(token=service.visitor())
    widget.open()
    first = service.conversation
    conversation_end(first.id)
    expect(widget.rating).to_have_count(1)
    widget.page.reload()
    widget.open()
    expect(widget.rating).to_have_count(1)
    widget.rating.get_by_role("button", name="Dismiss").click()
    expect(widget.rating).to_have_count(0)
    widget.page.reload()
    widget.open()
    expect(widget.rating).to_have_count(0)
    line.drop["ack"], line.lose = 1, {1}  # the page learns only after it has loaded anew that this was stored
    widget.write("Another question")
    wait_for(widget, lambda: line.drop["ack"] == 0)
    conversation_end(service.conversation.id)
    widget.page.reload()
    widget.open()
    widget.star_4.click()
    widget.rating_send.click()
    expect(widget.rating).to_have_text("Thank you for your feedback!")
    widget.page.reload()
    widget.open()
    expect(widget.rating).to_have_count(0)
    scores = Conversation.objects.order_by("created_at", "id").values_list("satisfaction", flat=True)
    assert list(scores) == [None, 4]


def hours(service: Service, **chosen: object) -> None:
    """The tenant's settings from here on."""
    service.tenant.settings = chosen
    service.tenant.save()
    invalidate(service.tenant.id)


def test_who_waits_is_told_how_long_or_until_when(service: Service, visit: Visit) -> None:
    service.answer, service.handover = (lambda text: said("A moment")), True
    hours(service, expected_reply_minutes=5)
    widget = visit(token=service.visitor(), timezone_id="UTC")
    widget.open()
    widget.write("A person, please")
    expect(widget.status).to_contain_text("A person usually answers within 5 minutes")
    opening = (now() + timedelta(days=30)).replace(hour=9, minute=0)
    short_day = {"date": f"{opening:%Y-%m-%d}", "open": [{"start": "09:00", "end": "10:00"}]}
    hours(service, business_hours={"days": {"mon": []}, "holidays": [short_day]})
    widget.page.reload()
    widget.open()
    expect(widget.status).to_have_text(f"A person answers: {opening:%A, %B} {opening.day}, 9:00 AM")


def test_a_colleague_who_takes_over_is_told_even_before_a_word(service: Service, visit: Visit) -> None:
    widget = visit(token=service.visitor())
    widget.open()
    expect(widget.status).to_have_text("Replies at once")
    take_over(service.conversation.id, service.agent("Mira"))
    expect(widget.status).to_have_text("You are talking to Mira")
    expect(widget.page.locator(".item.system").last).to_contain_text("You are talking to Mira")
    widget.page.reload()
    widget.open()
    expect(widget.status).to_have_text("You are talking to Mira")


def test_a_colleague_whom_the_tenant_does_not_name_is_the_team(service: Service, visit: Visit) -> None:
    widget = visit(token=service.visitor())
    widget.open()
    expect(widget.status).to_have_text("Replies at once")
    take_over(service.conversation.id, None)
    expect(widget.status).to_have_text("You are talking to Our team")


def test_the_question_how_it_was_goes_in_all_tabs_when_another_conversation_begins(
    service: Service, visit: Visit
) -> None:
    widget = visit(token=service.visitor())
    widget.open()
    other = WidgetPage(widget.page.context.new_page())
    other.page.goto(widget.page.url)
    other.open()
    expect(other.status).to_have_text("Replies at once")
    first = service.conversation
    conversation_end(first.id)
    expect(widget.rating).to_have_count(1)
    expect(other.rating).to_have_count(1)
    widget.write("Again")
    expect(widget.rating).to_have_count(0)
    expect(other.texts.last).to_have_text("Again")
    expect(other.rating).to_have_count(0)
    assert list(Conversation.objects.values_list("satisfaction", flat=True)) == [None, None]


def test_nothing_is_claimed_without_a_network(service: Service, visit: Visit) -> None:
    widget = visit(token=service.visitor())
    widget.open()
    expect(widget.status).to_have_text("Replies at once")
    widget.page.context.set_offline(True)
    expect(widget.notice).to_contain_text("No connection")
    expect(widget.status).to_be_hidden()


def test_pre_chat_form_comes_first_and_once(service: Service, line: Line, visit: Visit) -> None:
    service.configure(pre_chat=PRE_CHAT)
    widget = visit()
    widget.open()
    expect(widget.page.get_by_label("Your name")).to_be_focused()
    widget.page.get_by_label("Your name").fill("Ada")
    widget.prechat_start.click()
    assert len(line.sessions) == 1
    widget.page.get_by_label("E-mail").fill("ada@shop.test")
    widget.prechat_start.click()
    expect(widget.input).to_be_focused()
    assert line.sessions[1]["profile"] == {"name": "Ada", "email": "ada@shop.test"}
    widget.page.reload()
    widget.open()
    expect(widget.prechat).to_have_count(0)


# --------------------------------------------------------------------------- rich content


@pytest.mark.parametrize(
    ("kind", "selector"),
    [
        ("image", f'a[href="{address()}/files/a.svg"][rel~=noopener] img[alt="Lino lamp"]'),
        ("file", 'a:has-text("Care.pdf"):has-text("482 kB")'),
        ("audio", f'audio[controls][src="{address()}/files/a.svg"]'),
        ("video", "video[controls]"),
        ("location", 'a[href*="openstreetmap.org/?mlat=48.1&mlon=11.5"]:has-text("Munich")'),
        ("carousel", 'ul li:nth-child(2) h3:text("Lino")'),
        ("list", '.list button:has-text("Track")'),
        ("buttons", 'a.button[href="https://shop.test/t"][target=_blank]:text("Terms")'),
    ],
    ids=lambda value: str(value).split("[")[0].split(":")[0],
)
def test_every_content_type_is_shown(service: Service, visit: Visit, kind: str, selector: str) -> None:
    token = service.visitor()
    service.bot(content(RICH[kind]))
    widget = visit(token=token)
    widget.open()
    expect(widget.message.locator(selector)).to_be_visible()


@pytest.mark.parametrize(("kind", "name", "value"), [("carousel", "Choose Birk", "birk"), ("list", "Track", "track")])
def test_picks_in_rich_content_are_actions(
    service: Service, line: Line, visit: Visit, kind: str, name: str, value: str
) -> None:
    token = service.visitor()
    service.bot(content(RICH[kind]))
    widget = visit(token=token)
    widget.open()
    widget.button(name).press("Enter")
    expect(widget.marks).to_have_text(["Sent"])
    assert line.of("send")[0]["action"]["value"] == value


@pytest.mark.parametrize(
    ("text", "shown", "links"),
    [
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
    ],
    ids=["html", "script link", "data link", "quotes", "bare", "schemes", "brackets", "inline", "list", "override"],
)
def test_markdown_is_text_and_harmless_links(
    service: Service, visit: Visit, text: str, shown: str, links: list[str]
) -> None:
    token = service.visitor()
    service.bot(said(text, format="markdown"))
    widget = visit(token=token)
    widget.open()
    expect(widget.texts).to_have_text(["Hello", shown], use_inner_text=True)
    assert widget.texts.locator("a").evaluate_all("(all) => all.map((a) => a.href)") == links
    assert widget.troubles == []


# --------------------------------------------------------------------------- people


def test_keyboard_alone(service: Service, visit: Visit) -> None:
    widget = visit(token=fill(service))
    widget.launcher.press("Enter")
    expect(widget.input).to_be_focused()
    expect(widget.message).to_have_count(len(service.log))
    widget.log.focus()
    widget.page.keyboard.press("Home")
    expect(widget.message.first).to_be_focused()
    widget.page.keyboard.press("ArrowDown")
    expect(widget.message.nth(1)).to_be_focused()
    widget.page.keyboard.press("End")
    expect(widget.message.last).to_be_focused()
    widget.menu.press("Enter")
    widget.page.keyboard.press("Escape")
    expect(widget.menu).to_be_focused()
    widget.page.keyboard.press("Escape")
    expect(widget.panel).to_be_hidden()
    expect(widget.launcher).to_be_focused()


@pytest.mark.parametrize(
    ("options", "modal", "stays"), [({}, "false", False), (PHONE, "true", True)], ids=["desktop", "phone"]
)
def test_focus_is_kept_inside_only_on_a_phone(visit: Visit, options: Frame, modal: str, stays: bool) -> None:
    widget = visit(**options)
    widget.open()
    expect(widget.panel).to_have_attribute("aria-modal", modal)
    widget.send.focus()
    widget.page.keyboard.press("Tab")
    assert widget.panel.evaluate("(panel) => panel.contains(panel.getRootNode().activeElement)") is stays


@pytest.mark.parametrize(
    ("width", "height"),
    [(320, 256), (320, 640), (390, 844), (640, 400), (1280, 800), (3840, 2160)],
    ids=["400 %", "small", "phone", "200 %", "desktop", "4K"],
)
def test_nothing_is_wider_than_the_screen(service: Service, visit: Visit, width: int, height: int) -> None:
    widget = visit(token=fill(service), viewport={"width": width, "height": height})
    widget.open()
    expect(widget.message).to_have_count(len(service.log))
    assert widget.log.evaluate("(log) => log.scrollWidth <= log.clientWidth")
    assert widget.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    for part in (widget.input, widget.send, widget.close):
        expect(part).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize(
    ("config", "options"),
    [
        ({}, {}),
        ({"color": "#ffd24d"}, {"color_scheme": "dark"}),
        ({"color": "#777777", "launcher_text": "Help"}, PHONE),
        ({"pre_chat": PRE_CHAT}, {}),
        ({}, {"forced_colors": "active", "reduced_motion": "reduce"}),
    ],
    ids=["light", "dark", "phone", "pre-chat", "forced colours"],
)
@pytest.mark.parametrize("locale", ["en", "ar"])
def test_axe_finds_nothing(service: Service, visit: Visit, config: Frame, options: Frame, locale: str) -> None:
    token = fill(service)
    privacy = "https://shop.example.com/privacy"
    service.configure(**config, greeting="Hello!", privacy_url=privacy, subtitle="We like questions")
    shown = {"reduced_motion": "reduce", **options}
    widget = visit(token="" if "pre_chat" in config else token, locale=locale, **shown)
    widget.open()
    expect(widget.panel).to_be_visible()
    results = Axe().run(widget.page)  # the whole page: landmarks of ours must not collide with the page's
    assert results.violations_count == 0, results.generate_report()


def test_transcript_is_a_text_file_of_everything(service: Service, visit: Visit) -> None:
    token = service.visitor()
    service.bot(*(f"line {number}" for number in range(1, 121)))
    Message.objects.update(created_at=datetime(2026, 11, 21, 9, 30, tzinfo=UTC))
    widget = visit(token=token, timezone_id="UTC")
    widget.open()
    widget.menu.click()
    with widget.page.expect_download() as download:
        widget.download.click()
    lines = download.value.path().read_text(encoding="utf-8").splitlines()
    assert [line.rsplit(" ", 1)[1] for line in lines] == ["Hello", *(str(number) for number in range(1, 121))]
    assert re.fullmatch(r"\[11/21/2026, 9:30:00.AM\] Luma: line 1", lines[1])


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
