"""Two agents and two visitors in four browsers before PostgreSQL, Redis, web, worker and two ``ws`` (ADM-2, WEB-1)."""

from __future__ import annotations

from collections.abc import Iterator
from time import monotonic

import pytest
from playwright.sync_api import expect

from tests.journeys.desk.away import offline, transcript_is_the_databases, waiting_is_the_databases
from tests.journeys.desk.journey import asks_for_a_human, the_whole_way, typing_is_seen_both_ways
from tests.journeys.desk.people import COMES_MS, UNDO_MS, Agent, People
from tests.journeys.desk.place import Place, clustered

pytestmark = [pytest.mark.browser, pytest.mark.chaos]
AWAY_S = 60


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with clustered(tmp_path_factory.mktemp("cluster")) as made:
        yield made


def test_a_visitor_who_asks_for_a_human_gets_two(people: People, place: Place) -> None:
    the_whole_way(people, place)


def test_a_minute_without_a_network_hides_nothing_and_doubles_nothing(people: People, place: Place) -> None:
    """Mira and Ana are cut off while Leo writes 30 messages and the admin answers, labels and closes Ana's."""
    mira, admin, ana, leo = people.all
    both_wait(people)
    leos = opened(mira, "Leo is here")
    anas = opened(admin, "Ana is here")
    with offline(mira), offline(ana):
        end = monotonic() + AWAY_S
        admin.press("Take it")
        expect(admin.stands).to_contain_text("you answer", timeout=COMES_MS)
        for number in range(30):
            leo.write(f"Leo's message {number + 1}")
            expect(leo.texts.last).to_contain_text(f"message {number + 1}")
        for number in range(3):
            admin.send(f"Reply {number + 1}")
            admin.sees_last(f"Reply {number + 1}")
        admin.label("broken")
        admin.close()
        admin.page.wait_for_timeout(max(end - monotonic(), 0) * 1000)
    mira.wait_live()
    transcript_is_the_databases(mira, place, leos)
    transcript_is_the_databases(ana, place, anas)
    expect(ana.rating).to_be_visible(timeout=COMES_MS)
    waiting_is_the_databases(mira, place)
    mira.turn_to("Closed")
    expect(mira.page.locator(f"#row-{anas} .inbox-label")).to_have_text("broken", timeout=COMES_MS)
    assert len(place.transcript(leos)) == len(set(place.transcript(leos)))


def test_of_two_replies_at_the_same_instant_one_is_kept_as_a_draft(people: People, place: Place) -> None:
    mira, admin, _, leo = people.all
    both_wait(people)
    for agent in (mira, admin):
        leos = opened(agent, "Leo is here")
        agent.hold(f"{agent.name} answers")
    for agent in (mira, admin):
        agent.page.clock.fast_forward(UNDO_MS)
    expect(leo.transcript.filter(has_text="answers")).to_have_count(1, timeout=COMES_MS)
    (said,) = (text for role, text in place.transcript(leos) if role == "agent")
    late = {"Mira Holt answers": admin, "admin answers": mira}[said]
    expect(late.pending).to_contain_text("colleague", timeout=COMES_MS)
    expect(late.pending).to_contain_text(f"{late.name} answers")
    assert [text for role, text in place.transcript(leos) if role == "agent"] == [said]
    for one in (mira, admin, leo):
        transcript_is_the_databases(one, place, leos)


def test_a_process_of_sockets_that_is_killed_takes_nothing_with_it(people: People, place: Place) -> None:
    """Mira and Ana have their sockets there; the ingress then leads them to the other."""
    mira, _, ana, _ = people.all
    both_wait(people)
    anas = opened(mira, "Ana is here")
    mira.send("Before it died")
    ana.sees_last("Before it died")
    place.processes[0].kill()
    ana.write("Is this line dead?")
    mira.send("While it was dead")
    mira.sees_last("While it was dead")
    mira.door.ws = ana.door.ws = place.ws[1]
    mira.sees_last("Is this line dead?")
    mira.wait_live()
    typing_is_seen_both_ways(mira, ana)
    for one in (mira, ana):
        transcript_is_the_databases(one, place, anas)
    assert [text for _, text in place.transcript(anas)].count("Is this line dead?") == 1
    place.processes[0].start()


def both_wait(people: People) -> None:
    """Ana and Leo wait, and both agents see them."""
    asks_for_a_human(people.ana, "Ana is here")
    asks_for_a_human(people.leo, "Leo is here")
    for agent in (people.mira, people.admin):
        agent.sign_in()
        agent.turn_to("Waiting")
        expect(agent.rows).to_have_count(2, timeout=COMES_MS)


def opened(agent: Agent, words: str) -> str:
    """The conversation that begins with these words is open; its id."""
    rows = {"Ana is here": agent.rows.first, "Leo is here": agent.rows.last}  # the longest wait is the first
    rows[words].locator("a").click()
    expect(agent.entries.first).to_contain_text(words, timeout=COMES_MS)
    return agent.conversation
