"""Four messages that say yes at the same moment, each answered by a thread with a connection of its own: one call (AI-7)."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from assistant.tools import toolbox
from assistant.tools.calling import Outcome
from tests.assistant.language.conftest import Person
from tests.messaging.journey.test_journey import in_threads

pytestmark = pytest.mark.django_db(transaction=True)
ORDER = 'my alder tent, the guy lines CALL cancel_order {"order": "AC-1"}'
TOGETHER = 4


def test_each_of_them_hears_what_came_of_the_one_call(person, tool, tenant, model, monkeypatch) -> None:
    tool("cancel_order", changes=True)
    asked = person()
    asked.says(ORDER)
    model.otherwise = "It is cancelled."
    calls: list[Any] = []
    waiting = threading.Event()

    def called(*given: Any) -> Outcome:
        calls.append(given)
        assert waiting.wait(10)  # the others have found the claim by then
        return Outcome("ok", "AC-1 is cancelled")

    monkeypatch.setattr(toolbox, "http_called", called)
    monkeypatch.setattr("assistant.tools.agreed.time.sleep", lambda _seconds: waiting.set())
    replies: list[Any] = []

    def says(_number: int) -> None:
        beside = Person(tenant, asked.engine, [])
        beside.context = dict(asked.context)
        replies.append(beside.says("yes"))

    in_threads(tenant, says, TOGETHER)
    assert len(calls) == 1
    assert [(reply.contents[0].text, reply.handover) for reply in replies] == [("It is cancelled.", False)] * TOGETHER
    assert {reply.why["tools"][0]["outcome"] for reply in replies} == {"ok"}
