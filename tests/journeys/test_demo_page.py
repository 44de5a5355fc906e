"""The demo shop: the page at "/" with the widget on it, for people, keyboards and screen readers."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.template import Context, Engine
from playwright.sync_api import Browser, expect

from tests.journeys.fake_webchat import ORIGIN, FakeWebchat
from tests.journeys.widget_page import WidgetPage

pytestmark = pytest.mark.browser

TEMPLATES = Path(__file__).parents[2] / "templates"
CSP = "default-src 'self'; connect-src 'self' wss://chat.test; img-src 'self' data:; object-src 'none'"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_the_shop_and_its_chat(browser: Browser, server: FakeWebchat, scheme: str, width: int) -> None:
    request = SimpleNamespace(scheme="https", get_host="chat.test")
    page_context = Context({"tenant_name": "Lumen & Oak", "channel_key": "web_demo", "request": request})
    html = Engine(dirs=[TEMPLATES]).get_template("demo.html").render(page_context)
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme=scheme, reduced_motion="reduce"
    )
    server.serve(context)
    headers = {"Content-Security-Policy": CSP}
    context.route(f"{ORIGIN}/", lambda route: route.fulfill(body=html, content_type="text/html", headers=headers))
    widget = WidgetPage(context.new_page())
    widget.page.goto(f"{ORIGIN}/")
    widget.launcher.wait_for()
    results = Axe().run(widget.page)
    assert results.violations_count == 0, results.generate_report()
    assert widget.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(widget.page.get_by_role("link", name="API documentation")).to_have_attribute("href", "/api/docs")
    expect(widget.page.get_by_role("link", name="Admin")).to_have_attribute("href", "/admin")
    expect(widget.page.locator("pre")).to_contain_text(
        f'src="{ORIGIN}/static/widget/widget.js" data-channel="web_demo"'
    )
    widget.open()
    widget.write("Hello")
    expect(widget.marks).to_have_text(["Sent"])
    assert widget.troubles == []
    context.close()
