"""Keyboard, focus, small and large screens, and what axe finds (WEB-2)."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.journeys.line import Frame, Line
from tests.journeys.rich import fill
from tests.journeys.service import Service
from tests.journeys.widget.widget_page import WidgetPage

pytestmark = pytest.mark.browser
Visit = Callable[..., WidgetPage]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
PRE_CHAT = [
    {"name": "name", "label": "Your name", "type": "text", "required": True},
    {"name": "email", "label": "E-mail", "type": "email", "required": True},
]


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


def test_fingers_have_room_and_starters_are_not_cut(service: Service, visit: Visit) -> None:
    service.configure(starters=[{"title": f"A rather long question, number {number}"} for number in range(3)])
    widget = visit(**PHONE, is_mobile=True)
    widget.open()
    low = widget.panel.locator("button:visible, textarea:visible").evaluate_all(
        "(all) => all.filter((one) => one.offsetHeight < 44).map((one) => one.className)"
    )
    assert low == []
    expect(widget.chip).to_have_count(3)
    for chip in widget.chip.all():
        expect(chip).to_be_in_viewport(ratio=1)
    widget.page.evaluate("void DeskChat.send('x'.repeat(4001))")
    assert widget.button("Change").evaluate("(one) => one.offsetHeight") == 44


def test_forced_colours_draw_what_else_is_a_surface(visit: Visit) -> None:
    widget = visit(forced_colors="active")
    widget.open()
    assert widget.send.evaluate("(one) => getComputedStyle(one).borderStyle") == "solid"


#: 400 %, small, phone, 200 %, desktop, 4K
SIZES = [(320, 256), (320, 640), (390, 844), (640, 400), (1280, 800), (3840, 2160)]


def test_nothing_is_wider_than_the_screen(service: Service, visit: Visit) -> None:
    widget = visit(token=fill(service))
    for width, height in SIZES:
        widget.page.set_viewport_size({"width": width, "height": height})
        widget.page.reload()
        widget.open()
        expect(widget.message).to_have_count(len(service.log))
        assert widget.log.evaluate("(log) => log.scrollWidth <= log.clientWidth"), width
        assert widget.page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
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
def test_axe_finds_nothing(service: Service, line: Line, visit: Visit, config: Frame, options: Frame) -> None:
    token = fill(service)
    privacy = "https://shop.example.com/privacy"
    service.configure(**config, greeting="Hello!", privacy_url=privacy, subtitle="We like questions")
    shown = {"reduced_motion": "reduce", **options}
    widget = visit(token="" if "pre_chat" in config else token, **shown)
    for locale in ("en", "ar"):
        line.lay(widget.page.context, locale=locale)
        widget.page.reload()
        widget.open()
        expect(widget.page.locator(".root")).to_have_attribute("lang", locale)
        results = Axe().run(widget.page)  # the whole page: landmarks of ours must not collide with the page's
        assert results.violations_count == 0, results.generate_report()
