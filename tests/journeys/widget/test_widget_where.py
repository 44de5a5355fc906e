"""On which page the visitor is: told by the widget where the channel asks for it, shown to staff live (WEB-2, ADM-2)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from conversations.models import Session
from tests.journeys.inbox_page import InboxPage
from tests.journeys.line import SHOP, Line
from tests.journeys.service import Service, address
from tests.journeys.widget.lines import NO_JITTER, wait_for
from tests.journeys.widget.widget_page import WidgetPage

pytestmark = pytest.mark.browser
Visit = Callable[..., WidgetPage]


def go(widget: WidgetPage, path: str) -> None:
    """As pages do that never load anew."""
    widget.page.evaluate("(path) => history.pushState({}, '', path)", path)
    widget.page.clock.run_for(1000)


def talks(visit: Visit) -> WidgetPage:
    """A visitor who has written."""
    widget = visit()
    widget.open()
    widget.write("Hello")
    expect(widget.marks).to_have_text(["Sent"])
    return widget


def pages(line: Line) -> list[str]:
    return [frame["url"] for frame in line.of("page")]


def test_staff_see_it_live(visit: Visit, service: Service, line: Line, staff: Any, ben: Any) -> None:  # noqa: F811
    service.configure(pages="path")
    widget = visit()
    widget.open()
    go(widget, "/lamps?basket=17#top")
    assert pages(line) == []
    widget.write("Hello")
    expect(widget.marks).to_have_text(["Sent"])
    inbox: InboxPage = staff(ben)
    inbox.page.goto(f"{address()}/admin/inbox/{service.conversation.id}/")
    place = inbox.page.locator("[data-place]")
    expect(place).to_have_text(f"Now on{SHOP}/lamps")
    go(widget, "/cart?basket=17")
    expect(place).to_have_text(f"Now on{SHOP}/cart")
    link = place.locator("a")
    expect(link).to_have_attribute("href", f"{SHOP}/cart")
    expect(link).to_have_attribute("rel", "noopener noreferrer nofollow")
    widget.page.close()
    expect(place).to_have_text(f"Last on{SHOP}/cart")
    assert inbox.troubles == []


def test_a_page_that_is_corrected_meanwhile_keeps_what_was_entered(
    visit: Visit,
    service: Service,
    staff: Any,  # noqa: F811
    ben: Any,  # noqa: F811
) -> None:
    service.configure(pages="path")
    widget = talks(visit)
    inbox: InboxPage = staff(ben)
    inbox.page.goto(f"{address()}/admin/inbox/{service.conversation.id}/")
    inbox.page.locator("[data-edit]").click()
    inbox.page.locator("#person-form [name=email]").fill("mira@example.com")
    go(widget, "/cart")
    expect(inbox.page.locator("[data-place] a")).to_have_attribute("href", f"{SHOP}/cart")
    expect(inbox.page.locator("#person-form [name=email]")).to_have_value("mira@example.com")


def test_a_window_that_comes_to_the_front_speaks_again(visit: Visit, service: Service, line: Line) -> None:
    service.configure(pages="full")
    widget = talks(visit)
    go(widget, "/lamps?basket=17#top")
    go(widget, "/lamps?basket=17#top")
    wait_for(widget, lambda: pages(line)[-1:] == [f"{SHOP}/lamps?basket=17#top"])
    before = len(pages(line))
    widget.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    widget.page.clock.run_for(1000)
    wait_for(widget, lambda: pages(line)[before:] == [f"{SHOP}/lamps?basket=17#top"])


def test_without_a_socket_it_is_told_as_well(visit: Visit, service: Service, line: Line) -> None:
    service.configure(pages="path")
    line.blocked = True
    widget = visit(script=NO_JITTER)
    widget.open()
    widget.write("Hello")
    widget.page.clock.run_for(10_000)
    expect(widget.marks).to_have_text(["Sent"])
    go(widget, "/lamps")
    wait_for(widget, lambda: {"t": "page", "url": f"{SHOP}/lamps"} in line.posted)


def test_a_channel_that_asks_for_none_is_told_none(visit: Visit, service: Service, line: Line) -> None:
    talks(visit)
    assert pages(line) == []
    assert Session.objects.unscoped().get().device == {"kind": "web"}
