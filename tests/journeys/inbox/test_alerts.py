"""How an agent is called, and learns what they missed (ADM-2)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from channels_app.content.types import text
from conversations.models import Message, Reaction
from messaging.live.staff import staff_alert
from messaging.rules.agent_replies import agent_reply
from tenants.models import User
from tenants.tenant_settings import invalidate
from tests.journeys.inbox.people import Staff, asks, waits
from tests.journeys.inbox_page import InboxPage
from tests.journeys.service import Service, address

pytestmark = pytest.mark.browser
RINGS = """() => {
    window.rings = 0;
    const Made = window.AudioContext;
    window.AudioContext = class extends Made { constructor() { super(); window.rings++; } };
}"""


def test_of_two_windows_one_rings(staff: Staff, service: Service, ben: User) -> None:
    one = staff(ben)
    one.open()
    other = InboxPage(one.page.context, address(), spied=False)
    other.open()
    for inbox in (one, other):
        inbox.page.evaluate("localStorage.setItem('inbox:sound', 'on')")
        inbox.page.evaluate(RINGS)
        inbox.wait_live()
    staff_alert(service.tenant.id, "late", "A person has waited too long")
    for inbox in (one, other):
        expect(inbox.page.locator("#inbox-alerts")).to_contain_text("waited too long")
    assert sum(inbox.page.evaluate("window.rings") for inbox in (one, other)) == 1


def test_a_browser_that_refuses_notifications_is_explained_and_what_it_takes_away_is_shown(
    staff: Staff, service: Service, ben: User
) -> None:
    inbox = staff(ben)
    inbox.open()
    inbox.page.get_by_label("Your account").click()
    asks = inbox.page.locator("[data-alerts]")
    inbox.page.evaluate("Notification.requestPermission = async () => 'denied'")
    asks.click()
    expect(inbox.page.locator("#inbox-toasts")).to_contain_text("does not let the page notify you")
    expect(asks).to_have_attribute("aria-pressed", "false")
    inbox.page.evaluate(
        "localStorage.setItem('inbox:alerts', 'on')"
    )  # chosen once, and taken away by the browser since
    inbox.page.reload()
    expect(asks).to_have_attribute("aria-pressed", "false")
    inbox.page.context.grant_permissions(["notifications"], origin=address())
    expect(asks).to_have_attribute("aria-pressed", "true")


def test_an_alert_stands_until_it_is_closed(staff: Staff, service: Service, ben: User) -> None:
    """Who looks elsewhere for a while has not missed it; the same again is one."""
    inbox = staff(ben)
    inbox.page.clock.install()
    inbox.open()
    inbox.wait_live()
    for _ in range(2):
        staff_alert(service.tenant.id, "dead_letters", "Messages could not be delivered", "Blocked.", url="/admin/")
    alerts = inbox.page.get_by_role("status", name="Alerts").locator("p")
    expect(alerts).to_contain_text(["Messages could not be delivered: Blocked."])
    inbox.page.clock.fast_forward(60_000)
    expect(alerts).to_have_count(1)
    alerts.get_by_role("button", name="Close").click()
    expect(alerts).to_have_count(0)
    assert inbox.troubles == []


def test_what_an_agent_missed_comes_after_a_lost_connection(staff: Staff, service: Service, ben: User) -> None:
    first = asks(service, "I need help", "ana")
    inbox = staff(ben)
    inbox.open(f"{first.id}/?view=waiting")
    inbox.wait_live()
    inbox.blocked = True
    inbox.cut()
    inbox.wait_live(False)
    told = len(inbox.told)
    service.visitor("Are you there?", id="ana")
    words = Message.objects.get(conversation=first, seq=1)
    Reaction.objects.create(
        tenant=service.tenant, channel=service.channel, identity=first.identity, message=words, target="m1", emoji="🔥"
    )  # which has no number in the transcript
    second = asks(service, "Me, too", "bea")
    inbox.blocked = False
    inbox.wait_live()
    expect(inbox.page.locator(".chat-emojis")).to_have_text("🔥")
    expect(inbox.row("Me, too")).to_be_visible()
    expect(inbox.entries.last).to_have_text("Are you there?")
    views, watches = ([frame for frame in inbox.said if frame["t"] == kind] for kind in ("view", "watch"))
    assert ["after" in view for view in views] == [False, True]
    assert [watch["after"] for watch in watches] == [first.last_seq, first.last_seq]
    late = [frame for frame in inbox.told[told:] if frame["t"] in ("conv", "msg")]
    assert {frame["conversation"] for frame in late} == {str(first.id), str(second.id)}


def test_a_socket_is_kept_as_long_as_it_answers(staff: Staff, service: Service, ben: User) -> None:
    inbox = staff(ben)
    inbox.page.clock.install()
    inbox.open("?view=waiting")
    inbox.wait_live()
    inbox.page.clock.fast_forward(24_000)
    asks(service, "I need help", "ana")
    expect(inbox.row("I need help")).to_be_visible()
    assert [frame["t"] for frame in inbox.said].count("hello") == 1
    inbox.hush()
    inbox.page.evaluate("dispatchEvent(new Event('online'))")
    inbox.page.clock.fast_forward(10_000)
    inbox.wait_live(False)
    inbox.wait_live()
    assert [frame["t"] for frame in inbox.said].count("hello") == 2


def test_without_a_socket_the_page_looks_by_itself(staff: Staff, service: Service, ben: User) -> None:
    inbox = staff(ben)
    inbox.blocked = True
    inbox.page.clock.install()
    inbox.open("?view=waiting")
    inbox.wait_live(False)
    waits(service, "Ana")
    inbox.page.clock.run_for(6000)
    expect(inbox.names).to_have_text(["Ana"])


def test_a_wait_ticks_and_becomes_too_long(staff: Staff, service: Service, ben: User) -> None:
    service.tenant.settings = {"first_response_minutes": 10}
    service.tenant.save()
    invalidate(service.tenant.id)
    waits(service, "Ana", 8)
    inbox = staff(ben)
    inbox.page.clock.install()
    inbox.open("?view=waiting")
    expect(inbox.rows.locator("time")).to_have_text("8 min")
    expect(inbox.rows).not_to_have_class(re.compile(r"\blate\b"))
    inbox.page.clock.fast_forward("03:00")
    expect(inbox.rows.locator("time")).to_have_text("11 min")
    expect(inbox.rows).to_have_class(re.compile(r"\blate\b"))


def test_an_alert_goes_when_it_was_followed_or_has_no_reason_any_more(
    staff: Staff, service: Service, ben: User
) -> None:
    rows = [waits(service, name) for name in ("Ana", "Leo", "Mia")]
    inbox = staff(ben)
    inbox.open(f"{rows[2].id}/")
    inbox.wait_live()
    for row in rows:  # that of Mia, who stands open, is not told
        staff_alert(service.tenant.id, "late", f"{row.contact.name} has waited too long", url=f"/admin/inbox/{row.id}/")
    alerts = inbox.page.get_by_role("status", name="Alerts").locator("p")
    expect(alerts).to_contain_text(["Ana has waited", "Leo has waited"])
    inbox.row("Ana").click()
    expect(alerts).to_contain_text(["Leo has waited"])
    agent_reply(rows[1].id, service.agent("Mira", role__permissions=["*"]), text("Here I am"))
    expect(alerts).to_have_count(0)
    assert inbox.troubles == []


def test_being_called_is_a_choice_that_is_kept(staff: Staff, service: Service, ben: User) -> None:
    inbox = staff(ben, permissions=["notifications"])
    inbox.open()
    inbox.wait_live()
    inbox.page.locator(".inbox-account summary").click()
    for choice in ("Tell me of people who wait", "I am away"):
        button = inbox.page.get_by_role("button", name=choice)
        expect(button).to_have_attribute("aria-pressed", "false")
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
    inbox.open()
    inbox.wait_live()
    inbox.page.locator(".inbox-account summary").click()
    expect(inbox.page.get_by_role("button", name="I am away")).to_have_attribute("aria-pressed", "true")
    assert [frame["state"] for frame in inbox.said if frame["t"] == "presence"] == ["away", "away"]
