"""An engine's own second best is told as such, and why (AI-5, EVT-3)."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.port import EngineReply
from channels_app.content.types import text
from conversations.models import Event, Message
from messaging.accept import accept
from messaging.models import Turn
from messaging.respond import respond
from messaging.turns import thinking
from tenants.storage.db import now

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("why", [{}, {"degraded": "llm_denied"}, {"degraded": "x" * 500}])
def test_the_event_says_why(scope: Any, whatsapp: Any, said: Any, monkeypatch: pytest.MonkeyPatch, why: Any) -> None:
    class Second:
        name = "second"

        def respond(self, request: Any) -> EngineReply:
            return EngineReply(contents=(text("Perhaps."),), context={}, engine="second", why=why)

    monkeypatch.setattr(thinking, "engine_for", lambda settings: Second())
    accept(whatsapp, said("hello", id="wamid.IN1"))
    Turn.objects.update(due_at=now())
    respond(Turn.objects.get().id)
    told = Event.objects.get(type="chat.message.processed").payload
    assert (told["degraded"], told.get("reason")) == (bool(why), why.get("degraded", "")[:60] or None)
    assert Message.objects.get(role="bot").analysis["degraded"] is bool(why)
