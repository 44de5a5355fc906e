"""A conversation on the web chat and one on WhatsApp that the bot has, and keys of both tenants."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.port import EngineReply
from channels_app.content.types import text
from conversations.models import Conversation
from messaging.accept import accept
from messaging.turns import thinking


class Engine:
    """Answers with ``says``, after it has done ``first`` (asked of the request)."""

    name = "test"

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.first: list[Any] = []

    def respond(self, request: Any) -> EngineReply:
        self.asked.append(request)
        for act in self.first:
            act(request)
        return EngineReply(contents=(text("the answer"),), context={}, engine="test")


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine()
    monkeypatch.setattr(thinking, "engine_for", lambda settings: made)
    return made


@pytest.fixture
def talk(scope: Any, whatsapp: Any, said: Any) -> Conversation:
    return accept(whatsapp, said("hello", id="wamid.IN1")).conversation
