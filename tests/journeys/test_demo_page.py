"""The demo shop: the page at "/" with the widget on it, for people, keyboards and screen readers."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.journeys.line import Line
from tests.journeys.service import Service
from tests.journeys.widget.widget_page import WidgetPage

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_the_shop_and_its_chat(browser: Browser, service: Service, line: Line, scheme: str, width: int) -> None:
    service.tenant.slug, service.tenant.name = "acorn", "Lumen & Oak"
    service.tenant.save()
    service.configure(allowed_origins=["*"])
    viewport = {"width": width, "height": 800}
    context = browser.new_context(viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
    widget = WidgetPage(context.new_page())
    widget.page.goto(line.service)
    widget.launcher.wait_for()
    results = Axe().run(widget.page)
    assert results.violations_count == 0, results.generate_report()
    assert widget.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(widget.page.get_by_role("link", name="API documentation")).to_have_attribute("href", "/api/docs")
    expect(widget.page.get_by_role("link", name="Admin")).to_have_attribute("href", "/admin")
    expect(widget.page.locator("pre")).to_contain_text(
        f'src="{line.service}/static/widget/widget.js" data-channel="web_demo"'
    )
    widget.open()
    widget.write("Hello")
    expect(widget.marks).to_have_text(["Sent"])
    assert widget.troubles == []
    context.close()
