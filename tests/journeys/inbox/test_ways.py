"""Ways through the inbox: addresses, keys, filters, long lists, without a script, on every screen (ADM-2)."""

from __future__ import annotations

from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from messaging.agents.labels import label_put
from tenants.models import User
from tests.factories import LabelFactory
from tests.journeys.inbox.people import CUT, NARROW, Staff, asks, waits
from tests.journeys.inbox_page import DESK, PHONE
from tests.journeys.service import Service

pytestmark = pytest.mark.browser


def test_the_sheet_of_keys_begins_at_its_begin_where_the_window_is_low(
    staff: Staff, service: Service, ben: User
) -> None:
    inbox = staff(ben, viewport={"width": 700, "height": 425})  # a desk at 200 %
    inbox.open()
    inbox.wait_live()
    inbox.page.keyboard.press("?")
    sheet = inbox.page.get_by_role("dialog", name="Keys")
    expect(sheet.get_by_role("heading")).to_be_in_viewport()
    inbox.page.keyboard.press("Tab")
    expect(sheet.get_by_role("button", name="Close")).to_be_focused()
    inbox.page.keyboard.press("Enter")
    expect(sheet).to_be_hidden()
    assert inbox.troubles == []


def test_addresses_are_followed_back_forth_and_anew(staff: Staff, service: Service, ben: User) -> None:
    rows = {name: waits(service, name, minutes) for minutes, name in enumerate(("Ana", "Bea"), 1)}
    inbox = staff(ben)
    inbox.open("?view=waiting")
    inbox.row("Ana").click()
    expect(inbox.bar).to_contain_text("Ana")
    inbox.list("Closed").click()
    expect(inbox.rows).to_have_count(0)
    expect(inbox.bar).to_contain_text("Ana")  # another list, beside the same conversation
    inbox.page.go_back()
    inbox.row("Bea").click()
    expect(inbox.bar).to_contain_text("Bea")
    inbox.page.go_back()
    expect(inbox.bar).to_contain_text("Ana")
    assert str(rows["Ana"].id) in inbox.page.url
    inbox.page.reload()
    expect(inbox.bar).to_contain_text("Ana")
    inbox.page.go_back()
    expect(inbox.page.get_by_text("Choose a conversation.")).to_be_visible()
    assert inbox.troubles == []


def test_what_is_looked_at_anew_is_what_stands_there_not_what_the_address_names_already(
    staff: Staff, service: Service, ben: User
) -> None:
    """Else the bar of the one came above the words of the other, and stayed when one went back before these had come."""
    ana, bea = (waits(service, name).id for name in ("Ana", "Bea"))
    inbox, held = staff(ben), []
    inbox.open(f"{ana}/?view=waiting")
    inbox.wait_live()
    inbox.page.route(f"**/inbox/{bea}/**", lambda route: held.append(route))
    inbox.row("Bea").click()
    inbox.page.wait_for_url(f"**/inbox/{bea}/**")
    with inbox.page.expect_request(lambda asked: f"/inbox/{ana}/" in asked.url and "part=conversation" in asked.url):
        inbox.page.evaluate("id => document.dispatchEvent(new CustomEvent('inbox:refresh', {detail: {id}}))", str(ana))
    inbox.page.go_back()
    expect(inbox.bar).to_contain_text("Ana")


def test_the_keyboard_does_all_of_it(staff: Staff, service: Service, ben: User) -> None:
    waits(service, "Ana", 3)
    waits(service, "Bea", 2)
    inbox = staff(ben)
    inbox.open("?view=waiting")
    keys = inbox.page.keyboard
    for key in "jjkj":
        keys.press(key)
    keys.press("Enter")
    expect(inbox.bar).to_contain_text("Bea")
    expect(inbox.person).to_be_focused()
    keys.press("t")
    expect(inbox.bar).to_contain_text("you answer")
    expect(inbox.reply).to_have_value("")
    keys.press("a")
    expect(inbox.page.locator(".inbox-pick[open]")).to_be_visible()
    keys.press("Escape")
    keys.press("e")
    keys.press("Enter")  # yes
    expect(inbox.bar).to_contain_text("ended")
    keys.press("?")
    expect(inbox.page.get_by_role("dialog", name="Keys")).to_be_visible()
    keys.press("Escape")
    keys.press("/")
    keys.type("Ana has")
    expect(inbox.names).to_have_text(["Ana"])
    assert inbox.troubles == []


def test_who_leaves_a_conversation_by_a_key_goes_on_where_they_were(staff: Staff, service: Service, ben: User) -> None:
    for minutes, name in enumerate(("Cem", "Bea", "Ana"), 1):
        waits(service, name, minutes)
    inbox = staff(ben)
    inbox.open("?view=waiting")
    keys = inbox.page.keyboard
    for key in ("j", "j", "Enter"):
        keys.press(key)
    expect(inbox.person).to_have_text("Bea")
    expect(inbox.person).to_be_focused()
    keys.press("Escape")
    expect(inbox.row("Bea")).to_be_focused()
    for key in ("j", "Enter"):
        keys.press(key)
    expect(inbox.person).to_have_text("Cem")
    expect(inbox.person).to_be_focused()


def test_the_filter_offers_labels_that_are_newer_than_the_page(staff: Staff, service: Service, ben: User) -> None:
    first = asks(service, "I need help", "ana")
    asks(service, "Me, too", "bea")
    inbox = staff(ben)
    inbox.open("?view=waiting&failed=")
    inbox.wait_live()
    label_put(first.id, LabelFactory(tenant=service.tenant, name="Refund").id)
    inbox.page.locator(".inbox-filter summary").click()
    inbox.page.locator(".inbox-filter select[name=label]").select_option("Refund")
    inbox.page.get_by_role("button", name="Filter", exact=True).click()
    expect(inbox.rows).to_have_count(1)
    expect(inbox.rows).to_contain_text("I need help")
    inbox.page.locator(".inbox-filter summary").click()
    expect(inbox.page.locator(".inbox-filter option:checked", has_text="Refund")).to_have_count(1)  # as it was chosen
    assert inbox.troubles == []


def test_a_long_list_goes_on_by_scrolling(staff: Staff, service: Service, ben: User) -> None:
    for index in range(65):
        waits(service, f"Person {index:02}", index + 1)
    inbox = staff(ben)
    inbox.open("?view=waiting")
    expect(inbox.list("Waiting")).to_contain_text("65")
    for shown in (30, 60, 65):
        inbox.rows.nth(shown - 1).wait_for()
        inbox.rows.last.scroll_into_view_if_needed()
    expect(inbox.rows).to_have_count(65)
    expect(inbox.names.first).to_have_text("Person 64")
    expect(inbox.names.last).to_have_text("Person 00")


def test_without_a_script_lists_pages_and_forms_remain(staff: Staff, service: Service, ben: User) -> None:
    waits(service, "Ana")
    inbox = staff(ben, java_script_enabled=False)
    inbox.open("?view=waiting")
    inbox.row("Ana").click()
    expect(inbox.entries.first).to_have_text("Ana has a question")
    inbox.press("Take it")
    expect(inbox.bar).to_contain_text("you answer")
    inbox.reply.fill("Plain, and it works")
    inbox.page.get_by_role("button", name="Send", exact=True).click()
    expect(inbox.entries.last).to_have_text("Plain, and it works")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [DESK, PHONE, NARROW], ids=["desk", "phone", "narrow"])
def test_the_inbox_is_for_everyone(staff: Staff, service: Service, ben: User, size: Any, scheme: str) -> None:
    row = waits(service, "Ana", 90, priority="urgent")
    waits(service, "Bea")
    inbox = staff(ben, **size, color_scheme=scheme, reduced_motion="reduce")
    for path in ("?view=waiting", f"{row.id}/?view=waiting"):
        inbox.open(path)
        results = Axe().run(inbox.page)
        assert results.violations_count == 0, results.generate_report()
        assert inbox.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert inbox.page.evaluate(CUT) == []
    assert inbox.troubles == []
