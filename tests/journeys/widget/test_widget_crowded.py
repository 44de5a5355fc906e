"""The widget where too many write from one network (WEB-2)."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.journeys.line import Line
from tests.journeys.service import Service
from tests.journeys.widget.lines import NO_JITTER, Visit, connected

pytestmark = pytest.mark.browser
CROWDED = "Too many people write from your network right now. Please try again in a moment."


def test_one_new_visitor_too_many_is_told_and_may_try_again(
    service: Service, line: Line, visit: Visit, settings: Any
) -> None:
    settings.ENV = {**settings.ENV, "WEBCHAT_VISITORS_PER_ADDRESS": 1}
    connected(visit)
    widget = visit(script=NO_JITTER)
    widget.open()
    widget.write("me too")
    expect(widget.notice.locator("span")).to_have_text(CROWDED)
    expect(widget.marks).to_have_text(["Sending…"])
    settings.ENV = {**settings.ENV, "WEBCHAT_VISITORS_PER_ADDRESS": 0}
    widget.notice.get_by_role("button", name="Try again").click()
    expect(widget.marks).to_have_text(["Sent"])
    expect(widget.notice).to_be_empty()
    assert len({frame["cid"] for frame in line.of("send")[1:]}) == 1


def test_the_form_tells_it_as_well(service: Service, visit: Visit, settings: Any) -> None:
    settings.ENV = {**settings.ENV, "WEBCHAT_VISITORS_PER_ADDRESS": 1}
    service.visitor()
    connected(visit)
    service.configure(pre_chat=[{"name": "name", "label": "Your name"}])
    widget = visit()
    widget.open()
    widget.page.get_by_label("Your name").fill("Ada")
    widget.prechat_start.click()
    expect(widget.prechat.get_by_role("alert")).to_have_text(CROWDED)


def test_the_launcher_is_there_also_for_an_address_over_all_limits(line: Line, visit: Visit) -> None:
    line.fail["/session"] = [(429, "rate_limited")] * 2
    widget = visit(script=NO_JITTER)
    widget.launcher.wait_for()
    widget.open()
    expect(widget.notice.locator("span")).to_have_text(CROWDED)
    widget.write("kept until then")
    expect(widget.marks).to_have_text(["Sending…"])
    widget.notice.get_by_role("button", name="Try again").click()
    widget.page.clock.run_for(3000)
    expect(widget.panel).to_be_visible()
    expect(widget.panel.get_by_role("heading")).to_have_text("Lumen & Oak")
    expect(widget.marks).to_have_text(["Sent"])
    expect(widget.page.locator("desk-chat")).to_have_count(1)
