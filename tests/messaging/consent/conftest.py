"""The platform that takes everything, and the engine that answers everything."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.port import EngineReply
from channels_app.adapters.whatsapp import WhatsApp
from channels_app.content.types import text
from channels_app.contract import SendResult
from messaging.turns import thinking


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What the platform was given; it takes everything."""
    bodies: list[str] = []

    def send(self: Any, payload: Any, config: Any, http: Any) -> SendResult:
        bodies.append(payload.json["text"]["body"])
        return SendResult(f"wamid.OUT{len(bodies)}")

    monkeypatch.setattr(WhatsApp, "send", send)
    return bodies


@pytest.fixture(autouse=True)
def engine(monkeypatch: pytest.MonkeyPatch) -> Any:
    class Engine:
        def __init__(self) -> None:
            self.before, self.asked = lambda: None, []

        def respond(self, request: Any) -> EngineReply:
            self.asked.append([content.text for content in request.contents])
            before, self.before = self.before, lambda: None
            before()
            return EngineReply(
                contents=(text("answer"),), context=dict(request.context), intent="t", confidence=1.0, engine="test"
            )

    made = Engine()
    monkeypatch.setattr(thinking, "engine_for", lambda settings: made)
    return made
