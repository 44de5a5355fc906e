"""Two agents in the inbox, in browsers: what one does is seen by the other, and nothing typed is lost (ADM-2)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from playwright.sync_api import expect

from channels_app.content.types import text
from conversations.contacts.changes import contact_change
from messaging.agents.notes import note_write
from messaging.agents.presence import presence_say
from messaging.agents.scheduled import schedule, scheduled_cancel
from messaging.rules.control import conversation_end, take_over
from messaging.talks.change import conversation_change
from tenants.models import User
from tenants.storage.db import now
from tests.journeys.inbox.people import UNDO_MS, Staff, asks, waits
from tests.journeys.service import Service, address

pytestmark = pytest.mark.browser


def test_from_login_to_an_answered_customer_in_two_clicks_and_one_page(
    staff: Staff, service: Service, ben: User
) -> None:
    row = waits(service, "Ana")
    ben.set_password("a long password")
    ben.save()
    inbox = staff(None)
    clicks: list[str] = []
    inbox.page.expose_function("pressed", lambda on: clicks.append(on))
    inbox.page.add_init_script("addEventListener('pointerdown', ({target}) => pressed(target.textContent), true)")
    inbox.page.goto(f"{address()}/admin/")
    inbox.page.fill("#id_username", ben.username)
    inbox.page.fill("#id_password", "a long password")
    inbox.loads.clear()
    inbox.page.clock.install()
    inbox.page.press("#id_password", "Enter")
    inbox.wait_live()
    inbox.row("Ana").click()
    expect(inbox.reply).to_be_focused()
    inbox.page.keyboard.type("It is on its way")
    inbox.page.get_by_role("button", name="Send", exact=True).click()
    inbox.page.clock.fast_forward(UNDO_MS)
    expect(inbox.entries.last).to_have_text("It is on its way", timeout=15_000)
    assert (len(clicks), len(inbox.loads)) == (2, 1)
    row.refresh_from_db()
    assert (row.assignee, row.waiting_since) == (ben, None)


def test_a_conversation_that_a_colleague_takes_says_so_and_keeps_what_is_written(
    staff: Staff, service: Service, ben: User
) -> None:
    row = waits(service, "Ana")
    inbox = staff(ben)
    inbox.open(f"{row.id}/")
    inbox.reply.fill("I was about to say")
    take_over(row.id, service.agent("Mira", role__permissions=["*"]))
    expect(inbox.bar).to_contain_text("Mira", timeout=15_000)
    expect(inbox.reply).to_have_value("I was about to say")


def test_a_bar_that_changes_while_a_list_of_it_is_open_is_shown_afterwards(
    staff: Staff, service: Service, ben: User
) -> None:
    row = waits(service, "Ana")
    inbox = staff(ben)
    inbox.open(f"{row.id}/")
    inbox.wait_live()
    assign = inbox.bar.locator("summary", has_text="Assign")
    assign.click()
    with inbox.page.expect_response(lambda answer: "part=conversation" in answer.url):
        take_over(row.id, service.agent("Mira", role__permissions=["*"]))
    expect(inbox.bar).not_to_contain_text("Mira answers")
    assign.click()
    expect(inbox.bar).to_contain_text("Mira answers")


def test_who_is_there_is_as_it_is_when_the_list_to_assign_is_opened(staff: Staff, service: Service, ben: User) -> None:
    row, mira = waits(service, "Ana"), service.agent("Mira", role__permissions=["*"])
    inbox = staff(ben)
    inbox.open(f"{row.id}/")
    inbox.wait_live()
    colleague = inbox.bar.locator(f'button[value="person:{mira.id}"]')
    expect(colleague).to_contain_text("offline")
    presence_say(service.tenant.id, mira.id, "online")
    inbox.bar.locator("summary", has_text="Assign").click()
    expect(colleague).to_contain_text("online")
    colleague.click()
    expect(inbox.bar).to_contain_text("Mira answers")
    assert inbox.troubles == []


def test_what_is_written_when_a_colleague_closes_stays_in_the_box(staff: Staff, service: Service, ben: User) -> None:
    row = asks(service, "I need help", "ana")
    inbox = staff(ben, timezone_id="Pacific/Kiritimati")
    inbox.open(f"{row.id}/")
    inbox.wait_live()
    inbox.reply.fill("I was about to say")
    conversation_end(row.id)
    over = inbox.page.locator(".composer-over")
    expect(over).to_contain_text("This conversation has ended")
    expect(inbox.reply).to_have_value("I was about to say")
    expect(over.locator("time")).to_have_attribute("title", re.compile(f"{now() + timedelta(hours=14):%Y}"))
    inbox.page.reload()
    expect(inbox.reply).to_have_value("I was about to say")
    assert inbox.troubles == []


def test_colleagues_who_look_and_write_are_called_by_their_names(staff: Staff, service: Service, ben: User) -> None:
    row = asks(service, "I need help", "ana")
    inbox, other = staff(ben), staff(service.agent("Mira", role__permissions=["*"]))
    for one in (inbox, other):
        one.open(f"{row.id}/")
        one.wait_live()
    expect(inbox.page.locator("#inbox-others")).to_have_text("Mira looks at this, too")
    other.reply.press_sequentially("Hello")
    expect(inbox.page.locator("#inbox-others")).to_have_text("Mira writes …")


def test_what_stands_beside_the_transcript_is_live_and_keeps_what_is_edited(
    staff: Staff, service: Service, ben: User
) -> None:
    row = asks(service, "I need help", "ana")
    inbox = staff(ben)
    inbox.open(f"{row.id}/")
    inbox.wait_live()
    pane = inbox.page.locator("[data-person]")
    fact = pane.locator("[data-part=conversation] dt:text-is('Messages') + dd")
    expect(fact).to_have_text(str(row.message_count))
    expect(pane.get_by_text("Waiting since")).to_be_visible()
    pane.locator("[data-edit]").click()
    email = pane.locator("#person-form [name=email]")
    email.fill("ana@exam")
    service.visitor("And one more thing", id="ana")
    expect(fact).to_have_text(str(row.message_count + 1))
    note_write(row.id, service.agent("Mira"), "She has called before")
    expect(pane.locator(".chat-note")).to_contain_text("She has called before")
    email.press_sequentially("ple.com")  # it has kept the focus
    expect(email).to_have_value("ana@example.com")
    pane.get_by_role("button", name="Save").click()
    expect(pane.locator("[data-part=contact] dd").first).to_have_text("ana@example.com")
    expect(pane.locator("[data-edit]")).to_be_focused()
    inbox.press("Take it")
    expect(pane.locator("[data-part=conversation]")).to_contain_text("You answer")
    assert inbox.troubles == []


def test_what_colleagues_do_is_seen_in_an_open_conversation(staff: Staff, service: Service, ben: User) -> None:
    row, mira = asks(service, "I need help", "ana"), service.agent("Mira")
    inbox = staff(ben)
    inbox.open(f"{row.id}/")
    inbox.wait_live()
    planned = inbox.page.get_by_role("list", name="Planned replies").locator("li")
    later = schedule(row.id, mira, text("It has arrived"), now() + timedelta(hours=1))
    expect(planned).to_contain_text("It has arrived")
    scheduled_cancel(later.id)
    expect(planned).to_have_count(0)
    contact_change(row.contact_id, {"name": "Ana Lindqvist", "email": "ana@example.com"})
    expect(inbox.page.locator(".inbox-whom h2")).to_have_text("Ana Lindqvist")
    expect(inbox.page.locator("[data-person] [data-part=contact]")).to_contain_text("ana@example.com")
    conversation_change(row.id, {"priority": "urgent"})
    expect(inbox.page.locator("[data-person] dt:text-is('Priority') + dd")).to_have_text("Urgent")
    assert inbox.troubles == []


def test_who_closes_is_told_of_planned_replies_that_will_not_go(staff: Staff, service: Service, ben: User) -> None:
    row = waits(service, "Ana")
    take_over(row.id, ben)
    inbox = staff(ben)
    inbox.open(f"{row.id}/")
    inbox.wait_live()
    question = inbox.page.locator("#inbox-sure h2")
    words = ("", " A planned reply will not be sent.", " 2 planned replies will not be sent.")
    for count, planned in enumerate(words, start=1):
        inbox.press("Close")
        expect(question).to_have_text(f"Close this conversation?{planned}")
        inbox.page.get_by_role("button", name="Cancel", exact=True).click()
        schedule(row.id, ben, text("Did it arrive?"), now() + timedelta(hours=1))
        expect(inbox.page.locator("[data-planned] li")).to_have_count(count)
