"""The example pages of docs/examples in Chromium, against the service: what people copy works as it stands."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, Route, expect

from conversations.models import Identity
from messaging.webchat.proofs import identity_signature
from tests.journeys.line import SHOP, Line
from tests.journeys.service import Service, said
from tests.journeys.widget.test_widget_source import TOOLS, node
from tests.journeys.widget.widget_page import WidgetPage

pytestmark = pytest.mark.browser

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
SECRET = "example-identity-secret-0001-" * 2


@pytest.fixture
def page(browser: Browser, service: Service, line: Line) -> Iterator[WidgetPage]:
    """A visitor of the shop, whose own server signs who is logged in."""
    service.channel.secrets = {"identity_secret": SECRET}
    service.configure()
    service.answer = lambda text: said(f"You said {text}")
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en")
    line.lay(context)

    def prove(route: Route) -> None:
        (user,), at = parse_qs(urlsplit(route.request.url).query)["user"], int(time.time())
        sig = identity_signature(SECRET, service.channel.key, user, at)
        route.fulfill(body=json.dumps({"user_id": user, "ts": at, "sig": sig}), content_type="application/json")

    context.route(f"{SHOP}/chat-proof?*", prove)
    yield WidgetPage(context.new_page())
    context.close()


def serve(page: WidgetPage, path: str, body: str, kind: str = "text/html") -> None:
    page.page.context.route(f"{SHOP}{path}", lambda route: route.fulfill(body=body, content_type=kind))


def test_the_plain_page(page: WidgetPage, service: Service, line: Line) -> None:
    html = (EXAMPLES / "plain.html").read_text(encoding="utf-8")
    serve(page, "/", html.replace("https://chat.example.com", line.service).replace("web_key", line.channel))
    page.page.goto(f"{SHOP}/")
    page.page.get_by_role("button", name="Ask us").click()
    expect(page.panel).to_be_visible()
    page.write("Hello")
    expect(page.texts).to_have_text(["Hello", "You said Hello"])
    page.close.click()
    service.bot("One more thing")
    expect(page.page).to_have_title("(1) My shop")
    page.page.get_by_label("User").fill("ada")
    page.page.get_by_role("button", name="Log in").click()
    expect(page.page.locator("#who")).to_have_text("You are ada.")
    assert Identity.objects.filter(scheme="user", value="ada").exists()
    page.page.get_by_role("button", name="Log out").click()
    page.page.get_by_role("button", name="Ask us").click()
    expect(page.texts).to_have_count(0)
    assert page.troubles == []


def test_the_react_component(page: WidgetPage, service: Service, line: Line, tmp_path: Path) -> None:
    bundle = tmp_path / "main.js"
    command = [node(), TOOLS / "widget.mjs", "--bundle", EXAMPLES / "react/main.jsx", bundle]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "NODE_ENV": "development"})
    serve(page, "/main.js", bundle.read_text(encoding="utf-8"), "text/javascript")
    root = f'<div id="root" data-service="{line.service}" data-channel="{line.channel}"></div>'
    script = '<script type="module" src="/main.js"></script>'
    serve(page, "/", f'<!doctype html><html lang="en"><title>Shop</title><body>{root}{script}</body></html>')
    page.page.goto(f"{SHOP}/")
    page.open()
    page.write("Hello")
    expect(page.texts).to_have_text(["Hello", "You said Hello"])
    assert len(line.sessions) == 1  # StrictMode has mounted it twice
    page.page.get_by_role("button", name="Tents").click()
    expect(page.page.get_by_role("heading", name="Tents")).to_be_visible()
    expect(page.panel).to_be_visible()
    page.close.click()
    service.bot("One more thing")
    expect(page.page.get_by_role("status").first).to_have_text("1 new answers")
    page.page.get_by_role("button", name="Log in").click()
    expect(page.page.get_by_role("button", name="Log out")).to_be_visible()
    page.open()
    page.write("as Ada")
    expect(page.texts.last).to_have_text("You said as Ada")
    assert Identity.objects.filter(scheme="user", value="ada").exists()
    page.page.get_by_role("button", name="No chat").click()
    expect(page.page.locator("desk-chat")).to_have_count(0)
    page.page.get_by_role("button", name="Chat", exact=True).click()
    expect(page.panel).to_be_visible()
    page.page.get_by_role("button", name="Log out").click()
    expect(page.texts).to_have_count(0)
    assert page.troubles == []
