"""A turn that nothing answered leaves a note of its last message (AI-7)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from assistant.models import Unanswered
from assistant.port import EngineReply
from channels_app.content.types import text
from conversations.models import Message
from messaging.accept import accept
from messaging.arrivals.entrance import Entrance
from messaging.models import Turn
from messaging.respond import respond
from messaging.turns import thinking
from tenants.storage.db import new_id, now

pytestmark = pytest.mark.django_db(transaction=True)


def answered(web: Any, said: Any, monkeypatch: pytest.MonkeyPatch, *, unanswered: bool, lost: bool = False) -> None:
    accept(web, said("do you lend ladders"), Entrance(client_message_id="c1"))
    Turn.objects.update(due_at=now())

    class Engine:
        def respond(self, request: Any) -> EngineReply:
            if lost:
                Turn.objects.update(claim=new_id())
            return EngineReply(contents=(text("I do not know."),), unanswered=unanswered, engine="test")

    monkeypatch.setattr(thinking, "engine_for", lambda _: Engine())
    respond(Turn.objects.get().id)


@pytest.mark.parametrize("unanswered", [True, False])
def test_the_note_names_the_message(scope, web, said, monkeypatch, unanswered: bool) -> None:
    answered(web, said, monkeypatch, unanswered=unanswered)
    asked = Message.objects.get(role="visitor")
    noted = list(Unanswered.objects.values_list("message_id", "conversation_id"))
    assert noted == ([(asked.id, asked.conversation_id)] if unanswered else [])


def test_none_of_these_leaves_a_note_of_what_was_asked_before(scope, web, said, monkeypatch) -> None:
    """Who says no to "did you mean …?" has had no answer to their question."""
    answered(web, said, monkeypatch, unanswered=False)
    accept(web, said("none of these"), Entrance(client_message_id="c2"))
    Turn.objects.update(due_at=now())
    reply = EngineReply(contents=(text("Then try other words."),), unanswered=True, intent="no", engine="test")
    monkeypatch.setattr(thinking, "engine_for", lambda _: SimpleNamespace(respond=lambda _: reply))
    respond(Turn.objects.latest("id").id)
    asked, _ = Message.objects.filter(role="visitor").order_by("seq")
    assert list(Unanswered.objects.values_list("message_id", flat=True)) == [asked.id]


def test_an_answer_that_does_not_count_leaves_none(scope, web, said, monkeypatch) -> None:
    answered(web, said, monkeypatch, unanswered=True, lost=True)
    assert not Unanswered.objects.exists()
