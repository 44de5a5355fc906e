"""What happens between a visitor who asks for a human and the figures of the day, told once for every place."""

from __future__ import annotations

import re
from base64 import b64decode

from playwright.sync_api import FilePayload, expect

from tests.journeys.desk.people import COMES_MS, Agent, People, Visitor
from tests.journeys.desk.place import Place

ASKS = "I want to talk to a human"
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAgAAAAICAAAAADhZOFXAAAADklEQVR4nGNogAIGyhgAgIQgAQ2AJGEAAAAASUVORK5CYII="
PICTURE: FilePayload = {"name": "lamp.png", "mimeType": "image/png", "buffer": b64decode(PNG)}


def the_whole_way(people: People, place: Place) -> None:
    """Two agents and two visitors from the first word to the figures."""
    mira, admin, ana, leo = people.mira, people.admin, people.ana, people.leo
    mira.sign_in()
    admin.sign_in()
    asks_for_a_human(ana, "Ana's lamp is broken")
    asks_for_a_human(leo, "Leo's parcel is late")
    both_are_called(mira, admin)
    mira_answers_ana(mira, ana)
    admin_sees_who_has_it(admin)
    typing_is_seen_both_ways(mira, ana)
    files_go_both_ways(mira, ana)
    mira_hands_over_with_a_note(mira, admin)
    admin_goes_on(admin, ana)
    ana_says_how_it_was(admin, ana)
    expect(leo.texts.filter(has_text="Ana")).to_have_count(0)
    assert [len(agent.loads) for agent in (mira, admin)] == [1, 1]
    the_day_has_figures(admin)
    the_database_holds_it_once(place, mira.conversation)
    assert people.troubles == []


def asks_for_a_human(visitor: Visitor, words: str) -> None:
    visitor.arrive()
    visitor.write(words)
    expect(visitor.texts.filter(has_text=words)).to_have_count(1)
    visitor.write(ASKS)
    expect(visitor.texts.filter(has_text=ASKS)).to_have_count(1)


def both_are_called(*agents: Agent) -> None:
    for agent in agents:
        agent.turn_to("Waiting")
        expect(agent.rows).to_have_count(2, timeout=COMES_MS)
        expect(agent.page).to_have_title(re.compile(r"^\(2\) Inbox"))


def mira_answers_ana(mira: Agent, ana: Visitor) -> None:
    mira.rows.first.locator("a").click()
    expect(mira.entries.first).to_contain_text("Ana's lamp is broken")
    mira.press("Take it")
    expect(mira.stands).to_contain_text("you answer", timeout=COMES_MS)
    mira.send("Hello Ana, Mira here")
    ana.sees_last("Hello Ana, Mira here")
    mira.sees_last("Hello Ana, Mira here")


def admin_sees_who_has_it(admin: Agent) -> None:
    expect(admin.rows).to_have_count(1, timeout=COMES_MS)
    admin.turn_to("With colleagues")
    expect(admin.rows.locator(".inbox-owner")).to_have_attribute("title", re.compile("^Mira"), timeout=COMES_MS)


def typing_is_seen_both_ways(mira: Agent, ana: Visitor) -> None:
    ana.input.press_sequentially("It was")
    expect(mira.page.locator(".chat-typing")).to_be_visible(timeout=COMES_MS)
    # Who writes is shown at most every three seconds, and the end of what a killed process had shown was not told.
    mira.reply.press_sequentially("Was it the wind that broke it?", delay=150)
    expect(ana.typing).to_be_visible(timeout=COMES_MS)
    ana.write("It was new")
    mira.sees_last("It was new")
    mira.reply.fill("")


def files_go_both_ways(mira: Agent, ana: Visitor) -> None:
    ana.panel.locator("input[type=file]").set_input_files([PICTURE])
    expect(mira.entries.last.locator("img")).to_have_count(1, timeout=COMES_MS)
    mira.page.locator("[data-file]").set_input_files([PICTURE])
    expect(mira.page.locator(".composer-file img")).to_be_visible(timeout=COMES_MS)
    mira.send("Thank you, and here is mine")
    expect(ana.texts.filter(has_text="Thank you, and here is mine")).to_have_count(1, timeout=COMES_MS)
    expect(ana.log.locator("img")).to_have_count(2, timeout=COMES_MS)


def mira_hands_over_with_a_note(mira: Agent, admin: Agent) -> None:
    mira.note("Please send a new lamp", admin.name)
    expect(mira.page.locator(".chat-note").last).to_contain_text("Please send a new lamp", timeout=COMES_MS)
    mira.assign(admin.name)
    expect(mira.stands).to_contain_text(f"{admin.name} answers", timeout=COMES_MS)


def admin_goes_on(admin: Agent, ana: Visitor) -> None:
    admin.turn_to("Mine")
    expect(admin.rows).to_have_count(1, timeout=COMES_MS)
    admin.rows.locator("a").click()
    expect(admin.stands).to_contain_text("you answer", timeout=COMES_MS)
    expect(admin.page.locator(".chat-note").last).to_contain_text("Please send a new lamp @admin")
    admin.send("The admin here: a new lamp is on its way")
    ana.sees_last("The admin here: a new lamp is on its way")


def ana_says_how_it_was(admin: Agent, ana: Visitor) -> None:
    admin.close()
    admin.turn_to("Closed")
    expect(admin.rows).to_have_count(1, timeout=COMES_MS)
    ana.rating.wait_for(timeout=COMES_MS)
    ana.page.locator("[for=desk-star-5]").click()
    ana.rating_send.click()
    expect(ana.panel.locator(".thanks")).to_be_visible()


def the_day_has_figures(admin: Agent) -> None:
    """The dashboard of the first page; figures come within seconds of what they count."""
    for title, value in {"Handed to a colleague": "2", "Satisfaction": "5.0"}.items():
        tile = admin.page.locator(".dash-tile", has=admin.page.get_by_text(title, exact=True)).locator("b")
        for _ in range(20):
            admin.page.goto(f"{admin.service}/admin/")
            if tile.count() and tile.inner_text() == value:
                break
            admin.page.wait_for_timeout(500)
        expect(tile).to_have_text(value)


def the_database_holds_it_once(place: Place, conversation: str) -> None:
    assert [text for role, text in place.transcript(conversation) if role == "agent"] == [
        "Hello Ana, Mira here",
        "Thank you, and here is mine",
        "The admin here: a new lamp is on its way",
    ]
    rated = "SELECT satisfaction FROM conversations_conversation WHERE satisfaction IS NOT NULL"
    assert place.ledger.rows(rated) == [(5,)]
