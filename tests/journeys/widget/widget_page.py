"""The widget as a visitor sees it: a page object that every browser test uses.

Owns the selectors and the launch of Chromium. Must not know what server answers.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, sync_playwright

# Debian's headless shell needs a third of the CPU time: no window is laid out that is never seen.
CHROMIUMS = (Path("/usr/bin/chromium-headless-shell"), Path("/usr/bin/chromium"))
UNUSED = (
    "LocalNetworkAccessChecks",  # the service of the tests listens on this machine
    # Two pages of the address bar's menu, which each context's window loads in a process of its own: a second of CPU.
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxFullPopup",
)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(UNUSED)}",
    "--no-first-run",
]

#: parts that have no class of their own name
PARTS = {
    "panel": "#desk-panel",
    "menu": ".header [aria-controls=desk-menu]",
    "human": "#desk-menu li:nth-child(1) button",
    "download": "#desk-menu li:nth-child(2) button",
    "close": ".header > .tool:not([aria-controls])",
    "live": "[role=status].unseen",
    "message": ".item:not(.greeting)",
    "input": "#desk-input",
    "file": ".composer input[type=file]",
    "quote": ".item button.quote",
    "nudge": ".nudge-words",
    "nudge_close": ".nudge .round",
    "prechat_start": ".prechat [type=submit]",
    "rating_send": ".rating [type=submit]",
    **{f"star_{score}": f"[for=desk-star-{score}]" for score in range(1, 6)},
}


@contextmanager
def chromium() -> Iterator[Browser]:
    """The system's Chromium. Skips the test without one, or fails it when REQUIRE_SERVICES=1."""
    found = [path for path in CHROMIUMS if path.exists()]
    if not found:
        give_up = pytest.fail if os.environ.get("REQUIRE_SERVICES") == "1" else pytest.skip
        give_up(f"browser tests need Chromium at {CHROMIUMS[-1]}")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found[0], args=ARGUMENTS)
        yield browser
        browser.close()


class WidgetPage:
    """The widget on one page. ``troubles`` collects console errors and uncaught exceptions."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.troubles: list[str] = []
        page.on("console", lambda message: self.troubles.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self.troubles.append(str(error)))

    def __getattr__(self, name: str) -> Locator:
        """Any part: launcher, panel, log, input, send, chip, message, badge, live …"""
        return self.page.locator(f".root[data-side] {PARTS.get(name, f'.{name}')}")

    @property
    def texts(self) -> Locator:
        """What the transcript says, oldest first."""
        return self.page.locator(".item:not(.greeting) .bubble")

    @property
    def marks(self) -> Locator:
        """The states of the visitor's messages that are shown."""
        return self.page.locator(".mark:not(:empty)")

    def button(self, name: str) -> Locator:
        return self.panel.get_by_role("button", name=name, exact=True)

    def open(self) -> None:
        """It may be open already: it stays so over page loads."""
        self.launcher.wait_for()
        if self.panel.is_hidden():
            self.launcher.click()
        self.panel.wait_for()

    def write(self, text: str) -> None:
        self.input.fill(text)
        self.send.click()
