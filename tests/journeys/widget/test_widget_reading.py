"""What a visitor has read, what is new, and what came before (WEB-2)."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from messaging.rules.control import conversation_end
from tests.journeys.line import Line
from tests.journeys.service import Service
from tests.journeys.widget.lines import Visit, connected, known, wait_for

pytestmark = pytest.mark.browser


def test_history_comes_back_and_scrolling_up_brings_more(service: Service, line: Line, visit: Visit) -> None:
    widget = visit(token=known(service, 120))
    widget.open()
    expect(widget.texts).to_have_count(50)
    expect(widget.texts.last).to_be_in_viewport()
    widget.log.hover()
    widget.page.mouse.wheel(0, -20_000)
    expect(widget.texts).to_have_count(100)
    expect(widget.texts.first).to_have_text("old 21")
    expect(widget.page.locator(".bubble", has_text="old 71")).to_be_in_viewport()
    assert line.of("hello")[0]["after"] == 120


def test_several_entries_at_once_leave_the_end_in_view(service: Service, visit: Visit) -> None:
    """The scroll to one entry is told by the browser when the next stands below it already."""
    widget = visit(token=known(service, 30))
    widget.open()
    expect(widget.texts.last).to_be_in_viewport()
    came = """(log) => {
        const entry = log.querySelector(".list-inner").lastElementChild.cloneNode(true);
        entry.style.height = "200px";
        log.querySelector(".list-inner").append(entry);
        log.dispatchEvent(new Event("scroll"));
    }"""
    below = "(log) => log.scrollHeight - log.scrollTop - log.clientHeight"
    widget.log.evaluate(came)
    wait_for(widget, lambda: widget.log.evaluate(below) < 2)
    widget.log.hover()
    widget.page.mouse.wheel(0, -300)
    wait_for(widget, lambda: widget.log.evaluate(below) > 200)
    widget.log.evaluate(came)  # who reads further up stays there
    widget.page.wait_for_timeout(200)
    assert widget.log.evaluate(below) > 400


def test_what_came_while_closed_is_counted_and_read_when_seen(service: Service, line: Line, visit: Visit) -> None:
    widget = visit(token=known(service, 3))
    expect(widget.badge).to_have_text("2")
    expect(widget.launcher).to_have_accessible_name("Open chat, 2 unread")
    wait_for(widget, lambda: line.of("hello"))
    service.bot("three")
    expect(widget.badge).to_have_text("3")
    widget.open()
    expect(widget.badge).to_be_hidden()
    widget.page.clock.run_for(1100)
    expect(widget.launcher).to_have_accessible_name("Close chat")
    wait_for(widget, lambda: service.conversation.visitor_read_seq == 4)
    assert line.of("read") == [{"t": "read", "conversation": str(service.conversation.id), "seq": 4}]
    widget.close.click()
    widget.page.reload()
    expect(widget.launcher).to_have_accessible_name("Open chat")


def test_what_was_read_of_an_ended_conversation_says_nothing_of_the_next(
    service: Service, line: Line, visit: Visit
) -> None:
    widget = visit(token=known(service, 5))
    widget.open()
    wait_for(widget, lambda: line.of("read"))
    widget.close.click()
    conversation_end(service.conversation.id)
    line.received.clear()
    widget.page.reload()
    widget.open()
    widget.write("once more")
    expect(widget.marks).to_have_text(["Sent"])
    widget.close.click()
    service.bot("gladly")
    expect(widget.badge).to_have_text("1")
    assert line.of("read") == []


def test_who_reads_old_messages_is_told_of_new_ones(service: Service, visit: Visit) -> None:
    widget = visit(token=known(service, 40))
    widget.open()
    expect(widget.texts).to_have_count(40)
    widget.log.hover()
    widget.page.mouse.wheel(0, -400)
    expect(widget.texts.last).not_to_be_in_viewport()
    service.bot("news")
    expect(widget.button("New messages")).to_be_visible()
    expect(widget.texts.last).not_to_be_in_viewport()
    widget.button("New messages").click()
    expect(widget.texts.last).to_be_in_viewport()
    expect(widget.button("New messages")).to_be_hidden()


def test_a_frame_of_a_future_version_is_ignored(service: Service, line: Line, visit: Visit) -> None:
    widget = connected(visit)
    line.put({"t": "sparkle"}, {"t": "hologram", "seq": 2})
    line.rewrite_down = lambda frame: {**frame, "seq": 3} if frame.get("text") == "plain" else frame
    service.bot("plain")
    expect(widget.texts).to_have_text(["first", "plain"])
    assert widget.troubles == []
