"""Lists in the console's forms in a real browser: rows are added, moved and removed; texts are copied; deeds are asked about
first (ADM-1)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from assistant.models import Intent
from channels_app.models import Channel
from tests.factories import RoleFactory
from tests.journeys.service import Service, address

pytestmark = pytest.mark.browser


@pytest.fixture
def boss(browser: Browser, service: Service) -> Iterator[Page]:
    """The console before a member of staff who may do everything in the tenant."""
    staff = Client()
    staff.force_login(service.agent("Ana", role__permissions=["*"]))
    with browser.new_context(locale="en", viewport={"width": 1440, "height": 900}) as context:
        context.add_cookies([{"name": "sessionid", "value": staff.cookies["sessionid"].value, "url": address()}])
        troubles: list[str] = []
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        yield page
        assert troubles == []


def test_a_colleague_joins_by_the_link_that_was_copied(service: Service, boss: Page, browser: Browser) -> None:
    """By a browser: it says of a form where it comes from, as far as the page's policy lets it."""
    RoleFactory(tenant=service.tenant, name="agent", permissions=["conversations:read", "messages:read"])
    boss.goto(f"{address()}/admin/tenants/invitation/add/")
    boss.select_option("[name=tenant]", str(service.tenant.id))
    boss.fill("[name=email]", "mira@example.com")
    boss.select_option("[name=role]", label="agent")
    boss.get_by_role("button", name="Save", exact=True).click()
    link = boss.get_by_label("Link of the invitation").input_value()
    boss.get_by_role("button", name="Copy", exact=True).click()
    expect(boss.get_by_role("button", name="Copied", exact=True)).to_be_visible()
    with browser.new_context(locale="en") as context:
        page = context.new_page()
        page.goto(f"{address()}{urlsplit(link).path}")
        page.get_by_label("Your name").fill("Mira Braun")
        page.get_by_label("Password").fill("tent-pole-canvas-9")
        page.get_by_label("Once more").fill("tent-pole-canvas-9")
        page.get_by_role("button", name="Join", exact=True).click()
        page.wait_for_url("**/admin/inbox/")
        page.locator("html.scripted").wait_for()


def add(page: Page, name: str) -> None:
    page.locator(f"[data-name='{name}'] + .structure-add").click()


def act(page: Page, name: str, row: int, label: str) -> None:
    page.locator(f"[data-name='{name}'] > [data-row]").nth(row).locator("> .structure-acts").get_by_label(label).click()


def test_replies_and_questions_are_written_in_rows(service: Service, boss: Page) -> None:
    page = boss
    page.goto(f"{address()}/admin/assistant/intent/add/")
    page.select_option("[name=tenant]", str(service.tenant.id))
    page.fill("[name=name]", "rows")
    page.fill("[name=examples]", "one wish\nanother wish")
    for reply, words in enumerate(("first", "second")):
        add(page, "responses")
        add(page, f"responses-{reply}-messages")
        page.fill(f"[name=responses-{reply}-messages-0-text]", words)
    add(page, "responses-1-messages")
    page.fill("[name=responses-1-messages-1-text]", "third")
    page.locator("details:has([data-name='responses-1-messages-1-quick_replies']) > summary").click()
    add(page, "responses-1-messages-1-quick_replies")
    page.fill("[name=responses-1-messages-1-quick_replies-0-title]", "Yes")
    page.fill("[name=responses-1-messages-1-quick_replies-0-payload]", "y")
    act(page, "responses", 1, "Move up")
    for place, name in enumerate(("gone", "size")):
        add(page, "slots")
        page.fill(f"[name=slots-{place}-name]", name)
        page.fill(f"[name=slots-{place}-prompt]", f"{name}?")
    act(page, "slots", 0, "Remove")
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa"]}, context=".structure").response["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
    page.click("[name=_save]")
    page.wait_for_url(f"{address()}/admin/assistant/intent/")
    intent = Intent.objects.unscoped().get(tenant=service.tenant, name="rows")
    assert intent.responses == [
        ["second", {"type": "text", "text": "third", "quick_replies": [{"title": "Yes", "payload": "y"}]}], "first",
    ]  # fmt: skip
    assert intent.slots == [{"name": "size", "prompt": "size?"}]


def test_a_script_tag_is_copied_and_a_deed_is_asked_about_first(service: Service, boss: Page) -> None:
    page = boss
    page.goto(f"{address()}/admin/channels_app/channel/{service.channel.id}/change/")
    button = page.locator("[data-copy=script_tag]")
    button.click()
    expect(button).to_have_text("Copied")
    asked: list[str] = []

    def refuse(dialog: Any) -> None:
        asked.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", refuse)
    page.get_by_role("button", name="Disconnect").click()
    assert asked == ["Disconnect this channel for good? Its address and secrets end; what was said on it stays."]
    assert Channel.objects.unscoped().get(id=service.channel.id).disconnected_at is None
