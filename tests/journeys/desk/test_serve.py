"""Two agents and two visitors in four browsers before ``serve``, on SQLite (ADM-2, WEB-1)."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.journeys.desk.journey import the_whole_way
from tests.journeys.desk.people import People
from tests.journeys.desk.place import Place, served

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with served(tmp_path_factory.mktemp("serve")) as made:
        yield made


def test_a_visitor_who_asks_for_a_human_gets_two(people: People, place: Place) -> None:
    the_whole_way(people, place)
