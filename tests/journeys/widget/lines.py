"""A visitor with a line to the service on which things can go wrong."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import expect

from tests.journeys.service import Service
from tests.journeys.widget.widget_page import WidgetPage

Visit = Callable[..., WidgetPage]
NO_JITTER = "Math.random = () => 0.5"
SECRET = "widget-identity-secret-0001-" * 2


def connected(visit: Visit, **options: Any) -> WidgetPage:
    widget = visit(script=NO_JITTER, **options)
    widget.open()
    expect(widget.status).to_have_text("Replies at once")
    widget.write("first")
    expect(widget.marks).to_have_text(["Sent"])
    return widget


def wait_for(widget: WidgetPage, true: Callable[[], object]) -> None:
    """Let the browser go on, by real time, until it is so; at most ten seconds."""
    for _ in range(200):
        if true():
            return
        widget.page.wait_for_timeout(50)
    raise AssertionError("it has not come to that")


def known(service: Service, count: int) -> str:
    """A conversation of so many messages that took place before this visit; the visitor's token."""
    token = service.visitor("old 1")
    service.bot(*(f"old {number}" for number in range(2, count + 1)))
    return token
