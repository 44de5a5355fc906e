"""Browser contexts that tests have one after the other.

A new context costs half a second of CPU, a page in one that is there a fifth of a second; most tests ask for the same kind.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from playwright.sync_api import Browser, BrowserContext


class Rooms:
    """The first person of a test, with the usual ``options``, gets the context that is kept, and finds it empty: no page,
    cookie, stored datum, permission or route of the test before. Each further person gets a context of their own."""

    def __init__(self, browser: Browser, **usual: Any) -> None:
        self._browser, self._usual = browser, usual
        self._kept: BrowserContext | None = None
        self._free = True
        self._own: list[BrowserContext] = []

    def room(self, *, fresh: bool = False, **options: Any) -> BrowserContext:
        """``fresh``: one that no later test gets, for what cannot be taken out again (scripts of every page)."""
        if options or fresh or not self._free:
            self._own.append(self._browser.new_context(**{**self._usual, **options}))
            return self._own[-1]
        self._free = False
        if self._kept is None:
            self._kept = self._browser.new_context(**self._usual)
            self._storage = self._kept.new_cdp_session(
                self._kept.new_page()
            )  # the page keeps the context's process alive
        return self._kept

    def leave(self, origins: Iterable[str]) -> None:
        """The test is over. ``origins``: where its pages may have stored something."""
        for context in self._own:
            context.close()
        self._own.clear()
        if self._kept is not None and not self._free:
            _, *pages = self._kept.pages
            for page in pages:
                page.close()
            self._kept.unroute_all()
            self._kept.clear_cookies()
            self._kept.clear_permissions()
            self._kept.set_offline(False)
            for origin in origins:
                self._storage.send("Storage.clearDataForOrigin", {"origin": origin, "storageTypes": "all"})
            self._free = True
