"""A worker that has lost its turn writes nothing of what it thought (PIPE-1, PIPE-2)."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.port import EngineReply
from channels_app.content.types import text
from conversations.models import Conversation, Event, Message, Note
from messaging.accept import accept
from messaging.arrivals.entrance import Entrance
from messaging.models import Turn
from messaging.respond import respond
from messaging.turns import thinking
from tenants.storage.db import new_id, now

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize(
    "taken", [{"claim": new_id()}, {"status": "void", "outcome": "stopped"}], ids=["by another", "by none"]
)
@pytest.mark.parametrize("contents", [(), (text("an answer"),)], ids=["silent", "said"])
@pytest.mark.parametrize("hints", [{}, {"require_human_review": True}], ids=["at once", "reviewed"])
def test_what_it_thought_is_undone(scope, web, said, monkeypatch, taken: Any, contents: Any, hints: Any) -> None:
    accept(web, said("hello"), Entrance(client_message_id="c1", hints=hints))
    Turn.objects.update(due_at=now())
    reply = EngineReply(contents=contents, context={}, intent="", confidence=1.0, engine="late")

    class Late:
        def respond(self, request: Any) -> EngineReply:
            Turn.objects.update(**taken)  # another worker took over, or the person stopped us
            return reply

    monkeypatch.setattr(thinking, "engine_for", lambda _: Late())
    before = (Conversation.objects.get().event_seq, Message.objects.count())
    turn = respond(Turn.objects.get().id)
    assert (Conversation.objects.get().event_seq, Message.objects.count()) == before
    assert not Note.objects.exists()
    assert not Event.objects.filter(type="chat.message.processed").exists()
    assert Conversation.objects.get().control_owner == "bot"
    assert turn.status == Turn.objects.get().status != "answered"
