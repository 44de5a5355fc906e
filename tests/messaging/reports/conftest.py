"""Frames that widgets get, and an engine that can be interrupted."""

from __future__ import annotations

from typing import Any

import pytest

from assistant.port import EngineReply
from channels_app.content.types import text
from messaging.turns import thinking


@pytest.fixture
def frames(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What visitors' widgets were shown."""
    from messaging.live.hub import hub

    shown: list[dict[str, Any]] = []
    monkeypatch.setattr(hub, "heard", lambda group: group.startswith("conversation."))
    monkeypatch.setattr(hub, "push", lambda group, frame: shown.append(frame) if group.startswith("conv") else None)
    return shown


class Engine:
    """Answers with a word, after ``before``; ``asked`` is what it was asked."""

    def __init__(self) -> None:
        self.before, self.asked = lambda: None, []

    def respond(self, request: Any) -> EngineReply:
        self.asked.append([content.text for content in request.contents])
        before, self.before = self.before, lambda: None
        before()
        return EngineReply(
            contents=(text("answer"),), context=dict(request.context), intent="t", confidence=1.0, engine="test"
        )


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine()
    monkeypatch.setattr(thinking, "engine_for", lambda settings: made)
    return made
