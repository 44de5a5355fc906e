"""Who the chat is of, on a shared computer: login and logout, other tabs, proofs that do not hold, a service that is away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Route, expect

from conversations.models import Identity
from messaging.webchat.proofs import identity_signature
from tests.journeys.line import Frame, Line
from tests.journeys.service import Service
from tests.journeys.widget.lines import NO_JITTER, SECRET, wait_for
from tests.journeys.widget.widget_page import WidgetPage

pytestmark = pytest.mark.browser
Visit = Callable[..., WidgetPage]

DAY = 24 * 3600
IDENTIFY = "(proof) => DeskChat.identify(proof).catch((error) => error.code)"


@pytest.fixture
def proof(service: Service) -> Callable[..., Frame]:
    """``proof(widget, "ada")``: what the site's server signs; ``age`` seconds ago."""
    service.channel.secrets = {"identity_secret": SECRET}
    service.configure()

    def proof(widget: WidgetPage, user: str, age: int = 0) -> Frame:
        at = widget.page.evaluate("Math.floor(Date.now() / 1000)") - age
        return {"user_id": user, "ts": at, "sig": identity_signature(SECRET, service.channel.key, user, at)}

    return proof


@pytest.fixture
def ada(visit: Visit, proof: Callable[..., Frame]) -> WidgetPage:
    """A page on which Ada is logged in and has said something."""
    widget = visit(script=NO_JITTER)
    widget.open()
    assert widget.page.evaluate(IDENTIFY, proof(widget, "ada")) is None
    widget.write("of Ada")
    expect(widget.marks).to_have_text(["Sent"])
    return widget


def kept(widget: WidgetPage) -> list[str]:
    """The names of what the browser keeps of the channel."""
    names: list[str] = widget.page.evaluate("Object.keys(localStorage).map((key) => key.split(':')[2])")
    return sorted(names)


def another_tab(widget: WidgetPage) -> WidgetPage:
    other = WidgetPage(widget.page.context.new_page())
    other.page.goto(widget.page.url)
    other.open()
    return other


def test_a_logout_that_cannot_reach_the_service_leaves_nothing_to_see(line: Line, ada: WidgetPage) -> None:
    ada.input.fill("half written")
    line.fail["/session"] = [(503, "unavailable")] * 2
    ada.page.evaluate("void DeskChat.logout()")
    expect(ada.texts).to_have_count(0)
    expect(ada.input).to_have_value("")
    assert kept(ada) == ["person"]
    ada.page.clock.run_for(3000)
    wait_for(ada, lambda: "token" in kept(ada))
    ada.write("of the next")
    expect(ada.marks).to_have_text(["Sent"])
    assert Identity.objects.filter(scheme="user").count() == Identity.objects.filter(scheme="web").count() == 1


def test_a_logout_without_a_network_still_says_that_there_is_none(ada: WidgetPage) -> None:
    ada.page.context.set_offline(True)
    expect(ada.notice).to_contain_text("No connection")
    ada.page.evaluate("void DeskChat.logout()")
    expect(ada.texts).to_have_count(0)
    expect(ada.notice).to_contain_text("No connection")


def test_a_service_that_is_ready_late_does_not_hide_that_there_is_no_network(line: Line, ada: WidgetPage) -> None:
    ready = next(frame for frame in reversed(line.told) if frame["t"] == "ready")
    ada.page.context.set_offline(True)
    expect(ada.notice).to_contain_text("No connection")
    line.put(ready)  # was under way
    ada.page.wait_for_timeout(300)
    expect(ada.notice).to_contain_text("No connection", timeout=1)


def test_the_other_tabs_follow_a_logout(ada: WidgetPage) -> None:
    other = another_tab(ada)
    expect(other.texts).to_have_text(["of Ada"])
    other.input.fill("half written")
    ada.page.evaluate("DeskChat.logout()")
    expect(other.texts).to_have_count(0)
    expect(other.input).to_have_value("")
    ada.write("of the next")
    expect(ada.marks).to_have_text(["Sent"])
    expect(other.texts).to_have_text(["of the next"])


def test_a_tab_whose_neighbour_was_closed_in_the_middle_of_it_goes_on_alone(line: Line, ada: WidgetPage) -> None:
    other = another_tab(ada)
    expect(other.texts).to_have_text(["of Ada"])
    line.fail["/session"] = [(503, "unavailable")]
    ada.page.evaluate("void DeskChat.logout()")
    expect(other.texts).to_have_count(0)
    ada.page.close()
    other.page.clock.run_for(5100)
    other.write("of the next")
    expect(other.marks).to_have_text(["Sent"])


def test_the_next_user_sees_nothing_of_the_one_before_even_with_a_proof_that_does_not_hold(
    line: Line, ada: WidgetPage, proof: Callable[..., Frame]
) -> None:
    ada.page.evaluate("window.told = []; DeskChat.on('identity', ({ code }) => told.push(code))")
    refused = ada.page.evaluate(IDENTIFY, proof(ada, "ben", age=2 * DAY))
    assert (refused, ada.page.evaluate("told")) == ("identity_unproved", ["identity_unproved"])
    expect(ada.texts).to_have_count(0)
    ada.write("of no name")
    expect(ada.marks).to_have_text(["Sent"])
    assert ada.page.evaluate(IDENTIFY, proof(ada, "ben")) is None
    expect(ada.texts).to_have_text(["of no name"])
    assert ada.page.evaluate(IDENTIFY, proof(ada, "ada")) is None
    expect(ada.texts).to_have_text(["of Ada"])


def test_a_proof_that_has_expired_leaves_its_user_in_the_chat(ada: WidgetPage, proof: Callable[..., Frame]) -> None:
    assert ada.page.evaluate(IDENTIFY, proof(ada, "ada", age=2 * DAY)) == "identity_unproved"
    expect(ada.texts).to_have_text(["of Ada"])
    ada.write("goes on")
    expect(ada.marks).to_have_text(["Sent"])
    assert Identity.objects.count() == 1


def test_a_login_waits_for_a_service_that_is_away(line: Line, visit: Visit, proof: Callable[..., Any]) -> None:
    widget = visit(script=NO_JITTER)
    widget.launcher.wait_for()
    line.fail["/session"] = [(503, "unavailable")]
    widget.page.evaluate("(proof) => void DeskChat.identify(proof)", proof(widget, "ada"))
    wait_for(widget, lambda: len(line.sessions) == 2)
    widget.page.clock.run_for(2000)
    wait_for(widget, lambda: len(line.sessions) == 3)
    widget.open()
    widget.write("of Ada")
    expect(widget.marks).to_have_text(["Sent"])
    assert Identity.objects.get().value == "ada"


def test_what_was_asked_for_the_one_before_is_not_shown_to_the_next(line: Line, ada: WidgetPage) -> None:
    """The page of history is on its way while Ada logs out."""
    waiting: list[Route] = []
    ada.page.context.route("**/messages?*", lambda route: waiting.append(route))
    ada.page.reload()
    wait_for(ada, lambda: waiting)
    ada.page.evaluate("void window.DeskChat.push(['logout'])")
    ada.page.context.unroute("**/messages?*")
    waiting.pop().continue_()
    ada.open()
    expect(ada.status).to_have_text("Replies at once")
    wait_for(ada, lambda: line.sessions[-1] == {"visitor_token": None})
    expect(ada.texts).to_have_count(0)
