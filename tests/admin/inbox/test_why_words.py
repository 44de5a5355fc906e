"""Why an answer is not what was wanted, in the words of staff (AI-10)."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.models import Message
from conversations.safety import WHY
from messaging.admin.inbox.why.page import told


@pytest.mark.parametrize(
    ("engine", "code", "words"),
    [
        ("builtin", "llm_denied", "The provider refuses the key. The built-in assistant stood in."),
        ("language_model", "answer_too_long", "The answer was longer than one may be, and ends where it was cut."),
        ("fallback", None, "The engine gave no answer."),
    ],
)
@pytest.mark.django_db
def test_who_stood_in_is_told_where_it_did(scope: Any, engine: str, code: str | None, words: str) -> None:
    why = {"degraded": code} if code else {}
    models = [{"model": "house/small", "outcome": "llm_denied"}, {"model": "house/large", "outcome": "stop"}]
    said = told(Message(text="x", analysis={"degraded": True, "engine": engine, WHY: {**why, "models": models}}))
    assert said["degraded"] == words
    assert [one["said"] for one in said["models"]] == ["The provider refuses the key.", "answered"]
