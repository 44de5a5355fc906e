"""The transcript and the person beside it, as staff see them while they change (ADM-2)."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from channels_app.models import MessageTemplate
from conversations.models import Conversation, Message
from messaging.models import Delivery
from messaging.rules.agent_replies import agent_reply
from tenants.storage.db import now
from tests.factories import MessageFactory
from tests.journeys.console.conftest import Desk
from tests.journeys.rich import fill
from tests.journeys.service import Service, said

pytestmark = pytest.mark.browser
Open = Callable[..., Desk]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True}
LOOK_MS = 4100


@pytest.fixture(autouse=True)
def asked(service: Service) -> None:
    service.visitor("Where is my parcel?")


def test_what_is_said_appears_and_what_changes_changes_in_its_place(service: Service, desk: Open) -> None:
    mira = desk()
    service.bot("It left on **Monday**.")
    mira.later(LOOK_MS)
    expect(mira.texts).to_have_text(["Where is my parcel?", "It left on **Monday**."])
    answer = agent_reply(service.conversation.id, service.agent("Ben"), said("Ben here."))
    mira.later(LOOK_MS)
    expect(mira.page.locator(".chat-tick.sent")).to_have_count(2)
    Delivery.objects.filter(message=answer).update(status="failed", error_detail="The number is gone")
    mira.later(LOOK_MS)
    expect(mira.page.locator(".chat-fault")).to_contain_text("Not delivered. The number is gone.")
    expect(mira.texts).to_have_count(3)


def test_a_failed_message_is_sent_again_in_its_place(service: Service, desk: Open) -> None:
    answer = agent_reply(service.conversation.id, service.agent("Ben"), said("Ben here."))
    Delivery.objects.filter(message=answer).update(status="failed", error_detail="The number is gone")
    mira = desk()
    mira.press("Retry")
    expect(mira.page.locator(".chat-fault")).to_have_count(0)
    expect(mira.page.locator(".chat-tick.queued")).to_have_count(1)
    assert Delivery.objects.get(message=answer).status == "queued"


def test_older_entries_come_by_scrolling_and_days_have_their_line(service: Service, desk: Open) -> None:
    conversation = service.conversation
    for number in range(150):
        MessageFactory(tenant=service.tenant, conversation=conversation, text=f"Line {number}")
    Message.objects.filter(seq__lte=100).update(created_at=now() - timedelta(days=3))
    mira = desk()
    expect(mira.texts.last).to_be_in_viewport()
    expect(mira.page.locator(".chat-older")).to_have_count(1)
    first = mira.page.locator("#entry-92")
    first.scroll_into_view_if_needed()
    expect(mira.page.locator("#entry-32")).to_be_attached()
    mira.page.locator("#entry-32").scroll_into_view_if_needed()
    expect(mira.page.locator("#entry-1")).to_be_attached()
    expect(mira.page.locator(".chat-older")).to_have_count(0)
    expect(mira.texts).to_have_count(151)
    expect(mira.page.locator(".chat-day")).to_have_count(2)


def test_who_reads_further_up_is_told_of_what_is_new(service: Service, desk: Open) -> None:
    for number in range(40):
        MessageFactory(tenant=service.tenant, conversation=service.conversation, text=f"Line {number}")
    mira = desk()
    mira.page.locator("#entry-2").scroll_into_view_if_needed()
    service.visitor("And now?")
    mira.later(LOOK_MS)
    mira.press("New messages")
    expect(mira.texts.last).to_have_text("And now?")
    expect(mira.texts.last).to_be_in_viewport()


def test_a_template_is_filled_in_seen_and_sent(service: Service, desk: Open) -> None:
    words = {"content": {"type": "text", "text": "Your order {{order}} is late."}, "defaults": {}}
    MessageTemplate.objects.create(tenant=service.tenant, name="late", variants={"en": words})
    mira = desk()
    mira.reply.press("/")
    mira.page.get_by_role("option", name="late").wait_for()
    mira.reply.press("Enter")
    dialog = mira.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Fill in what is missing.")
    dialog.get_by_label("order").fill("AC-1")
    mira.later(300)
    expect(dialog.locator(".chat-bubble")).to_have_text("Your order AC-1 is late.")
    dialog.get_by_role("button", name="Send").click()
    expect(mira.pending).to_contain_text("Your order AC-1 is late.")
    expect(mira.reply).to_have_value("")
    mira.later()
    expect(mira.texts.last).to_have_text("Your order AC-1 is late.")


def test_the_reply_window_counts_down_and_closes(service: Service, desk: Open) -> None:
    Conversation.objects.update(reply_window_expires_at=now() + timedelta(minutes=61, seconds=30))
    mira = desk()
    window = mira.page.locator(".composer-window")
    expect(window).to_have_text("Reply window: 1 h 1 min left")
    mira.later(3600_000)
    expect(window).to_have_text(re.compile(r"Reply window: 1:\d\d min left"))
    mira.later(90_000)
    expect(window).to_have_text("Reply window closed")
    mira.write("Too late?")
    expect(mira.warning).to_contain_text("Your words stay here")
    expect(mira.reply).to_have_value("Too late?")


def test_facts_of_a_person_are_corrected_in_their_place(service: Service, desk: Open) -> None:
    mira = desk()
    mira.press("Edit")
    form = mira.page.locator(".person-form")
    form.get_by_label("Name", exact=True).fill("Ana Sousa")
    form.get_by_label("E-mail").fill("ana@example.com")
    form.get_by_label("Phone").fill("12")
    form.get_by_label("Name of a new fact").fill("customer number")
    form.get_by_label("Value of a new fact").fill("C-77")
    mira.press("Save")
    expect(form.get_by_role("alert")).to_contain_text("Write the number with its country")
    form.get_by_label("Phone").fill("+49 30 1234567")
    mira.press("Save")
    pane = mira.page.locator("[data-person]")
    expect(pane.get_by_role("heading", name="Ana Sousa")).to_be_visible()
    expect(pane.locator("[data-shown]")).to_contain_text("C-77")
    expect(form).to_be_hidden()
    assert service.conversation.contact.phone == "+49301234567"


@pytest.mark.parametrize("look", [{}, PHONE], ids=["desk", "phone"])
def test_every_kind_of_message_is_shown_and_axe_finds_nothing(
    look: dict[str, object], service: Service, desk: Open
) -> None:
    fill(service)
    mira = desk(**look)
    expect(mira.page.locator("a.chat-file")).not_to_have_count(0)  # all files of this bot are elsewhere
    expect(mira.page.locator("audio, video, .chat-bubble img")).to_have_count(0)
    expect(mira.page.get_by_text("Munich")).to_be_attached()
    mira.page.evaluate(
        "document.querySelectorAll('body *').forEach((one) => one.getAnimations().forEach((a) => a.finish()))"
    )
    found = [
        f"{fault['id']}: {fault['nodes'][0]['target']}"
        for part in (".chat-main", "[data-person]")
        for fault in Axe().run(mira.page, part).response["violations"]
        if fault["impact"] in ("serious", "critical")
    ]
    assert found == []
    assert mira.troubles == []
