"""Fixtures of the journeys. In a browser: Chromium once per module, one fake server and shop per test. On a
channel: the provider twin, and what connects it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from playwright.sync_api import Browser

from assistant.demo import seed_assistant
from channels_app.twin.server import Twin, start
from messaging import wake
from tenants.models import Tenant
from tests.journeys.connected import Connected, connect
from tests.journeys.fake_webchat import SHOP, FakeWebchat
from tests.journeys.widget_page import WidgetPage, chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture
def server() -> FakeWebchat:
    return FakeWebchat()


@pytest.fixture
def visit(browser: Browser, server: FakeWebchat) -> Iterator[Callable[..., WidgetPage]]:
    """Opens the shop as a visitor; every call is another person. Time stands still but for ``page.clock``."""
    contexts = []

    def visit(*, attributes: str = "", script: str = "", **options: Any) -> WidgetPage:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 800}, "locale": "en", **options})
        contexts.append(context)
        server.serve(context, attributes=attributes)
        context.add_init_script(script)
        widget = WidgetPage(context.new_page())
        widget.page.clock.install()
        widget.page.goto(f"{SHOP}/cart?token=secret")
        return widget

    yield visit
    for context in contexts:
        context.close()


@pytest.fixture
def twin(reachable: Callable[[str], None]) -> Iterator[Twin]:
    with start() as running:
        reachable(running.url)
        yield running


@pytest.fixture
def connected(tenant: Tenant, twin: Twin, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Connected]:
    """``connected("slack")``: a channel of that kind with the twin at its other end, and the demo's assistant.
    There is no broker: rows tell what to do."""
    monkeypatch.setattr(wake, "_call", lambda *args: None)
    seed_assistant(tenant)
    return partial(connect, tenant, twin)
