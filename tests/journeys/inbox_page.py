"""The inbox as a member of staff sees it: a page object that every browser test of it uses.

Owns its selectors. Must not know what happens in the service.
"""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import BrowserContext, Locator, Page, WebSocketRoute

DESK = {"viewport": {"width": 1440, "height": 900}}
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}


class InboxPage:
    """``troubles``: console errors, uncaught exceptions and breaches of the policy; ``loads``: pages that were loaded.
    ``spied``: frames are written down and the socket can be cut, for which it leads through the test."""

    def __init__(self, context: BrowserContext, service: str, *, spied: bool = True) -> None:
        self.service = service
        self.troubles: list[str] = []
        self.loads: list[str] = []
        self.said: list[dict[str, Any]] = []  # the page's frames, on any socket
        self.told: list[dict[str, Any]] = []  # and the service's
        self.blocked = False  # no socket can be had
        self._sockets: list[WebSocketRoute] = []
        self._silent: WebSocketRoute | None = None
        if spied:
            context.route_web_socket("**/ws/agent/", self._connect)
        self.page: Page = context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.troubles.append(str(error)))
        self.page.on("load", lambda page: self.loads.append(page.url))

    def _connect(self, near: WebSocketRoute) -> None:
        if self.blocked:
            return near.close(code=1013)
        far = near.connect_to_server()
        self._sockets.append(near)

        def up(data: str | bytes) -> None:
            self.said.append(json.loads(data))
            far.send(data)

        def down(data: str | bytes) -> None:
            if near is self._silent:
                return
            self.told.append(json.loads(data))
            near.send(data)

        near.on_message(up)
        return far.on_message(down)

    def cut(self) -> None:
        """The newest socket ends."""
        self._sockets[-1].close(code=1011)

    def hush(self) -> None:
        """Nothing comes through the newest socket any more, and no one says so."""
        self._silent = self._sockets[-1]

    def wait_live(self, live: bool = True) -> None:
        self.page.locator(f"#inbox[data-live={'yes' if live else 'no'}]").wait_for()

    def _heard(self, message: Any) -> None:
        if message.type == "error":
            self.troubles.append(message.text)

    def open(self, path: str = "") -> None:
        self.page.goto(f"{self.service}/admin/inbox/{path}")
        self.page.locator("#inbox").wait_for()

    @property
    def rows(self) -> Locator:
        return self.page.locator(".inbox-row")

    @property
    def names(self) -> Locator:
        return self.page.locator(".inbox-row .inbox-name")

    @property
    def entries(self) -> Locator:
        return self.page.locator(".inbox-middle .chat-bubble")

    @property
    def bar(self) -> Locator:
        return self.page.locator(".inbox-bar")

    @property
    def person(self) -> Locator:
        """Whose conversation is open: its heading."""
        return self.page.locator(".inbox-whom h2")

    @property
    def reply(self) -> Locator:
        return self.page.get_by_role("textbox", name="Reply", exact=True)

    def row(self, name: str) -> Locator:
        return self.page.locator(".inbox-row a", has_text=name)

    def list(self, title: str) -> Locator:
        return self.page.get_by_role("navigation", name="Lists").get_by_role("link", name=title)

    def press(self, title: str) -> None:
        """A button of the bar."""
        self.bar.get_by_role("button", name=title, exact=True).click()
