"""What a visitor sees of the staff who answer them (WEB-1, CONV-8)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.test import Client
from playwright.sync_api import Browser, expect

from conversations.models import Conversation
from messaging.hours.places import places_tell
from messaging.live.attending import staff_read, staff_typing
from messaging.rules.agent_replies import agent_reply
from messaging.rules.control import conversation_end, hand_over, locked, take_over
from tenants.storage.db import atomic, now
from tenants.tenant_settings import invalidate
from tests.journeys.line import Line
from tests.journeys.service import Service, address, said
from tests.journeys.widget.lines import wait_for
from tests.journeys.widget.widget_page import WidgetPage

pytestmark = pytest.mark.browser
Visit = Callable[..., WidgetPage]


def test_what_staff_read_is_marked_and_still_after_a_reload(service: Service, visit: Visit) -> None:
    widget = visit()
    widget.open()
    widget.write("one")
    expect(widget.marks).to_have_text(["Sent"])
    staff_read(service.conversation.id, 1)
    expect(widget.marks).to_have_text(["Read"])
    service.bot("An answer")
    expect(widget.texts).to_have_count(2)
    expect(widget.marks).to_have_text(["Read"])  # it never goes back to "Delivered"
    widget.page.reload()
    widget.open()
    expect(widget.marks).to_have_text(["Read"])


def test_an_agent_is_seen_to_type_by_name_and_forgotten_by_itself(service: Service, visit: Visit) -> None:
    widget = visit(token=service.visitor())
    widget.open()
    expect(widget.status).to_have_text("Replies at once")
    staff_typing(service.conversation.id, service.agent("Mira"), on=True)
    expect(widget.typing).to_be_visible()
    expect(widget.live.locator("p")).to_have_text(["Mira is typing"])
    widget.page.clock.fast_forward(5100)
    expect(widget.typing).to_be_hidden()


def test_staff_in_the_console_are_seen_to_read_and_to_type(
    browser: Browser, service: Service, line: Line, visit: Visit
) -> None:
    widget = visit(token=service.visitor())
    widget.open()
    expect(widget.status).to_have_text("Replies at once")
    staff = Client()
    staff.force_login(service.agent("Mira"))
    context = browser.new_context()
    context.add_cookies([{"name": "sessionid", "value": staff.cookies["sessionid"].value, "url": line.service}])
    console = context.new_page()
    console.clock.install()
    console.goto(f"{line.service}/admin/conversations/conversation/{service.conversation.id}/change/")
    expect(widget.marks).to_have_text(["Read"])
    console.get_by_role("textbox", name="Reply").press_sequentially("Hi")
    expect(widget.typing).to_be_visible()
    console.get_by_role("button", name="Send", exact=True).click()
    console.clock.fast_forward(5100)  # in which it could have been taken back
    expect(widget.texts).to_have_text(["Hello", "Hi"])
    expect(widget.typing).to_be_hidden()
    expect(widget.status).to_have_text("You are talking to Mira")
    context.close()


def test_a_person_is_asked_for_comes_and_is_rated(service: Service, line: Line, visit: Visit) -> None:
    service.answer, service.handover = (lambda text: said("A moment")), True
    widget = visit()
    widget.open()
    widget.menu.click()
    widget.human.click()
    expect(widget.texts.first).to_have_text("I would like to talk to a person, please.")
    wait_for(widget, lambda: [frame["lang"] for frame in line.of("send")] == ["en"])
    expect(widget.status).to_contain_text("Waiting for a person")  # the place comes within seconds
    widget.page.reload()
    widget.open()
    expect(widget.status).to_have_text("Number 1 in line · Waiting for a person")
    picture = f"{address().replace('http', 'https')}/nobody.png"  # cannot be had: the initial stays
    mira = service.agent("Mira", picture=picture)
    agent_reply(service.conversation.id, mira, said("Hi, Mira here."))
    expect(widget.status).to_have_text("You are talking to Mira")
    expect(widget.page.locator(".item.agent .face")).to_have_text("M")
    conversation_end(service.conversation.id)
    widget.star_3.click(position={"x": 22, "y": 8})  # there lie the controls of all five
    expect(widget.page.locator("#desk-star-3")).to_be_checked()
    widget.star_4.click()
    widget.rating.get_by_role("textbox").fill("Fast")
    widget.rating_send.click()
    expect(widget.rating).to_have_text("Thank you for your feedback!")
    rated = service.conversation
    widget.write("One more thing")
    expect(widget.rating).to_have_count(0)
    rated.refresh_from_db()
    assert (rated.satisfaction, rated.notes.get().text) == (4, "Rated 4 of 5: Fast")


def test_the_place_in_the_queue_moves_while_a_visitor_waits(service: Service, visit: Visit) -> None:
    service.visitor(id="before")
    before = service.conversation
    with atomic():
        hand_over(locked(before.id), "asked")
    service.answer, service.handover = (lambda text: said("A moment")), True
    widget = visit()
    widget.open()
    widget.menu.click()
    widget.human.click()
    expect(widget.status).to_contain_text("Waiting for a person")
    places_tell()
    expect(widget.status).to_have_text("Number 2 in line · Waiting for a person")
    take_over(before.id, service.agent("Mira"))
    places_tell()
    expect(widget.status).to_have_text("Number 1 in line · Waiting for a person")


def test_how_it_was_is_asked_again_after_a_page_load_until_it_is_rated_or_dismissed(
    service: Service, visit: Visit, line: Line
) -> None:
    widget = visit(token=service.visitor())
    widget.open()
    first = service.conversation
    conversation_end(first.id)
    expect(widget.rating).to_have_count(1)
    widget.page.reload()
    widget.open()
    expect(widget.rating).to_have_count(1)
    dismiss, send = (widget.rating.get_by_role("button", name=name) for name in ("Dismiss", "Send rating"))
    size = "(node) => [node.offsetLeft, node.offsetWidth, node.offsetHeight]"
    assert dismiss.evaluate(size) == send.evaluate(size)
    dismiss.click()
    expect(widget.rating).to_have_count(0)
    widget.page.reload()
    widget.open()
    expect(widget.rating).to_have_count(0)
    line.drop["ack"], line.lose = 1, {1}  # the page learns only after it has loaded anew that this was stored
    widget.write("Another question")
    wait_for(widget, lambda: line.drop["ack"] == 0)
    conversation_end(service.conversation.id)
    widget.page.reload()
    widget.open()
    widget.star_4.click()
    widget.rating_send.click()
    expect(widget.rating).to_have_text("Thank you for your feedback!")
    widget.page.reload()
    widget.open()
    expect(widget.rating).to_have_count(0)
    scores = Conversation.objects.order_by("created_at", "id").values_list("satisfaction", flat=True)
    wait_for(widget, lambda: list(scores.all()) == [None, 4])


def hours(service: Service, **chosen: object) -> None:
    """The tenant's settings from here on."""
    service.tenant.settings = chosen
    service.tenant.save()
    invalidate(service.tenant.id)


def test_who_waits_is_told_how_long_or_until_when(service: Service, visit: Visit) -> None:
    service.answer, service.handover = (lambda text: said("A moment")), True
    hours(service, expected_reply_minutes=5)
    widget = visit(token=service.visitor(), timezone_id="UTC")
    widget.open()
    widget.write("A person, please")
    expect(widget.status).to_contain_text("A person usually answers within 5 minutes")
    opening = (now() + timedelta(days=30)).replace(hour=9, minute=0)
    short_day = {"date": f"{opening:%Y-%m-%d}", "open": [{"start": "09:00", "end": "10:00"}]}
    hours(service, business_hours={"days": {"mon": []}, "holidays": [short_day]})
    widget.page.reload()
    widget.open()
    expect(widget.status).to_have_text(f"A person answers: {opening:%A, %B} {opening.day}, 9:00 AM")
    widget.page.clock.fast_forward(timedelta(days=31) // timedelta(milliseconds=1))
    expect(widget.status).to_have_text(
        "Number 1 in line · Waiting for a person"
    )  # no frame tells it: the hour has come


def test_a_colleague_who_takes_over_is_told_even_before_a_word(service: Service, visit: Visit) -> None:
    widget = visit(token=service.visitor())
    widget.open()
    expect(widget.status).to_have_text("Replies at once")
    take_over(service.conversation.id, service.agent("Mira"))
    expect(widget.status).to_have_text("You are talking to Mira")
    expect(widget.page.locator(".item.system").last).to_contain_text("You are talking to Mira")
    widget.page.reload()
    widget.open()
    expect(widget.status).to_have_text("You are talking to Mira")


def test_a_colleague_whom_the_tenant_does_not_name_is_the_team(service: Service, visit: Visit) -> None:
    widget = visit(token=service.visitor())
    widget.open()
    expect(widget.status).to_have_text("Replies at once")
    take_over(service.conversation.id, None)
    expect(widget.status).to_have_text("You are talking to Our team")


def test_the_question_how_it_was_goes_in_all_tabs_when_another_conversation_begins(
    service: Service, visit: Visit
) -> None:
    widget = visit(token=service.visitor())
    widget.open()
    other = WidgetPage(widget.page.context.new_page())
    other.page.goto(widget.page.url)
    other.open()
    expect(other.status).to_have_text("Replies at once")
    first = service.conversation
    conversation_end(first.id)
    expect(widget.rating).to_have_count(1)
    expect(other.rating).to_have_count(1)
    widget.write("Again")
    expect(widget.rating).to_have_count(0)
    expect(other.texts.last).to_have_text("Again")
    expect(other.rating).to_have_count(0)
    assert list(Conversation.objects.values_list("satisfaction", flat=True)) == [None, None]
