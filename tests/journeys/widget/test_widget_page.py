"""The widget on pages of every kind: loaded in any way, once or twice, on pages that load anew, that never do, and that want
it away again. And what it says before the visitor does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from tests.journeys.line import SHOP, Line
from tests.journeys.service import Service
from tests.journeys.widget.widget_page import WidgetPage

pytestmark = pytest.mark.browser
Visit = Callable[..., WidgetPage]

PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
LATE = """([address, channel, type]) => new Promise((done) => {
  const script = Object.assign(document.createElement("script"), { src: address, type, onload: done });
  script.dataset.channel = channel;
  document.head.append(script);
})"""


@pytest.fixture
def adding(line: Line) -> None:
    """Pages that add scripts by themselves have no policy of Trusted Types."""
    line.types = ""


def add(widget: WidgetPage, line: Line, type: str = "") -> None:
    """Another tag, while the page is there already."""
    widget.page.evaluate(LATE, [f"{line.service}/static/widget/widget.js", line.channel, type])


# --------------------------------------------------------------------------- ways to load it


@pytest.mark.parametrize(
    "attributes", ["defer", 'type="module"', 'data-theme="light"'], ids=["defer", "module", "async"]
)
def test_however_the_page_loads_it(visit: Visit, attributes: str) -> None:
    widget = visit(attributes=attributes)
    widget.open()
    widget.write("Hello")
    expect(widget.marks).to_have_text(["Sent"])
    assert widget.troubles == []


@pytest.mark.usefixtures("adding")
@pytest.mark.parametrize("kind", ["", "module"], ids=["script", "module"])
def test_late_and_twice_it_is_there_once(line: Line, visit: Visit, kind: str) -> None:
    widget = visit()
    widget.launcher.wait_for()
    add(widget, line, kind)
    expect(widget.page.locator("desk-chat")).to_have_count(1)
    widget.open()
    expect(widget.status).to_have_text("Replies at once")
    assert len(line.sessions) == 1


@pytest.mark.usefixtures("adding")
def test_a_page_that_wants_it_away_is_as_before(service: Service, line: Line, visit: Visit) -> None:
    widget = visit(token=service.visitor(), **PHONE)
    widget.open()
    expect(widget.status).to_have_text("Replies at once")
    expect(widget.page.locator("html")).to_have_css("overflow", "hidden")
    widget.page.evaluate("DeskChat.destroy()")
    expect(widget.page.locator("desk-chat")).to_have_count(0)
    expect(widget.page.locator("html")).to_have_css("overflow", "visible")
    assert widget.page.evaluate("'DeskChat' in window") is False
    assert line.of("bye") == [{"t": "bye"}]
    widget.page.clock.run_for(120_000)
    assert (len(line.sockets), len(line.sessions)) == (1, 1)
    add(widget, line)
    widget.open()
    expect(widget.texts).to_have_text(["Hello"])
    expect(widget.status).to_have_text("Replies at once")


@pytest.mark.usefixtures("adding")
def test_what_is_destroyed_before_it_is_there_never_is(line: Line, visit: Visit) -> None:
    widget = visit(script="window.DeskChat = [['open'], ['destroy'], ['open']]")
    widget.page.wait_for_load_state("load")
    assert line.sessions == []
    add(widget, line)  # the calls after it were for this one
    expect(widget.panel).to_be_visible()


def test_a_page_that_lays_its_body_anew_keeps_the_chat(visit: Visit) -> None:
    widget = visit()
    widget.open()
    widget.write("Hello")
    expect(widget.marks).to_have_text(["Sent"])
    widget.page.evaluate("document.body.replaceChildren(document.createElement('main'))")
    expect(widget.panel).to_be_visible()
    widget.page.evaluate("document.documentElement.replaceChild(document.createElement('body'), document.body)")
    expect(widget.texts).to_have_text(["Hello"])
    widget.page.evaluate("document.querySelector('desk-chat').remove()")
    expect(widget.page.locator("desk-chat")).to_have_count(1)


def test_a_line_that_breaks_while_the_widget_is_loaded_is_tried_again(line: Line, visit: Visit) -> None:
    line.fail["/static/widget/dist/chat.js"] = [(503, "unavailable")] * 2
    widget = visit(script="Math.random = () => 0.5")
    widget.page.clock.run_for(1000)
    widget.page.wait_for_timeout(100)
    widget.page.clock.run_for(2000)
    widget.launcher.wait_for()


# --------------------------------------------------------------------------- from page to page


def test_panel_and_draft_stay_over_page_loads(line: Line, visit: Visit) -> None:
    widget = visit()
    widget.open()
    widget.input.fill("half written")
    widget.page.goto("about:blank")
    line.received.clear()
    widget.page.goto(f"{SHOP}/lamps")
    expect(widget.panel).to_be_visible()
    expect(widget.input).to_have_value("half written")
    expect(widget.send).to_have_attribute("aria-disabled", "false")
    assert widget.input.evaluate("(input) => input.clientHeight") >= 38
    assert widget.page.evaluate("document.activeElement.tagName") == "BODY"  # the page has not lost the focus to us
    assert line.of("typing") == []
    widget.send.click()
    widget.close.click()
    widget.page.goto(f"{SHOP}/tents")
    widget.launcher.wait_for()
    expect(widget.panel).to_be_hidden()
    expect(widget.input).to_have_value("")


def test_on_a_phone_a_new_page_is_not_covered(visit: Visit) -> None:
    widget = visit(**PHONE)
    widget.open()
    widget.input.fill("half written")
    widget.page.goto(f"{SHOP}/lamps")
    widget.launcher.wait_for()
    expect(widget.panel).to_be_hidden()
    widget.open()
    expect(widget.input).to_have_value("half written")


def test_the_page_may_choose_colour_and_launcher(visit: Visit) -> None:
    widget = visit(attributes='data-color="#aa0000" data-launcher="Ask us"')
    expect(widget.launcher.locator(".launcher-text")).to_have_text("Ask us")
    expect(widget.launcher).to_have_css("background-image", "linear-gradient(135deg, rgb(170, 0, 0), rgb(139, 0, 0))")


def test_without_a_launcher_the_page_opens_it(visit: Visit) -> None:
    widget = visit(attributes='data-launcher="none"')
    widget.page.evaluate("DeskChat.open()")
    expect(widget.panel).to_be_visible()
    widget.page.keyboard.press("Escape")
    expect(widget.panel).to_be_hidden()
    expect(widget.launcher).to_be_hidden()


# --------------------------------------------------------------------------- invitations


def inviting(service: Service, *triggers: dict[str, Any], most: int = 1) -> None:
    service.configure(triggers=list(triggers), triggers_a_day=most)


def test_an_invitation_comes_after_a_time_and_opens_the_chat_with_its_words(service: Service, visit: Visit) -> None:
    inviting(service, {"text": "Any questions about your cart?", "after_s": 20, "path": "/ca*"})
    widget = visit()
    widget.launcher.wait_for()
    widget.page.clock.run_for(18_000)
    expect(widget.nudge).to_be_hidden()
    widget.page.clock.run_for(4000)
    expect(widget.nudge).to_have_text("Any questions about your cart?")
    expect(widget.live.locator("p")).to_have_text(["Any questions about your cart?"])
    found = Axe().run(widget.page)
    assert found.violations_count == 0, found.generate_report()
    widget.nudge.click()
    expect(widget.page.locator(".intro .bubble")).to_have_text(["Any questions about your cart?"])
    expect(widget.nudge).to_be_hidden()
    widget.page.reload()
    widget.launcher.wait_for()
    widget.page.clock.run_for(30_000)
    expect(widget.nudge).to_be_hidden()


def test_only_on_its_address_also_where_pages_do_not_load_anew(service: Service, visit: Visit) -> None:
    inviting(service, {"text": "Which tent?", "after_s": 5, "path": "/tents"})
    widget = visit()
    widget.launcher.wait_for()
    widget.page.clock.run_for(20_000)
    expect(widget.nudge).to_be_hidden()
    widget.page.evaluate("history.pushState({}, '', '/tents')")
    widget.page.clock.run_for(4000)
    expect(widget.nudge).to_be_hidden()
    widget.page.clock.run_for(3000)
    expect(widget.nudge).to_have_text("Which tent?")


def test_a_visitor_who_leaves_is_asked_and_one_who_has_declined_is_not(service: Service, visit: Visit) -> None:
    inviting(
        service, {"text": "Leaving?", "after_s": 0, "on_exit": True}, {"text": "Still here?", "after_s": 60}, most=5
    )
    widget = visit()
    widget.launcher.wait_for()
    leave = "document.documentElement.dispatchEvent(new MouseEvent('mouseleave', { clientY: -1 }))"
    widget.page.evaluate(leave)
    expect(widget.nudge).to_have_text("Leaving?")
    widget.nudge_close.click()
    expect(widget.nudge).to_be_hidden()
    widget.page.clock.run_for(65_000)
    widget.page.evaluate(leave)
    expect(widget.nudge).to_be_hidden()


def test_a_visitor_who_talks_is_not_invited(service: Service, visit: Visit) -> None:
    inviting(service, {"text": "Any questions?", "after_s": 0})
    widget = visit(token=service.visitor())
    widget.launcher.wait_for()
    widget.page.clock.run_for(10_000)
    expect(widget.nudge).to_be_hidden()


# --------------------------------------------------------------------------- in words


def test_who_waits_is_told_that_a_colleague_comes_and_at_which_place(
    service: Service, line: Line, visit: Visit
) -> None:
    widget = visit(token=service.visitor())
    widget.open()
    expect(widget.status).to_have_text("Replies at once")
    line.put({"t": "state", "seq": 2, "id": "s2", "state": "queued", "queue": 3, "conversation": "c"})
    expect(widget.page.locator(".item.system")).to_contain_text("A colleague will be with you.")
    expect(widget.status).to_have_text("Number 3 in line · Waiting for a person")
    expect(widget.status).to_have_attribute("data-state", "waiting")


def test_a_message_that_is_too_long_says_so_and_comes_back_to_be_changed(
    service: Service, line: Line, visit: Visit
) -> None:
    widget = visit()
    widget.open()
    widget.page.evaluate("DeskChat.send('word '.repeat(820) + 'x')")  # 4101 characters: none of them is cut
    expect(widget.marks).to_contain_text(["Not sent: it is too long"])
    widget.page.reload()
    widget.open()
    expect(widget.marks).to_contain_text(["Not sent: it is too long"])
    found = Axe().run(widget.page)
    assert found.violations_count == 0, found.generate_report()
    widget.panel.get_by_role("button", name="Change").click()
    expect(widget.texts).to_have_count(0)
    expect(widget.input).to_be_focused()
    assert len(widget.input.input_value()) == 4101
    widget.write("short")
    expect(widget.marks).to_have_text(["Sent"])
    assert [message.text for message in service.log] == ["short"]
