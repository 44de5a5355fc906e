"""A transaction that lost the race begins anew (MongoDB), and nothing of the first try is left."""

from __future__ import annotations

from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import DatabaseError

from assistant.port import EngineReply
from channels_app.content.types import text
from conversations.models import Event, Message
from messaging.accept import accept
from messaging.models import Delivery, Turn
from messaging.respond import respond
from messaging.rules.control import take_over
from messaging.turns import settling, thinking
from tenants.storage import db

pytestmark = pytest.mark.django_db(transaction=True)


class Engine:
    name = "test"

    def respond(self, request: Any) -> EngineReply:
        return EngineReply(contents=(text("answer"),), context={}, intent="", confidence=1.0, engine="test")


@pytest.fixture
def late(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``late(then)``: the first answer is written but loses the race; ``then()`` is what the winner did."""

    def arrange(then: Any) -> None:
        close = settling.turn_close
        tries: list[Any] = []

        def first_fails(*arguments: Any, **options: Any) -> Turn:
            tries.append(arguments)
            closed = close(*arguments, **options)
            refusal = [DatabaseError("write conflict")][len(tries) - 1 :]
            for error in refusal:
                raise error
            return closed

        monkeypatch.setattr(thinking, "engine_for", lambda settings: Engine())
        monkeypatch.setattr(settling, "turn_close", first_fails)
        monkeypatch.setattr(db, "_write_conflict", lambda error: True)
        monkeypatch.setattr(db, "time", SimpleNamespace(monotonic=count().__next__, sleep=lambda seconds: then()))

    return arrange


def test_the_reply_is_written_once(scope, whatsapp, said, late) -> None:
    stored = accept(whatsapp, said("hello", id="wamid.1"))
    turn = Turn.objects.get()
    Turn.objects.update(due_at=db.now())
    late(lambda: None)
    assert respond(turn.id).status == Turn.Status.ANSWERED
    replies = Message.objects.filter(conversation=stored.conversation, role="bot")
    assert [reply.seq for reply in replies] == [2]
    assert Turn.objects.get().reply_id == replies[0].id
    assert Delivery.objects.count() == 1
    numbers = sorted(Event.objects.filter(seq__gt=0).values_list("seq", flat=True))
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_human_who_came_first_is_in_control(scope, whatsapp, said, late) -> None:
    stored = accept(whatsapp, said("hello", id="wamid.1"))
    turn = Turn.objects.get()
    Turn.objects.update(due_at=db.now())
    late(lambda: take_over(stored.conversation.id, None))
    respond(turn.id)
    turn.refresh_from_db()
    assert (turn.status, turn.reply_id) == (Turn.Status.VOID, None)
    assert not Message.objects.filter(role="bot").exists()
    assert not Delivery.objects.exists()
