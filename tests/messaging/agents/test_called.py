"""A colleague who is named, or is given a conversation, is called in their windows, once; no one else is."""

from __future__ import annotations

from typing import Any

import pytest

from messaging.agents.assign import assign_to_person
from messaging.agents.notes import note_write
from messaging.live.staff import bell

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def called(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    found: list[tuple[str, list[str]]] = []

    def tell(tenant_id: Any, frame: dict[str, Any]) -> None:
        found.extend((frame[name], frame["to"]) for name in ("kind",) if frame["t"] == "alert")

    monkeypatch.setattr(bell, "tell", tell)
    return found


def test_who_is_named_in_a_note_is_called_and_its_author_is_not(queued, ana, ben, called) -> None:
    note_write(queued().id, ana, "@ben can you look at it? @ana has")
    assert called == [("mention", [str(ben.id)])]


def test_who_is_given_a_conversation_is_called_once(queued, ben, called) -> None:
    conversation = queued()
    assign_to_person(conversation.id, ben)
    assign_to_person(conversation.id, ben)
    assert called == [("assigned", [str(ben.id)])]
