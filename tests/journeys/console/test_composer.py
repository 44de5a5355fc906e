"""The reply box: a reply goes once, in order, and no word is lost where it cannot go (ADM-2)."""

from __future__ import annotations

import pytest
from playwright.sync_api import Route, expect

from conversations.models import Conversation
from messaging.rules.control import conversation_end
from tests.journeys.console.conftest import Desk, Open, replies
from tests.journeys.service import Service

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("asked")]


def test_ctrl_enter_sends_once_the_time_to_undo_is_over(service: Service, desk: Open) -> None:
    mira = desk()
    mira.page.keyboard.press("r")
    expect(mira.reply).to_be_focused()
    mira.write("It is on its way.")
    expect(mira.pending).to_contain_text("Goes out in 5 s")
    expect(mira.reply).to_have_value("")
    assert replies(service) == []
    mira.later()
    expect(mira.texts.last).to_have_text("It is on its way.")
    expect(mira.pending).to_have_count(0)
    assert replies(service) == ["It is on its way."]
    assert mira.troubles == []


def test_a_reply_can_be_taken_back_before_it_goes(service: Service, desk: Open) -> None:
    mira = desk()
    mira.write("No idea, sorry")
    mira.press("Undo")
    expect(mira.pending).to_have_count(0)
    expect(mira.reply).to_have_value("No idea, sorry")
    mira.later()
    assert replies(service) == []


def test_what_was_typed_is_there_after_a_reload_and_for_its_conversation_alone(service: Service, desk: Open) -> None:
    mira = desk()
    first = service.conversation
    mira.reply.fill("I am looking for")
    service.visitor("Hello", id="visitor-2")
    mira.open(service.conversation)
    expect(mira.reply).to_have_value("")
    mira.open(first)
    expect(mira.reply).to_have_value("I am looking for")


def test_a_page_that_is_closed_sends_what_it_held(service: Service, desk: Open) -> None:
    mira = desk()
    mira.write("It is on its way.")
    expect(mira.pending).to_have_count(1)
    mira.open(service.conversation)
    mira.later(100)
    expect(mira.texts.last).to_have_text("It is on its way.")
    expect(mira.pending).to_have_count(0)
    assert replies(service) == ["It is on its way."]


def test_without_a_connection_a_reply_waits_and_goes_out_once(service: Service, desk: Open) -> None:
    mira = desk()
    answers = iter(("lost", "failed"))

    def fails(route: Route) -> None:
        """At first the answer to what has arrived is lost, then the service fails, then all is well."""
        match next(answers, "well"):
            case "lost":
                route.fetch()
                route.abort()
            case "failed":
                route.fulfill(status=503, body="")
            case _:
                route.continue_()

    mira.page.route("**/send/", fails)
    mira.write("It is on its way.")
    mira.later()
    expect(mira.pending).to_contain_text("No connection. It goes out as soon as there is one.")
    mira.later(1100)
    expect(mira.pending).to_contain_text("The service does not answer")
    mira.later(2100)
    expect(mira.pending).to_have_count(0)
    assert replies(service) == ["It is on its way."]


def test_two_replies_go_out_in_the_order_in_which_they_were_written(service: Service, desk: Open) -> None:
    mira = desk()
    mira.write("First")
    mira.write("Second")
    expect(mira.pending).to_have_count(2)
    mira.later()
    mira.later(1000)
    expect(mira.pending).to_have_count(0)
    assert replies(service) == ["First", "Second"]


def test_a_conversation_that_was_closed_meanwhile_gives_the_words_back(service: Service, desk: Open) -> None:
    mira = desk()
    mira.write("A long answer")
    conversation_end(service.conversation.id)
    mira.later()
    expect(mira.pending).to_contain_text("has ended")
    mira.press("Take it back")
    expect(mira.reply).to_have_value("A long answer")
    mira.page.reload()
    expect(mira.page.locator(".composer-over")).to_contain_text("What you write begins a new one")
    expect(mira.reply).to_have_value("A long answer")


def test_where_nothing_can_be_said_after_the_end_the_words_stay_to_be_copied(service: Service, desk: Open) -> None:
    mira = desk()
    mira.write("A long answer")
    conversation_end(service.conversation.id)
    service.visitor("Something else")  # begins the next one
    mira.later()
    mira.press("Take it back")
    mira.page.reload()
    expect(mira.page.get_by_role("textbox", name="Not sent")).to_have_value("A long answer")
    expect(mira.page.get_by_role("link", name="The person goes on in a newer one")).to_be_visible()


def test_what_is_written_after_the_end_goes_on_in_a_conversation_of_ones_own(service: Service, desk: Open) -> None:
    mira, ended = desk(), service.conversation
    conversation_end(ended.id)
    mira.open_inbox(ended)
    mira.write("One thing more")
    mira.later()
    goes_on(service, mira, ended)


def test_what_had_ended_meanwhile_is_sent_in_a_new_one_where_that_is_wanted(service: Service, desk: Open) -> None:
    mira, ended = desk(), service.conversation
    mira.open_inbox(ended)
    mira.write("One thing more")
    conversation_end(ended.id)
    mira.later()
    mira.press("Send in a new one")
    goes_on(service, mira, ended)


def test_what_is_refused_as_the_person_is_in_another_by_now_is_written_there(service: Service, desk: Open) -> None:
    mira, ended = desk(), service.conversation
    conversation_end(ended.id)
    mira.open_inbox(ended)
    mira.write("One thing more")
    service.visitor("Hello again")
    mira.later()
    expect(mira.pending).to_contain_text("in a newer conversation by now")
    mira.press("Write it there")
    expect(mira.texts).to_have_text(["Hello again"])
    expect(mira.reply).to_have_value("One thing more")
    assert replies(service) == []
    mira.open_inbox(ended)
    expect(mira.pending).to_have_count(0)


def goes_on(service: Service, mira: Desk, ended: Conversation) -> None:
    expect(mira.page.locator(".inbox-bar")).to_contain_text("you answer")
    expect(mira.texts).to_have_text(["One thing more"])
    begun = service.conversation
    assert (begun.id != ended.id, begun.assignee_id, begun.identity_id) == (True, mira.user.id, ended.identity_id)
    assert str(begun.id) in mira.page.url


def test_a_reply_that_was_refused_holds_back_no_later_one(service: Service, desk: Open) -> None:
    mira = desk()
    mira.page.route("**/entries/**", lambda route: route.abort())
    mira.write("It arrives tomorrow.")
    service.visitor("Never mind!")
    mira.later()
    expect(mira.pending).to_contain_text("The person has written meanwhile")
    mira.page.unroute("**/entries/**")
    mira.later(4100)
    expect(mira.texts.last).to_have_text("Never mind!")
    mira.write("As you like.")
    mira.later()
    expect(mira.texts.last).to_have_text("As you like.")
    expect(mira.pending).to_have_count(1)
    assert replies(service) == ["As you like."]
    mira.press("Send anyway")
    expect(mira.pending).to_have_count(0)
    assert replies(service) == ["As you like.", "It arrives tomorrow."]


def test_a_reply_that_is_refused_behind_another_conversation_is_told_and_kept(service: Service, desk: Open) -> None:
    first = service.conversation
    service.visitor("Hello", id="visitor-2")
    second = service.conversation
    mira = desk()
    mira.open_inbox(first)
    mira.write("A long answer")
    mira.page.locator(f"#row-{second.id} a").click()
    expect(mira.texts).to_have_text(["Hello"])
    conversation_end(first.id)
    mira.later()
    expect(mira.page.locator("#inbox-toasts")).to_contain_text("was not sent, and is kept there")
    mira.open_inbox(first)
    expect(mira.pending).to_contain_text("A long answer")
    expect(mira.pending).to_contain_text("has ended")
    assert replies(service) == []
