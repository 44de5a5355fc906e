"""People who are cut off for a while, and what they see afterwards: what the database holds, and nothing twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import expect

from tests.journeys.desk.people import COMES_MS, Agent, Visitor
from tests.journeys.desk.place import Place


@contextmanager
def offline(one: Agent | Visitor) -> Iterator[None]:
    """The browser is told that it has no network, and its connections, which that leaves alone, end."""
    one.context.set_offline(True)
    one.door.cut()
    yield
    one.door.open()
    one.context.set_offline(False)


def transcript_is_the_databases(one: Agent | Visitor, place: Place, conversation: str) -> None:
    # what has no words, as a place on the map, is shown all the same; of an empty pattern Playwright makes none
    held = [re.compile(re.escape(text) or ".") for _, text in place.transcript(conversation)]
    expect(one.transcript).to_have_text(held, timeout=COMES_MS)


def waiting_is_the_databases(agent: Agent, place: Place) -> None:
    held = place.waiting()
    expect(agent.rows).to_have_count(len(held), timeout=COMES_MS)
    assert [row.get_attribute("data-id") for row in agent.rows.all()] == held
