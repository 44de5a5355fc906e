"""The reply box and what was said meanwhile, by the person or a colleague (ADM-2)."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from messaging.rules.agent_replies import agent_reply
from tests.journeys.console.conftest import Open, replies
from tests.journeys.service import Service, said

pytestmark = [pytest.mark.browser, pytest.mark.usefixtures("asked")]


def test_an_answer_typed_before_the_last_message_says_so_before_it_goes(service: Service, desk: Open) -> None:
    mira = desk()
    mira.reply.fill("It arrives tomorrow.")
    service.visitor("Never mind, I want my money back")
    mira.later(4100)
    expect(mira.texts.last).to_have_text("Never mind, I want my money back")
    mira.reply.press("Control+Enter")
    expect(mira.warning).to_contain_text("wrote while you were writing: “Never mind, I want my money back”")
    expect(mira.pending).to_have_count(0)
    mira.press("Send anyway")
    mira.later()
    expect(mira.texts.last).to_have_text("It arrives tomorrow.")
    assert replies(service) == ["It arrives tomorrow."]


def test_a_message_that_comes_while_the_reply_is_held_stops_it(service: Service, desk: Open) -> None:
    mira = desk()
    mira.reply.fill("It arrives tomorrow.")
    mira.later(3900)
    mira.reply.press("Control+Enter")
    service.visitor("Never mind!")
    mira.later(200)  # the page looks now
    expect(mira.warning).to_contain_text("“Never mind!”")
    expect(mira.reply).to_have_value("It arrives tomorrow.")
    mira.later()
    assert replies(service) == []


def test_a_draft_of_yesterday_knows_what_it_was_an_answer_to(service: Service, desk: Open) -> None:
    mira = desk()
    mira.reply.fill("It arrives tomorrow.")
    service.visitor("Never mind!")
    mira.page.reload()
    expect(mira.reply).to_have_value("It arrives tomorrow.")
    mira.reply.press("Control+Enter")
    expect(mira.warning).to_contain_text("“Never mind!”")


def test_what_the_page_has_not_seen_yet_is_refused_and_told(service: Service, desk: Open) -> None:
    mira = desk()
    mira.page.route("**/entries/**", lambda route: route.abort())
    mira.write("It arrives tomorrow.")
    service.visitor("Never mind!")
    mira.later()
    expect(mira.pending).to_contain_text("The person has written meanwhile")
    assert replies(service) == []
    mira.page.unroute("**/entries/**")
    mira.later(4100)
    expect(mira.texts.last).to_have_text("Never mind!")
    mira.press("Send anyway")
    expect(mira.pending).to_have_count(0)
    assert replies(service) == ["It arrives tomorrow."]


def test_a_colleague_who_answered_meanwhile_is_seen(service: Service, desk: Open) -> None:
    mira = desk()
    mira.reply.fill("Hello!")
    agent_reply(service.conversation.id, service.agent("Ben"), said("Ben here."))
    mira.later(4100)
    expect(mira.texts.last).to_have_text("Ben here.")
    mira.reply.press("Control+Enter")
    expect(mira.warning).to_contain_text("A colleague wrote while you were writing: “Ben here.”")
