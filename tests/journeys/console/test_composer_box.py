"""What the reply box offers: canned replies, colleagues, notes, quotes, a time, a proposal (ADM-2)."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from playwright.sync_api import Route, expect

from channels_app.content.types import text
from messaging.agents.models import CannedReply, ScheduledReply
from messaging.agents.scheduled import schedule, scheduled_say
from messaging.rules.control import take_over
from tenants.storage.db import now
from tests.journeys.console.conftest import Open, replies
from tests.journeys.service import Service

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("asked")]


def canned(service: Service, shortcut: str, **content: object) -> None:
    CannedReply.objects.create(tenant=service.tenant, shortcut=shortcut, title=f"About {shortcut}", content=content)


def test_a_canned_reply_stands_in_the_box_with_what_it_asks_for(service: Service, desk: Open) -> None:
    canned(service, "refund", type="text", text="Dear {{agent}}: {{amount}} come back.")
    mira = desk()
    mira.reply.press_sequentially("/ref")
    mira.page.get_by_role("option", name="/refund").wait_for()
    mira.reply.press("Tab")
    mira.page.get_by_role("dialog").get_by_label("amount").fill("12 EUR")
    mira.press("Insert")
    expect(mira.reply).to_have_value("Dear Mira: 12 EUR come back.")
    expect(mira.reply).to_be_focused()


def test_a_canned_reply_with_choices_is_sent_as_it_is(service: Service, desk: Open) -> None:
    canned(service, "more", type="text", text="More?", quick_replies=[{"title": "Yes", "payload": "y"}])
    mira = desk()
    mira.page.get_by_role("button", name="Templates and canned replies").click()
    mira.page.get_by_role("option", name="/more").click()
    expect(mira.page.locator(".composer-dialog .chat-chip")).to_have_text("Yes")
    mira.page.get_by_role("dialog").get_by_role("button", name="Send").click()
    mira.later()
    expect(mira.texts.last).to_contain_text("More?")
    expect(mira.pending).to_have_count(0)
    assert [choice["title"] for choice in service.log[-1].content["quick_replies"]] == ["Yes"]


def test_a_colleague_is_named_in_a_note(service: Service, desk: Open) -> None:
    ben = service.agent("Ben")
    mira = desk()
    mira.page.keyboard.press("n")
    mira.note.press_sequentially("Look at this @be")
    mira.page.get_by_role("option", name="Ben").wait_for()
    mira.note.press("Enter")
    expect(mira.note).to_have_value(f"Look at this @{ben.username} ")
    mira.note.press("Control+Enter")
    expect(mira.page.locator(".chat-note")).to_contain_text("Look at this @Ben")
    assert [mention.user for mention in service.conversation.mentions.all()] == [ben]


def test_a_note_is_kept_for_colleagues_and_shown_beside(service: Service, desk: Open) -> None:
    mira = desk()
    mira.reply.fill("half a reply")
    mira.page.get_by_role("tab", name="Note").click()
    expect(mira.note).to_be_focused()
    mira.note.fill("Knows about the delay")
    mira.note.press("Control+Enter")
    expect(mira.page.locator(".chat-note")).to_contain_text("Knows about the delay")
    expect(mira.note).to_have_value("")
    mira.page.get_by_role("tab", name="Reply").click()
    expect(mira.reply).to_have_value("half a reply")
    assert [note.text for note in service.conversation.notes.all()] == ["Knows about the delay"]
    assert replies(service) == []


def test_a_message_is_quoted(service: Service, desk: Open) -> None:
    mira = desk()
    mira.texts.first.hover()
    mira.page.locator(".chat-quote").first.click()
    expect(mira.page.locator(".composer-quote")).to_contain_text("Where is my parcel?")
    mira.write("On its way")
    mira.later()
    expect(mira.texts.last.locator("blockquote")).to_contain_text("Where is my parcel?")
    expect(mira.page.locator(".composer-quote")).to_be_hidden()


def test_a_reply_is_planned_from_the_box_and_taken_back_into_it(service: Service, desk: Open) -> None:
    mira = desk(timezone_id="Asia/Tokyo")
    page = mira.page
    mira.reply.fill("Did it arrive?")
    page.get_by_title("Send later").click()
    page.get_by_label("Time, by your clock").fill("2099-12-01T20:30")
    page.get_by_role("button", name="Plan", exact=True).click()
    expect(mira.warning).to_contain_text("within a year")
    expect(mira.reply).to_have_value("Did it arrive?")
    page.get_by_title("Send later").click()
    page.locator("[data-at]", has_text="In an hour").click()
    planned = page.get_by_role("list", name="Planned replies").locator("li")
    expect(planned).to_contain_text("Did it arrive?")
    expect(mira.reply).to_have_value("")
    mira.open(service.conversation)
    expect(planned).to_contain_text("unless they write before")
    page.get_by_role("button", name="Do not send").click()
    expect(planned).to_have_count(0)
    expect(mira.reply).to_have_value("Did it arrive?")
    assert replies(service) == []
    assert mira.troubles == []


def test_a_time_is_by_the_clock_of_who_reads_the_page(service: Service, desk: Open) -> None:
    mira = desk(timezone_id="Asia/Tokyo")
    service.visitor("A person, please", id="visitor-9")
    take_over(service.conversation.id, mira.user)
    mira.open_inbox(service.conversation)
    bar = mira.page.locator(".inbox-bar")
    bar.locator("summary", has_text="Snooze").click()
    day = (now() + timedelta(days=2)).date()
    bar.get_by_label("Until").fill(f"{day}T09:00")
    bar.get_by_role("button", name="Set").click()
    expect(bar).to_contain_text("09:00 AM")
    service.conversation.refresh_from_db()
    assert service.conversation.snoozed_until == datetime.combine(day, time(0), UTC)


def test_the_sheets_of_the_bar_show_all_they_hold(service: Service, desk: Open) -> None:
    mira = desk()
    mira.open_inbox(service.conversation)
    take_over(service.conversation.id, mira.user)
    mira.open_inbox(service.conversation)
    for name in ("Assign", "Snooze", "Label"):
        mira.page.locator(".inbox-bar summary", has_text=name).click()
        sheet = mira.page.locator(".inbox-bar details[open] .inbox-sheet")
        assert sheet.evaluate("sheet => sheet.scrollWidth - sheet.clientWidth") <= 0


def test_what_is_said_of_a_proposal_goes_with_its_words(service: Service, desk: Open) -> None:
    def propose(route: Route) -> None:
        told = {
            "text": "Within two days.",
            "question": "When does it come?",
            "confidence": 0.9,
            "sources": [{"title": "Delivery", "url": ""}],
            "reason": "",
        }
        route.fulfill(json=told)

    mira = desk()
    mira.page.route("**/propose/", propose)
    said = mira.page.locator("[data-proposal]")
    mira.press("Let the assistant propose a reply")
    expect(said).to_contain_text("90 % sure, to “When does it come?”")
    expect(said).to_contain_text("Delivery")
    expect(mira.reply).to_have_value("Within two days.")
    mira.reply.press("Control+Enter")
    expect(said).to_be_hidden()
    expect(mira.pending).to_contain_text("Within two days.")
    mira.press("Undo")
    expect(mira.reply).to_have_value("Within two days.")


def test_why_there_is_no_proposal_is_said(service: Service, desk: Open) -> None:
    told = {"text": "", "reason": "llm_denied", "why": "The provider refuses the key."}
    mira = desk()
    mira.page.route("**/propose/", lambda route: route.fulfill(json=told))
    mira.press("Let the assistant propose a reply")
    expect(mira.page.locator("[data-proposal]")).to_have_text("The provider refuses the key.")
    told |= {"reason": "nothing_fits", "why": "There was no answer (nothing_fits)."}
    mira.press("Let the assistant propose a reply")
    expect(mira.page.locator("[data-proposal]")).to_have_text("The assistant knows no answer to this.")
    expect(mira.reply).to_have_value("")


def test_a_planned_reply_that_has_gone_stands_planned_no_more(service: Service, desk: Open) -> None:
    """Nothing else of the conversation changes: it was theirs before."""
    mira = desk()
    take_over(service.conversation.id, mira.user)
    words = ["Did it arrive?", "And is it whole?"]
    soon = now() + timedelta(hours=1)
    rows = [schedule(service.conversation.id, mira.user, text(one), soon) for one in words]
    mira.open(service.conversation)
    planned = mira.page.get_by_role("list", name="Planned replies").locator("li")
    for row, spoken, left in zip(rows, words, (1, 0), strict=True):
        expect(planned).to_have_count(left + 1)
        ScheduledReply.objects.filter(id=row.id).update(due_at=now(), at=now())
        scheduled_say(row.id)
        mira.later(4100)  # the page looks again
        expect(mira.texts.last).to_have_text(spoken, timeout=15_000)
        expect(planned).to_have_count(left)
