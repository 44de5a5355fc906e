"""A visitor and the web chat widget, in a real browser under a strict content security policy."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.journeys.fake_webchat import ORIGIN, FakeWebchat, Frame
from tests.journeys.widget_page import WidgetPage

pytestmark = pytest.mark.browser
Visit = Callable[..., WidgetPage]

BOT = {"role": "bot", "name": "Luma"}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
PRE_CHAT = [
    {"name": "name", "label": "Your name", "type": "text", "required": True},
    {"name": "email", "label": "E-mail", "type": "email", "required": True},
]
MEDIA = {"url": f"{ORIGIN}/files/a.svg", "type": "image/png", "alt_text": "Lino lamp"}
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


def answer(server: FakeWebchat, frame: Frame) -> None:
    server.say(f"You said **{frame['text']}**")


def fill(server: FakeWebchat) -> None:
    """A conversation with one message of every kind."""
    server.conversation = "cv_1"
    server.record({"role": "visitor"}, {"type": "text", "text": "Hello?"}, ts="2026-11-20T09:30:00.000Z")
    for content in RICH.values():
        server.record(BOT, content)
    server.record(BOT, {"type": "text", "text": "Well?", "quick_replies": [{"title": "Yes", "payload": "y"}]})


# --------------------------------------------------------------------------- embedding


def test_one_script_tag_under_a_strict_policy_leaves_one_global(server: FakeWebchat, visit: Visit) -> None:
    widget = visit(script="window.before = Object.keys(window)")
    widget.open()
    new = widget.page.evaluate("Object.getOwnPropertyNames(window).filter((key) => !before.includes(key))")
    assert "DeskChat" in new
    assert not {"start", "Chat", "h", "Panel", "icon"} & set(new)
    assert widget.page.locator("desk-chat").evaluate("(host) => host.shadowRoot.querySelectorAll('style').length") == 0
    assert widget.troubles == []


def test_the_page_tells_its_path_but_no_query_string(server: FakeWebchat, visit: Visit) -> None:
    visit().launcher.wait_for()
    assert server.sessions[0]["page"] == {"url": "https://shop.test/cart", "title": "Cart", "referrer": ""}
    assert server.sessions[0]["visitor_token"] is None


def test_calls_before_and_after_loading_reach_the_chat(server: FakeWebchat, visit: Visit) -> None:
    widget = visit(script="window.DeskChat = [['open'], ['send', 'From the page']]")
    expect(widget.panel).to_be_visible()
    expect(widget.texts).to_have_text(["From the page"])
    widget.page.evaluate("DeskChat.close()")
    expect(widget.panel).to_be_hidden()


def test_page_hears_of_messages(server: FakeWebchat, visit: Visit) -> None:
    widget = visit(script="window.heard = []")
    widget.open()
    widget.page.evaluate("DeskChat.on('message', (message) => heard.push(message.text))")
    expect(widget.status).to_have_text("Replies at once")
    server.on_send = answer
    widget.write("Hi")
    expect(widget.texts).to_have_count(2)
    assert widget.page.evaluate("heard") == ["You said **Hi**"]


@pytest.mark.parametrize(
    ("locale", "direction", "words"),
    [
        ("en", "ltr", "Write a message…"),
        ("de-AT", "ltr", "Nachricht schreiben …"),
        ("es", "ltr", "Escribe un mensaje…"),
        ("fr", "ltr", "Écrivez un message…"),
        ("pt-BR", "ltr", "Escreva uma mensagem…"),
        ("ar", "rtl", "اكتب رسالة…"),
        ("xx", "ltr", "Write a message…"),
    ],
)
def test_it_speaks_the_language_of_the_page(
    server: FakeWebchat, visit: Visit, locale: str, direction: str, words: str
) -> None:
    server.locale = locale
    widget = visit()
    widget.open()
    expect(widget.input).to_have_attribute("placeholder", words)
    expect(widget.page.locator(".root")).to_have_attribute("dir", direction)


# --------------------------------------------------------------------------- talking


def test_a_message_goes_out_and_the_answer_comes_back_once(server: FakeWebchat, visit: Visit) -> None:
    server.on_send = answer
    widget = visit()
    widget.open()
    widget.write("Where is my parcel?")
    expect(widget.texts).to_have_text(["Where is my parcel?", "You said Where is my parcel?"])
    expect(widget.texts.locator("strong")).to_have_text("Where is my parcel?")
    expect(widget.marks).to_have_text(["Delivered"])
    expect(widget.live.locator("p")).to_have_text(["Luma: You said **Where is my parcel?**"])
    server.push({"t": "read", "by": "agent", "seq": 1})
    expect(widget.marks).to_have_text(["Read"])
    assert server.of("send")[0]["kind"] == "text"


def test_enter_sends_and_shift_enter_makes_a_line(server: FakeWebchat, visit: Visit) -> None:
    widget = visit()
    widget.open()
    widget.input.press_sequentially("one")
    widget.input.press("Shift+Enter")
    widget.input.press_sequentially("two")
    widget.input.press("Enter")
    expect(widget.texts).to_have_text(["one\ntwo"], use_inner_text=True)
    expect(widget.input).to_be_focused()


def test_starters_then_quick_replies_are_sent_as_actions(server: FakeWebchat, visit: Visit) -> None:
    server.config["quick_replies"] = [{"title": "Track", "payload": "track"}]
    server.on_send = lambda server, frame: server.say(
        "Which?", quick_replies=[{"title": "The last", "payload": "last"}]
    )
    widget = visit()
    widget.open()
    widget.chip.click()
    expect(widget.chip).to_have_text(["The last"])
    server.on_send = answer
    widget.chip.press("Enter")
    expect(widget.chip).to_have_count(0)
    expect(widget.input).to_be_focused()
    expect(widget.texts).to_have_count(4)
    track, last = server.of("send")
    assert (track["kind"], track["action"], track["text"]) == ("action", {"id": "track", "value": "track"}, "Track")
    assert (last["action"]["value"], last["reply_to"]) == ("last", 2)


def test_streaming_shows_pieces_and_announces_the_final_text_once(server: FakeWebchat, visit: Visit) -> None:
    widget = visit()
    widget.open()
    expect(widget.status).to_have_text("Replies at once")
    widget.write("Tell me")
    expect(widget.marks).to_have_text(["Sent"])
    server.push({"t": "typing", "from": BOT, "on": True, "ttl_s": 5})
    expect(widget.typing).to_be_visible()
    server.push({"t": "typing", "from": BOT, "on": True, "ttl_s": 5})
    for i, text in enumerate(["Once ", "upon ", "a time"]):
        server.push({"t": "delta", "id": "m_2", "i": i, "text": text})
    expect(widget.page.locator(".bubble", has_text="Once upon a time")).to_be_visible()
    expect(widget.typing).to_be_hidden()
    server.say("Once upon a time.")
    expect(widget.texts).to_have_text(["Tell me", "Once upon a time."])
    expect(widget.page.locator(".bubble", has_text="Once upon")).to_have_count(1)
    expect(widget.live.locator("p")).to_have_text(["Luma is typing", "Luma: Once upon a time."])


def test_typing_dots_go_by_themselves(server: FakeWebchat, visit: Visit) -> None:
    widget = visit()
    widget.open()
    expect(widget.status).to_have_text("Replies at once")
    widget.write("x")
    expect(widget.marks).to_have_text(["Sent"])
    server.push({"t": "typing", "from": "bot", "on": True, "ttl_s": 5})
    expect(widget.typing).to_be_visible()
    widget.page.clock.fast_forward(5100)
    expect(widget.typing).to_be_hidden()


def test_visitor_typing_is_told_at_most_every_three_seconds(server: FakeWebchat, visit: Visit) -> None:
    widget = visit()
    widget.open()
    widget.write("first")
    expect(widget.marks).to_have_text(["Sent"])
    server.received.clear()
    widget.input.press_sequentially("many letters")
    widget.page.clock.fast_forward(3100)
    widget.input.press_sequentially("more")
    widget.input.fill("")
    expect(widget.send).to_have_attribute("aria-disabled", "true")
    widget.write("end")
    expect(widget.texts).to_have_count(2)
    assert [frame["on"] for frame in server.of("typing")] == [True, True, False, True, False]


def test_a_person_takes_over_and_the_conversation_is_rated(server: FakeWebchat, visit: Visit) -> None:
    widget = visit()
    widget.open()
    widget.menu.click()
    widget.human.click()
    expect(widget.texts).to_have_text(["I would like to talk to a person, please."])
    server.push({"t": "presence", "mode": "queue", "position": 2})
    expect(widget.status).to_have_text("Waiting for a person · position 2")
    server.push(server.record({"role": "agent", "name": "Mira"}, {"type": "text", "text": "Hi, Mira here."}))
    expect(widget.status).to_have_text("You are talking to Mira")
    server.push({"t": "state", "seq": 3, "id": "m_3", "state": "closed", "csat": True})
    widget.star_4.click()
    widget.rating.get_by_role("textbox").fill("Fast")
    widget.rating_send.click()
    expect(widget.rating).to_have_text("Thank you for your feedback!")
    assert [(frame["score"], frame["comment"]) for frame in server.of("rate")] == [(4, "Fast")]
    widget.write("One more thing")
    expect(widget.rating).to_have_count(0)


def test_pre_chat_form_comes_first_and_once(server: FakeWebchat, visit: Visit) -> None:
    server.config["pre_chat"] = PRE_CHAT
    widget = visit()
    widget.open()
    expect(widget.page.get_by_label("Your name")).to_be_focused()
    widget.page.get_by_label("Your name").fill("Ada")
    widget.prechat_start.click()
    assert len(server.sessions) == 1
    widget.page.get_by_label("E-mail").fill("ada@shop.test")
    widget.prechat_start.click()
    expect(widget.input).to_be_focused()
    assert server.sessions[1]["profile"] == {"name": "Ada", "email": "ada@shop.test"}
    widget.page.reload()
    widget.open()
    expect(widget.prechat).to_have_count(0)


# --------------------------------------------------------------------------- rich content


@pytest.mark.parametrize(
    ("kind", "selector"),
    [
        ("image", f'a[href="{ORIGIN}/files/a.svg"][rel~=noopener] img[alt="Lino lamp"]'),
        ("file", 'a:has-text("Care.pdf"):has-text("482 kB")'),
        ("audio", f'audio[controls][src="{ORIGIN}/files/a.svg"]'),
        ("video", "video[controls]"),
        ("location", 'a[href*="openstreetmap.org/?mlat=48.1&mlon=11.5"]:has-text("Munich")'),
        ("carousel", 'ul li:nth-child(2) h3:text("Lino")'),
        ("list", '.list button:has-text("Track")'),
        ("buttons", 'a.button[href="https://shop.test/t"][target=_blank]:text("Terms")'),
    ],
    ids=lambda value: str(value).split("[")[0].split(":")[0],
)
def test_every_content_type_is_shown(server: FakeWebchat, visit: Visit, kind: str, selector: str) -> None:
    server.conversation = "cv_1"
    server.record(BOT, RICH[kind])
    widget = visit()
    widget.open()
    expect(widget.message.locator(selector)).to_be_visible()


@pytest.mark.parametrize(("kind", "name", "value"), [("carousel", "Choose Birk", "birk"), ("list", "Track", "track")])
def test_picks_in_rich_content_are_actions(server: FakeWebchat, visit: Visit, kind: str, name: str, value: str) -> None:
    server.conversation = "cv_1"
    server.record(BOT, RICH[kind])
    widget = visit()
    widget.open()
    widget.button(name).press("Enter")
    expect(widget.marks).to_have_text(["Sent"])
    assert server.of("send")[0]["action"]["value"] == value


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
    server: FakeWebchat, visit: Visit, text: str, shown: str, links: list[str]
) -> None:
    server.conversation = "cv_1"
    server.record(BOT, {"type": "text", "text": text, "format": "markdown"})
    widget = visit()
    widget.open()
    expect(widget.texts).to_have_text([shown], use_inner_text=True)
    assert widget.texts.locator("a").evaluate_all("(all) => all.map((a) => a.href)") == links
    assert widget.troubles == []


# --------------------------------------------------------------------------- people


def test_keyboard_alone(server: FakeWebchat, visit: Visit) -> None:
    fill(server)
    widget = visit()
    widget.launcher.press("Enter")
    expect(widget.input).to_be_focused()
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
def test_focus_is_kept_inside_only_on_a_phone(
    server: FakeWebchat, visit: Visit, options: Frame, modal: str, stays: bool
) -> None:
    widget = visit(**options)
    widget.open()
    expect(widget.panel).to_have_attribute("aria-modal", modal)
    widget.send.focus()
    widget.page.keyboard.press("Tab")
    assert widget.panel.evaluate("(panel) => panel.contains(panel.getRootNode().activeElement)") is stays


@pytest.mark.parametrize("width", [320, 390, 1280])
def test_nothing_is_wider_than_the_screen(server: FakeWebchat, visit: Visit, width: int) -> None:
    fill(server)
    widget = visit(viewport={"width": width, "height": 640})
    widget.open()
    expect(widget.message).to_have_count(len(server.log))
    assert widget.log.evaluate("(log) => log.scrollWidth <= log.clientWidth")
    assert widget.page.evaluate("document.documentElement.scrollWidth <= innerWidth")


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
def test_axe_finds_nothing(server: FakeWebchat, visit: Visit, config: Frame, options: Frame, locale: str) -> None:
    fill(server)
    server.config.update(config, greeting="Hello!", privacy_url="/privacy")
    server.conversation = None if "pre_chat" in config else "cv_1"
    server.locale = locale
    widget = visit(reduced_motion="reduce", **{key: value for key, value in options.items() if key != "reduced_motion"})
    widget.open()
    expect(widget.panel).to_be_visible()
    results = Axe().run(widget.page, context="desk-chat")
    assert results.violations_count == 0, results.generate_report()


def test_transcript_is_a_text_file_of_everything(server: FakeWebchat, visit: Visit) -> None:
    server.conversation = "cv_1"
    for number in range(1, 121):
        server.record(BOT, {"type": "text", "text": f"line {number}"})
    widget = visit(timezone_id="UTC")
    widget.open()
    widget.menu.click()
    with widget.page.expect_download() as download:
        widget.download.click()
    lines = download.value.path().read_text(encoding="utf-8").splitlines()
    assert [line.rsplit(" ", 1)[1] for line in lines] == [str(number) for number in range(1, 121)]
    assert re.fullmatch(r"\[11/21/2026, 9:30:00.AM\] Luma: line 1", lines[0])
