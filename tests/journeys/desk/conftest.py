"""The people before a place that the module says: ``serve`` or the cluster."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser

from tests.journeys.desk.door import Door
from tests.journeys.desk.people import People, gathered
from tests.journeys.desk.place import Place


@pytest.fixture
def people(browser: Browser, place: Place) -> Iterator[People]:
    """The admin and Leo have their sockets at another process than Mira and Ana, where there are two."""
    with ExitStack() as doors:
        made = gathered(
            browser, [doors.enter_context(Door(place.web, place.ws[n % 2])) for n in range(4)], place.access
        )
        yield made
        for one in made.all:
            one.context.close()
    place.end_all()
