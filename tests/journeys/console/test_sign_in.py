"""Signing in by two steps in a real browser: a passkey of a virtual authenticator, and an app's code (TEN-4)."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tenants.models import Tenant
from tenants.people.second import _clock
from tests.factories import MembershipFactory
from tests.journeys.service import address

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WORD = "a right one 42"
SIZES = {"desk": {"viewport": {"width": 1440, "height": 900}}, "phone": {"viewport": {"width": 390, "height": 844}}}


@pytest.fixture
def console(settings: Any) -> str:
    """The console's own address, on a host that browsers take passkeys for."""
    settings.PUBLIC_URL = f"http://localhost:{urlsplit(address()).port}"
    return settings.PUBLIC_URL


@pytest.fixture(params=SIZES)
def page(request: Any, browser: Browser, tenant: Tenant, console: str) -> Iterator[Page]:
    """A browser with a device that confirms by itself. Nothing that a page runs is refused by its policy."""
    Tenant.objects.filter(id=tenant.id).update(settings={"second_factor": True})
    MembershipFactory(tenant=tenant, user__username="ana", user__password=WORD)
    context = browser.new_context(**SIZES[request.param], locale="en")
    page, troubles = context.new_page(), []
    page.on("pageerror", lambda error: troubles.append(str(error)))
    page.on("console", lambda said: troubles.extend([said.text] * (said.type == "error")))
    device = context.new_cdp_session(page)
    device.send("WebAuthn.enable")
    facts = {"protocol": "ctap2", "transport": "internal", "hasUserVerification": True, "isUserVerified": True}
    device.send("WebAuthn.addVirtualAuthenticator", {"options": {**facts, "automaticPresenceSimulation": True}})
    yield page
    context.close()
    assert troubles == []


def password(page: Page, console: str) -> None:
    page.goto(f"{console}/admin/login/")
    page.get_by_label("Username").fill("ana")
    page.get_by_label("Password").fill(WORD)
    page.get_by_role("button", name="Log in").click()


def wide(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"))


def test_a_passkey_is_set_up_and_signs_in(page: Page, console: str) -> None:
    password(page, console)
    page.get_by_text("wants a second step of all its members").wait_for()
    page.get_by_role("link", name="Add a passkey").click()
    page.get_by_label("Your password").fill(WORD)
    page.get_by_role("button", name="Go on").click()
    page.get_by_role("heading", name="Codes for paper").wait_for()
    assert page.locator(".sign-in-papers li").count() == 10
    page.get_by_role("link", name="I have them").click()
    page.get_by_text("10 are left").wait_for()
    assert not wide(page)
    page.context.clear_cookies()
    password(page, console)
    page.get_by_role("heading", name="One more step, ana").wait_for()
    assert not wide(page)
    page.get_by_role("button", name="Use my passkey").click()
    page.wait_for_url("**/admin/inbox/")


def test_an_app_is_set_up_and_a_paper_signs_in(page: Page, console: str) -> None:
    password(page, console)
    page.get_by_role("link", name="Add an app").click()
    key = page.locator(".sign-in-key").inner_text().replace(" ", "")
    page.get_by_label("The code that the app shows").fill(
        _clock(base64.b32decode(key)).generate(int(time.time())).decode()
    )
    page.get_by_label("Your password").fill(WORD)
    assert not wide(page)
    page.get_by_role("button", name="Add it").click()
    paper = page.locator(".sign-in-papers li").first.inner_text()
    page.context.clear_cookies()
    password(page, console)
    page.get_by_label("The code that your app shows").fill(paper)
    page.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/admin/inbox/")
